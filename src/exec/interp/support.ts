/** Functions of the interpreter module beside `run`: accesses that cross a page, and the bulk part of REP MOVS and STOS. */
import { EFLAGS_REST, EXIT_ADDRESS, EXIT_DETAIL, FUEL, GPR, RIP } from "../../isa/cpu-block.ts";
import { Code } from "../../wasm/code.ts";
import type { ModuleWriter } from "../../wasm/module.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import {
  GENERATION,
  JUMP_CACHE,
  JUMP_CACHE_BITS,
  JUMP_CACHE_ENTRY_SHIFT,
  JUMP_CACHE_SKIP,
  JUMP_CACHE_WAYS,
  REGION_LINKS,
  STAGE,
  TLB,
  TLB_ADDEND,
  TLB_ENTRIES,
  TLB_ENTRY_SHIFT,
  TLB_READ,
  TLB_WRITE,
} from "../layout.ts";

/** Pushes the byte offset of the TLB entry of the linear address in the i64 local. */
function tlbIndex(c: Code, address: number): void {
  c.get(address);
  c.i64Const(12 - TLB_ENTRY_SHIFT);
  c.op(W.i64_shr_u);
  c.op(W.i32_wrap_i64);
  c.i32Const((TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT);
  c.op(W.i32_and);
}

/** Pushes the offset of the first of the jump cache entries for the RIP in the i64 local. */
function pushJumpCacheSet(c: Code, rip: number): void {
  c.get(rip);
  c.i64Const(JUMP_CACHE_SKIP);
  c.op(W.i64_shr_u);
  c.get(rip);
  c.i64Const(JUMP_CACHE_SKIP + JUMP_CACHE_BITS);
  c.op(W.i64_shr_u);
  c.op(W.i64_xor);
  c.op(W.i32_wrap_i64);
  c.i32Const((1 << JUMP_CACHE_BITS) - 1);
  c.op(W.i32_and);
  c.i32Const(JUMP_CACHE_ENTRY_SHIFT);
  c.op(W.i32_shl);
}

/**
 * Pushes whether one of the first two jump cache entries for the RIP in the i64 local is that of this RIP; its offset goes to
 * the i32 local `entry`.
 */
export function pushJumpCacheHit(c: Code, rip: number, entry: number): void {
  pushJumpCacheSet(c, rip);
  c.tee(entry);
  c.get(entry);
  c.memory(W.i64_load, JUMP_CACHE);
  c.get(rip);
  c.op(W.i64_ne);
  c.i32Const(JUMP_CACHE_ENTRY_SHIFT);
  c.op(W.i32_shl);
  c.op(W.i32_add);
  c.tee(entry);
  c.memory(W.i64_load, JUMP_CACHE);
  c.get(rip);
  c.op(W.i64_eq);
}

/**
 * findRecord(rip, link) → the record that the jump cache knows for RIP, which is noted in the link (0: none); 0 if it knows
 * none. CPU.RIP is `rip` behind it.
 */
export function findRecordFunction(module: ModuleWriter): number {
  const [rip, link, entry, way] = [0, 1, 2, 3];
  const c = new Code();
  c.i32Const(0);
  c.get(rip);
  c.memory(W.i64_store, RIP);
  pushJumpCacheSet(c, rip);
  c.set(entry);
  c.open(W.loop, BLOCK_VOID);
  c.get(entry);
  c.memory(W.i64_load, JUMP_CACHE);
  c.get(rip);
  c.op(W.i64_eq);
  c.open(W.if, BLOCK_VOID);
  c.get(link);
  c.open(W.if, BLOCK_VOID);
  c.get(link);
  c.get(entry);
  c.memory(W.i32_load, JUMP_CACHE + 8);
  c.memory(W.i32_store, 8);
  c.get(link);
  c.i32Const(0);
  c.memory(W.i32_load, GENERATION);
  c.memory(W.i32_store, 12);
  c.end();
  c.get(entry);
  c.memory(W.i32_load, JUMP_CACHE + 8);
  c.byte(W.return);
  c.end();
  c.get(entry);
  c.i32Const(1 << JUMP_CACHE_ENTRY_SHIFT);
  c.op(W.i32_add);
  c.set(entry);
  c.get(way);
  c.i32Const(1);
  c.op(W.i32_add);
  c.tee(way);
  c.i32Const(JUMP_CACHE_WAYS);
  c.op(W.i32_lt_u);
  c.byte(W.br_if);
  c.u32(0);
  c.end();
  c.i32Const(0);
  return module.func({ params: ["i64", "i32"], results: ["i32"] }, ["i32", "i32"], c.finish());
}

/**
 * Pushes the TLB's tag for the address in the i64 local, and the page in which the last of its `size` bytes lies: equal if the
 * access is in one page of the TLB. The entry's offset goes to the i32 local `entry`.
 */
export function pushTags(c: Code, address: number, size: number, forWrite: boolean, entry: number): void {
  tlbIndex(c, address);
  c.tee(entry);
  c.memory(W.i64_load, TLB + (forWrite ? TLB_WRITE : TLB_READ));
  c.get(address);
  if (size > 1) {
    c.i64Const(size - 1);
    c.op(W.i64_add);
  }
  c.i64Const(-4096);
  c.op(W.i64_and);
}

/** Pushes the page of the address in the i64 local. */
function pushPage(c: Code, address: number): void {
  c.get(address);
  c.i64Const(-4096);
  c.op(W.i64_and);
}

/** Pushes the tag of the entry at the i32 offset on the stack: the write tag if the i32 local `write` is set. */
function pushTag(c: Code, write: number): void {
  c.get(write);
  c.i32Const(3);
  c.op(W.i32_shl);
  c.op(W.i32_add);
  c.memory(W.i64_load, TLB + TLB_READ);
}

/**
 * split(address, size, write, mode) → 1 if a page of the access is not in the TLB, and the page walk did not bring it in
 * (EXIT_ADDRESS, EXIT_DETAIL say which page), else 0 after copying: mode 0 guest → STAGE, 1 STAGE → guest, 2 nothing. Size is at most 4096.
 */
export function splitFunction(module: ModuleWriter, walk: number): number {
  const [address, size, write, mode, page, i, at] = [0, 1, 2, 3, 4, 5, 6];
  const c = new Code();
  // Both pages must be there: the first at `address`, the last at address + size - 1.
  const check = (reported: number) => {
    tlbIndex(c, page);
    pushTag(c, write);
    pushPage(c, page);
    c.op(W.i64_ne);
    c.open(W.if, BLOCK_VOID);
    c.get(reported);
    c.get(write);
    c.call(walk);
    c.open(W.if, BLOCK_VOID);
    c.i32Const(0);
    c.get(reported);
    c.memory(W.i64_store, EXIT_ADDRESS);
    c.i32Const(0);
    c.get(write);
    c.memory(W.i32_store, EXIT_DETAIL);
    c.i32Const(1);
    c.byte(W.return);
    c.end();
    c.end();
  };
  c.get(address);
  c.set(page);
  check(address);
  c.get(address);
  c.get(size);
  c.op(W.i64_extend_i32_u);
  c.op(W.i64_add);
  c.i64Const(1);
  c.op(W.i64_sub);
  c.i64Const(-4096);
  c.op(W.i64_and);
  c.set(page);
  check(page);
  c.get(mode);
  c.i32Const(2);
  c.op(W.i32_eq);
  c.open(W.if, BLOCK_VOID);
  c.i32Const(0);
  c.byte(W.return);
  c.end();
  c.open(W.loop, BLOCK_VOID);
  c.get(address);
  c.get(i);
  c.op(W.i64_extend_i32_u);
  c.op(W.i64_add);
  c.tee(page);
  c.op(W.i32_wrap_i64);
  tlbIndex(c, page);
  c.memory(W.i32_load, TLB + TLB_ADDEND);
  c.op(W.i32_add);
  c.set(at);
  c.get(mode);
  c.open(W.if, BLOCK_VOID);
  c.get(at);
  c.get(i);
  c.memory(W.i32_load8_u, STAGE);
  c.memory(W.i32_store8, 0);
  c.byte(W.else);
  c.get(i);
  c.get(at);
  c.memory(W.i32_load8_u, 0);
  c.memory(W.i32_store8, STAGE);
  c.end();
  c.get(i);
  c.i32Const(1);
  c.op(W.i32_add);
  c.tee(i);
  c.get(size);
  c.op(W.i32_lt_u);
  c.brIf(0);
  c.end();
  c.i32Const(0);
  return module.func({ params: ["i64", "i32", "i32", "i32"], results: ["i32"] }, ["i64", "i32", "i32"], c.finish());
}

const RCX = GPR + 8;
const RSI = GPR + 48;
const RDI = GPR + 56;
const RAX = GPR;
const DF = 0x400;

export const BULK_TYPE = { params: ["i32", "i32", "i32"], results: ["i32"] } as const;

/**
 * [bulkMovs, bulkStos](element size, mask, fuel) → iterations done. `mask` is -1 for 64-bit addresses, 0 for 32-bit ones. At
 * least one iteration is left to the instruction itself, so that counting and faults stay with it. Both pages must be in the
 * TLB; overlapping moves that x86 would propagate are left alone.
 */
export function bulkFunctions(module: ModuleWriter): readonly [number, number] {
  return [bulk(module, false), bulk(module, true)];
}

function bulk(module: ModuleWriter, stos: boolean): number {
  const [element, mask, fuel, n, src, dst, hostSrc, hostDst, addressMask, bytes] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const c = new Code();
  const register = (slot: number, local: number) => {
    c.i32Const(0);
    c.memory(W.i64_load, slot);
    c.get(addressMask);
    c.op(W.i64_and);
    c.set(local);
  };
  const giveUpUnless = () => {
    c.op(W.i32_eqz);
    c.open(W.if, BLOCK_VOID);
    c.i32Const(0);
    c.byte(W.return);
    c.end();
  };
  const limit = (value: () => void) => {
    // n = min(n, value) with n i64
    c.get(n);
    value();
    c.get(n);
    value();
    c.op(W.i64_lt_u);
    c.op(W.select);
    c.set(n);
  };
  const hit = (address: number, tag: number, host: number) => {
    tlbIndex(c, address);
    c.memory(W.i64_load, TLB + tag);
    pushPage(c, address);
    c.op(W.i64_eq);
    giveUpUnless();
    c.get(address);
    c.op(W.i32_wrap_i64);
    tlbIndex(c, address);
    c.memory(W.i32_load, TLB + TLB_ADDEND);
    c.op(W.i32_add);
    c.set(host);
    // elements left in the page
    limit(() => {
      c.i32Const(4096);
      c.get(address);
      c.op(W.i32_wrap_i64);
      c.i32Const(4095);
      c.op(W.i32_and);
      c.op(W.i32_sub);
      c.get(element);
      c.op(W.i32_div_u);
      c.op(W.i64_extend_i32_u);
    });
  };
  c.i32Const(0);
  c.memory(W.i32_load, EFLAGS_REST);
  c.i32Const(DF);
  c.op(W.i32_and);
  c.op(W.i32_eqz);
  giveUpUnless();
  c.get(mask);
  c.op(W.i64_extend_i32_s);
  c.i64Const(-1, 0);
  c.op(W.i64_or);
  c.set(addressMask);
  register(RCX, n);
  // Leave one iteration; at most the fuel.
  c.get(n);
  c.i64Const(1);
  c.op(W.i64_gt_u);
  giveUpUnless();
  c.get(n);
  c.i64Const(1);
  c.op(W.i64_sub);
  c.set(n);
  c.get(fuel);
  c.i32Const(0);
  c.op(W.i32_gt_s);
  giveUpUnless();
  limit(() => {
    c.get(fuel);
    c.op(W.i64_extend_i32_u);
  });
  register(RDI, dst);
  hit(dst, TLB_WRITE, hostDst);
  if (!stos) {
    register(RSI, src);
    hit(src, TLB_READ, hostSrc);
  }
  c.get(n);
  c.op(W.i64_eqz);
  c.op(W.i32_eqz);
  giveUpUnless();
  c.get(n);
  c.op(W.i32_wrap_i64);
  c.get(element);
  c.op(W.i32_mul);
  c.set(bytes);
  if (stos) fillElements(c, { element, hostDst, bytes });
  else {
    // x86 copies upwards: a destination within [src, src + bytes) repeats what was just written.
    c.get(hostDst);
    c.get(hostSrc);
    c.op(W.i32_sub);
    c.get(bytes);
    c.op(W.i32_ge_u);
    giveUpUnless();
    c.get(hostDst);
    c.get(hostSrc);
    c.get(bytes);
    c.op(W.memory_copy);
    c.byte(0);
    c.byte(0);
  }
  const advance = (slot: number, local: number) => {
    c.i32Const(0);
    c.get(local);
    c.get(bytes);
    c.op(W.i64_extend_i32_u);
    c.op(W.i64_add);
    c.get(addressMask);
    c.op(W.i64_and);
    c.memory(W.i64_store, slot);
  };
  advance(RDI, dst);
  if (!stos) advance(RSI, src);
  c.i32Const(0);
  c.i32Const(0);
  c.memory(W.i64_load, RCX);
  c.get(addressMask);
  c.op(W.i64_and);
  c.get(n);
  c.op(W.i64_sub);
  c.memory(W.i64_store, RCX);
  c.get(n);
  c.op(W.i32_wrap_i64);
  return module.func(BULK_TYPE, ["i64", "i64", "i64", "i32", "i32", "i64", "i32", "i32", "i64", "i32"], c.finish());
}

/** Fills with the low 1, 2, 4 or 8 bytes of RAX: bytes by memory.fill, others by an i64 pattern. */
function fillElements(c: Code, l: { element: number; hostDst: number; bytes: number }): void {
  c.get(l.element);
  c.i32Const(1);
  c.op(W.i32_eq);
  c.open(W.if, BLOCK_VOID);
  c.get(l.hostDst);
  c.i32Const(0);
  c.memory(W.i32_load, RAX);
  c.get(l.bytes);
  c.op(W.memory_fill);
  c.byte(0);
  c.byte(W.else);
  // one element, then double what is filled until done: memory.copy of the part before
  c.get(l.hostDst);
  c.i32Const(0);
  c.memory(W.i64_load, RAX);
  const done = 10;
  storeElement(c, l.element);
  c.get(l.element);
  c.set(done);
  c.open(W.block, BLOCK_VOID);
  c.open(W.loop, BLOCK_VOID);
  c.get(done);
  c.get(l.bytes);
  c.op(W.i32_ge_u);
  c.brIf(1);
  c.get(l.hostDst);
  c.get(done);
  c.op(W.i32_add);
  c.get(l.hostDst);
  // min(done, bytes - done)
  c.get(done);
  c.get(l.bytes);
  c.get(done);
  c.op(W.i32_sub);
  c.get(done);
  c.get(l.bytes);
  c.get(done);
  c.op(W.i32_sub);
  c.op(W.i32_lt_u);
  c.op(W.select);
  c.op(W.memory_copy);
  c.byte(0);
  c.byte(0);
  c.get(done);
  c.i32Const(1);
  c.op(W.i32_shl);
  c.set(done);
  c.br(0);
  c.end();
  c.end();
  c.end();
}

/** (host address, i64 value) → stores the element's bytes. */
function storeElement(c: Code, element: number): void {
  const value = 11;
  const at = 12;
  c.set(value);
  c.set(at);
  c.get(element);
  c.i32Const(2);
  c.op(W.i32_eq);
  c.open(W.if, BLOCK_VOID);
  c.get(at);
  c.get(value);
  c.memory(W.i64_store16, 0);
  c.byte(W.else);
  c.get(element);
  c.i32Const(4);
  c.op(W.i32_eq);
  c.open(W.if, BLOCK_VOID);
  c.get(at);
  c.get(value);
  c.memory(W.i64_store32, 0);
  c.byte(W.else);
  c.get(at);
  c.get(value);
  c.memory(W.i64_store, 0);
  c.end();
  c.end();
}

/**
 * runRegions(index): calls the region at `index` of the table, then those it leads to. Leaves RIP and FUEL as the next
 * instruction that no region takes wants them. A region returns the site or the link at which it was left, or 0 after setting
 * RIP (layout.ts). Regions do not call each other: each module that imports the table costs V8 a copy of it.
 */
export function regionsFunction(module: ModuleWriter): number {
  const type = module.type({ params: [], results: ["i32"] });
  const [index, link, next, entry] = [0, 1, 2, 3];
  const c = new Code();
  const load = (local: number, opcode: number, offset: number) => {
    c.get(local);
    c.memory(opcode, offset);
  };
  const generation = () => {
    c.i32Const(0);
    c.memory(W.i32_load, GENERATION);
  };
  const setRip = () => {
    c.i32Const(0);
    c.get(next);
    c.memory(W.i64_store, RIP);
  };
  c.open(W.loop, BLOCK_VOID);
  c.get(index);
  c.byte(W.call_indirect);
  c.u32(type);
  c.u32(0);
  c.tee(link);
  c.open(W.if, BLOCK_VOID);
  load(link, W.i64_load, 0);
  c.set(next);
  c.get(link);
  c.i32Const(REGION_LINKS);
  c.op(W.i32_lt_u);
  c.open(W.if, BLOCK_VOID);
  setRip();
  c.i32Const(0);
  c.i32Const(0);
  c.memory(W.i32_load, FUEL);
  load(link, W.i32_load, 8);
  c.op(W.i32_add);
  c.memory(W.i32_store, FUEL);
  c.byte(W.return);
  c.end();
  load(link, W.i32_load, 12);
  generation();
  c.op(W.i32_eq);
  c.open(W.if, BLOCK_VOID);
  load(link, W.i32_load, 8);
  c.set(index);
  c.br(2);
  c.end();
  c.byte(W.else);
  c.i32Const(0);
  c.memory(W.i64_load, RIP);
  c.set(next);
  c.end();
  pushJumpCacheHit(c, next, entry);
  c.open(W.if, BLOCK_VOID);
  load(entry, W.i32_load, JUMP_CACHE + 12);
  c.tee(index);
  c.open(W.if, BLOCK_VOID);
  c.get(link);
  c.open(W.if, BLOCK_VOID);
  c.get(link);
  c.get(index);
  c.memory(W.i32_store, 8);
  c.get(link);
  generation();
  c.memory(W.i32_store, 12);
  c.end();
  c.br(2);
  c.end();
  c.end();
  c.end();
  setRip();
  return module.func({ params: ["i32"], results: [] }, ["i32", "i64", "i32"], c.finish());
}
