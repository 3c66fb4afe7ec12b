/** Descriptors of a process (struct files_struct, fs/file.c). */
import { EBADF, EMFILE } from "../abi/errno.ts";
import type { File } from "./file.ts";

interface Slot {
  readonly file: File;
  closeOnExec: boolean;
}

export class FdTable {
  readonly #slots: (Slot | undefined)[] = [];
  #sharers = 1;

  /** The file of a descriptor. */
  get(fd: number): File | undefined {
    return fd >= 0 ? this.#slots[fd]?.file : undefined;
  }

  /**
   * Puts `file` (one reference is handed over) at the lowest free descriptor >= `from`; -EMFILE at `limit`
   * (RLIMIT_NOFILE), the reference then stays with the caller.
   */
  install(file: File, closeOnExec: boolean, limit: number, from = 0): number {
    let fd = from;
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= limit) return -EMFILE;
    this.#slots[fd] = { file, closeOnExec };
    return fd;
  }

  /** Puts `file` (reference handed over) at `fd` and closes what was there. */
  replace(fd: number, file: File, closeOnExec: boolean): void {
    const old = this.#slots[fd]?.file;
    this.#slots[fd] = { file, closeOnExec };
    old?.put();
  }

  close(fd: number): number {
    const slot = fd >= 0 ? this.#slots[fd] : undefined;
    if (slot === undefined) return -EBADF;
    this.#slots[fd] = undefined;
    slot.file.put();
    return 0;
  }

  closeOnExec(fd: number): boolean {
    return this.#slots[fd]?.closeOnExec ?? false;
  }

  setCloseOnExec(fd: number, value: boolean): void {
    const slot = this.#slots[fd];
    if (slot !== undefined) slot.closeOnExec = value;
  }

  /** Open descriptors in ascending order. */
  *entries(): IterableIterator<[fd: number, file: File]> {
    for (let fd = 0; fd < this.#slots.length; fd++) {
      const slot = this.#slots[fd];
      if (slot !== undefined) yield [fd, slot.file];
    }
  }

  /** The table's size as /proc/PID/status prints it (FDSize): programs that a shell starts have 256, then it doubles. */
  get size(): number {
    let size = 256;
    while (size < this.#slots.length) size *= 2;
    return size;
  }

  /** A copy for fork(2): the descriptions are shared. */
  clone(): FdTable {
    const copy = new FdTable();
    for (const [fd, file] of this.entries()) {
      copy.#slots[fd] = { file: file.get(), closeOnExec: this.closeOnExec(fd) };
    }
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
  }

  /** execve(2): closes what is marked close-on-exec. */
  closeForExec(): void {
    for (const [fd] of this.entries()) if (this.closeOnExec(fd)) this.close(fd);
  }
}
