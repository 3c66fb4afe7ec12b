import type { MallocGuest } from "./guest.ts";
import { MallocMemory, WIDE } from "./memory.ts";

class Memory32 extends MallocMemory {
  constructor(guest: MallocGuest) {
    super(guest, 4);
  }

  pointer(address: number): number {
    return address >>> 0;
  }

  word(address: number): number {
    const value = this.guest.read32(address >= 0 && address < 0x100000000 ? address : address >>> 0);
    if (value < 0) this.fault();
    return value;
  }

  setWord(address: number, value: number): void {
    const at = address >= 0 && address < 0x100000000 ? address : address >>> 0;
    const old = this.guest.read32(at);
    if (old < 0) this.fault();
    this.record(at, old, 0, 4);
    if (!this.guest.write32(at, value >>> 0)) this.fault();
  }

  setWordDifference(to: number, from: number, subtract: number, bits: number): void {
    this.setWord(to, (((this.word(from) - subtract) & ~7) | bits) >>> 0);
  }
}

class Memory64 extends MallocMemory {
  constructor(guest: MallocGuest) {
    super(guest, 8);
  }

  pointer(address: number): number {
    if (address >= 0) return address >= 2 ** 64 ? address - 2 ** 64 : address;
    return address + 2 ** 64;
  }

  word(address: number): number {
    if (address < 0) this.fault();
    const value = this.guest.read64(address);
    if (value < 0) this.fault();
    return value;
  }

  setWord(address: number, value: number): void {
    if (value < 0 || value >= WIDE) {
      this.setWide(address, value);
      return;
    }
    const { guest } = this;
    const low = guest.read32(address);
    const high = guest.read32(address + 4);
    if (low < 0 || high < 0) this.fault();
    this.record(address, low, high, 8);
    if (!guest.write64(address, value)) this.fault();
  }

  private setWide(address: number, value: number): void {
    const high = Math.floor(value / 0x100000000);
    this.setInt(address, value - high * 0x100000000);
    this.setInt(address + 4, high);
  }

  setWordDifference(to: number, from: number, subtract: number, bits: number): void {
    const low = this.guest.read32(from);
    const high = this.guest.read32(from + 4);
    if (low < 0 || high < 0) this.fault();
    const subtractHigh = Math.floor(subtract / 0x100000000);
    const subtractLow = subtract - subtractHigh * 0x100000000;
    const borrow = low < subtractLow ? 1 : 0;
    this.setInt(to, (((low - subtractLow) & ~7) | bits) >>> 0);
    this.setInt(to + 4, (high - subtractHigh - borrow) >>> 0);
  }
}

export function mallocMemory(guest: MallocGuest, W: 4 | 8): MallocMemory {
  return W === 4 ? new Memory32(guest) : new Memory64(guest);
}
