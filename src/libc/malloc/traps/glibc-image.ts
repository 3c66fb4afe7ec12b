/**
 * Finds malloc's functions and variables in the file of a real libc.so.6. The functions are dynamic symbols. main_arena and mp_ are
 * known by what the compiler put into them (malloc.c: `main_arena = { .next = &main_arena, … }`, `mp_ = { .top_pad = … }`); the static
 * variables by how the code uses them: nobody but reused_arena stores `&main_arena` into a variable, for instance.
 */
import { bytesAtAddress, type ElfImage, fileOffsetOf, parseElf } from "../../../elf/image.ts";
import { isElfError, u32, word } from "../../../elf/reader.ts";
import { dynamicSymbols, type ElfSymbol } from "../../../elf/symbols.ts";
import { textOf } from "../../../host/text.ts";
import { Geometry } from "../geometry.ts";
import type { MallocVersion } from "../version.ts";
import { MALLOC_VERSIONS } from "../versions/all.ts";
import { type CodeFacts, type Reference, scanCode } from "./code-scan.ts";
import type { MallocImage, MallocVariables } from "./image.ts";
import { MALLOC_FUNCTIONS, type MallocFunction } from "./malloc-traps.ts";
import { relocatedWords } from "./relocated-words.ts";

/** A function's entry in a libc file. */
export interface MallocSite {
  readonly name: MallocFunction;
  /** Relative to the load address. */
  readonly address: number;
  readonly fileOffset: number;
}

export interface FoundMalloc {
  readonly image: MallocImage;
  readonly sites: readonly MallocSite[];
}

/** Functions that are left to the guest: they print through its own stdio, whose buffers only they know. */
const LEFT_TO_GUEST: readonly MallocFunction[] = ["malloc_stats"];
/** Functions whose code tells the variables apart, besides the traps' own. */
const SCANNED = [...MALLOC_FUNCTIONS, "malloc_info"];
/** How far from malloc its helper functions may lie. */
const BEFORE = 0x9000;
const BEHIND = 0x6000;
const PF_W = 2;
const PT_LOAD = 1;
const PT_TLS = 7;
const STT_TLS = 6;
const ENOMEM = 12;
const HOOKS = ["__malloc_hook", "__free_hook", "__realloc_hook", "__memalign_hook"];

/** The glibc version that the text of a libc names, for instance `2.36`; undefined: this is no glibc. */
export function glibcVersion(bytes: Uint8Array): string | undefined {
  const text = "stable release version ";
  const at = indexOf(bytes, text);
  if (at < 0) return undefined;
  return /^\d+\.\d+(?:\.\d+)?/.exec(textOf(bytes.subarray(at + text.length, at + text.length + 16)))?.[0];
}

function indexOf(bytes: Uint8Array, text: string): number {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let i = 1;
    while (i < text.length && bytes[at + i] === text.charCodeAt(i)) i++;
    if (i === text.length) return at;
  }
  return -1;
}

/** What a glibc's malloc is called here: the version itself, or undefined if folio has none like it. */
export function mallocOfGlibc(version: string): MallocVersion | undefined {
  return MALLOC_VERSIONS.find(({ name }) => name === version);
}

/** Finds malloc in a libc; the reason if it cannot be trapped. */
export function findMalloc(bytes: Uint8Array, version: MallocVersion): FoundMalloc | { readonly error: string } {
  const image = parseElf(bytes);
  if (isElfError(image)) return image;
  const symbols = dynamicSymbols(image);
  if (isElfError(symbols)) return symbols;
  return new Finder(image, symbols, version).find();
}

class Finder {
  readonly #image: ElfImage;
  readonly #symbols: readonly ElfSymbol[];
  readonly #version: MallocVersion;
  readonly #geometry: Geometry;
  readonly #W: 4 | 8;
  readonly #relative: ReadonlyMap<number, number>;
  readonly #tlsOffsets: ReadonlyMap<number, number>;

  constructor(image: ElfImage, symbols: readonly ElfSymbol[], version: MallocVersion) {
    this.#image = image;
    this.#symbols = symbols;
    this.#version = version;
    this.#W = image.header.is64 ? 8 : 4;
    this.#geometry = new Geometry(version, this.#W);
    const { relative, tlsOffsets } = relocatedWords(image);
    this.#relative = relative;
    this.#tlsOffsets = tlsOffsets;
  }

  find(): FoundMalloc | { readonly error: string } {
    const sites = this.#sites();
    const malloc = sites.find(({ name }) => name === "malloc");
    const curbrk = this.#symbol("__curbrk");
    const abort = this.#symbol("abort");
    if (malloc === undefined || curbrk === undefined || abort === undefined) return { error: "it is no libc" };
    const mainArena = this.#mainArena();
    const mp = this.#mallocPar();
    if (mainArena === undefined || mp === undefined) {
      return { error: `its data is not laid out as that of glibc ${this.#version.name}` };
    }
    const facts = scanCode({
      image: this.#image,
      roots: SCANNED.flatMap((name) => this.#range(name)),
      low: malloc.address - BEFORE,
      high: malloc.address + BEHIND,
    });
    const tls = this.#tls(facts, malloc.address);
    if (tls === undefined) return { error: "malloc's thread-local variables were not found" };
    const variables = { mainArena, mp, curbrk: curbrk.st_value, ...this.#variables(facts, mainArena, mp, tls.tcache) };
    const image: MallocImage = {
      version: this.#version,
      abi: this.#W === 8 ? "amd64" : "i386",
      variables,
      tls: {
        threadArena: { got: tls.threadArena },
        errno: { got: tls.errno },
        tcache: { got: tls.tcache },
        ...(tls.shuttingDown === undefined ? {} : { tcacheShuttingDown: { got: tls.shuttingDown } }),
      },
      singleThreaded: this.#singleThreaded(facts),
      hooks: HOOKS.flatMap((name) => {
        const variable = this.#symbol(name)?.st_value;
        if (variable === undefined) return [];
        return [{ variable, initial: this.#relative.get(variable) ?? 0 }];
      }),
      fatal: { kind: "abort", abort: abort.st_value },
    };
    return { image, sites };
  }

  #symbol(name: string): ElfSymbol | undefined {
    return this.#symbols.find((symbol) => symbol.name === name && symbol.st_shndx !== 0 && symbol.type !== STT_TLS);
  }

  #range(name: string): { start: number; size: number }[] {
    const symbol = this.#symbol(name);
    return symbol === undefined ? [] : [{ start: symbol.st_value, size: symbol.st_size }];
  }

  /** One site an entry: aliases share it. */
  #sites(): MallocSite[] {
    const sites = new Map<number, MallocSite>();
    for (const name of MALLOC_FUNCTIONS) {
      const address = this.#symbol(name)?.st_value;
      if (address === undefined || sites.has(address) || LEFT_TO_GUEST.includes(name)) continue;
      const fileOffset = fileOffsetOf(this.#image, address);
      if (fileOffset !== undefined) sites.set(address, { name, address, fileOffset });
    }
    return [...sites.values()];
  }

  /** Addresses of the initialised words of the writable segments. */
  *#dataWords(): Generator<number> {
    for (const { p_type, p_flags, p_vaddr, p_filesz } of this.#image.segments) {
      if (p_type !== PT_LOAD || (p_flags & PF_W) === 0) continue;
      for (let at = p_vaddr; at + this.#W <= p_vaddr + p_filesz; at += this.#W) yield at;
    }
  }

  #initial(at: number, size: 4 | 8 = this.#W): number {
    const known = this.#relative.get(at);
    if (known !== undefined) return known;
    const bytes = bytesAtAddress(this.#image, at);
    if (bytes === undefined || bytes.length < 8) return 0;
    return size === 4 ? u32(bytes, 0) : word(bytes, 0, true);
  }

  /** The arena whose `next` is itself. */
  #mainArena(): number | undefined {
    const { next, attachedThreads, top } = this.#geometry.state;
    for (const at of this.#dataWords()) {
      const arena = at - next;
      if (this.#relative.get(at) !== arena || this.#initial(arena + top) !== 0) continue;
      if (attachedThreads < 0 || this.#initial(arena + attachedThreads) === 1) return arena;
    }
    return undefined;
  }

  /** struct malloc_par by its initial values (as init.ts writes them). */
  #mallocPar(): number | undefined {
    const { parAt } = this.#geometry;
    const wanted: readonly (readonly [offset: number, value: number, size: 4 | 8])[] = [
      [parAt.trimThreshold, 128 * 1024, this.#W],
      [parAt.topPad, this.#version.topPad, this.#W],
      [parAt.mmapThreshold, 128 * 1024, this.#W],
      [parAt.nMmapsMax, 65536, 4],
    ];
    for (const at of this.#dataWords()) {
      if (wanted.every(([offset, value, size]) => this.#initial(at + offset, size) === value)) return at;
    }
    return undefined;
  }

  /** GOT entries that hold the offsets of malloc's thread-local variables. */
  #tls(facts: CodeFacts, malloc: number): TlsSlots | undefined {
    const size = this.#range("malloc")[0]?.size ?? 0;
    const ofWord = facts.tls.filter((use) => use.size === this.#W);
    const errno = facts.tls.find((use) => use.size === 4 && use.immediate === ENOMEM)?.got;
    const inMalloc = ofWord.filter((use) => use.at >= malloc && use.at < malloc + size && use.got !== errno);
    const tcache = inMalloc.sort((a, b) => a.at - b.at)[0]?.got;
    const threadArena = ofWord.find((use) => use.got !== tcache && use.got !== errno)?.got;
    if (errno === undefined || tcache === undefined || threadArena === undefined) return undefined;
    return { errno, tcache, threadArena, shuttingDown: facts.tls.find((use) => use.size === 1)?.got };
  }

  /** `__libc_single_threaded` where the code looks at it, else the control block's header.multiple_threads (nptl/descr.h). */
  #singleThreaded(facts: CodeFacts): MallocImage["singleThreaded"] {
    const byte = this.#symbol("__libc_single_threaded")?.st_value;
    if (byte !== undefined && facts.references.some((use) => use.variable === byte)) return { byte };
    return { multipleThreads: this.#W === 8 ? 0x18 : 0xc };
  }

  #variables(facts: CodeFacts, mainArena: number, mp: number, tcacheSlot: number): Partial<MallocVariables> {
    const W = this.#W;
    const { state, parAt } = this.#geometry;
    const outside = (address: number): boolean =>
      (address < mainArena || address >= mainArena + state.sizeof) && (address < mp || address >= mp + 256);
    const uses = new Map<number, Reference[]>();
    for (const use of facts.references) {
      if (!this.#isData(use.variable) || !outside(use.variable)) continue;
      const list = uses.get(use.variable);
      if (list === undefined) uses.set(use.variable, [use]);
      else list.push(use);
    }
    /** The one variable, of those not told apart yet, of which this holds; undefined if there is none, or more than one. */
    const only = (holds: (list: readonly Reference[]) => boolean): number | undefined => {
      const found = [...uses].filter(([, list]) => holds(list));
      const variable = found.length === 1 ? found[0]?.[0] : undefined;
      if (variable !== undefined) uses.delete(variable);
      return variable;
    };
    const written = (use: Reference): boolean => use.use === "write" && use.size === W;
    const storesField = (offset: number) => (list: readonly Reference[]) =>
      list.some((use) => written(use) && use.source?.kind === "field" && use.source.offset === offset);
    const storesArena = (use: Reference): boolean =>
      written(use) && use.source?.kind === "address" && use.source.value === mainArena;
    const nextToUse = only((list) => list.some(storesArena));
    const narenasLimit = only((list) =>
      list.some((use) => written(use) && use.source?.kind === "loaded" && use.source.from === mp + parAt.arenaMax),
    );
    const freeList = only(storesField(state.nextFree));
    const narenas = only(
      (list) =>
        list.some((use) => use.mnemonic === "cmpxchg" && use.lock && use.size === W) &&
        list.every((use) => use.mnemonic !== "xchg" && use.use !== "address") &&
        this.#initial(list[0]?.variable ?? 0) === 1,
    );
    // ptmalloc_init: set_max_fast (DEFAULT_MXFAST), which is a byte since 2.40.
    const fast = 16 * W;
    const globalMaxFast = only((list) =>
      list.some(
        ({ use, immediate, size }) =>
          use === "write" && immediate !== undefined && (size === 1 ? (immediate & 0xff) === fast : immediate === fast),
      ),
    );
    const mallopt = this.#range("mallopt")[0] ?? { start: 0, size: 0 };
    const inMallopt = (use: Reference, bytes: number): boolean =>
      use.at >= mallopt.start && use.at < mallopt.start + bytes;
    const mallocInitialized = this.#version.initAtStart
      ? undefined
      : only((list) => list.some((use) => use.use === "read" && use.size <= 4 && inMallopt(use, 0x30)));
    const alignedHeapArea = only(
      (list) => list.some((use) => written(use) && use.immediate === 0) && list.some((use) => use.use === "read"),
    );
    const perturbByte = only(
      (list) =>
        list.some(
          (use) => use.use === "write" && use.size === 4 && use.immediate === undefined && inMallopt(use, mallopt.size),
        ) && list.every((use) => !use.lock),
    );
    const free = this.#range("free")[0] ?? { start: 0, size: 0 };
    // Set before main and elsewhere (2.43): free only reads it.
    const readByFree = (list: readonly Reference[]): boolean =>
      this.#isBss(list[0]?.variable ?? 0) &&
      list.every((use) => use.use === "read" && use.size === W) &&
      list.some((use) => use.at >= free.start && use.at < free.start + free.size);
    const drawnHere = (list: readonly Reference[]): boolean =>
      list.some((use) => use.use === "address") &&
      list.some((use) => written(use) && use.immediate === undefined) &&
      list.every((use) => !use.lock);
    const tcacheKey = only(this.#version.initAtStart ? readByFree : drawnHere);
    return {
      nextToUse,
      narenasLimit,
      freeList,
      alignedHeapArea,
      narenas,
      globalMaxFast,
      perturbByte,
      mallocInitialized,
      tcacheKey: this.#version.tcache?.key === "struct" ? undefined : tcacheKey,
      tcacheDummy: this.#version.tcache?.lazy ? this.#tcacheDummy(tcacheSlot) : undefined,
    };
  }

  #isData(address: number): boolean {
    return this.#image.segments.some(
      ({ p_type, p_flags, p_vaddr, p_memsz }) =>
        p_type === PT_LOAD && (p_flags & PF_W) !== 0 && address >= p_vaddr && address < p_vaddr + p_memsz,
    );
  }

  #isBss(address: number): boolean {
    return this.#isData(address) && fileOffsetOf(this.#image, address) === undefined;
  }

  /** What the initial image of the thread-local `tcache` points at. */
  #tcacheDummy(slot: number): number | undefined {
    const segment = this.#image.segments.find(({ p_type }) => p_type === PT_TLS);
    const offset = this.#tlsOffsets.get(slot);
    return segment === undefined || offset === undefined ? undefined : this.#relative.get(segment.p_vaddr + offset);
  }
}

interface TlsSlots {
  readonly errno: number;
  readonly tcache: number;
  readonly threadArena: number;
  readonly shuttingDown: number | undefined;
}
