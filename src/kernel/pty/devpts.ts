/** /dev/ptmx and /dev/pts (fs/devpts/inode.c). */

import { DT_CHR } from "../../abi/dirent.ts";
import { EIO, ENOENT, ENOSPC } from "../../abi/errno.ts";
import { O_NOCTTY } from "../../abi/fcntl.ts";
import { DEVPTS_SUPER_MAGIC, makeDev, S_IFCHR } from "../../abi/stat.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { openDirectory } from "../../vfs/directory.ts";
import type { File } from "../../vfs/file.ts";
import { Inode, SuperBlock } from "../../vfs/inode.ts";
import type { DirEntry } from "../../vfs/types.ts";
import type { Kernel } from "../kernel.ts";
import { Pty, PtyMaster, PtyTerminal } from "./pty.ts";

/** kernel.pty.max. */
const MAX_PTYS = 4096;
/** The group tty, which devpts is mounted for (gid=5). */
const TTY_GROUP = 5;

/** The pseudo-terminals of a machine. */
export class Ptys {
  readonly #kernel: Kernel;
  readonly #open = new Map<number, Pty>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  create(): Pty | number {
    for (let index = 0; index < MAX_PTYS; index++) {
      if (this.#open.has(index)) continue;
      const pty = new Pty(this.#kernel, index);
      this.#open.set(index, pty);
      return pty;
    }
    return -ENOSPC;
  }

  get(index: number): Pty | undefined {
    return this.#open.get(index);
  }

  get indices(): number[] {
    return [...this.#open.keys()];
  }

  remove(pty: Pty): void {
    this.#open.delete(pty.index);
  }

  /** The controlling terminal of a session. */
  ofSession(sid: number): Pty | undefined {
    return [...this.#open.values()].find((pty) => pty.session === sid);
  }

  /** The session's leader has ended, or gives its terminal up (disassociate_ctty). */
  leaderGone(sid: number): void {
    const pty = this.ofSession(sid);
    if (pty === undefined) return;
    const { foreground } = pty;
    pty.session = pty.foreground = 0;
    for (const signo of [1, 18]) pty.signalGroup(foreground, signo);
  }
}

class PtmxInode extends Inode {
  readonly #kernel: Kernel;
  readonly #names: Dentry;

  constructor(sb: SuperBlock, kernel: Kernel, names: Dentry, mode: number, ino?: number) {
    super(sb, S_IFCHR | mode, { rdev: makeDev(5, 2), ...(ino === undefined ? {} : { ino }) });
    this.#kernel = kernel;
    this.#names = names;
  }

  override open(dentry: Dentry, flags: number): File | number {
    const pty = this.#kernel.ptys.create();
    if (typeof pty === "number") return pty;
    const { uid } = this.#kernel.current?.creds ?? { uid: 0 };
    (this.#names.inode as PtsDirectory).add(pty, uid);
    return new PtyMaster(dentry, flags & ~O_NOCTTY, pty);
  }
}

class PtsInode extends Inode {
  readonly pty: Pty;

  constructor(sb: SuperBlock, pty: Pty, uid: number) {
    const rdev = makeDev(136 + (pty.index >> 8), pty.index & 0xff);
    super(sb, S_IFCHR | 0o620, { rdev, ino: pty.index + 3, uid, gid: TTY_GROUP, blksize: 1024 });
    this.pty = pty;
  }

  /** A session leader without a terminal gets it as its own, unless O_NOCTTY. */
  override open(dentry: Dentry, flags: number): File | number {
    if (this.pty.locked || !this.pty.masterOpen) return -EIO;
    const file = new PtyTerminal(dentry, flags & ~O_NOCTTY, this.pty);
    if (!(flags & O_NOCTTY) && this.pty.session === 0) this.pty.makeControlling(false);
    return file;
  }
}

class PtsDirectory extends Inode {
  readonly #kernel: Kernel;
  readonly #nodes = new Map<number, PtsInode>();
  ptmx: Inode | undefined;

  constructor(sb: SuperBlock, kernel: Kernel) {
    super(sb, 0o040755, { nlink: 2, blksize: 1024 });
    this.#kernel = kernel;
  }

  add(pty: Pty, uid: number): void {
    this.#nodes.set(pty.index, new PtsInode(this.sb, pty, uid));
  }

  override get volatile(): boolean {
    return true;
  }

  override get immutable(): boolean {
    return true;
  }

  override lookup(name: string): Inode | number {
    if (name === "ptmx") return this.ptmx ?? -ENOENT;
    const index = Number(name);
    if (String(index) !== name || this.#kernel.ptys.get(index) === undefined) return -ENOENT;
    return this.#nodes.get(index) ?? -ENOENT;
  }

  override list(): DirEntry[] {
    const numbers = this.#kernel.ptys.indices.map((index) => ({ name: String(index), ino: index + 3, type: DT_CHR }));
    return [...numbers, { name: "ptmx", ino: 2, type: DT_CHR }];
  }

  override open(dentry: Dentry, flags: number): File | number {
    return openDirectory(dentry, flags);
  }
}

/** Mounts /dev/pts, and puts /dev/ptmx there. */
export function mountDevpts(kernel: Kernel): void {
  const { vfs } = kernel;
  const sb = new SuperBlock(vfs.context, "devpts", makeDev(0, 24), DEVPTS_SUPER_MAGIC, 1);
  const directory = new PtsDirectory(sb, kernel);
  const root = new Dentry("", undefined, directory);
  directory.ptmx = new PtmxInode(sb, kernel, root, 0o000, 2);
  const options = { options: "rw,nosuid,noexec,relatime", superOptions: "rw,gid=5,mode=620,ptmxmode=000" };
  vfs.mount("/dev/pts", root, { type: "devpts", source: "devpts", ...options });
  const dev = vfs.walk(vfs.superuser(), "/dev");
  if (typeof dev !== "number") dev.inode.link("ptmx", new PtmxInode(dev.inode.sb, kernel, root, 0o666));
  vfs.context.sessionTerminal = (flags) => {
    const pty = kernel.ptys.ofSession(kernel.current?.group.sid ?? -1);
    const dentry = pty && root.child(String(pty.index));
    return dentry === undefined || typeof dentry === "number" || pty === undefined
      ? undefined
      : new PtyTerminal(dentry, flags & ~O_NOCTTY, pty);
  };
}
