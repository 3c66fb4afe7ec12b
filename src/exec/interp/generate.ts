/**
 * Generates the interpreter: a WebAssembly module whose `run` executes IR records, one handler an operation, made from the
 * same emitters as the compiled regions. A record is: u16 operation, u16 instruction number within its block, u32 result slot
 * (if the operation has a result other than flags), u32 per argument (a slot's address, or the value of an `imm`).
 */
import {
  EXIT_ADDRESS,
  EXIT_BLOCK,
  EXIT_DETAIL,
  EXIT_INSN,
  EXIT_REASON,
  FLAG_AUX,
  FLAG_RESULT,
  FUEL,
  RIP,
} from "../../isa/cpu-block.ts";
import { HELPERS } from "../../isa/helpers/signatures.ts";
import { type ArgType, OPS, type OpDef, type ResultType } from "../../isa/ir/ops.ts";
import { Code } from "../../wasm/code.ts";
import { ModuleWriter } from "../../wasm/module.ts";
import { BLOCK_VOID, type ValTypeName, W } from "../../wasm/opcodes.ts";
import type { Emit } from "../emit/emitter.ts";
import { emitterOf } from "../emit/table.ts";
import { materializeFunction } from "../jit/flags.ts";
import {
  GENERATION,
  JUMP_CACHE,
  Leave,
  REGION_CALLS,
  REGION_INSTRUCTIONS,
  SAVED_PC,
  STAGE,
  TLB,
  TLB_ADDEND,
} from "../layout.ts";
import { FUSED, type Fused, RECORD_KINDS, recordsFingerprint } from "./fused.ts";
import {
  bulkFunctions,
  findRecordFunction,
  pushJumpCacheHit,
  pushTags,
  regionsFunction,
  splitFunction,
} from "./support.ts";
import { tlbFunctions } from "./tlb-functions.ts";

/** Bytes of the record of an operation. */
export function recordBytes(def: OpDef): number {
  return 4 + 4 * ((hasResultSlot(def) ? 1 : 0) + def.args.length);
}

export function hasResultSlot(def: OpDef): boolean {
  return def.result !== "none" && def.result !== "flags";
}

const LOAD: Record<Exclude<ArgType, "imm">, number> = {
  i32: W.i32_load,
  i64: W.i64_load,
  f32: W.f32_load,
  f64: W.f64_load,
  v128: W.v128_load,
};
const STORE: Record<Exclude<ResultType, "none" | "flags">, number> = {
  i8: W.i32_store8,
  i16: W.i32_store16,
  lane32: W.i32_store,
  i32: W.i64_store,
  i64: W.i64_store,
  f32: W.f32_store,
  f64: W.f64_store,
  v128: W.v128_store,
};

const PC = 0;
const REASON = 1;
const FUEL_LEFT = 2;
const BLOCK = 3;
const LINK = 4;
const NEXT_RIP = 5;
const FIRST_SCRATCH = 6;

interface SupportFunctions {
  readonly helpers: ReadonlyMap<string, number>;
  readonly split: number;
  readonly bulk: readonly [number, number];
  readonly materialize: number;
  readonly runRegions: number;
  readonly findRecord: number;
}

class InterpEmit implements Emit {
  readonly c = new Code();
  readonly locals: ValTypeName[] = ["i32", "i32", "i32", "i32", "i64"];
  readonly #scratch = new Map<string, number>();
  readonly #helpers: ReadonlyMap<string, number>;
  readonly #split: number;
  readonly #bulk: readonly [number, number];
  readonly #materialize: number;
  readonly #runRegions: number;
  readonly #findRecord: number;
  #def: OpDef = OPS[0] as OpDef;
  #loaded = new Map<number, number>();
  /** Branch depth from the current handler to the loop head. */
  #toNext = 0;
  constructor(functions: SupportFunctions) {
    this.#helpers = functions.helpers;
    this.#split = functions.split;
    this.#bulk = functions.bulk;
    this.#materialize = functions.materialize;
    this.#runRegions = functions.runRegions;
    this.#findRecord = functions.findRecord;
  }

  /** Handlers of these operations and sequences; what follows is executed for all others. */
  handlers(kinds: readonly Fused[]): void {
    dispatch(this.c, kinds);
    for (const [index, { ops }] of kinds.entries()) {
      this.c.end();
      for (const [i, def] of ops.entries()) {
        this.handler(def, kinds.length - index);
        if (i + 1 === ops.length && !def.ends) this.c.br(kinds.length - index);
      }
    }
    this.c.end();
  }

  /** Executes the record at PC, which then is that of the next operation, unless this one ends the block. */
  handler(def: OpDef, toNext: number): void {
    this.#def = def;
    this.#toNext = toNext;
    this.#loaded = new Map();
    const emitter = emitterOf(def.name);
    const c = this.c;
    if (def.result === "flags") {
      if (typeof emitter === "function") throw new Error(`${def.name} needs a flag emitter`);
      if (emitter.when !== undefined) {
        emitter.when(this);
        c.open(W.if, BLOCK_VOID);
      }
      c.i32Const(0);
      emitter.result(this);
      c.memory(W.i64_store, FLAG_RESULT);
      c.i32Const(0);
      emitter.aux(this);
      c.op(W.i64_extend_i32_u);
      c.memory(W.i64_store, FLAG_AUX);
      if (emitter.when !== undefined) c.end();
    } else {
      if (typeof emitter !== "function") throw new Error(`${def.name} has a flag emitter`);
      if (def.result !== "none") this.#word(4);
      emitter(this);
      if (def.result === "i32") c.op(W.i64_extend_i32_u);
      if (def.result !== "none") c.memory(STORE[def.result], 0);
    }
    if (!def.ends) {
      c.get(PC);
      c.i32Const(recordBytes(def));
      c.op(W.i32_add);
      c.set(PC);
    }
  }

  #word(offset: number): void {
    this.c.get(PC);
    this.c.memory(W.i32_load, offset);
  }

  #argOffset(index: number): number {
    return 4 + 4 * (index + (hasResultSlot(this.#def) ? 1 : 0));
  }

  push(index: number): void {
    const known = this.#loaded.get(index);
    if (known !== undefined) {
      this.c.get(known);
      return;
    }
    const type = this.#def.args[index] as ArgType;
    this.#word(this.#argOffset(index));
    if (type !== "imm") this.c.memory(LOAD[type], 0);
  }

  known(): undefined {
    return undefined;
  }

  pushAll(): void {
    for (let i = 0; i < this.#def.args.length; i++) this.push(i);
  }

  local(index: number): number {
    const known = this.#loaded.get(index);
    if (known !== undefined) return known;
    const type = this.#def.args[index] as ArgType;
    const local = this.scratch(type === "imm" ? "i32" : type, 10 + index);
    this.push(index);
    this.c.set(local);
    this.#loaded.set(index, local);
    return local;
  }

  vectorConst(bytes: readonly number[]): void {
    this.c.v128Const(bytes);
  }

  scratch(type: ValTypeName, which = 0): number {
    const key = `${type}${which}`;
    let local = this.#scratch.get(key);
    if (local === undefined) {
      local = FIRST_SCRATCH + this.#scratch.size;
      this.#scratch.set(key, local);
      this.locals.push(type);
    }
    return local;
  }

  callHelper(name: string): void {
    const index = this.#helpers.get(name);
    if (index === undefined) throw new Error(`no helper ${name}`);
    this.c.call(index);
  }

  hostAddress(address: number, size: number, forWrite: boolean): void {
    const c = this.c;
    const host = this.scratch("i32", 8);
    this.#probeTlb(address, size, forWrite, host);
    c.byte(W.else);
    this.#splitOrLeave(address, () => c.i32Const(size), forWrite, 0, 1);
    c.i32Const(STAGE);
    c.set(host);
    c.end();
    c.get(host);
  }

  when(body: () => void): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#toNext++;
    body();
    this.#toNext--;
    this.c.end();
  }

  store(address: number, size: number, opcode: number, ...values: readonly (() => void)[]): void {
    const c = this.c;
    const host = this.scratch("i32", 8);
    this.#probeTlb(address, size, true, host);
    for (const [i, value] of values.entries()) {
      c.get(host);
      value();
      c.memory(opcode, 16 * i);
    }
    c.byte(W.else);
    for (const [i, value] of values.entries()) {
      c.i32Const(0);
      value();
      c.memory(opcode, STAGE + 16 * i);
    }
    this.#splitOrLeave(address, () => c.i32Const(size), true, 1, 1);
    c.end();
  }

  probe(address: number, length: number, forWrite: boolean): void {
    this.#splitOrLeave(address, () => this.c.get(length), forWrite, 2, 0);
  }

  /** Opens an `if` that is taken when the whole access lies in one page of the TLB; sets `host`. */
  #probeTlb(address: number, size: number, forWrite: boolean, host: number): void {
    const c = this.c;
    pushTags(c, address, size, forWrite, host);
    c.op(W.i64_eq);
    c.open(W.if, BLOCK_VOID);
    c.get(address);
    c.op(W.i32_wrap_i64);
    c.get(host);
    c.memory(W.i32_load, TLB + TLB_ADDEND);
    c.op(W.i32_add);
    c.set(host);
  }

  #splitOrLeave(address: number, size: () => void, forWrite: boolean, mode: number, nesting: number): void {
    const c = this.c;
    c.get(address);
    size();
    c.i32Const(forWrite ? 1 : 0);
    c.i32Const(mode);
    c.call(this.#split);
    c.open(W.if, BLOCK_VOID);
    this.#leaveWith(Leave.miss, nesting + 1);
    c.end();
  }

  /** Sets the reason and branches out of the loop; `nesting` counts the blocks opened in the handler. */
  #leaveWith(reason: number, nesting: number): void {
    this.c.i32Const(reason);
    this.c.set(REASON);
    this.c.br(this.#toNext + 1 + nesting);
  }

  trapIf(vector: number, errorCode: number): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#raise(
      () => this.push(vector),
      () => this.push(errorCode),
      1,
    );
    this.c.end();
  }

  trapIfConst(vector: number, depth = 0): void {
    this.c.open(W.if, BLOCK_VOID);
    this.#raise(
      () => this.c.i32Const(vector),
      () => this.c.i32Const(0),
      1 + depth,
    );
    this.c.end();
  }

  trap(vector: number, errorCode: number): void {
    this.#raise(
      () => this.push(vector),
      () => this.push(errorCode),
      0,
    );
  }

  #raise(vector: () => void, errorCode: () => void, nesting: number): void {
    const c = this.c;
    c.i32Const(0);
    vector();
    c.memory(W.i32_store, EXIT_DETAIL);
    c.i32Const(0);
    errorCode();
    c.memory(W.i32_store, EXIT_ADDRESS);
    this.#leaveWith(Leave.exception, nesting);
  }

  enter(): void {
    const c = this.c;
    c.get(PC);
    c.set(BLOCK);
    this.#takeFuel();
    // Executions left until the block is hot.
    c.get(PC);
    this.push(1);
    c.i32Const(1);
    c.op(W.i32_sub);
    c.memory(W.i32_store, 8);
    this.#word(8);
    c.op(W.i32_eqz);
    c.open(W.if, BLOCK_VOID);
    c.get(FUEL_LEFT);
    this.push(0);
    c.op(W.i32_add);
    c.set(FUEL_LEFT);
    this.#leaveWith(Leave.hot, 1);
    c.end();
  }

  /** Pays for the block's instructions, or leaves. */
  #takeFuel(): void {
    const c = this.c;
    c.get(FUEL_LEFT);
    this.push(0);
    c.op(W.i32_lt_s);
    c.open(W.if, BLOCK_VOID);
    this.#leaveWith(Leave.fuel, 1);
    c.end();
    c.get(FUEL_LEFT);
    this.push(0);
    c.op(W.i32_sub);
    c.set(FUEL_LEFT);
  }

  /**
   * Calls the compiled region if the fuel suffices for a pass through it. If it does not, or if the region left at its first
   * instruction, the records behind are executed.
   */
  enterRegion(): void {
    const c = this.c;
    c.get(PC);
    c.set(BLOCK);
    c.get(FUEL_LEFT);
    this.push(1);
    c.op(W.i32_ge_s);
    c.open(W.if, BLOCK_VOID);
    c.i32Const(0);
    c.get(FUEL_LEFT);
    c.memory(W.i32_store, FUEL);
    this.push(2);
    c.call(this.#runRegions);
    c.call(this.#materialize);
    this.#count(REGION_CALLS, () => c.i64Const(1));
    this.#count(REGION_INSTRUCTIONS, () => {
      c.get(FUEL_LEFT);
      c.i32Const(0);
      c.memory(W.i32_load, FUEL);
      c.op(W.i32_sub);
      c.op(W.i64_extend_i32_s);
    });
    c.i32Const(0);
    c.memory(W.i32_load, FUEL);
    c.get(FUEL_LEFT);
    c.op(W.i32_ne);
    c.open(W.if, BLOCK_VOID);
    c.i32Const(0);
    c.memory(W.i32_load, FUEL);
    c.set(FUEL_LEFT);
    c.i32Const(0);
    c.memory(W.i64_load, RIP);
    c.set(NEXT_RIP);
    this.#jumpToNextRip(2);
    c.end();
    c.end();
    this.#takeFuel();
  }

  /** Adds to a 64-bit counter. */
  #count(address: number, amount: () => void): void {
    const c = this.c;
    c.i32Const(0);
    c.i32Const(0);
    c.memory(W.i64_load, address);
    amount();
    c.op(W.i64_add);
    c.memory(W.i64_store, address);
  }

  jump(): void {
    this.c.get(PC);
    this.c.i32Const(4);
    this.c.op(W.i32_add);
    this.c.set(LINK);
    this.#followLink(0);
  }

  jumpIf(): void {
    const c = this.c;
    c.get(PC);
    c.i32Const(8);
    c.i32Const(24);
    this.push(0);
    c.op(W.select);
    c.op(W.i32_add);
    c.set(LINK);
    this.#followLink(0);
  }

  jumpOutIf(): void {
    const c = this.c;
    this.push(0);
    c.open(W.if, BLOCK_VOID);
    c.get(PC);
    c.i32Const(8);
    c.op(W.i32_add);
    c.set(LINK);
    this.#followLink(1);
    c.end();
  }

  jumpTo(): void {
    this.push(0);
    this.c.set(NEXT_RIP);
    this.c.get(PC);
    this.c.get(NEXT_RIP);
    this.c.memory(W.i64_store, 8);
    this.#jumpToNextRip(0);
  }

  /** LINK is the address of target RIP, linked record, generation. */
  #followLink(nesting: number): void {
    const c = this.c;
    c.get(LINK);
    c.memory(W.i32_load, 12);
    c.i32Const(0);
    c.memory(W.i32_load, GENERATION);
    c.op(W.i32_eq);
    c.open(W.if, BLOCK_VOID);
    c.get(LINK);
    c.memory(W.i32_load, 8);
    c.set(PC);
    c.br(this.#toNext + 1 + nesting);
    c.end();
    c.get(LINK);
    c.memory(W.i64_load, 0);
    c.set(NEXT_RIP);
    this.#findRecordOrLeave(() => c.get(LINK), nesting);
  }

  /** Goes on at NEXT_RIP. */
  #jumpToNextRip(nesting: number): void {
    const c = this.c;
    const entry = this.scratch("i32", 8);
    pushJumpCacheHit(c, NEXT_RIP, entry);
    c.open(W.if, BLOCK_VOID);
    c.get(entry);
    c.memory(W.i32_load, JUMP_CACHE + 8);
    c.set(PC);
    c.br(this.#toNext + 1 + nesting);
    c.end();
    this.#findRecordOrLeave(() => c.i32Const(0), nesting);
  }

  #findRecordOrLeave(link: () => void, nesting: number): void {
    const c = this.c;
    const found = this.scratch("i32", 8);
    c.get(NEXT_RIP);
    link();
    c.call(this.#findRecord);
    c.tee(found);
    c.open(W.if, BLOCK_VOID);
    c.get(found);
    c.set(PC);
    c.br(this.#toNext + 1 + nesting);
    c.end();
    this.#leaveWith(Leave.lookup, nesting);
  }

  leave(): void {
    const c = this.c;
    c.i32Const(0);
    c.get(PC);
    c.memory(W.i64_load, 12);
    c.memory(W.i64_store, RIP);
    c.i32Const(0);
    this.push(1);
    c.memory(W.i32_store, EXIT_DETAIL);
    this.push(0);
    c.set(REASON);
    c.br(this.#toNext + 1);
  }

  bulkString(stos: boolean): void {
    const c = this.c;
    c.get(FUEL_LEFT);
    this.push(0);
    this.push(1);
    c.get(FUEL_LEFT);
    c.call(this.#bulk[stos ? 1 : 0]);
    c.op(W.i32_sub);
    c.set(FUEL_LEFT);
  }
}

/** Vector operations that ordinary code is full of: copies. */
const COMMON_VECTOR = /^(movV|loadV|storeV)$/;
const RARE = /^(h_|f[A-Z]|(flagsAdd|flagsSub)C|probe|div|rem|(load|store|storeCheck)If|bswap|clz|ctz|popcnt)/;

/** Whether the operation is executed outside `run`: V8 compiles that function, whole, in the first milliseconds. */
function isRare(def: OpDef): boolean {
  if (def.ends || COMMON_VECTOR.test(def.name)) return false;
  return RARE.test(def.name) || def.result === "v128" || def.args.some((type) => /^(v128|f32|f64)$/.test(type));
}

/**
 * rare(record) → the next record, or 0 after leaving the operation (EXIT_REASON). Each operation is a function of its own, so
 * that V8 compiles those that are used.
 */
function rareFunction(module: ModuleWriter, functions: SupportFunctions): number {
  const kinds = OPS.filter(isRare).map((def) => ({ id: def.id, ops: [def] }));
  const type = { params: ["i32"], results: ["i32"] } as const;
  const indices = kinds.map(({ ops: [def] }) => {
    const emit = new InterpEmit(functions);
    const c = emit.c;
    c.open(W.block, BLOCK_VOID);
    c.open(W.block, BLOCK_VOID);
    emit.handler(def, 0);
    c.br(0);
    c.end();
    c.get(PC);
    c.byte(W.return);
    c.end();
    c.i32Const(0);
    c.get(REASON);
    c.memory(W.i32_store, EXIT_REASON);
    c.i32Const(0);
    return module.func(type, emit.locals, c.finish());
  });
  const c = new Code();
  dispatch(c, kinds);
  for (const index of indices) {
    c.end();
    c.get(PC);
    c.call(index);
    c.byte(W.return);
  }
  c.end();
  c.byte(W.unreachable);
  return module.func(type, [], c.finish());
}

/** Opens a block for each of the kinds of records and one for all others, and branches out of that of the record at PC. */
function dispatch(c: Code, kinds: readonly Fused[]): void {
  for (let i = 0; i <= kinds.length; i++) c.open(W.block, BLOCK_VOID);
  c.get(PC);
  c.memory(W.i32_load16_u, 0);
  const depths = new Map(kinds.map(({ id }, index) => [id, index]));
  c.byte(W.br_table);
  c.u32(RECORD_KINDS);
  for (let id = 0; id < RECORD_KINDS; id++) c.u32(depths.get(id) ?? kinds.length);
  c.u32(kinds.length);
}

/** The interpreter module's bytes. Imports: env.memory, helpers.*; exports `run(record) → reason`. */
export function generateInterpreter(): Uint8Array {
  const module = new ModuleWriter();
  module.importMemory("env", "memory", 1);
  module.importTable("env", "regions", 1);
  const helpers = new Map<string, number>();
  for (const [name, signature] of Object.entries(HELPERS)) {
    const result = signature.result as ValTypeName | undefined;
    helpers.set(
      name,
      module.importFunc("helpers", name, {
        params: signature.params as readonly ValTypeName[],
        results: result === undefined ? [] : [result],
      }),
    );
  }
  const split = splitFunction(module, tlbFunctions(module).walk);
  const materialize = materializeFunction(module);
  module.exportFunc("materialize", materialize);
  const bulk = bulkFunctions(module);
  module.exportFunc("bulkMovs", bulk[0]);
  module.exportFunc("bulkStos", bulk[1]);
  const runRegions = regionsFunction(module);
  const functions = {
    helpers,
    split,
    bulk,
    materialize,
    runRegions,
    findRecord: findRecordFunction(module),
  };
  const rare = rareFunction(module, functions);
  const emit = new InterpEmit(functions);
  const c = emit.c;
  c.i32Const(0);
  c.memory(W.i32_load, FUEL);
  c.set(FUEL_LEFT);
  c.i32Const(0);
  c.memory(W.i32_load, EXIT_BLOCK);
  c.set(BLOCK);
  c.open(W.block, BLOCK_VOID);
  c.open(W.loop, BLOCK_VOID);
  emit.handlers([...OPS.filter((def) => !isRare(def)).map((def) => ({ id: def.id, ops: [def] })), ...FUSED]);
  // All other operations.
  const next = emit.scratch("i32", 9);
  c.get(PC);
  c.call(rare);
  c.tee(next);
  c.open(W.if, BLOCK_VOID);
  c.get(next);
  c.set(PC);
  c.br(1);
  c.end();
  c.i32Const(0);
  c.memory(W.i32_load, EXIT_REASON);
  c.set(REASON);
  c.br(1);
  c.end();
  c.end();
  for (const [address, local] of [
    [FUEL, FUEL_LEFT],
    [SAVED_PC, PC],
    [EXIT_BLOCK, BLOCK],
  ] as const) {
    c.i32Const(0);
    c.get(local);
    c.memory(W.i32_store, address);
  }
  c.i32Const(0);
  c.get(PC);
  c.memory(W.i32_load16_u, 2);
  c.memory(W.i32_store, EXIT_INSN);
  c.get(REASON);
  const run = module.func({ params: ["i32"], results: ["i32"] }, emit.locals, c.finish());
  module.exportFunc("run", run);
  const fingerprint = new Code();
  fingerprint.i32Const(recordsFingerprint());
  module.exportFunc("fingerprint", module.func({ params: [], results: ["i32"] }, [], fingerprint.finish()));
  return module.finish();
}
