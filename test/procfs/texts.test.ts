/** Formats of /proc texts; the expected shapes are those of Linux 6.18 (cat of the same files of a static program). */
import { expect, test } from "vitest";
import { AT_FDCWD } from "../../src/abi/fcntl.ts";
import { lseek, openat, read } from "../../syscalls/file.ts";
import { type GuestTask, guestTask } from "../support/guest-task.ts";

function cat(guest: GuestTask, path: string): string {
  const fd = guest.call(openat, AT_FDCWD, path, 0, 0);
  const buffer = guest.buffer(65536);
  let text = "";
  for (let count = 1; count > 0; text += guest.text(buffer, Math.max(0, count)))
    count = guest.call(read, fd, buffer, 65536);
  return text;
}

test("maps: names start in column 73, nameless lines end in a blank", () => {
  const lines = cat(guestTask(), "/proc/self/maps").trimEnd().split("\n");
  expect(lines[0]).toMatch(/^00400000-[0-9a-f]{8} r--p 00000000 [0-9a-f]{2,}:[0-9a-f]{2,} \d+ +\/prog$/);
  expect(lines[0].indexOf("/prog")).toBe(73);
  expect(lines.at(-1)).toBe(`${"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0".padEnd(73)}[vsyscall]`);
  expect(lines.some((line) => /00:00 0 $/.test(line))).toBe(true);
});

test("smaps has the keys of the generation, in order", () => {
  const text = cat(guestTask(), "/proc/self/smaps");
  const [first] = text.split(/(?<=VmFlags:.*\n)/);
  const keys = [...first.matchAll(/^([A-Za-z_]+): /gm)].map(([, key]) => key);
  expect(keys.slice(0, 6)).toEqual(["Size", "KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty"]);
  expect(keys.slice(-4)).toEqual(["SwapPss", "Locked", "THPeligible", "VmFlags"]);
  expect(first).toContain("KernelPageSize:        4 kB\n");
  expect(first).toContain("Private_Hugetlb:       0 kB\n");
});

test("status, stat and statm agree with each other", () => {
  const guest = guestTask();
  const size = Number(/VmSize:\t *(\d+) kB/.exec(cat(guest, "/proc/self/status"))?.[1]);
  const fields = cat(guest, "/proc/self/stat").trimEnd().split(" ");
  expect(fields.length).toBe(52);
  expect(fields.slice(0, 5)).toEqual(["1000", "(prog)", "R", "999", "1000"]);
  expect(Number(fields[22])).toBe(size * 1024);
  expect(cat(guest, "/proc/self/statm").split(" ")[0]).toBe(String(size / 4));
});

test("cmdline, environ, comm and auxv", () => {
  const guest = guestTask();
  expect(cat(guest, "/proc/self/cmdline")).toBe("prog\0arg\0");
  expect(cat(guest, "/proc/self/environ")).toBe("A=b\0C=d\0");
  expect(cat(guest, "/proc/1000/comm")).toBe("prog\n");
  expect(cat(guest, "/proc/self/auxv").length % 16).toBe(0);
});

test("a small read goes on where it stopped, and lseek starts anew", () => {
  const guest = guestTask();
  const whole = cat(guest, "/proc/self/limits");
  const fd = guest.call(openat, AT_FDCWD, "/proc/self/limits", 0, 0);
  const buffer = guest.buffer(10);
  guest.call(read, fd, buffer, 10);
  guest.call(read, fd, buffer, 10);
  expect(guest.text(buffer, 10)).toBe(whole.slice(10, 20));
  guest.call(lseek, fd, 4, 0);
  guest.call(read, fd, buffer, 10);
  expect(guest.text(buffer, 10)).toBe(whole.slice(4, 14));
});
