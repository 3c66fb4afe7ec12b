/**
 * Functions of the interpreter module that keep the TLB: the page walk of a miss, filling an entry, forgetting pages. A miss
 * that the page tables can answer never leaves WebAssembly; the dispatcher sees faults and writes to code.
 */
import { PTE_A, PTE_D, PTE_P, PTE_RW, PTE_US } from "../../memory/page-tables.ts";
import { FRAME_FLAGS, FrameFlag } from "../../memory/physical.ts";
import { Code } from "../../wasm/code.ts";
import type { ModuleWriter } from "../../wasm/module.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import {
  ADDRESS_LIMIT,
  PAGE_ROOT,
  TLB,
  TLB_ADDEND,
  TLB_ENTRIES,
  TLB_ENTRY_SHIFT,
  TLB_FILLS,
  TLB_READ,
  TLB_WRITE,
} from "../layout.ts";

const PAGE = 4096;
const ENTRY_MASK = (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT;
export interface TlbFunctions {
  /** walk(address i64, write i32) → 0 if the page is in the TLB now, 1 if the dispatcher must look. */
  readonly walk: number;
}

/** Adds the functions, and the exports `tlbFill(lo, hi, frame, write)` and `tlbForget(first page f64, count i32)`. */
export function tlbFunctions(module: ModuleWriter): TlbFunctions {
  const fill = fillFunction(module);
  module.exportFunc("tlbFill", fillExport(module, fill));
  module.exportFunc("tlbForget", forgetFunction(module));
  return { walk: walkFunction(module, fill) };
}

/** Pushes the i64 at `offset` from the i32 local. */
function load64(c: Code, at: number, offset: number): void {
  c.get(at);
  c.memory(W.i64_load, offset);
}

/** (i64 address) → whether it lies beyond the addresses that the code's mode can form below the kernel half. */
function pushBeyondLimit(c: Code): void {
  c.i64Const(32);
  c.op(W.i64_shr_u);
  c.op(W.i32_wrap_i64);
  c.i32Const(0);
  c.memory(W.i32_load, ADDRESS_LIMIT);
  c.op(W.i32_ge_u);
}

/** fill(address i64, host address of the frame, write): the read tag is always set; the write tag if `write`. */
function fillFunction(module: ModuleWriter): number {
  const [address, frame, write, tag, entry, addend, same] = [0, 1, 2, 3, 4, 5, 6];
  const c = new Code();
  c.i32Const(0);
  c.i32Const(0);
  c.memory(W.i64_load, TLB_FILLS);
  c.i64Const(1);
  c.op(W.i64_add);
  c.memory(W.i64_store, TLB_FILLS);
  c.get(address);
  c.i64Const(-PAGE);
  c.op(W.i64_and);
  c.set(tag);
  c.get(address);
  c.i64Const(12 - TLB_ENTRY_SHIFT);
  c.op(W.i64_shr_u);
  c.op(W.i32_wrap_i64);
  c.i32Const(ENTRY_MASK);
  c.op(W.i32_and);
  c.set(entry);
  c.get(frame);
  c.get(tag);
  c.op(W.i32_wrap_i64);
  c.op(W.i32_sub);
  c.set(addend);
  load64(c, entry, TLB + TLB_READ);
  c.get(tag);
  c.op(W.i64_eq);
  c.get(entry);
  c.memory(W.i32_load, TLB + TLB_ADDEND);
  c.get(addend);
  c.op(W.i32_eq);
  c.op(W.i32_and);
  c.set(same);
  c.get(entry);
  c.get(addend);
  c.memory(W.i32_store, TLB + TLB_ADDEND);
  const setTag = (offset: number, value: () => void) => {
    c.get(entry);
    value();
    c.memory(W.i64_store, TLB + offset);
  };
  setTag(TLB_READ, () => c.get(tag));
  c.get(write);
  c.open(W.if, BLOCK_VOID);
  setTag(TLB_WRITE, () => c.get(tag));
  c.byte(W.else);
  c.get(same);
  c.op(W.i32_eqz);
  c.open(W.if, BLOCK_VOID);
  setTag(TLB_WRITE, () => c.i64Const(-1));
  c.end();
  c.end();
  return module.func({ params: ["i64", "i32", "i32"], results: [] }, ["i64", "i32", "i32", "i32"], c.finish());
}

/** fill with the address in two halves and a frame number, as the dispatcher has them. */
function fillExport(module: ModuleWriter, fill: number): number {
  const [lo, hi, frame, write] = [0, 1, 2, 3];
  const c = new Code();
  c.get(hi);
  c.op(W.i64_extend_i32_u);
  c.i64Const(32);
  c.op(W.i64_shl);
  c.get(lo);
  c.op(W.i64_extend_i32_u);
  c.op(W.i64_or);
  c.get(frame);
  c.i32Const(12);
  c.op(W.i32_shl);
  c.get(write);
  c.call(fill);
  return module.func({ params: ["i32", "i32", "i32", "i32"], results: [] }, [], c.finish());
}

/**
 * walk: SDM volume 3, sections 4.6 and 4.7, for four levels: the same reads and the same accessed and dirty bits as
 * `PageTables.walk`. Where that would give a fault, or the frame holds code, the answer is 1; it is then asked again.
 */
function walkFunction(module: ModuleWriter, fill: number): number {
  const [address, write, at, entry, rights, shift, used] = [0, 1, 2, 3, 4, 5, 6];
  const c = new Code();
  /** Leaves with 1 if the condition on the stack holds. */
  const refuseIf = () => {
    c.open(W.if, BLOCK_VOID);
    c.i32Const(1);
    c.byte(W.return);
    c.end();
  };
  c.i32Const(0);
  c.memory(W.i32_load, PAGE_ROOT);
  c.tee(entry);
  c.op(W.i32_eqz);
  refuseIf();
  c.get(address);
  pushBeyondLimit(c);
  refuseIf();
  c.i32Const(-1);
  c.set(rights);
  c.i32Const(39);
  c.set(shift);
  c.open(W.block, BLOCK_VOID);
  c.open(W.loop, BLOCK_VOID);
  // at: the entry for this level in the table that `entry` refers to
  c.get(address);
  c.get(shift);
  c.op(W.i64_extend_i32_u);
  c.op(W.i64_shr_u);
  c.op(W.i32_wrap_i64);
  c.i32Const(511);
  c.op(W.i32_and);
  c.i32Const(3);
  c.op(W.i32_shl);
  c.get(entry);
  c.i32Const(-PAGE);
  c.op(W.i32_and);
  c.op(W.i32_add);
  c.tee(at);
  c.memory(W.i32_load, 0);
  c.tee(entry);
  c.i32Const(PTE_P);
  c.op(W.i32_and);
  c.op(W.i32_eqz);
  refuseIf();
  c.get(rights);
  c.get(entry);
  c.op(W.i32_and);
  c.set(rights);
  c.get(shift);
  c.i32Const(12);
  c.op(W.i32_eq);
  c.brIf(1);
  c.get(entry);
  c.i32Const(PTE_A);
  c.op(W.i32_and);
  c.op(W.i32_eqz);
  c.open(W.if, BLOCK_VOID);
  c.get(at);
  c.get(entry);
  c.i32Const(PTE_A);
  c.op(W.i32_or);
  c.memory(W.i32_store, 0);
  c.end();
  c.get(shift);
  c.i32Const(9);
  c.op(W.i32_sub);
  c.set(shift);
  c.br(0);
  c.end();
  c.end();
  c.get(rights);
  c.i32Const(PTE_US);
  c.op(W.i32_and);
  c.op(W.i32_eqz);
  refuseIf();
  c.get(entry);
  c.i32Const(PTE_A);
  c.op(W.i32_or);
  c.set(used);
  c.get(write);
  c.open(W.if, BLOCK_VOID);
  c.get(rights);
  c.i32Const(PTE_RW);
  c.op(W.i32_and);
  c.op(W.i32_eqz);
  refuseIf();
  c.get(entry);
  c.i32Const(12);
  c.op(W.i32_shr_u);
  c.i32Const(1);
  c.op(W.i32_shl);
  c.memory(W.i32_load16_u, FRAME_FLAGS);
  c.i32Const(FrameFlag.code);
  c.op(W.i32_and);
  refuseIf();
  c.get(used);
  c.i32Const(PTE_D);
  c.op(W.i32_or);
  c.set(used);
  c.end();
  c.get(used);
  c.get(entry);
  c.op(W.i32_ne);
  c.open(W.if, BLOCK_VOID);
  c.get(at);
  c.get(used);
  c.memory(W.i32_store, 0);
  c.end();
  c.get(address);
  c.get(entry);
  c.i32Const(-PAGE);
  c.op(W.i32_and);
  c.get(write);
  c.call(fill);
  c.i32Const(0);
  return module.func({ params: ["i64", "i32"], results: ["i32"] }, ["i32", "i32", "i32", "i32", "i32"], c.finish());
}

/** forget(first page f64, count): drops the entries of at most TLB_ENTRIES pages, whatever pages are in them. */
function forgetFunction(module: ModuleWriter): number {
  const [page, count, first, entry] = [0, 1, 2, 3];
  const c = new Code();
  c.get(page);
  c.op(W.i64_trunc_sat_f64_s);
  c.op(W.i32_wrap_i64);
  c.set(first);
  c.open(W.block, BLOCK_VOID);
  c.open(W.loop, BLOCK_VOID);
  c.get(count);
  c.i32Const(0);
  c.op(W.i32_le_s);
  c.brIf(1);
  c.get(first);
  c.i32Const(TLB_ENTRY_SHIFT);
  c.op(W.i32_shl);
  c.i32Const(ENTRY_MASK);
  c.op(W.i32_and);
  c.set(entry);
  for (const tagAt of [TLB_READ, TLB_WRITE]) {
    c.get(entry);
    c.i64Const(-1);
    c.memory(W.i64_store, TLB + tagAt);
  }
  for (const [local, step] of [
    [first, 1],
    [count, -1],
  ] as const) {
    c.get(local);
    c.i32Const(step);
    c.op(W.i32_add);
    c.set(local);
  }
  c.br(0);
  c.end();
  c.end();
  return module.func({ params: ["f64", "i32"], results: [] }, ["i32", "i32"], c.finish());
}
