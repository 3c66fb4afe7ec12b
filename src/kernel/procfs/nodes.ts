/** The kinds of nodes that /proc consists of: texts made when they are read, directories made when they are looked at, links. */

import { dirTypeOf } from "../../abi/dirent.ts";
import { EINVAL, ENOENT } from "../../abi/errno.ts";
import { SEEK_END } from "../../abi/fcntl.ts";
import { bytesOf, textOf } from "../../host/text.ts";
import type { Dentry } from "../../vfs/dentry.ts";
import { openDirectory } from "../../vfs/directory.ts";
import { File } from "../../vfs/file.ts";
import { Inode, type InodeInit, type SuperBlock } from "../../vfs/inode.ts";
import type { DirEntry } from "../../vfs/types.ts";

/** One record of a listing: `key` orders records, so that a reader who comes back later goes on behind the last one. */
export interface ProcRecord {
  readonly key: number;
  readonly text: string;
}

/** A text as a whole, a list of records, or -errno (-ESRCH: the process is gone). */
export type ProcContent = string | RecordList | number;

/** Records in order, from the first one whose key may be above `after` on; made one at a time, as they are read. */
export type RecordList = (after: number) => Iterable<ProcRecord>;

export interface ProcTextOptions extends InodeInit {
  readonly read?: () => ProcContent;
  /** Takes what was written; 0 or -errno. */
  readonly write?: (text: string) => number;
  /** 0, or why open(2) fails. */
  readonly mayOpen?: () => number;
  /** Random access instead of text (mem, pagemap): the count or -errno. */
  readonly pread?: (into: Uint8Array, offset: number) => number;
  /** A file of a process, not of the kernel's table (proc_create()): splice(2) and mmap(2) tell them apart. */
  readonly ofTask?: boolean;
  /** proc_reg_mmap(): what mmap(2) answers, if not -ENODEV. */
  readonly mapError?: number;
}

export class ProcText extends Inode {
  readonly options: ProcTextOptions;

  constructor(sb: SuperBlock, mode: number, options: ProcTextOptions) {
    super(sb, 0o100000 | mode, { blksize: 1024, ...options });
    this.options = options;
  }

  override get immutable(): boolean {
    return true;
  }

  override open(dentry: Dentry, flags: number): File | number {
    const refused = this.options.mayOpen?.() ?? 0;
    return refused < 0 ? refused : new ProcFile(dentry, flags, this.options);
  }

  /** open with O_TRUNC is allowed and does nothing. */
  override truncate(): number {
    return 0;
  }
}

/** The size of a seq_file's buffer (fs/seq_file.c): a read returns whole records of less than this, or one larger record. */
const SEQ_BUFFER = 4096;

class ProcFile extends File {
  readonly #options: ProcTextOptions;
  /** What was made and not read yet, and the key of the last record in it. */
  #buffer: Uint8Array = new Uint8Array(0);
  #lastKey = Number.NEGATIVE_INFINITY;
  /** Position that the buffer's start stands for. */
  #position = 0;

  constructor(dentry: Dentry, flags: number, options: ProcTextOptions) {
    super(dentry, flags);
    this.#options = options;
  }

  override get splices(): boolean {
    return this.#options.ofTask !== true;
  }

  get mapError(): number | undefined {
    return this.#options.mapError;
  }

  override truncate(): number {
    return 0;
  }

  /** seq_lseek() knows no SEEK_END; the files of memory have a position in them. */
  override seek(offset: number, whence: number): number {
    return whence === SEEK_END ? -EINVAL : super.seek(offset, whence);
  }

  override pread(into: Uint8Array, offset: number): number {
    if (this.#options.pread !== undefined) return this.#options.pread(into, offset);
    if (this.#options.read === undefined) return -EINVAL;
    if (offset !== this.#position) {
      const failed = this.#traverse(offset);
      if (failed < 0) return failed;
    }
    return this.#take(into);
  }

  /** Starts anew and skips to `offset` (fs/seq_file.c, traverse()). */
  #traverse(offset: number): number {
    this.#buffer = new Uint8Array(0);
    this.#lastKey = Number.NEGATIVE_INFINITY;
    this.#position = 0;
    const skipped = new Uint8Array(SEQ_BUFFER);
    while (this.#position < offset) {
      const count = this.#take(skipped.subarray(0, Math.min(SEQ_BUFFER, offset - this.#position)));
      if (count < 0) return count;
      if (count === 0) break;
    }
    this.#position = offset;
    return 0;
  }

  #take(into: Uint8Array): number {
    let done = this.#flush(into, 0);
    if (done === into.length) return done;
    const failed = this.#fill(into.length - done);
    if (failed < 0) return done > 0 ? done : failed;
    done = this.#flush(into, done);
    return done;
  }

  #flush(into: Uint8Array, at: number): number {
    const count = Math.min(this.#buffer.length, into.length - at);
    into.set(this.#buffer.subarray(0, count), at);
    this.#buffer = this.#buffer.subarray(count);
    this.#position += count;
    return at + count;
  }

  /** Makes records until `wanted` bytes are there or the buffer is full; the first one always fits. */
  #fill(wanted: number): number {
    const content = this.#options.read?.() ?? "";
    if (typeof content === "number") return content;
    const records = typeof content === "string" ? [{ key: 0, text: content }] : content(this.#lastKey);
    let text = "";
    for (const record of records) {
      if (record.key <= this.#lastKey) continue;
      if (text !== "" && (text.length >= wanted || text.length + record.text.length >= SEQ_BUFFER)) break;
      text += record.text;
      this.#lastKey = record.key;
    }
    this.#buffer = bytesOf(text);
    return 0;
  }

  override pwrite(from: Uint8Array): number {
    if (this.#options.write === undefined) return -EINVAL;
    const failed = this.#options.write(textOf(from));
    return failed < 0 ? failed : from.length;
  }
}

/** A directory whose entries are made when they are looked up. */
export abstract class ProcDirectory extends Inode {
  constructor(sb: SuperBlock, mode: number, init: InodeInit = {}) {
    super(sb, 0o040000 | mode, { nlink: 2, blksize: 1024, ...init });
  }

  override get volatile(): boolean {
    return true;
  }

  override get immutable(): boolean {
    return true;
  }

  abstract names(): readonly string[];

  override list(): DirEntry[] {
    const entries: DirEntry[] = [];
    for (const name of this.names()) {
      const inode = this.lookup(name);
      if (typeof inode !== "number") entries.push({ name, ino: inode.ino, type: dirTypeOf(inode.mode) });
    }
    return entries;
  }

  override open(dentry: Dentry, flags: number): File | number {
    return openDirectory(dentry, flags);
  }
}

/** A directory with a fixed set of entries. */
export class ProcTable extends ProcDirectory {
  readonly #entries: ReadonlyMap<string, () => Inode>;

  constructor(sb: SuperBlock, mode: number, entries: ReadonlyMap<string, () => Inode>, init: InodeInit = {}) {
    super(sb, mode, init);
    this.#entries = entries;
  }

  override names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  override lookup(name: string): Inode | number {
    return this.#entries.get(name)?.() ?? -ENOENT;
  }
}

/** A symlink whose text is made when it is read (/proc/self). */
export class ProcLink extends Inode {
  readonly #text: () => string | number;

  constructor(sb: SuperBlock, text: () => string | number, init: InodeInit = {}) {
    super(sb, 0o120777, { blksize: 1024, ...init });
    this.#text = text;
  }

  override readlink(): string | number {
    return this.#text();
  }
}

/**
 * A link that leads straight to a file (/proc/PID/exe, fd/N): following it takes no path, so it works for deleted files and
 * pipes, and never leaves what the process already holds.
 */
export class MagicLink extends Inode {
  readonly #target: () => Dentry | number;
  readonly #root: () => Dentry | undefined;

  constructor(
    sb: SuperBlock,
    mode: number,
    target: () => Dentry | number,
    root: () => Dentry | undefined,
    init: InodeInit,
  ) {
    super(sb, 0o120000 | mode, { blksize: 1024, ...init });
    this.#target = target;
    this.#root = root;
  }

  override get size(): number {
    return (this.mode & 0o777) === 0o777 ? 0 : 64;
  }

  override readlink(): string | number {
    const target = this.#target();
    return typeof target === "number" ? target : target.displayPath(this.#root());
  }

  override follow(): Dentry | number {
    return this.#target();
  }
}

/** Parses what is written to a number file; undefined if it is not one. */
export function parseInteger(text: string): number | undefined {
  const trimmed = text.trim();
  return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
