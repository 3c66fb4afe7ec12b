import type { Ptmalloc, SizeT } from "../../../src/libc/malloc/ptmalloc.ts";
import type { FakeGuest } from "./fake-guest.ts";
import { readWord } from "./support.ts";

const SCRATCH = 0x500000;

/** Ends a program early: malloc aborted or an access faulted. */
class Stop {}

/** A small program that misuses the heap, and what it prints. */
export class Program {
  readonly guest: FakeGuest;
  readonly malloc: Ptmalloc;
  readonly W: 4 | 8;
  /** errors.c's `x`: an array of 64 words that is no heap memory. */
  readonly x = SCRATCH;
  private output = "";
  private signal: string | null = null;

  constructor(guest: FakeGuest, malloc: Ptmalloc) {
    this.guest = guest;
    this.malloc = malloc;
    this.W = guest.W;
    guest.map(SCRATCH, 0x1000);
  }

  private done(result: number): number {
    const { exit } = this.malloc;
    for (const text of this.guest.messages.splice(0)) this.output += `${text}\n`;
    if (exit === undefined) return result;
    if (exit.kind === "abort") {
      if (exit.style !== "none") this.output += exit.style === "bare" ? exit.text : `${exit.text}\n`;
      if (exit.backtrace) this.output += "$BACKTRACE_AND_MAP\n";
      this.signal = "SIGABRT";
    } else this.signal = "SIGSEGV";
    throw new Stop();
  }

  m(bytes: SizeT): number {
    return this.done(this.malloc.malloc(bytes));
  }

  f(p: number): void {
    this.done(this.malloc.free(p));
  }

  r(p: number, bytes: SizeT): number {
    return this.done(this.malloc.realloc(p, bytes));
  }

  usable(p: number): number {
    return this.done(this.malloc.mallocUsableSize(p));
  }

  get(address: number): number {
    return readWord(this.guest, address);
  }

  /** Stores a word; negative values are -n as a size_t. */
  set(address: number, value: number | bigint): void {
    const wide = BigInt.asUintN(8 * this.W, BigInt(value));
    this.guest.write32(address, Number(wide & 0xffffffffn));
    if (this.W === 8) this.guest.write32(address + 4, Number(wide >> 32n));
  }

  /** `p[i] = value`, in words. */
  put(p: number, i: number, value: number | bigint): void {
    this.set(p + i * this.W, value);
  }

  head(p: number): number {
    return this.get(p - this.W);
  }

  setHead(p: number, value: number | bigint): void {
    this.set(p - this.W, value);
  }

  setPrev(p: number, value: number): void {
    this.set(p - 2 * this.W, value);
  }

  fill(p: number, byte: number, length: number): void {
    if (!this.guest.fill(p, byte, length)) {
      this.signal = "SIGSEGV";
      throw new Stop();
    }
  }

  say(text: string): void {
    this.output += `${text}\n`;
  }

  /** Runs `main` and returns output and signal; an address in a message becomes $ADDR. */
  run(main: (program: Program) => void): { output: string; signal: string | null } {
    try {
      main(this);
    } catch (stop) {
      if (!(stop instanceof Stop)) throw stop;
    }
    const address = new RegExp(`0x[0-9a-f]{${2 * this.W}}(?= \\*\\*\\*)`, "g");
    return { output: this.output.replaceAll(address, "$$ADDR"), signal: this.signal };
  }
}
