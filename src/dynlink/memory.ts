/** Guest memory as the dynamic linker reads and writes it. */
import type { Abi } from "../abi/abi.ts";
import type { AddressSpace } from "../mm/address-space.ts";

/**
 * A guest access of the linker failed. Thrown inside this directory only, as a plain object; `driver.ts` catches it and hands
 * it to the kernel as the fault of the trap.
 */
export interface LinkFault {
  readonly fault: true;
  readonly address: number;
  readonly write: boolean;
}

export function isLinkFault(thrown: unknown): thrown is LinkFault {
  return typeof thrown === "object" && thrown !== null && "fault" in thrown;
}

const WORD = 0x1_0000_0000;

export class LinkMemory {
  readonly mm: AddressSpace;
  readonly abi: Abi;
  readonly is64: boolean;
  /** Bytes of a word. */
  readonly W: 4 | 8;

  constructor(mm: AddressSpace) {
    this.mm = mm;
    this.abi = mm.abi;
    this.is64 = mm.abi === "amd64";
    this.W = mm.wordSize;
  }

  #check(result: number, address: number, write: boolean): number {
    if (result < 0) throw { fault: true, address, write } satisfies LinkFault;
    return result;
  }

  u8(address: number): number {
    return this.#check(this.mm.readU8(address), address, false);
  }

  u16(address: number): number {
    return this.#check(this.mm.readU16(address), address, false);
  }

  u32(address: number): number {
    return this.#check(this.mm.readU32(address), address, false);
  }

  i32(address: number): number {
    return this.u32(address) | 0;
  }

  /** An unsigned word; rounded from 2^53 on. */
  word(address: number): number {
    return this.is64 ? this.u32(address + 4) * WORD + this.u32(address) : this.u32(address);
  }

  /** A signed word: an addend. */
  signed(address: number): number {
    return this.is64 ? this.i32(address + 4) * WORD + this.u32(address) : this.i32(address);
  }

  setU32(address: number, value: number): void {
    this.#check(this.mm.writeU32(address, value >>> 0), address, true);
  }

  /** Stores the low bits of `value`, which may be negative. */
  setWord(address: number, value: number): void {
    if (!this.is64) return this.setU32(address, value);
    const high = Math.floor(value / WORD);
    this.setU32(address, value - high * WORD);
    this.setU32(address + 4, high);
  }

  bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#check(this.mm.read(address, bytes), address, false);
    return bytes;
  }

  setBytes(address: number, bytes: Uint8Array): void {
    this.#check(this.mm.write(address, bytes), address, true);
  }

  fill(address: number, length: number): void {
    this.#check(this.mm.fill(address, length), address, true);
  }

  /** A NUL-terminated binary string. */
  text(address: number): string {
    const text = this.mm.readCString(address, 65536);
    if (typeof text === "number") throw { fault: true, address, write: false } satisfies LinkFault;
    return text;
  }

  setText(address: number, text: string): void {
    const bytes = new Uint8Array(text.length + 1);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    this.setBytes(address, bytes);
  }
}
