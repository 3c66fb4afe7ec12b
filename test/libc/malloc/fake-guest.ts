import type { MallocAddresses, MallocGuest, MessageStyle } from "../../../src/libc/malloc/guest.ts";

const PAGE = 4096;
const ENOMEM = -12;

interface Area {
  start: number;
  end: number;
  prot: number;
}

/** One system call as the guest saw it: name, arguments, result. */
export type Call = readonly [name: string, ...values: number[]];

export interface FakeGuestOptions {
  readonly W: 4 | 8;
  /** Start of the heap; page aligned in a dynamic program. */
  readonly heapBase?: number;
  readonly mmapBase?: number;
  readonly environment?: readonly string[];
  readonly programName?: string;
}

/** Sparse memory with a break and top-down mappings, as a process under `setarch -R` has them. */
export class FakeGuest implements MallocGuest {
  readonly W: 4 | 8;
  readonly calls: Call[] = [];
  readonly messages: string[] = [];
  errno = 0;
  single = true;
  thread: number;
  breakStart: number;
  breakEnd: number;
  key: Uint8Array | undefined;
  processors = 1;
  /** Answers in place of the kernel's, for a replay of recorded calls; -1 = none left. */
  script: ((name: string, a: number, b: number, c: number) => number) | undefined;
  /** Told of every memcpy. */
  copied: ((to: number, from: number, length: number) => void) | undefined;
  /** Called before every write; a test makes it fault. */
  faultAt: ((address: number) => boolean) | undefined;
  faulted: number | undefined;
  private readonly environmentList: readonly string[];
  private readonly name: string;
  private readonly areas: Area[] = [];
  private readonly pages = new Map<number, DataView>();
  private readonly mmapBase: number;
  /** A direct-mapped cache of 64 pages in front of the map. */
  private readonly tags = new Float64Array(64).fill(-1);
  private readonly views: DataView[] = new Array<DataView>(64).fill(new DataView(new ArrayBuffer(PAGE)));

  constructor(options: FakeGuestOptions) {
    this.W = options.W;
    this.breakStart = options.heapBase ?? (options.W === 8 ? 0x555555559000 : 0x5655a000);
    this.breakEnd = this.breakStart;
    this.mmapBase = options.mmapBase ?? (options.W === 8 ? 0x7ffff7d00000 : 0xf7c00000);
    this.environmentList = options.environment ?? [];
    this.name = options.programName ?? "./prog";
    this.thread = threadBlock(options.W, 0);
    this.map(dataBase(options.W), 0x20000);
  }

  map(start: number, length: number, prot = 3): void {
    this.areas.push({ start, end: start + length, prot });
    this.areas.sort((a, b) => a.start - b.start);
  }

  private forget(start: number, end: number): void {
    for (let page = Math.floor(start / PAGE); page < Math.ceil(end / PAGE); page++) this.pages.delete(page);
    this.tags.fill(-1);
  }

  private unmap(start: number, end: number, drop: boolean): void {
    for (let i = this.areas.length - 1; i >= 0; i--) {
      const area = this.areas[i];
      if (area.end <= start || area.start >= end) continue;
      this.areas.splice(i, 1);
      if (area.start < start) this.areas.push({ start: area.start, end: start, prot: area.prot });
      if (area.end > end) this.areas.push({ start: end, end: area.end, prot: area.prot });
    }
    this.areas.sort((a, b) => a.start - b.start);
    if (drop) this.forget(start, end);
    this.tags.fill(-1);
  }

  private readable(address: number): boolean {
    if (address >= this.breakStart - (this.breakStart % PAGE) && address < this.breakEnd) return true;
    for (const area of this.areas) if (address >= area.start && address < area.end) return area.prot !== 0;
    return false;
  }

  private lookup(page: number): DataView | undefined {
    if (!this.readable(page * PAGE)) {
      this.faulted = page * PAGE;
      return undefined;
    }
    let view = this.pages.get(page);
    if (view === undefined) {
      view = new DataView(new ArrayBuffer(PAGE));
      this.pages.set(page, view);
    }
    this.tags[page & 63] = page;
    this.views[page & 63] = view;
    return view;
  }

  private viewOf(address: number): DataView | undefined {
    const page = Math.floor(address / PAGE);
    return this.tags[page & 63] === page ? this.views[page & 63] : this.lookup(page);
  }

  read8(address: number): number {
    return this.viewOf(address)?.getUint8(address & (PAGE - 1)) ?? -1;
  }

  private bytesAt(address: number, length: number): number {
    let value = 0;
    for (let i = length - 1; i >= 0; i--) {
      const byte = this.read8(address + i);
      if (byte < 0) return -1;
      value = value * 256 + byte;
    }
    return value;
  }

  read16(address: number): number {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 2) return this.bytesAt(address, 2);
    return this.viewOf(address)?.getUint16(offset, true) ?? -1;
  }

  read32(address: number): number {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 4) return this.bytesAt(address, 4);
    return this.viewOf(address)?.getUint32(offset, true) ?? -1;
  }

  read64(address: number): number {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 8) return this.bytesAt(address, 8);
    const view = this.viewOf(address);
    return view === undefined ? -1 : view.getUint32(offset + 4, true) * 0x100000000 + view.getUint32(offset, true);
  }

  private denied(address: number): boolean {
    if (this.faultAt === undefined || !this.faultAt(address)) return false;
    this.faulted = address;
    return true;
  }

  write8(address: number, value: number): boolean {
    if (this.denied(address)) return false;
    const view = this.viewOf(address);
    view?.setUint8(address & (PAGE - 1), value);
    return view !== undefined;
  }

  private putBytes(address: number, value: number, length: number): boolean {
    let rest = value;
    for (let i = 0; i < length; i++) {
      if (!this.write8(address + i, rest % 256)) return false;
      rest = Math.floor(rest / 256);
    }
    return true;
  }

  write16(address: number, value: number): boolean {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 2) return this.putBytes(address, value, 2);
    if (this.denied(address)) return false;
    const view = this.viewOf(address);
    view?.setUint16(offset, value, true);
    return view !== undefined;
  }

  write32(address: number, value: number): boolean {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 4) return this.putBytes(address, value, 4);
    if (this.denied(address)) return false;
    const view = this.viewOf(address);
    view?.setUint32(offset, value, true);
    return view !== undefined;
  }

  write64(address: number, value: number): boolean {
    const offset = address & (PAGE - 1);
    if (offset > PAGE - 8) return this.putBytes(address, value, 8);
    if (this.denied(address)) return false;
    const view = this.viewOf(address);
    if (view === undefined) return false;
    view.setUint32(offset, value >>> 0, true);
    view.setUint32(offset + 4, Math.floor(value / 0x100000000), true);
    return true;
  }

  private usable(address: number, length: number): boolean {
    for (let page = Math.floor(address / PAGE); page * PAGE < address + length; page++) {
      if (!this.readable(page * PAGE)) {
        this.faulted = page * PAGE;
        return false;
      }
    }
    return true;
  }

  fill(address: number, byte: number, length: number): boolean {
    if (!this.usable(address, length) || this.denied(address)) return false;
    for (let at = address; at < address + length; ) {
      const offset = at % PAGE;
      const n = Math.min(PAGE - offset, address + length - at);
      const page = Math.floor(at / PAGE);
      if (byte !== 0 || this.pages.has(page)) {
        const view = this.viewOf(at);
        if (view !== undefined) new Uint8Array(view.buffer, offset, n).fill(byte);
      }
      at += n;
    }
    return true;
  }

  copy(to: number, from: number, length: number): boolean {
    const bytes = this.readBytes(from, length);
    this.copied?.(to, from, length);
    return bytes !== undefined && this.usable(to, length) && this.writeBytes(to, bytes);
  }

  readBytes(address: number, length: number): Uint8Array | undefined {
    if (!this.usable(address, length)) return undefined;
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; ) {
      const offset = (address + i) % PAGE;
      const n = Math.min(PAGE - offset, length - i);
      const view = this.pages.get(Math.floor((address + i) / PAGE));
      if (view !== undefined) bytes.set(new Uint8Array(view.buffer, offset, n), i);
      i += n;
    }
    return bytes;
  }

  writeBytes(address: number, bytes: Uint8Array): boolean {
    if (!this.usable(address, bytes.length) || this.denied(address)) return false;
    for (let i = 0; i < bytes.length; ) {
      const offset = (address + i) % PAGE;
      const n = Math.min(PAGE - offset, bytes.length - i);
      const part = bytes.subarray(i, i + n);
      if (this.pages.has(Math.floor((address + i) / PAGE)) || part.some((byte) => byte !== 0)) {
        const view = this.viewOf(address + i);
        if (view !== undefined) new Uint8Array(view.buffer, offset, n).set(part);
      }
      i += n;
    }
    return true;
  }

  /** A checksum of all memory; pages of zeros count as absent. */
  digest(): string {
    let hash = 0x811c9dc5;
    const mix = (value: number): void => {
      hash = Math.imul(hash ^ value, 0x01000193);
      hash ^= hash >>> 15;
    };
    for (const page of [...this.pages.keys()].sort((a, b) => a - b)) {
      const view = this.pages.get(page) as DataView;
      for (let i = 0; i < PAGE; i += 4) {
        const word = view.getUint32(i, true);
        if (word === 0) continue;
        mix(page);
        mix(i);
        mix(word);
      }
    }
    return (hash >>> 0).toString(16);
  }

  brk(address: number): number {
    const scripted = this.script?.("brk", address, 0, 0);
    let reached = this.breakEnd;
    if (scripted !== undefined) reached = scripted;
    else if (address >= this.breakStart && !this.collides(Math.ceil(this.breakEnd / PAGE) * PAGE, address))
      reached = address;
    if (reached < this.breakEnd) this.forget(Math.ceil(reached / PAGE) * PAGE, Math.ceil(this.breakEnd / PAGE) * PAGE);
    this.breakEnd = reached;
    this.calls.push(["brk", address, reached]);
    return reached;
  }

  private collides(start: number, end: number): boolean {
    return this.areas.some((area) => area.end > start && area.start < end);
  }

  private place(length: number): number {
    let end = this.mmapBase;
    for (let i = this.areas.length - 1; i >= 0; i--) {
      const area = this.areas[i];
      if (area.start >= this.mmapBase) continue;
      if (area.end + length <= end) break;
      end = Math.min(end, area.start);
    }
    return end - length > this.breakEnd ? end - length : ENOMEM;
  }

  mmap(address: number, length: number, prot: number, flags: number): number {
    let at = this.script?.("mmap", address, length, prot);
    if (at === undefined) {
      const fits = address !== 0 && address % PAGE === 0 && !this.collides(address, address + length);
      at = (flags & 0x10) !== 0 || fits ? address : this.place(length);
    }
    if (at >= 0) {
      this.unmap(at, at + length, true);
      this.map(at, length, prot);
    }
    this.calls.push(["mmap", address, length, prot, flags, at]);
    return at;
  }

  munmap(address: number, length: number): number {
    this.script?.("munmap", address, length, 0);
    this.unmap(address, address + length, true);
    this.calls.push(["munmap", address, length, 0]);
    return 0;
  }

  mremap(address: number, oldLength: number, newLength: number, flags: number): number {
    let at = this.script?.("mremap", address, oldLength, newLength);
    const kept: [number, DataView | undefined][] = [];
    for (let i = 0; i < Math.min(oldLength, newLength); i += PAGE) kept.push([i, this.pages.get((address + i) / PAGE)]);
    this.unmap(address, address + oldLength, true);
    if (at === undefined) at = this.collides(address, address + newLength) ? this.place(newLength) : address;
    this.map(at, newLength);
    for (const [i, view] of kept) if (view !== undefined) this.pages.set((at + i) / PAGE, view);
    this.calls.push(["mremap", address, oldLength, newLength, flags, at]);
    return at;
  }

  mprotect(address: number, length: number, prot: number): number {
    this.script?.("mprotect", address, length, prot);
    this.unmap(address, address + length, false);
    this.map(address, length, prot);
    this.calls.push(["mprotect", address, length, prot, 0]);
    return 0;
  }

  madvise(address: number, length: number, advice: number): number {
    this.script?.("madvise", address, length, advice);
    this.forget(address, address + length);
    this.calls.push(["madvise", address, length, advice, 0]);
    return 0;
  }

  getrandom(length: number): Uint8Array | undefined {
    return this.key ?? new Uint8Array([0x5a, 0x17, 0x93, 0x6c, 0x2d, 0xb8, 0x4e, 0xf1]).subarray(0, length);
  }

  randomBits(): number {
    return 0x1badcafe;
  }

  mayShrinkHeap(): boolean {
    return false;
  }

  nprocs(): number {
    return this.processors;
  }

  programName(): string {
    return this.name;
  }

  environment(): readonly string[] {
    return this.environmentList;
  }

  secure(): boolean {
    return false;
  }

  setErrno(value: number): void {
    this.errno = value;
  }

  threadPointer(): number {
    return this.thread;
  }

  singleThreaded(): boolean {
    return this.single;
  }

  message(text: string, _style: MessageStyle): void {
    this.messages.push(text);
  }
}

function dataBase(W: 4 | 8): number {
  return W === 8 ? 0x700000000000 : 0x1000000;
}

/** The thread-local block of thread `n`. */
export function threadBlock(W: 4 | 8, n: number): number {
  return dataBase(W) + 0x10000 + 64 * n;
}

/** A data segment of our own making, with main_arena at `mainArena` if the test wants it where a real libc has it. */
export function fakeAddresses(W: 4 | 8, mainArena = dataBase(W) + 0x1000): MallocAddresses {
  const base = dataBase(W);
  const word = (n: number): number => base + 0x100 + 8 * n;
  return {
    mainArena,
    mp: base + 0x400,
    curbrk: word(0),
    globalMaxFast: word(1),
    perturbByte: word(2),
    mallocInitialized: word(3),
    narenas: word(4),
    narenasLimit: word(5),
    freeList: word(6),
    nextToUse: word(7),
    alignedHeapArea: word(8),
    tcacheKey: word(9),
    checkAction: word(10),
    usingMallocChecking: word(11),
    arenaMem: word(12),
    tcacheDummy: base + 0x4000,
    tls: { threadArena: 0, tcache: 8, tcacheShuttingDown: 16 },
  };
}
