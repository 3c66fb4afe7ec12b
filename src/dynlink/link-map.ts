/**
 * struct link_map: one for each object of a process, in the process's own memory, chained as debuggers expect it (link.h).
 * Behind the five public fields come those of the linker itself (include/link.h has its own there), all of them words.
 */
import {
  DT_FINI,
  DT_FLAGS,
  DT_GNU_HASH,
  DT_HASH,
  DT_INIT,
  DT_JMPREL,
  DT_NEEDED,
  DT_NULL,
  DT_PLTRELSZ,
  DT_REL,
  DT_RELA,
  DT_RPATH,
  DT_RUNPATH,
  DT_SONAME,
  DT_STRTAB,
  DT_SYMTAB,
  DT_VERDEF,
  DT_VERNEED,
  DT_VERSYM,
} from "../elf/constants.ts";
import type { LinkMemory } from "./memory.ts";

export const DT_PLTGOT = 3;
export const DT_RELASZ = 8;
export const DT_SYMBOLIC = 16;
export const DT_RELSZ = 18;
export const DT_DEBUG = 21;
export const DT_TEXTREL = 22;
export const DT_BIND_NOW = 24;
export const DT_INIT_ARRAY = 25;
export const DT_FINI_ARRAY = 26;
export const DT_INIT_ARRAYSZ = 27;
export const DT_FINI_ARRAYSZ = 28;
export const DT_PREINIT_ARRAY = 32;
export const DT_PREINIT_ARRAYSZ = 33;
export const DT_FLAGS_1 = 0x6ffffffb;

export const DF_SYMBOLIC = 2;
export const DF_TEXTREL = 4;
export const DF_BIND_NOW = 8;
export const DF_1_NOW = 1;
export const DF_1_NODELETE = 8;

/** Dynamic tags whose value is an address of the object. */
const ADDRESSES = new Set([
  DT_PLTGOT,
  DT_HASH,
  DT_STRTAB,
  DT_SYMTAB,
  DT_RELA,
  DT_INIT,
  DT_FINI,
  DT_REL,
  DT_JMPREL,
  DT_INIT_ARRAY,
  DT_FINI_ARRAY,
  DT_PREINIT_ARRAY,
  DT_GNU_HASH,
  DT_VERSYM,
  DT_VERDEF,
  DT_VERNEED,
]);

const PUBLIC = { addr: 0, name: 1, ld: 2, next: 3, prev: 4 } as const;
const PRIVATE = {
  phdr: 5,
  phnum: 6,
  mapStart: 7,
  mapEnd: 8,
  flags: 9,
  tlsModule: 10,
  /** Distance of the static TLS block below the thread pointer. */
  tlsOffset: 11,
  entry: 12,
  dev: 13,
  ino: 14,
  /** How often it was opened by dlopen. */
  references: 15,
  /** The name that asked for it. */
  wanted: 16,
} as const;

/** Words that the linker uses of the structure. */
export const LINK_MAP_WORDS = 17;

export const MapFlag = {
  main: 1,
  vdso: 2,
  /** The dynamic linker itself. */
  ld: 4,
  relocated: 8,
  /** Constructors have run, or are about to. */
  initialised: 16,
  /** Its symbols are in the global scope. */
  global: 32,
  finished: 64,
  noDelete: 128,
} as const;

export class LinkMap {
  readonly memory: LinkMemory;
  readonly address: number;
  readonly #dynamic = new Map<number, number>();
  readonly #needed: number[] = [];
  #parsed = false;

  constructor(memory: LinkMemory, address: number) {
    this.memory = memory;
    this.address = address;
  }

  #field(index: number): number {
    return this.memory.word(this.address + index * this.memory.W);
  }

  #setField(index: number, value: number): void {
    this.memory.setWord(this.address + index * this.memory.W, value);
  }

  /** Difference between addresses in the file and in memory; negative never. */
  get base(): number {
    return this.#field(PUBLIC.addr);
  }
  set base(value: number) {
    this.#setField(PUBLIC.addr, value);
  }

  get nameAddress(): number {
    return this.#field(PUBLIC.name);
  }
  set nameAddress(value: number) {
    this.#setField(PUBLIC.name, value);
  }

  /** The path as it was opened; "" for the program. */
  get name(): string {
    return this.memory.text(this.nameAddress);
  }

  get ld(): number {
    return this.#field(PUBLIC.ld);
  }
  set ld(value: number) {
    this.#setField(PUBLIC.ld, value);
    this.#parsed = false;
  }

  get next(): number {
    return this.#field(PUBLIC.next);
  }
  set next(value: number) {
    this.#setField(PUBLIC.next, value);
  }

  get prev(): number {
    return this.#field(PUBLIC.prev);
  }
  set prev(value: number) {
    this.#setField(PUBLIC.prev, value);
  }

  get phdr(): number {
    return this.#field(PRIVATE.phdr);
  }
  set phdr(value: number) {
    this.#setField(PRIVATE.phdr, value);
  }

  get phnum(): number {
    return this.#field(PRIVATE.phnum);
  }
  set phnum(value: number) {
    this.#setField(PRIVATE.phnum, value);
  }

  get mapStart(): number {
    return this.#field(PRIVATE.mapStart);
  }
  get mapEnd(): number {
    return this.#field(PRIVATE.mapEnd);
  }
  setMapped(start: number, end: number): void {
    this.#setField(PRIVATE.mapStart, start);
    this.#setField(PRIVATE.mapEnd, end);
  }

  get flags(): number {
    return this.#field(PRIVATE.flags);
  }
  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
  set(flag: number): void {
    this.#setField(PRIVATE.flags, this.flags | flag);
  }
  clear(flag: number): void {
    this.#setField(PRIVATE.flags, this.flags & ~flag);
  }

  get tlsModule(): number {
    return this.#field(PRIVATE.tlsModule);
  }
  get tlsOffset(): number {
    return this.#field(PRIVATE.tlsOffset);
  }
  setTls(module: number, offset: number): void {
    this.#setField(PRIVATE.tlsModule, module);
    this.#setField(PRIVATE.tlsOffset, offset);
  }

  get entry(): number {
    return this.#field(PRIVATE.entry);
  }
  set entry(value: number) {
    this.#setField(PRIVATE.entry, value);
  }

  get dev(): number {
    return this.#field(PRIVATE.dev);
  }
  get ino(): number {
    return this.#field(PRIVATE.ino);
  }
  setFile(dev: number, ino: number): void {
    this.#setField(PRIVATE.dev, dev);
    this.#setField(PRIVATE.ino, ino);
  }

  get references(): number {
    return this.#field(PRIVATE.references);
  }
  set references(value: number) {
    this.#setField(PRIVATE.references, value);
  }

  get wantedAddress(): number {
    return this.#field(PRIVATE.wanted);
  }
  set wantedAddress(value: number) {
    this.#setField(PRIVATE.wanted, value);
  }

  #parse(): void {
    if (this.#parsed) return;
    this.#parsed = true;
    this.#dynamic.clear();
    this.#needed.length = 0;
    const { memory, base } = this;
    if (this.ld === 0) return;
    for (let at = this.ld; ; at += 2 * memory.W) {
      const tag = memory.word(at);
      if (tag === DT_NULL) break;
      const value = memory.word(at + memory.W);
      if (tag === DT_NEEDED) this.#needed.push(value);
      else if (!this.#dynamic.has(tag)) this.#dynamic.set(tag, ADDRESSES.has(tag) ? value + base : value);
    }
  }

  /** The value of a dynamic entry, addresses as they are in memory; undefined without it. */
  dynamic(tag: number): number | undefined {
    this.#parse();
    return this.#dynamic.get(tag);
  }

  /** Where the value of a dynamic entry lies. */
  dynamicSlot(tag: number): number | undefined {
    const { memory } = this;
    for (let at = this.ld; at !== 0; at += 2 * memory.W) {
      const found = memory.word(at);
      if (found === tag) return at + memory.W;
      if (found === DT_NULL) break;
    }
    return undefined;
  }

  string(offset: number): string {
    return this.memory.text((this.dynamic(DT_STRTAB) ?? 0) + offset);
  }

  #stringOf(tag: number): string | undefined {
    const offset = this.dynamic(tag);
    return offset === undefined ? undefined : this.string(offset);
  }

  get needed(): readonly string[] {
    this.#parse();
    return this.#needed.map((offset) => this.string(offset));
  }

  get soname(): string | undefined {
    return this.#stringOf(DT_SONAME);
  }
  get rpath(): string | undefined {
    return this.#stringOf(DT_RPATH);
  }
  get runpath(): string | undefined {
    return this.#stringOf(DT_RUNPATH);
  }

  get bindsNow(): boolean {
    const flags = this.dynamic(DT_FLAGS) ?? 0;
    const flags1 = this.dynamic(DT_FLAGS_1) ?? 0;
    return this.dynamic(DT_BIND_NOW) !== undefined || (flags & DF_BIND_NOW) !== 0 || (flags1 & DF_1_NOW) !== 0;
  }

  get symbolic(): boolean {
    return this.dynamic(DT_SYMBOLIC) !== undefined || ((this.dynamic(DT_FLAGS) ?? 0) & DF_SYMBOLIC) !== 0;
  }

  /** Relocations of the PLT: address and bytes. */
  get pltRelocations(): { readonly at: number; readonly size: number } {
    return { at: this.dynamic(DT_JMPREL) ?? 0, size: this.dynamic(DT_PLTRELSZ) ?? 0 };
  }

  /** Program headers of one type. */
  segments(type: number): readonly Segment[] {
    const { memory, phdr, phnum } = this;
    const size = memory.is64 ? 56 : 32;
    const found: Segment[] = [];
    for (let i = 0; i < phnum; i++) {
      const segment = readSegment(memory, phdr + i * size);
      if (segment.type === type) found.push(segment);
    }
    return found;
  }

  /** Whether an address lies in the object's mappings. */
  covers(address: number): boolean {
    return address >= this.mapStart && address < this.mapEnd;
  }
}

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** A program header in memory. */
export function readSegment(memory: LinkMemory, at: number): Segment {
  const w = (index: number): number => memory.word(at + index);
  if (memory.is64) {
    const [type, flags] = [memory.u32(at), memory.u32(at + 4)];
    return { type, flags, offset: w(8), vaddr: w(16), filesz: w(32), memsz: w(40), align: w(48) };
  }
  return { type: w(0), flags: w(24), offset: w(4), vaddr: w(8), filesz: w(16), memsz: w(20), align: w(28) };
}
