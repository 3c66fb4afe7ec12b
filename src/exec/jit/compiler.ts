/** Compiles batches of regions into WebAssembly modules and keeps the table through which they are called. */
import type { FrameNumber } from "../../base/address.ts";
import type { HostWasm, WasmMemory, WasmTable } from "../../host/host.ts";
import { HELPERS } from "../../isa/helpers/signatures.ts";
import type { Code } from "../../wasm/code.ts";
import { ModuleWriter } from "../../wasm/module.ts";
import type { ValTypeName } from "../../wasm/opcodes.ts";
import { BULK_TYPE } from "../interp/support.ts";
import { REGION_LINKS, REGION_LINKS_END, SITE_COUNT, SITE_SHIFT, SITES, SITES_END } from "../layout.ts";
import type { Region } from "./region.ts";
import { RegionEmit, type RegionLinks } from "./region-emit.ts";
import { CannotCompile } from "./region-values.ts";

export interface CompiledRegion {
  readonly region: Region;
  /** Index in the table of regions. */
  readonly index: number;
  /** Fuel that it must be given to be entered. */
  readonly need: number;
}

const TABLE_SIZE = 1 << 15;
/** So often regions may be left at an instruction because of floats before code that is compiled later does without. */
const OFTEN = 64;

export class Compiler {
  readonly table: WasmTable;
  readonly #wasm: HostWasm;
  readonly #memory: WasmMemory;
  readonly #words: Int32Array;
  #helpers: Record<string, unknown> = {};
  #interpreter: Record<string, unknown> = {};
  #nextIndex = 1;
  #nextSite = SITES;
  #nextLink = REGION_LINKS;
  /** Sites at which regions are left because of floats, by address. */
  readonly #floatSites = new Map<number, number[]>();
  readonly #byFrame = new Map<FrameNumber, number[]>();
  modules = 0;
  regions = 0;
  bytes = 0;

  constructor(wasm: HostWasm, memory: WasmMemory) {
    this.#wasm = wasm;
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer);
    this.table = wasm.createTable(TABLE_SIZE);
  }

  /** The functions that regions import, the interpreter module's among them; to be set once, before the first compilation. */
  connect(helpers: Record<string, unknown>, interpreter: Record<string, unknown>): void {
    this.#helpers = helpers;
    this.#interpreter = interpreter;
  }

  /** Whether sites, links and table have room for another batch. */
  hasRoom(): boolean {
    return (
      this.#nextIndex < TABLE_SIZE - 256 &&
      this.#nextSite < SITES_END - 0x40000 &&
      this.#nextLink < REGION_LINKS_END - 0x40000
    );
  }

  /** Compiles the regions into one module. Those that turn out impossible are missing from the result. */
  compile(regions: readonly Region[]): CompiledRegion[] {
    const module = new ModuleWriter();
    module.importMemory("env", "memory", 1);
    const used = new Map<string, number>();
    const materialize = module.importFunc("interp", "materialize", { params: [], results: [] });
    // Imports come before functions, so the bodies are emitted first and the functions added behind.
    const links: RegionLinks = {
      site: (lo, hi, fuel) => this.#site(lo, hi, fuel),
      floatSite: (lo, hi, fuel) => this.#floatSite(lo, hi, fuel),
      leavesOften: (lo, hi) => this.#leavesOften(lo, hi),
      link: (lo, hi) => this.#link(lo, hi),
      table: (bytes) => this.#table(bytes),
      helper: (name) => imported(used, name, () => importHelper(module, name)),
      bulk: (name) => imported(used, name, () => module.importFunc("interp", name, BULK_TYPE)),
      materialize,
    };
    const bodies: { region: Region; body: Code; locals: readonly ValTypeName[]; need: number }[] = [];
    for (const region of regions) {
      try {
        const emit = new RegionEmit(region, links);
        const body = emit.emit();
        bodies.push({ region, body, locals: emit.locals.types, need: emit.need });
      } catch (error) {
        if (!(error instanceof CannotCompile)) throw error;
      }
    }
    if (bodies.length === 0) return [];
    for (const [position, { body, locals }] of bodies.entries()) {
      module.exportFunc(
        `r${position}`,
        module.func({ params: [], results: ["i32"] }, locals, body.finish(), body.unlikely),
      );
    }
    const bytes = module.finish();
    const exports = this.#wasm.instantiate(bytes, {
      env: { memory: this.#memory },
      interp: this.#interpreter,
      helpers: this.#helpers,
    });
    this.modules++;
    this.bytes += bytes.length;
    return bodies.map(({ region, need }, position) => {
      const index = this.#nextIndex++;
      this.regions++;
      this.table.set(index, exports[`r${position}`]);
      for (const frame of region.frames.values()) {
        const list = this.#byFrame.get(frame);
        if (list === undefined) this.#byFrame.set(frame, [index]);
        else list.push(index);
      }
      return { region, index, need };
    });
  }

  /** The frame's bytes changed: its regions go. Returns their indices. */
  dropFrame(frame: FrameNumber): readonly number[] {
    const dropped = this.#byFrame.get(frame) ?? [];
    for (const index of dropped) this.drop(index);
    this.#byFrame.delete(frame);
    return dropped;
  }

  /** Nothing may lead to the region any more. */
  drop(index: number): void {
    this.table.set(index, null);
  }

  /** Forgets all regions. */
  clear(): void {
    for (let index = 1; index < this.#nextIndex; index++) this.table.set(index, null);
    this.#byFrame.clear();
    this.#floatSites.clear();
    this.#nextIndex = 1;
    this.#nextSite = SITES;
    this.#nextLink = REGION_LINKS;
  }

  #site(lo: number, hi: number, fuel: number): number {
    const at = this.#nextSite;
    this.#nextSite += 1 << SITE_SHIFT;
    const words = this.#words;
    words[at >> 2] = lo;
    words[(at >> 2) + 1] = hi;
    words[(at >> 2) + 2] = fuel;
    return at;
  }

  #floatSite(lo: number, hi: number, fuel: number): number {
    const site = this.#site(lo, hi, fuel);
    this.#words[(site + SITE_COUNT) >> 2] = 0;
    const key = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
    const known = this.#floatSites.get(key);
    if (known === undefined) this.#floatSites.set(key, [site]);
    else known.push(site);
    return site;
  }

  #leavesOften(lo: number, hi: number): boolean {
    const sites = this.#floatSites.get((hi >>> 0) * 0x1_0000_0000 + (lo >>> 0));
    return sites?.some((site) => (this.#words[(site + SITE_COUNT) >> 2] as number) >= OFTEN) ?? false;
  }

  #table(bytes: Uint8Array): number {
    const at = this.#nextSite;
    this.#nextSite += (bytes.length + 15) & ~15;
    new Uint8Array(this.#memory.buffer, at, bytes.length).set(bytes);
    return at;
  }

  #link(lo: number, hi: number): number {
    const at = this.#nextLink;
    this.#nextLink += 16;
    const words = this.#words;
    words[at >> 2] = lo;
    words[(at >> 2) + 1] = hi;
    words[(at >> 2) + 2] = 0;
    words[(at >> 2) + 3] = 0;
    return at;
  }
}

function imported(known: Map<string, number>, name: string, add: () => number): number {
  const index = known.get(name) ?? add();
  known.set(name, index);
  return index;
}

function importHelper(module: ModuleWriter, name: string): number {
  const { params, result } = HELPERS[name as keyof typeof HELPERS];
  return module.importFunc("helpers", name, {
    params: params as readonly ValTypeName[],
    results: result === undefined ? [] : [result as ValTypeName],
  });
}
