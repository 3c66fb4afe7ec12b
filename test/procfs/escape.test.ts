/** The links of /proc lead to what a process already holds, never past the sysroot. */
import * as fs from "node:fs";
import { expect, test } from "vitest";
import { ENOENT } from "../../src/abi/errno.ts";
import { AT_FDCWD, O_PATH } from "../../src/abi/fcntl.ts";
import { chdir, readlink } from "../../syscalls/directory.ts";
import { openat, read } from "../../syscalls/file.ts";
import { guestTask } from "../support/guest-task.ts";

function setup() {
  const guest = guestTask({
    d: { dir: { f: "inside" } },
    "to-root": { link: "/proc/self/root/.." },
    "to-cwd": { link: "/proc/self/cwd/../../.." },
  });
  fs.writeFileSync(`${guest.outside}/secret`, "no");
  const open = (path: string) => guest.call(openat, AT_FDCWD, path, 0, 0);
  return { guest, open };
}

test.each([
  "/proc/self/root/../secret",
  "/proc/self/root/../../../../../secret",
  "/proc/self/cwd/../../secret",
  "/proc/1000/root/../secret",
  "/proc/self/task/1000/root/../secret",
  "/proc/thread-self/cwd/../secret",
  "/proc/self/exe/../secret",
  "/to-root/secret",
  "/to-cwd/secret",
])("%s is not there", (path) => {
  const { open, guest } = setup();
  expect(open(path)).toBeLessThan(0);
  expect(guest.call(openat, AT_FDCWD, path, O_PATH, 0)).toBeLessThan(0);
});

test("the host's own path of the secret means nothing inside", () => {
  const { open, guest } = setup();
  expect(open(`${guest.outside}/secret`)).toBe(-ENOENT);
  expect(open(`/proc/self/root${guest.outside}/secret`)).toBe(-ENOENT);
});

test("an open directory does not lead out", () => {
  const { open, guest } = setup();
  const fd = open("/d");
  for (const path of ["../../secret", "../../../../secret"]) {
    expect(guest.call(openat, fd, path, 0, 0)).toBe(-ENOENT);
    expect(open(`/proc/self/fd/${fd}/${path}`)).toBe(-ENOENT);
  }
  expect(open(`/proc/self/fd/${fd}/f`)).toBeGreaterThan(fd);
});

test("exe, cwd, root and fd/N name guest paths", () => {
  const { open, guest } = setup();
  const fd = open("/d/f");
  guest.call(chdir, "/d");
  const target = (path: string) => {
    const buffer = guest.buffer(256);
    return guest.text(buffer, guest.call(readlink, path, buffer, 256));
  };
  expect(target("/proc/self/exe")).toBe("/prog");
  expect(target("/proc/self/cwd")).toBe("/d");
  expect(target("/proc/self/root")).toBe("/");
  expect(target(`/proc/self/fd/${fd}`)).toBe("/d/f");
  expect(target("/proc/self")).toBe("1000");
});

test("a descriptor's link opens the file itself", () => {
  const { open, guest } = setup();
  const again = open(`/proc/self/fd/${open("/d/f")}`);
  const buffer = guest.buffer(16);
  expect(guest.text(buffer, guest.call(read, again, buffer, 16))).toBe("inside");
});
