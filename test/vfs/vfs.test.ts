import * as fs from "node:fs";
import { expect, test } from "vitest";
import { EACCES, EEXIST, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from "../../src/abi/errno.ts";
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
  RESOLVE_BENEATH,
} from "../../src/abi/fcntl.ts";
import { makeVfs, opened, readText, writeText } from "./support.ts";

test("host files are read, directories are listed in full", () => {
  const { vfs, root } = makeVfs({ etc: { dir: { passwd: "root\n", group: "g" } } });
  expect(readText(opened(vfs.open(root, "/etc/passwd", O_RDONLY)))).toBe("root\n");
  const listing = opened(vfs.open(root, "/etc", O_RDONLY | O_DIRECTORY)).readdir();
  expect((listing as readonly { name: string }[]).map((entry) => entry.name).sort()).toEqual([
    ".",
    "..",
    "group",
    "passwd",
  ]);
});

test("attributes of host files are the host's own", () => {
  const { vfs, root, outside } = makeVfs({ a: "12345" });
  const host = fs.lstatSync(`${outside}/sysroot/a`);
  const { inode } = opened(vfs.open(root, "/a", O_RDONLY));
  const { dev, ino, size, mode, blocks, mtime } = inode.getattr();
  expect([dev, ino, size, mode, blocks]).toEqual([host.dev, host.ino, 5, host.mode, host.blocks]);
  expect(mtime.sec).toBe(Math.floor(host.mtimeMs / 1000));
});

test("nothing outside the sysroot can be reached", () => {
  const { vfs, root, outside } = makeVfs({
    abs: { link: "/secret" },
    rel: { link: "../../../../../../secret" },
    d: { dir: { up: { link: "../../secret" }, out: { link: "/.." } } },
  });
  fs.writeFileSync(`${outside}/secret`, "no");
  fs.symlinkSync(`${outside}/secret`, `${outside}/sysroot/direct`);
  for (const path of ["/../secret", "/abs", "/rel", "/d/up", "/d/out/secret", "/direct", `${outside}/secret`]) {
    expect(vfs.open(root, path, O_RDONLY), path).toBe(-ENOENT);
  }
});

test("absolute symlinks are resolved inside the sysroot", () => {
  const { vfs, root } = makeVfs({ lib: { link: "/usr/lib" }, usr: { dir: { lib: { dir: { "libc.so": "elf" } } } } });
  const file = opened(vfs.open(root, "/lib/libc.so", O_RDONLY));
  expect(file.dentry.path()).toBe("/usr/lib/libc.so");
});

test("path errors are the kernel's", () => {
  const { vfs, root } = makeVfs({ f: "x", d: { dir: {} }, loop: { link: "loop" }, l: { link: "f" } });
  expect(vfs.walk(root, "")).toBe(-ENOENT);
  expect(vfs.walk(root, "/f/")).toBe(-ENOTDIR);
  expect(vfs.walk(root, "/f/x")).toBe(-ENOTDIR);
  expect(vfs.walk(root, "/f/..")).toBe(-ENOTDIR);
  expect(vfs.walk(root, "/loop")).toBe(-ELOOP);
  expect(vfs.walk(root, `/${"n".repeat(256)}`)).toBe(-ENAMETOOLONG);
  expect(vfs.walk(root, `/${"n".repeat(4096)}`)).toBe(-ENAMETOOLONG);
  expect(vfs.open(root, "/l", O_RDONLY | O_NOFOLLOW)).toBe(-ELOOP);
  expect(vfs.open(root, "/f", O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR);
  expect(vfs.open(root, "/d", O_WRONLY)).toBe(-EISDIR);
  expect(vfs.open(root, "/f", O_CREAT | O_EXCL | O_RDWR)).toBe(-EEXIST);
  expect(vfs.open(root, "/new/", O_CREAT | O_RDWR)).toBe(-EISDIR);
});

test("forty symlinks in a row are followed, forty-one are not", () => {
  const tree: Record<string, string | { link: string }> = { l0: "end" };
  for (let i = 1; i <= 41; i++) tree[`l${i}`] = { link: `l${i - 1}` };
  const { vfs, root } = makeVfs(tree);
  expect(readText(opened(vfs.open(root, "/l40", O_RDONLY)))).toBe("end");
  expect(vfs.open(root, "/l41", O_RDONLY)).toBe(-ELOOP);
});

test("writes stay in memory", () => {
  const { vfs, root, outside } = makeVfs({ f: "hello world" });
  const file = opened(vfs.open(root, "/f", O_RDWR));
  file.seek(6, 0);
  expect(writeText(file, "there!")).toBe(6);
  expect(readText(opened(vfs.open(root, "/f", O_RDONLY)))).toBe("hello there!");
  expect(fs.readFileSync(`${outside}/sysroot/f`, "latin1")).toBe("hello world");
  expect(writeText(opened(vfs.open(root, "/new", O_CREAT | O_WRONLY, 0o666)), "x")).toBe(1);
  expect(fs.existsSync(`${outside}/sysroot/new`)).toBe(false);
});

test("a page of the file, write(2) and read(2) are one content", () => {
  const { vfs, root } = makeVfs({ f: "a".repeat(5000) });
  const file = opened(vfs.open(root, "/f", O_RDWR));
  const frame = file.mappable?.getPage(1) ?? -1;
  const bytes = vfs.context.frames.u8.subarray(frame * 4096, frame * 4096 + 4096);
  expect(String.fromCharCode(bytes[903], bytes[904])).toBe("a\0");
  file.pwrite(Uint8Array.of(66), 4096);
  expect(bytes[0]).toBe(66);
  bytes[1] = 67;
  const into = new Uint8Array(3);
  file.pread(into, 4096);
  expect([...into]).toEqual([66, 67, 97]);
});

test("truncation hides host bytes for good", () => {
  const { vfs, root } = makeVfs({ f: "0123456789" });
  const file = opened(vfs.open(root, "/f", O_RDWR));
  expect(file.truncate(4)).toBe(0);
  expect(file.truncate(8)).toBe(0);
  expect(readText(file)).toBe("0123\0\0\0\0");
});

test("O_APPEND writes at the end, whatever the position", () => {
  const { vfs, root } = makeVfs({ f: "ab" });
  const file = opened(vfs.open(root, "/f", O_RDWR | O_APPEND));
  writeText(file, "c");
  expect(file.offset).toBe(3);
});

test("mode bits bind users, not root", () => {
  const { vfs, root, user, outside } = makeVfs({ f: "x", d: { dir: { g: "y" } } });
  fs.chmodSync(`${outside}/sysroot/f`, 0o600);
  fs.chmodSync(`${outside}/sysroot/d`, 0o700);
  fs.chmodSync(`${outside}/sysroot`, 0o755);
  const stranger = user(4711);
  expect(vfs.open(stranger, "/f", O_RDONLY)).toBe(-EACCES);
  expect(vfs.open(stranger, "/d/g", O_RDONLY)).toBe(-EACCES);
  expect(vfs.open(stranger, "/new", O_CREAT | O_WRONLY, 0o644)).toBe(-EACCES);
  expect(vfs.openExecutable(root, "/f")).toBe(-EACCES);
});

test("hard links of the host are one file", () => {
  const { vfs, root, outside } = makeVfs({ a: "one" });
  fs.linkSync(`${outside}/sysroot/a`, `${outside}/sysroot/b`);
  writeText(opened(vfs.open(root, "/a", O_RDWR)), "two");
  expect(readText(opened(vfs.open(root, "/b", O_RDONLY)))).toBe("two");
});

test("names that are not UTF-8 survive", () => {
  const { vfs, root, outside } = makeVfs();
  fs.writeFileSync(Buffer.from(`${outside}/sysroot/\xff\xe9`, "latin1"), "bytes");
  expect(readText(opened(vfs.open(root, "/\xff\xe9", O_RDONLY)))).toBe("bytes");
});

test("O_TMPFILE makes a nameless file", () => {
  const { vfs, root } = makeVfs({ tmp: { dir: {} } });
  const file = opened(vfs.open(root, "/tmp", O_TMPFILE | O_RDWR, 0o600));
  expect(writeText(file, "x")).toBe(1);
  expect(file.inode.nlink).toBe(0);
});

test("the program's own file is visible, its neighbours are not", () => {
  const { vfs, root, outside } = makeVfs();
  fs.writeFileSync(`${outside}/prog`, "elf");
  fs.writeFileSync(`${outside}/other`, "no");
  expect(vfs.exposeHostFile(`${outside}/prog`)).toBe(0);
  expect(readText(opened(vfs.open(root, `${outside}/prog`, O_RDONLY)))).toBe("elf");
  expect(vfs.open(root, `${outside}/other`, O_RDONLY)).toBe(-ENOENT);
});

test("RESOLVE_BENEATH refuses what leads out", () => {
  const { vfs, root } = makeVfs({ d: { dir: { f: "x", up: { link: "../d/f" } } } });
  const base = vfs.walk(root, "/d");
  if (typeof base === "number") throw new Error("no /d");
  const options = { base, resolve: RESOLVE_BENEATH };
  expect(typeof vfs.walk(root, "f", options)).toBe("object");
  for (const path of ["/d/f", "../d/f", "up"]) expect(vfs.walk(root, path, options)).toBe(-EXDEV);
});

test("memory devices", () => {
  const { vfs, root } = makeVfs();
  expect(readText(opened(vfs.open(root, "/dev/null", O_RDONLY)))).toBe("");
  const zero = opened(vfs.open(root, "/dev/zero", O_RDWR));
  expect(readText(zero)).toBe("\0".repeat(65536));
  expect(zero.inode.rdev).toBe(0x105);
  expect(zero.mappable?.kind).toBe("zero");
  expect(writeText(opened(vfs.open(root, "/dev/full", O_WRONLY)), "x")).toBe(-28);
  expect(opened(vfs.open(root, "/dev/urandom", O_RDONLY)).read(new Uint8Array(300))).toBe(300);
});
