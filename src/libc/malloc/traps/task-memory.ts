/** Guest memory for traps of the current task: words through a small cache of page translations, faults noted. */

import { Gpr } from "../../../kernel/registers.ts";
import type { Task } from "../../../kernel/task.ts";
import type { PhysicalMemory } from "../../../memory/physical.ts";
import { Access } from "../../../memory/translation.ts";
import { FAULT_DONE } from "../../../mm/fault-result.ts";

const PAGE = 4096;
const WAYS = 64;
const TWO32 = 0x1_0000_0000;
/** A page that is absent, then write-protected, then dirtied: each fault moves one step on. */
const MAX_FAULTS = 4;

export class TaskMemory {
  /** The access that faulted last; `address` is NaN if an address was not known. */
  readonly fault = { address: 0, write: false };
  readonly #phys: PhysicalMemory;
  #task: Task;
  /** Page numbers and host addresses less the page's address, for reads and for writes. */
  readonly #readTags = new Float64Array(WAYS).fill(-1);
  readonly #readFrames = new Int32Array(WAYS);
  readonly #writeTags = new Float64Array(WAYS).fill(-1);
  readonly #writeFrames = new Int32Array(WAYS);
  readonly #view: DataView;

  constructor(task: Task) {
    this.#task = task;
    this.#phys = task.kernel.physical;
    this.#view = new DataView(this.#phys.memory.buffer);
  }

  /** A trap of `task` begins, or a system call changed mappings: translations are looked up anew. */
  begin(task: Task): void {
    this.#task = task;
    this.#readTags.fill(-1);
    this.#writeTags.fill(-1);
  }

  /** The frame that an access reaches, faulted in if need be; -1 with the fault noted. */
  #frame(address: number, write: boolean): number {
    const { mm, kernel } = this.#task;
    if (address >= 0 && address < mm.layout.taskSize) {
      const page = Math.floor(address / PAGE);
      const access = write ? Access.write : Access.read;
      for (let tries = 0; tries < MAX_FAULTS; tries++) {
        const frame = mm.walk(page, access);
        if (frame >= 0) {
          if (write) this.#phys.noteWrite(frame);
          return frame;
        }
        if (mm.handleFault(address, -frame - 1, kernel.cpu.state.gpr(Gpr.rsp)) !== FAULT_DONE) break;
      }
    }
    this.fault.address = address;
    this.fault.write = write;
    return -1;
  }

  /** Offset in wasm memory of the byte at `address`; -1 with the fault noted. */
  #readable(address: number): number {
    const page = Math.floor(address / PAGE);
    const way = page & (WAYS - 1);
    if (this.#readTags[way] !== page) {
      const frame = this.#frame(address, false);
      if (frame < 0) return -1;
      this.#readTags[way] = page;
      this.#readFrames[way] = frame;
    }
    return this.#readFrames[way] * PAGE + (address - page * PAGE);
  }

  #writable(address: number): number {
    const page = Math.floor(address / PAGE);
    const way = page & (WAYS - 1);
    if (this.#writeTags[way] !== page) {
      const frame = this.#frame(address, true);
      if (frame < 0) return -1;
      this.#writeTags[way] = page;
      this.#writeFrames[way] = frame;
      // A private page may have been copied: reads must see the copy.
      this.#readTags[way] = page;
      this.#readFrames[way] = frame;
    }
    return this.#writeFrames[way] * PAGE + (address - page * PAGE);
  }

  read8(address: number): number {
    const at = this.#readable(address);
    return at < 0 ? -1 : this.#phys.u8[at];
  }

  read16(address: number): number {
    if (address % PAGE > PAGE - 2) return this.#readAcross(address, 2);
    const at = this.#readable(address);
    return at < 0 ? -1 : this.#view.getUint16(at, true);
  }

  read32(address: number): number {
    if (address % PAGE > PAGE - 4) return this.#readAcross(address, 4);
    const at = this.#readable(address);
    if (at < 0) return -1;
    return at % 4 === 0 ? this.#phys.u32[at / 4] : this.#view.getUint32(at, true);
  }

  read64(address: number): number {
    if (address % PAGE > PAGE - 8) {
      const low = this.read32(address);
      const high = low < 0 ? -1 : this.read32(address + 4);
      return high < 0 ? -1 : high * TWO32 + low;
    }
    const at = this.#readable(address);
    if (at < 0) return -1;
    return this.#view.getUint32(at + 4, true) * TWO32 + this.#view.getUint32(at, true);
  }

  #readAcross(address: number, bytes: number): number {
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) {
      const byte = this.read8(address + i);
      if (byte < 0) return -1;
      value = value * 256 + byte;
    }
    return value;
  }

  write8(address: number, value: number): boolean {
    const at = this.#writable(address);
    if (at < 0) return false;
    this.#phys.u8[at] = value;
    return true;
  }

  write16(address: number, value: number): boolean {
    return this.#writeBytes(address, value, 2);
  }

  write32(address: number, value: number): boolean {
    if (address % PAGE > PAGE - 4) return this.#writeBytes(address, value, 4);
    const at = this.#writable(address);
    if (at < 0) return false;
    this.#view.setUint32(at, value, true);
    return true;
  }

  write64(address: number, value: number): boolean {
    const high = Math.floor(value / TWO32);
    if (address % PAGE > PAGE - 8) {
      if (this.#writable(address) < 0 || this.#writable(address + 7) < 0) return false;
      return this.write32(address, value - high * TWO32) && this.write32(address + 4, high);
    }
    const at = this.#writable(address);
    if (at < 0) return false;
    this.#view.setUint32(at, value - high * TWO32, true);
    this.#view.setUint32(at + 4, high, true);
    return true;
  }

  #writeBytes(address: number, value: number, bytes: number): boolean {
    if (this.#writable(address) < 0 || this.#writable(address + bytes - 1) < 0) return false;
    for (let i = 0; i < bytes; i++) if (!this.write8(address + i, (value >>> (8 * i)) & 0xff)) return false;
    return true;
  }

  /** Offsets in wasm memory and lengths of the pieces of a range, page by page; undefined with the fault noted. */
  #pieces(address: number, length: number, write: boolean): [at: number, length: number][] | undefined {
    const pieces: [number, number][] = [];
    for (let done = 0; done < length; ) {
      const from = address + done;
      const count = Math.min(length - done, PAGE - (from % PAGE));
      const at = write ? this.#writable(from) : this.#readable(from);
      if (at < 0) return undefined;
      const last = pieces.at(-1);
      if (last !== undefined && last[0] + last[1] === at) last[1] += count;
      else pieces.push([at, count]);
      done += count;
    }
    return pieces;
  }

  fill(address: number, byte: number, length: number): boolean {
    const pieces = this.#pieces(address, length, true);
    if (pieces === undefined) return false;
    for (const [at, count] of pieces) this.#phys.u8.fill(byte, at, at + count);
    return true;
  }

  copy(to: number, from: number, length: number): boolean {
    const bytes = this.readBytes(from, length);
    return bytes !== undefined && this.writeBytes(to, bytes);
  }

  readBytes(address: number, length: number): Uint8Array | undefined {
    const pieces = this.#pieces(address, length, false);
    if (pieces === undefined) return undefined;
    const bytes = new Uint8Array(length);
    let done = 0;
    for (const [at, count] of pieces) {
      bytes.set(this.#phys.u8.subarray(at, at + count), done);
      done += count;
    }
    return bytes;
  }

  writeBytes(address: number, bytes: Uint8Array): boolean {
    const pieces = this.#pieces(address, bytes.length, true);
    if (pieces === undefined) return false;
    let done = 0;
    for (const [at, count] of pieces) {
      this.#phys.u8.set(bytes.subarray(done, done + count), at);
      done += count;
    }
    return true;
  }
}
