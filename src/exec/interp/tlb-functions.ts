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
  TLB_ALONE,
  TLB_ENTRIES,
  TLB_ENTRY_SHIFT,
  TLB_FILLS,
  TLB_READ,
  TLB_READ_BASE,
  TLB_SPAN,
  TLB_WRITE,
  TLB_WRITE_BASE,
} from "../layout.ts";

const PAGE = 4096;
const ENTRY_MASK = (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT;
/** Longest extent: offsets within it stay far from wrapping. */
const MAX_EXTENT = 0x4000_0000;

export interface TlbFunctions {
  /** walk(address i64, write i32) → 0 if the page is in the TLB now, 1 if the dispatcher must look. */
  readonly walk: number;
}

/** Adds the functions, and the exports `tlbFill(lo, hi, frame, write)` and `tlbForget(first page f64, count i32)`. */
export function tlbFunctions(module: ModuleWriter): TlbFunctions {
  const fill = fillFunction(module, enterFunction(module));
  module.exportFunc("tlbFill", fillExport(module, fill));
  module.exportFunc("tlbForget", forgetFunction(module));
  return { walk: walkFunction(module, fill) };
}

/** Pushes the i64 at `offset` from the i32 local. */
function load64(c: Code, at: number, offset: number): void {
  c.get(at);
  c.memory(W.i64_load, offset);
}

/** Pushes the i32 sum of the local and a constant, within the TLB. */
function entryAt(c: Code, entry: number, distance: number): void {
  c.get(entry);
  c.i32Const(distance << TLB_ENTRY_SHIFT);
  c.op(W.i32_add);
  c.i32Const(ENTRY_MASK);
  c.op(W.i32_and);
}

function storeConst(c: Code, at: number, offset: number, value: number): void {
  c.get(at);
  c.i32Const(value);
  c.memory(W.i32_store, offset);
}

/**
 * enter(entry, tag i64, addend, which): sets a tag (`which` 0: read, 8: write) and its extent: this page and the runs of its
 * neighbours, where they have the same addend. A wrapped 32-bit address is an alias, and stays alone.
 */
function enterFunction(module: ModuleWriter): number {
  const [entry, tag, addend, which, from, to, near, base] = [0, 1, 2, 3, 4, 5, 6, 7];
  const c = new Code();
  const [TAG, BASE] = [TLB + TLB_READ, TLB + TLB_READ_BASE];
  /** Runs `use` with `near` and `base` set if the neighbour at `distance` is in the TLB with the same addend. */
  const neighbour = (distance: number, use: () => void) => {
    entryAt(c, entry, distance);
    c.tee(near);
    c.memory(W.i32_load, TLB + TLB_ADDEND);
    c.get(addend);
    c.op(W.i32_eq);
    c.get(near);
    c.get(which);
    c.op(W.i32_add);
    c.memory(W.i64_load, TAG);
    c.get(tag);
    c.i64Const(distance * PAGE);
    c.op(W.i64_add);
    c.op(W.i64_eq);
    c.op(W.i32_and);
    c.open(W.if, BLOCK_VOID);
    c.get(near);
    c.get(which);
    c.i32Const(1);
    c.op(W.i32_shl);
    c.op(W.i32_add);
    c.set(base);
    use();
    storeConst(c, near, TLB + TLB_ALONE, 0);
    c.end();
  };
  c.get(entry);
  c.get(which);
  c.op(W.i32_add);
  c.get(tag);
  c.memory(W.i64_store, TAG);
  c.get(tag);
  c.set(from);
  c.get(tag);
  c.i64Const(PAGE);
  c.op(W.i64_add);
  c.set(to);
  c.get(tag);
  pushBeyondLimit(c);
  c.op(W.i32_eqz);
  c.open(W.if, BLOCK_VOID);
  neighbour(-1, () => {
    load64(c, base, BASE);
    c.set(from);
  });
  neighbour(1, () => {
    load64(c, base, BASE);
    load64(c, base, BASE + 8);
    c.op(W.i64_add);
    c.set(to);
  });
  c.get(to);
  c.get(from);
  c.op(W.i64_sub);
  c.i64Const(MAX_EXTENT);
  c.op(W.i64_gt_u);
  c.open(W.if, BLOCK_VOID);
  c.get(tag);
  c.set(from);
  c.get(tag);
  c.i64Const(PAGE);
  c.op(W.i64_add);
  c.set(to);
  c.end();
  c.get(to);
  c.get(from);
  c.op(W.i64_sub);
  c.i64Const(PAGE);
  c.op(W.i64_ne);
  c.open(W.if, BLOCK_VOID);
  storeConst(c, entry, TLB + TLB_ALONE, 0);
  // TLB_SPAN = max(TLB_SPAN, pages)
  c.get(to);
  c.get(from);
  c.op(W.i64_sub);
  c.i64Const(12);
  c.op(W.i64_shr_u);
  c.op(W.i32_wrap_i64);
  c.tee(near);
  c.i32Const(0);
  c.memory(W.i32_load, TLB_SPAN);
  c.op(W.i32_gt_u);
  c.open(W.if, BLOCK_VOID);
  c.i32Const(0);
  c.get(near);
  c.memory(W.i32_store, TLB_SPAN);
  c.end();
  c.end();
  c.end();
  c.get(entry);
  c.get(which);
  c.i32Const(1);
  c.op(W.i32_shl);
  c.op(W.i32_add);
  c.tee(base);
  c.get(from);
  c.memory(W.i64_store, BASE);
  c.get(base);
  c.get(to);
  c.get(from);
  c.op(W.i64_sub);
  c.memory(W.i64_store, BASE + 8);
  return module.func({ params: ["i32", "i64", "i32", "i32"], results: [] }, ["i64", "i64", "i32", "i32"], c.finish());
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
function fillFunction(module: ModuleWriter, enter: number): number {
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
  for (const which of [TLB_READ, TLB_WRITE]) {
    if (which === TLB_WRITE) {
      c.get(write);
      c.open(W.if, BLOCK_VOID);
    }
    c.get(entry);
    c.get(tag);
    c.get(addend);
    c.i32Const(which);
    c.call(enter);
  }
  c.byte(W.else);
  c.get(same);
  c.op(W.i32_eqz);
  c.open(W.if, BLOCK_VOID);
  c.get(entry);
  c.i64Const(-1);
  c.memory(W.i64_store, TLB + TLB_WRITE);
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

/**
 * forget(first page f64, count): drops the entries of at most TLB_ENTRIES pages, whatever pages are in them, and takes these
 * pages out of the extents of others. No extent reaches further than TLB_SPAN pages.
 */
function forgetFunction(module: ModuleWriter): number {
  const [page, count, lo, hi, i, entry, alone, tag, span, base] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const c = new Code();
  /** Loops over `total` entries from page `start` (i32 expressions), with `entry` set. */
  const forEach = (start: () => void, total: () => void, body: () => void) => {
    c.i32Const(0);
    c.set(i);
    c.open(W.block, BLOCK_VOID);
    c.open(W.loop, BLOCK_VOID);
    c.get(i);
    total();
    c.op(W.i32_ge_s);
    c.brIf(1);
    start();
    c.get(i);
    c.op(W.i32_add);
    c.i32Const(TLB_ENTRY_SHIFT);
    c.op(W.i32_shl);
    c.i32Const(ENTRY_MASK);
    c.op(W.i32_and);
    c.set(entry);
    body();
    c.get(i);
    c.i32Const(1);
    c.op(W.i32_add);
    c.set(i);
    c.br(0);
    c.end();
    c.end();
  };
  const firstPage = () => {
    c.get(lo);
    c.i64Const(12);
    c.op(W.i64_shr_u);
    c.op(W.i32_wrap_i64);
  };
  c.get(page);
  c.op(W.i64_trunc_sat_f64_s);
  c.i64Const(12);
  c.op(W.i64_shl);
  c.tee(lo);
  c.get(count);
  c.op(W.i64_extend_i32_u);
  c.i64Const(12);
  c.op(W.i64_shl);
  c.op(W.i64_add);
  c.set(hi);
  c.i32Const(-1);
  c.set(alone);
  forEach(
    firstPage,
    () => c.get(count),
    () => {
      for (const tagAt of [TLB_READ, TLB_WRITE]) {
        c.get(entry);
        c.i64Const(-1);
        c.memory(W.i64_store, TLB + tagAt);
      }
      c.get(alone);
      c.get(entry);
      c.memory(W.i32_load, TLB + TLB_ALONE);
      c.op(W.i32_and);
      c.set(alone);
    },
  );
  c.get(alone);
  c.open(W.if, BLOCK_VOID);
  c.byte(W.return);
  c.end();
  c.i32Const(0);
  c.memory(W.i32_load, TLB_SPAN);
  c.set(span);
  // count: pages to look at, those within reach of an extent
  c.get(count);
  c.get(span);
  c.i32Const(1);
  c.op(W.i32_shl);
  c.op(W.i32_add);
  c.tee(count);
  c.i32Const(TLB_ENTRIES);
  c.op(W.i32_gt_s);
  c.open(W.if, BLOCK_VOID);
  c.i32Const(TLB_ENTRIES);
  c.set(count);
  c.end();
  forEach(
    () => {
      firstPage();
      c.get(span);
      c.op(W.i32_sub);
    },
    () => c.get(count),
    () => {
      load64(c, entry, TLB + TLB_READ);
      c.tee(tag);
      c.i64Const(-1);
      c.op(W.i64_ne);
      c.open(W.if, BLOCK_VOID);
      for (const baseAt of [TLB_READ_BASE, TLB_WRITE_BASE]) {
        load64(c, entry, TLB + baseAt);
        c.tee(base);
        c.get(hi);
        c.op(W.i64_lt_u);
        c.get(base);
        load64(c, entry, TLB + baseAt + 8);
        c.op(W.i64_add);
        c.get(lo);
        c.op(W.i64_gt_u);
        c.op(W.i32_and);
        c.open(W.if, BLOCK_VOID);
        c.get(tag);
        c.get(lo);
        c.op(W.i64_lt_u);
        c.open(W.if, BLOCK_VOID);
        c.get(entry);
        c.get(lo);
        c.get(base);
        c.op(W.i64_sub);
        c.memory(W.i64_store, TLB + baseAt + 8);
        c.byte(W.else);
        c.get(entry);
        c.get(base);
        load64(c, entry, TLB + baseAt + 8);
        c.op(W.i64_add);
        c.get(hi);
        c.op(W.i64_sub);
        c.memory(W.i64_store, TLB + baseAt + 8);
        c.get(entry);
        c.get(hi);
        c.memory(W.i64_store, TLB + baseAt);
        c.end();
        c.end();
      }
      c.end();
    },
  );
  return module.func(
    { params: ["f64", "i32"], results: [] },
    ["i64", "i64", "i32", "i32", "i32", "i64", "i32", "i64"],
    c.finish(),
  );
}
