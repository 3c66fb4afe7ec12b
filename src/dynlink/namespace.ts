/**
 * The objects of a process and the linker's variables. All of it lies in the guest's memory: in the data segment of ld.so
 * (`__folio_rtld`) and in what ld.so has allocated; this class is a view that is made anew for each trap.
 */

import { LINK_MAP_WORDS, LinkMap, MapFlag } from "./link-map.ts";
import { VersionTables } from "./lookup.ts";
import type { LinkMemory } from "./memory.ts";
import { callGuest, mapPages, type Routine } from "./routine.ts";
import type { LinkerSizes, LinkerVersion } from "./version.ts";

/** Words of `__folio_rtld`. */
const FIELD = {
  allocPointer: 0,
  allocEnd: 1,
  head: 2,
  tlsModules: 3,
  /** Bytes of static TLS in use. */
  tlsUsed: 4,
  tlsAlign: 5,
  bindNow: 6,
  cache: 7,
  cacheSize: 8,
  libraryPath: 9,
  /** Initial stack pointer: argc, argv, environment and auxiliary vector follow from it. */
  stack: 10,
  /** Set once the program runs: memory comes from its malloc. */
  running: 11,
  /** The message that dlerror returns next, and what it was before. */
  error: 12,
  tlsStaticSize: 13,
  initList: 14,
  enableSecure: 15,
} as const;

export type RtldField = keyof typeof FIELD;

/** Where things lie in the image of ld.so: addresses in the file. */
export interface LinkerSymbols {
  readonly rtld: number;
  readonly rDebug: number;
  readonly end: number;
  readonly stackEnd: number;
  readonly argv: number;
  readonly enableSecure: number;
  readonly dynamic: number;
  readonly resolve: number;
  readonly fini: number;
  /** Room for the link_map of ld.so itself. */
  readonly map: number;
  /** i386: the function that loads %gs. */
  readonly setGs: number;
}

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;

export class Namespace {
  readonly memory: LinkMemory;
  readonly version: LinkerVersion;
  readonly sizes: LinkerSizes;
  readonly symbols: LinkerSymbols;
  /** Where ld.so lies. */
  readonly base: number;
  readonly tables = new VersionTables();
  readonly #maps = new Map<number, LinkMap>();

  constructor(memory: LinkMemory, version: LinkerVersion, symbols: LinkerSymbols, base: number) {
    this.memory = memory;
    this.version = version;
    this.sizes = version.sizes[memory.abi];
    this.symbols = symbols;
    this.base = base;
  }

  get(field: RtldField): number {
    return this.memory.word(this.base + this.symbols.rtld + FIELD[field] * this.memory.W);
  }

  set(field: RtldField, value: number): void {
    this.memory.setWord(this.base + this.symbols.rtld + FIELD[field] * this.memory.W, value);
  }

  mapAt(address: number): LinkMap {
    let map = this.#maps.get(address);
    if (map === undefined) {
      map = new LinkMap(this.memory, address);
      this.#maps.set(address, map);
    }
    return map;
  }

  /** All objects in the order in which they came. */
  maps(): readonly LinkMap[] {
    const maps: LinkMap[] = [];
    for (let at = this.get("head"); at !== 0; ) {
      const map = this.mapAt(at);
      maps.push(map);
      at = map.next;
    }
    return maps;
  }

  get main(): LinkMap {
    return this.mapAt(this.get("head"));
  }

  /** The objects whose symbols every reference may find. */
  globalScope(): readonly LinkMap[] {
    return this.maps().filter((map) => map.has(MapFlag.global));
  }

  /** Where a reference in `map` looks: the global scope, then what the object was opened with. */
  scopeOf(map: LinkMap): readonly LinkMap[] {
    const global = this.globalScope();
    const scope = map.symbolic ? [map, ...global] : [...global];
    if (!map.has(MapFlag.global))
      for (const other of this.dependencies(map)) if (!scope.includes(other)) scope.push(other);
    return scope;
  }

  /** The object and all that it needs, breadth first. */
  dependencies(root: LinkMap): readonly LinkMap[] {
    const found = [root];
    for (let i = 0; i < found.length; i++) {
      for (const name of found[i].needed) {
        const map = this.byName(name);
        if (map !== undefined && !found.includes(map)) found.push(map);
      }
    }
    return found;
  }

  /** _dl_name_match_p: by the path, the name that was asked for, or the soname. */
  byName(name: string): LinkMap | undefined {
    return this.maps().find((map) => {
      if (map.has(MapFlag.main) || map.has(MapFlag.vdso)) return false;
      const asked = map.wantedAddress === 0 ? "" : this.memory.text(map.wantedAddress);
      return asked === name || map.name === name || map.soname === name;
    });
  }

  covering(address: number): LinkMap | undefined {
    return this.maps().find((map) => map.covers(address));
  }

  append(map: LinkMap): void {
    const last = this.maps().at(-1);
    if (last === undefined) this.set("head", map.address);
    else {
      last.next = map.address;
      map.prev = last.address;
    }
  }

  unlink(map: LinkMap): void {
    if (map.prev !== 0) this.mapAt(map.prev).next = map.next;
    if (map.next !== 0) this.mapAt(map.next).prev = map.prev;
  }

  /**
   * malloc of ld.so: while it starts, from the rest of its own data page and then from pages of its own, none ever given back
   * (elf/dl-minimal.c); later the program's malloc.
   */
  *allocate(bytes: number, align = 8): Routine<number> {
    if (this.get("running") !== 0) {
      const malloc = this.get("running");
      const at = malloc === 1 ? 0 : yield* callGuest(malloc, bytes);
      if (at !== 0) {
        this.memory.fill(at, bytes);
        return at;
      }
    }
    if (this.get("allocEnd") === 0) {
      const end = this.base + this.symbols.end;
      this.set("allocPointer", end);
      this.set("allocEnd", Math.ceil(end / PAGE) * PAGE);
    }
    let pointer = Math.ceil(this.get("allocPointer") / align) * align;
    if (pointer + bytes >= this.get("allocEnd")) {
      const size = Math.max(Math.ceil(bytes / PAGE) * PAGE, PAGE);
      const page = yield* mapPages(this.memory.is64, 0, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
      if (page !== this.get("allocEnd")) pointer = page;
      this.set("allocEnd", page + size);
    }
    this.set("allocPointer", pointer + bytes);
    return pointer;
  }

  *text(text: string): Routine<number> {
    const at = yield* this.allocate(text.length + 1);
    this.memory.setText(at, text);
    return at;
  }

  /** _dl_new_object. */
  *newObject(name: string, wanted: string): Routine<LinkMap> {
    const size = Math.max(this.sizes.linkMap, LINK_MAP_WORDS * this.memory.W);
    const at = yield* this.allocate(size + wanted.length + 1);
    const map = this.mapAt(at);
    this.memory.setText(at + size, wanted);
    map.wantedAddress = at + size;
    map.nameAddress = name === "" ? at + size + wanted.length : yield* this.text(name);
    return map;
  }
}
