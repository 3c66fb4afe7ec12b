/** Descriptors of a process (struct files_struct, fs/file.c). */
import { EBADF, EMFILE } from "../abi/errno.ts";
import type { File } from "./file.ts";

/** What an open descriptor takes of the machine's memory. */
const SLOT_BYTES = 32;

function charge(file: File, slots: 1 | -1): void {
  file.inode.sb.context.frames.chargeKernel(slots * SLOT_BYTES);
}

export class FdTable {
  readonly #files: (File | undefined)[] = [];
  readonly #closeOnExec = new Set<number>();
  /** All descriptors below are in use. */
  #lowestFree = 0;
  #sharers = 1;

  /** The file of a descriptor. */
  get(fd: number): File | undefined {
    return fd >= 0 ? this.#files[fd] : undefined;
  }

  /**
   * Puts `file` (one reference is handed over) at the lowest free descriptor >= `from`; -EMFILE at `limit`
   * (RLIMIT_NOFILE), the reference then stays with the caller.
   */
  install(file: File, closeOnExec: boolean, limit: number, from = 0): number {
    let fd = Math.max(from, this.#lowestFree);
    while (this.#files[fd] !== undefined) fd++;
    if (from <= this.#lowestFree) this.#lowestFree = fd;
    if (fd >= limit) return -EMFILE;
    this.#put(fd, file, closeOnExec);
    return fd;
  }

  /** Puts `file` (reference handed over) at `fd` and closes what was there. */
  replace(fd: number, file: File, closeOnExec: boolean): void {
    const old = this.#take(fd);
    this.#put(fd, file, closeOnExec);
    old?.put();
  }

  close(fd: number): number {
    const file = fd >= 0 ? this.#take(fd) : undefined;
    if (file === undefined) return -EBADF;
    file.put();
    return 0;
  }

  #put(fd: number, file: File, closeOnExec: boolean): void {
    // an array without holes: a descriptor far off does not turn it into a dictionary
    while (this.#files.length < fd) this.#files.push(undefined);
    this.#files[fd] = file;
    this.setCloseOnExec(fd, closeOnExec);
    charge(file, 1);
  }

  #take(fd: number): File | undefined {
    const file = this.#files[fd];
    if (file === undefined) return undefined;
    this.#files[fd] = undefined;
    this.#closeOnExec.delete(fd);
    this.#lowestFree = Math.min(this.#lowestFree, fd);
    charge(file, -1);
    // a process loses its record locks with any descriptor of the file (fcntl(2), locks_remove_posix())
    file.inode.locks?.releaseRecords(this);
    file.flushed(file.inode.sb.context.currentProcess?.());
    return file;
  }

  closeOnExec(fd: number): boolean {
    return this.#closeOnExec.has(fd);
  }

  setCloseOnExec(fd: number, value: boolean): void {
    if (this.#files[fd] === undefined) return;
    if (value) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }

  /** Open descriptors in ascending order. */
  *entries(): IterableIterator<[fd: number, file: File]> {
    for (let fd = 0; fd < this.#files.length; fd++) {
      const file = this.#files[fd];
      if (file !== undefined) yield [fd, file];
    }
  }

  /** The table's size as /proc/PID/status prints it (FDSize): programs that a shell starts have 256, then it doubles. */
  get size(): number {
    let size = 256;
    while (size < this.#files.length) size *= 2;
    return size;
  }

  /** A copy for fork(2): the descriptions are shared. */
  clone(): FdTable {
    const copy = new FdTable();
    for (const [fd, file] of this.entries()) copy.#put(fd, file.get(), this.closeOnExec(fd));
    copy.#lowestFree = this.#lowestFree;
    return copy;
  }

  /** CLONE_FILES: one more task uses this very table. */
  share(): this {
    this.#sharers++;
    return this;
  }

  get shared(): boolean {
    return this.#sharers > 1;
  }

  /** A task leaves the table; the last one closes all. */
  release(): void {
    if (--this.#sharers > 0) return;
    for (const [fd] of this.entries()) this.close(fd);
    this.#files.length = 0;
  }

  /** execve(2): closes what is marked close-on-exec. */
  closeForExec(): void {
    for (const fd of [...this.#closeOnExec].sort((a, b) => a - b)) this.close(fd);
  }
}
