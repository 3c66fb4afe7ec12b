/** Error numbers of the name calls; a C program that makes the same calls on ext4 of Linux 6.18 printed the same ones. */
import * as fs from "node:fs";
import { expect, test } from "vitest";
import { EACCES, EBUSY, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EPERM } from "../../src/abi/errno.ts";
import { O_RDONLY, RENAME_EXCHANGE, RENAME_NOREPLACE } from "../../src/abi/fcntl.ts";
import { link, mkdir, readlink, rename, rmdir, symlink, unlink } from "../../src/vfs/names.ts";
import { makeVfs, opened, readText } from "./support.ts";

function setup() {
  const made = makeVfs({ f: "file", d: { dir: {} }, full: { dir: { g: "g" } }, s: { link: "f" } });
  const names = (path: string) => {
    const listing = opened(made.vfs.open(made.root, path, O_RDONLY)).readdir();
    return (listing as readonly { name: string }[]).map((entry) => entry.name).filter((name) => !name.startsWith("."));
  };
  return { ...made, names };
}

test("mkdir", () => {
  const { vfs, root, outside } = setup();
  expect(mkdir(vfs, root, "/new/", 0o777)).toBe(0);
  const made = vfs.walk(root, "/new");
  expect(typeof made === "number" ? made : made.inode.mode).toBe(0o040755);
  for (const path of ["/f", "/d", "/", "/d/."]) expect(mkdir(vfs, root, path, 0)).toBe(-EEXIST);
  expect(mkdir(vfs, root, "/f/x", 0)).toBe(-ENOTDIR);
  expect(mkdir(vfs, root, "/none/x", 0)).toBe(-ENOENT);
  expect(fs.existsSync(`${outside}/sysroot/new`)).toBe(false);
});

test("rmdir", () => {
  const { vfs, root, names } = setup();
  expect(rmdir(root, "/f")).toBe(-ENOTDIR);
  expect(rmdir(root, "/full")).toBe(-ENOTEMPTY);
  expect(rmdir(root, "/d/.")).toBe(-EINVAL);
  expect(rmdir(root, "/d/..")).toBe(-ENOTEMPTY);
  expect(rmdir(root, "/")).toBe(-EBUSY);
  expect(rmdir(root, "/dev")).toBe(-EBUSY);
  expect(rmdir(root, "/d")).toBe(0);
  expect(vfs.walk(root, "/d")).toBe(-ENOENT);
  expect(names("/").sort()).toEqual(["dev", "f", "full", "s"]);
});

test("unlink hides a host file and leaves it on the host", () => {
  const { vfs, root, names, outside } = setup();
  const file = opened(vfs.open(root, "/f", O_RDONLY));
  expect(unlink(root, "/f/")).toBe(-ENOTDIR);
  expect(unlink(root, "/d")).toBe(-EISDIR);
  expect(unlink(root, "/f")).toBe(0);
  expect(unlink(root, "/f")).toBe(-ENOENT);
  expect(names("/")).not.toContain("f");
  expect(readText(file)).toBe("file");
  expect(file.dentry.displayPath()).toBe("/f (deleted)");
  expect(fs.existsSync(`${outside}/sysroot/f`)).toBe(true);
});

test("symlink and readlink", () => {
  const { vfs, root } = setup();
  expect(symlink(vfs, root, "", "/q")).toBe(-ENOENT);
  expect(symlink(vfs, root, "t", "/s")).toBe(-EEXIST);
  expect(symlink(vfs, root, "t", "/q/")).toBe(-ENOENT);
  expect(symlink(vfs, root, "full/g", "/q")).toBe(0);
  expect(readlink(root, "/q")).toBe("full/g");
  expect(readText(opened(vfs.open(root, "/q", O_RDONLY)))).toBe("g");
  expect(readlink(root, "/f")).toBe(-EINVAL);
});

test("link", () => {
  const { vfs, root } = setup();
  const from = vfs.walk(root, "/f");
  const directory = vfs.walk(root, "/d");
  if (typeof from === "number" || typeof directory === "number") throw new Error("setup");
  expect(link(vfs, root, from, "/h")).toBe(0);
  expect(from.inode.nlink).toBe(2);
  expect(link(vfs, root, from, "/h")).toBe(-EEXIST);
  expect(link(vfs, root, directory, "/hd")).toBe(-EPERM);
  expect(unlink(root, "/f")).toBe(0);
  expect(readText(opened(vfs.open(root, "/h", O_RDONLY)))).toBe("file");
});

test("rename", () => {
  const { vfs, root } = setup();
  const move = (from: string, to: string, flags = 0) => rename(vfs, root, from, to, flags);
  expect(move("/f", "/d")).toBe(-EISDIR);
  expect(move("/d", "/f")).toBe(-ENOTDIR);
  expect(move("/d", "/full")).toBe(-ENOTEMPTY);
  expect(move("/d", "/d/x")).toBe(-EINVAL);
  expect(move("/d/.", "/x")).toBe(-EBUSY);
  expect(move("/none", "/x")).toBe(-ENOENT);
  expect(move("/f", "/none/")).toBe(-ENOTDIR);
  expect(move("/f", "/f")).toBe(0);
  expect(move("/f", "/s", RENAME_NOREPLACE)).toBe(-EEXIST);
  expect(move("/f", "/zz", RENAME_EXCHANGE)).toBe(-ENOENT);
  expect(move("/dev", "/x")).toBe(-EBUSY);
  const file = opened(vfs.open(root, "/f", O_RDONLY));
  expect(move("/f", "/full/g")).toBe(0);
  expect(file.dentry.path()).toBe("/full/g");
  expect(move("/full", "/d")).toBe(0);
  expect(file.dentry.path()).toBe("/d/g");
});

test("RENAME_EXCHANGE swaps two names", () => {
  const { vfs, root } = setup();
  expect(rename(vfs, root, "/f", "/full/g", RENAME_EXCHANGE)).toBe(0);
  expect(readText(opened(vfs.open(root, "/f", O_RDONLY)))).toBe("g");
  expect(readText(opened(vfs.open(root, "/full/g", O_RDONLY)))).toBe("file");
});

test("users need write permission, and in sticky directories ownership", () => {
  const { root, user, outside, vfs } = setup();
  fs.chmodSync(`${outside}/sysroot`, 0o755);
  expect(unlink(user(4711), "/f")).toBe(-EACCES);
  const top = vfs.walk(root, "/");
  if (typeof top !== "number") top.inode.mode |= 0o1777;
  expect(unlink(user(4711), "/f")).toBe(-EPERM);
  expect(mkdir(vfs, user(4711), "/own", 0o755)).toBe(0);
  expect(rmdir(user(4711), "/own")).toBe(0);
});
