/** Builds a VFS over a temporary sysroot on the real host. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { bytesOf, textOf } from "../../src/host/text.ts";
import { createNodeHost } from "../../src/host-node/host.ts";
import { HOST_AREA_BYTES, PhysicalMemory } from "../../src/memory/physical.ts";
import type { File } from "../../src/vfs/file.ts";
import type { FsUser } from "../../src/vfs/namei.ts";
import { Vfs } from "../../src/vfs/vfs.ts";

/** A file's text, a symlink's `{ link }`, or a directory's entries. */
export type Tree = { [name: string]: string | { link: string } | { dir: Tree } };

export function makeTree(root: string, tree: Tree): void {
  for (const [name, entry] of Object.entries(tree)) {
    const at = path.join(root, name);
    if (typeof entry === "string") fs.writeFileSync(at, entry, "latin1");
    else if ("link" in entry) fs.symlinkSync(entry.link, at);
    else {
      fs.mkdirSync(at);
      makeTree(at, entry.dir);
    }
  }
}

export interface TestVfs {
  readonly vfs: Vfs;
  /** The temporary directory; the sysroot is `sysroot` below it, so there is a host outside to escape to. */
  readonly outside: string;
  readonly root: FsUser;
  user(uid: number): FsUser;
}

export function makeVfs(tree: Tree = {}): TestVfs {
  const outside = fs.mkdtempSync(path.join(os.tmpdir(), "folio-vfs-"));
  const sysroot = path.join(outside, "sysroot");
  fs.mkdirSync(sysroot);
  makeTree(sysroot, tree);
  const host = createNodeHost();
  const ram = 16 * 1024 * 1024;
  const frames = new PhysicalMemory(host.wasm.createMemory((HOST_AREA_BYTES + ram) / 65536), ram);
  const vfs = new Vfs({ host, frames, sysroot, now: () => ({ sec: 1_300_000_000, nsec: 5 }) });
  const user = (uid: number): FsUser => ({
    fs: { root: vfs.root, cwd: vfs.root, umask: 0o022 },
    creds: { euid: uid, fsuid: uid, fsgid: uid, groups: [] },
  });
  return { vfs, outside, root: user(0), user };
}

/** The open file, or a failure of the test. */
export function opened(file: unknown): File {
  if (typeof file === "number") throw new Error(`open failed: ${file}`);
  return file as File;
}

/** Everything from the file's position to its end. */
export function readText(file: File): string {
  const into = new Uint8Array(65536);
  const count = file.read(into);
  if (typeof count !== "number" || count < 0) throw new Error(`read failed: ${count}`);
  return textOf(into, 0, count);
}

export function writeText(file: File, text: string): unknown {
  return file.write(bytesOf(text));
}
