import type { MallocAbort, MallocBlocked, MallocFault, MallocGuest, MessageStyle } from "./guest.ts";

/** From here on a word read as a number may have lost low bits. */
export const WIDE = 2 ** 53;

const FAULT: MallocFault = { kind: "fault" };

interface SavedBytes {
  readonly at: number;
  readonly address: number;
  readonly bytes: Uint8Array;
}

interface LoggedCall {
  readonly name: string;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly result: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * Guest memory as malloc.c sees it: words of SIZE_SZ bytes, with a journal that makes a call restartable.
 *
 * The law is "a trap either faults before its first effect or can be restarted". Every write is recorded with the old
 * content; if an access faults, `rollback` restores memory to what it was when the call began. System calls cannot be undone:
 * their results are logged, and when the same call is made again (the guest's handler repaired the page and returned) the
 * log answers in place of the kernel as long as the arguments are the same. A call that ends in abort keeps its
 * writes, as glibc's half-done work stays visible to a core dump.
 *
 * Inside this directory a fault or an abort unwinds by throwing a preallocated or plain object that is no Error; `Ptmalloc`
 * catches it at the entry and hands it out as a value.
 */
export abstract class MallocMemory {
  readonly guest: MallocGuest;
  /** SIZE_SZ. */
  readonly W: 4 | 8;

  protected addresses = new Float64Array(1024);
  protected low = new Uint32Array(1024);
  protected high = new Uint32Array(1024);
  protected widths = new Uint8Array(1024);
  protected used = 0;
  private savedBytes: SavedBytes[] = [];
  private log: LoggedCall[] = [];
  private replayed = 0;
  /** The call being made, and the call that faulted: function, thread, arguments. */
  private readonly current = [0, 0, 0, 0];
  private readonly pending = [0, 0, 0, 0];

  constructor(guest: MallocGuest, W: 4 | 8) {
    this.guest = guest;
    this.W = W;
  }

  /** An address computed with wrap-around, as pointer arithmetic of the ABI does it. */
  abstract pointer(address: number): number;
  /** The word at `address` (see `WIDE`). */
  abstract word(address: number): number;
  abstract setWord(address: number, value: number): void;
  /** A size word less `subtract`, its flag bits replaced by `bits`; exact also for words from 2^53 on. */
  abstract setWordDifference(to: number, from: number, subtract: number, bits: number): void;

  /** `*to = *from ^ key`, exact also for words from 2^53 on. `key` is below 2^53. */
  setWordXor(to: number, from: number, key: number): void {
    const keyHigh = Math.floor(key / 0x100000000);
    const low = (this.lowBits(from) ^ (key - keyHigh * 0x100000000)) >>> 0;
    if (this.W === 4) {
      this.setWord(to, low);
      return;
    }
    const high = (this.lowBits(from + 4) ^ keyHigh) >>> 0;
    if (high < 0x200000) this.setWord(to, high * 0x100000000 + low);
    else {
      this.setInt(to, low);
      this.setInt(to + 4, high);
    }
  }

  /** Stores a 64-bit word exactly. */
  setExact(address: number, value: bigint): void {
    this.setInt(address, Number(BigInt.asUintN(32, value)));
    this.setInt(address + 4, Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** Whether the two words are equal, exactly. */
  sameWord(a: number, b: number): boolean {
    return this.lowBits(a) === this.lowBits(b) && (this.W === 4 || this.lowBits(a + 4) === this.lowBits(b + 4));
  }

  /** The 32 low bits of the word at `address`. */
  lowBits(address: number): number {
    const value = this.guest.read32(address);
    if (value < 0) throw FAULT;
    return value;
  }

  byte(address: number): number {
    const value = this.guest.read8(address);
    if (value < 0) throw FAULT;
    return value;
  }

  half(address: number): number {
    const value = this.guest.read16(address);
    if (value < 0) throw FAULT;
    return value;
  }

  int(address: number): number {
    const value = this.guest.read32(address);
    if (value < 0) throw FAULT;
    return value | 0;
  }

  setByte(address: number, value: number): void {
    const old = this.guest.read8(address);
    if (old < 0) throw FAULT;
    this.record(address, old, 0, 1);
    if (!this.guest.write8(address, value)) throw FAULT;
  }

  setHalf(address: number, value: number): void {
    const old = this.guest.read16(address);
    if (old < 0) throw FAULT;
    this.record(address, old, 0, 2);
    if (!this.guest.write16(address, value)) throw FAULT;
  }

  setInt(address: number, value: number): void {
    const old = this.guest.read32(address);
    if (old < 0) throw FAULT;
    this.record(address, old, 0, 4);
    if (!this.guest.write32(address, value >>> 0)) throw FAULT;
  }

  protected record(address: number, low: number, high: number, width: number): void {
    let n = this.used;
    if (n === this.addresses.length) n = this.growJournal();
    this.addresses[n] = address;
    this.low[n] = low;
    this.high[n] = high;
    this.widths[n] = width;
    this.used = n + 1;
  }

  private growJournal(): number {
    const n = this.used;
    const addresses = new Float64Array(2 * n);
    addresses.set(this.addresses);
    this.addresses = addresses;
    const low = new Uint32Array(2 * n);
    low.set(this.low);
    this.low = low;
    const high = new Uint32Array(2 * n);
    high.set(this.high);
    this.high = high;
    const widths = new Uint8Array(2 * n);
    widths.set(this.widths);
    this.widths = widths;
    return n;
  }

  protected fault(): never {
    throw FAULT;
  }

  /**
   * memset, as the last effect of a call: nothing after it can fault, so the old bytes are not kept. A length that wrapped
   * around (the size word is damaged) runs off memory on i386; on x86-64 glibc's vector loops end at once, and the few bytes that
   * they clear depend on the CPU: none here.
   */
  fillLast(address: number, byte: number, length: number): void {
    if (length < 0 && this.W === 4) throw FAULT;
    if (length > 0 && length < 2 ** 63 && !this.guest.fill(address, byte, length)) throw FAULT;
  }

  /** memset in the middle of a call. */
  fill(address: number, byte: number, length: number): void {
    this.keep(address, length);
    this.fillLast(address, byte, length);
  }

  /** memcpy. Onto itself it touches nothing on x86-64 (memmove-vec-unaligned-erms.S), however far the block reaches. */
  copy(to: number, from: number, length: number): void {
    if (to === from && this.W === 8) return;
    this.keep(to, length);
    if (length > 0 && !this.guest.copy(to, from, length)) throw FAULT;
  }

  private keep(address: number, length: number): void {
    if (length <= 0) return;
    const bytes = this.guest.readBytes(address, length);
    if (bytes === undefined) throw FAULT;
    this.savedBytes.push({ at: this.used, address, bytes });
  }

  /** Starts a call. A restarted call has the same function, thread and arguments as the one that faulted. */
  begin(functionNumber: number, thread: number, a: number, b: number): void {
    const { current, pending } = this;
    current[0] = functionNumber;
    current[1] = thread;
    current[2] = a;
    current[3] = b;
    this.used = 0;
    this.replayed = 0;
    if (this.savedBytes.length > 0) this.savedBytes = [];
    if (this.log.length > 0 && current.some((value, i) => value !== pending[i])) this.log.length = 0;
  }

  /** The call is over; its effects stay. */
  commit(): void {
    this.used = 0;
    if (this.savedBytes.length > 0) this.savedBytes = [];
    if (this.log.length > 0) this.log.length = 0;
  }

  /** Undoes every write of the call. Memory that was unmapped meanwhile is passed over. */
  rollback(): void {
    const { guest } = this;
    let bulk = this.savedBytes.length;
    for (let n = this.used; n >= 0; n--) {
      while (bulk > 0 && this.savedBytes[bulk - 1].at === n) {
        bulk--;
        guest.writeBytes(this.savedBytes[bulk].address, this.savedBytes[bulk].bytes);
      }
      if (n === 0) break;
      const i = n - 1;
      const address = this.addresses[i];
      if (this.widths[i] === 1) guest.write8(address, this.low[i]);
      else if (this.widths[i] === 2) guest.write16(address, this.low[i]);
      else if (guest.write32(address, this.low[i]) && this.widths[i] === 8) guest.write32(address + 4, this.high[i]);
    }
    this.used = 0;
    this.savedBytes = [];
    for (let i = 0; i < 4; i++) this.pending[i] = this.current[i];
  }

  private logged(name: string, a: number, b: number, c: number): LoggedCall | undefined {
    if (this.replayed >= this.log.length) return undefined;
    const call = this.log[this.replayed];
    if (call.name === name && call.a === a && call.b === b && call.c === c) {
      this.replayed++;
      return call;
    }
    this.log.length = this.replayed;
    return undefined;
  }

  private remember(name: string, a: number, b: number, c: number, result: number, bytes?: Uint8Array): number {
    this.log.push({ name, a, b, c, result, bytes });
    this.replayed = this.log.length;
    return result;
  }

  brk(address: number): number {
    const done = this.logged("brk", address, 0, 0);
    return done ? done.result : this.remember("brk", address, 0, 0, this.guest.brk(address));
  }

  mmap(address: number, length: number, prot: number, flags: number): number {
    const done = this.logged("mmap", address, length, prot);
    if (done) return done.result;
    return this.remember("mmap", address, length, prot, this.guest.mmap(address, length, prot, flags));
  }

  munmap(address: number, length: number): number {
    const done = this.logged("munmap", address, length, 0);
    return done ? done.result : this.remember("munmap", address, length, 0, this.guest.munmap(address, length));
  }

  mremap(address: number, oldLength: number, newLength: number, flags: number): number {
    const done = this.logged("mremap", address, oldLength, newLength);
    if (done) return done.result;
    return this.remember(
      "mremap",
      address,
      oldLength,
      newLength,
      this.guest.mremap(address, oldLength, newLength, flags),
    );
  }

  mprotect(address: number, length: number, prot: number): number {
    const done = this.logged("mprotect", address, length, prot);
    if (done) return done.result;
    return this.remember("mprotect", address, length, prot, this.guest.mprotect(address, length, prot));
  }

  madvise(address: number, length: number, advice: number): number {
    const done = this.logged("madvise", address, length, advice);
    if (done) return done.result;
    return this.remember("madvise", address, length, advice, this.guest.madvise(address, length, advice));
  }

  getrandom(length: number): Uint8Array | undefined {
    const done = this.logged("getrandom", length, 0, 0);
    if (done) return done.bytes;
    const bytes = this.guest.getrandom(length);
    this.remember("getrandom", length, 0, 0, 0, bytes);
    return bytes;
  }

  randomBits(): number {
    const done = this.logged("random_bits", 0, 0, 0);
    return done ? done.result : this.remember("random_bits", 0, 0, 0, this.guest.randomBits());
  }

  message(text: string, style: MessageStyle): void {
    if (this.logged("message", 0, 0, 0)) return;
    this.guest.message(text, style);
    this.remember("message", 0, 0, 0, 0);
  }

  abort(abort: MallocAbort): never {
    throw abort;
  }

  block(lock: number): never {
    const blocked: MallocBlocked = { kind: "blocked", lock };
    throw blocked;
  }
}
