/** Emitters of 128-bit integer operations. Lane-wise where wasm has the operation, composed from a few where it has not. */
import { W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable } from "./emitter.ts";
import { linearAddress } from "./memory.ts";

function plain(opcode: number): Emitter {
  return (e) => {
    e.pushAll();
    e.c.op(opcode);
  };
}

function shuffled(lanes: readonly number[]): Emitter {
  return (e) => {
    e.pushAll();
    e.c.shuffle(lanes);
  };
}

/** Interleave of the low (from = 0) or high halves with elements of `width` bytes. */
function unpack(width: number, high: boolean): Emitter {
  const lanes: number[] = [];
  for (let at = high ? 8 : 0; lanes.length < 16; at += width) {
    for (let i = 0; i < width; i++) lanes.push(at + i);
    for (let i = 0; i < width; i++) lanes.push(16 + at + i);
  }
  return shuffled(lanes);
}

/** x86 logical shifts by a count >= width give 0 (arithmetic: the sign); wasm takes the count modulo width. */
function shift(opcode: number, width: number, arithmetic: boolean): Emitter {
  return (e) => {
    const known = e.known(1);
    if (known !== undefined) {
      const far = known < 0 || known >= width;
      if (far && !arithmetic) {
        e.c.v128Const(new Uint8Array(16));
        return;
      }
      e.push(0);
      e.c.i32Const(far ? width - 1 : known);
      e.c.op(opcode);
      return;
    }
    const count = e.local(1);
    e.push(0);
    e.c.get(count);
    if (arithmetic) {
      e.c.i32Const(width - 1);
      e.c.get(count);
      e.c.i32Const(width);
      e.c.op(W.i32_lt_u);
      e.c.op(W.select);
      e.c.op(opcode);
      return;
    }
    e.c.op(opcode);
    e.c.get(count);
    e.c.i32Const(width);
    e.c.op(W.i32_lt_u);
    // all ones or zero
    e.c.i32Const(-1);
    e.c.op(W.i32_mul);
    e.c.op(W.i32x4_splat);
    e.c.op(W.v128_and);
  };
}

function extmulHigh(signed: boolean): Emitter {
  return (e) => {
    const a = e.local(0);
    const b = e.local(1);
    for (const opcode of signed
      ? [W.i32x4_extmul_low_i16x8_s, W.i32x4_extmul_high_i16x8_s]
      : [W.i32x4_extmul_low_i16x8_u, W.i32x4_extmul_high_i16x8_u]) {
      e.c.get(a);
      e.c.get(b);
      e.c.op(opcode);
    }
    // the high words of the eight products
    e.c.shuffle([2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31]);
  };
}

/** PMULUDQ, PMULDQ: products of the even dwords. */
function mulEven(signed: boolean): Emitter {
  const even = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
  return (e) => {
    for (const index of [0, 1]) {
      const v = e.local(index);
      e.c.get(v);
      e.c.get(v);
      e.c.shuffle(even);
    }
    e.c.op(signed ? W.i64x2_extmul_low_i32x4_s : W.i64x2_extmul_low_i32x4_u);
  };
}

/** PSADBW: sums of absolute byte differences of each half. */
const sad: Emitter = (e) => {
  const c = e.c;
  const a = e.local(0);
  const b = e.local(1);
  const d = e.scratch("v128", 2);
  c.get(a);
  c.get(b);
  c.op(W.i8x16_sub_sat_u);
  c.get(b);
  c.get(a);
  c.op(W.i8x16_sub_sat_u);
  c.op(W.v128_or);
  c.op(W.i16x8_extadd_pairwise_i8x16_u);
  c.op(W.i32x4_extadd_pairwise_i16x8_u);
  c.tee(d);
  c.i32Const(32);
  c.op(W.i64x2_shr_u);
  c.get(d);
  c.op(W.i32x4_add);
  c.v128Const([255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
  c.op(W.v128_and);
};

/** A swizzle whose index vector depends on an immediate: index of lane i is 4 (or 2) * selector + byte. */
function dwordIndices(e: Emit, imm: () => void, lanes: readonly number[], source: (lane: number) => number): void {
  // Builds, dword by dword, selector * 0x04040404 + 0x03020100 (+ 16 per source).
  const c = e.c;
  c.v128Const(new Uint8Array(16));
  for (const lane of lanes) {
    imm();
    c.i32Const(2 * lane);
    c.op(W.i32_shr_u);
    c.i32Const(3);
    c.op(W.i32_and);
    c.i32Const(0x04040404);
    c.op(W.i32_mul);
    c.i32Const(0x03020100 + source(lane));
    c.op(W.i32_add);
    c.lane(W.i32x4_replace_lane, lane);
  }
}

/** Bytes of the dwords that the selector's pairs of bits name, `from[i]` added to each. */
function dwordLanes(selector: number, from: readonly number[]): number[] {
  return Array.from({ length: 16 }, (_, i) => {
    const lane = i >> 2;
    return 4 * ((selector >> (2 * lane)) & 3) + (i & 3) + (from[lane] as number);
  });
}

const shufD: Emitter = (e) => {
  const selector = e.known(1);
  if (selector !== undefined) {
    e.c.get(e.local(0));
    e.c.get(e.local(0));
    e.c.shuffle(dwordLanes(selector, [0, 0, 0, 0]));
    return;
  }
  e.push(0);
  dwordIndices(
    e,
    () => e.push(1),
    [0, 1, 2, 3],
    () => 0,
  );
  e.c.op(W.i8x16_swizzle);
};

/** SHUFPS: lanes 0, 1 from the first source, 2, 3 from the second. A swizzle index above 15 gives 0, so both are ORed. */
const shufPS: Emitter = (e) => {
  const c = e.c;
  const selector = e.known(2);
  if (selector !== undefined) {
    e.push(0);
    e.push(1);
    c.shuffle(dwordLanes(selector, [0, 0, 16, 16]));
    return;
  }
  for (const [index, lanes] of [
    [0, [0, 1]],
    [1, [2, 3]],
  ] as const) {
    e.push(index);
    dwordIndices(
      e,
      () => e.push(2),
      lanes,
      () => 0,
    );
    c.op(W.i8x16_swizzle);
    // lanes not asked for hold copies of byte 0: mask them
    c.v128Const(Array.from({ length: 16 }, (_, i) => ((i < 8 ? 0 : 1) === index ? 255 : 0)));
    c.op(W.v128_and);
  }
  c.op(W.v128_or);
};

/** PSHUFLW, PSHUFHW: four words of one half by selector, the other half kept. */
function shuffleWords(high: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const base = high ? 8 : 0;
    const selector = e.known(1);
    if (selector !== undefined) {
      c.get(e.local(0));
      c.get(e.local(0));
      c.shuffle(
        Array.from({ length: 16 }, (_, i) =>
          i >> 3 === base >> 3 ? base + 2 * ((selector >> (2 * ((i >> 1) & 3))) & 3) + (i & 1) : i,
        ),
      );
      return;
    }
    e.push(0);
    c.v128Const(Array.from({ length: 16 }, (_, i) => i));
    for (let lane = 0; lane < 4; lane++) {
      e.push(1);
      c.i32Const(2 * lane);
      c.op(W.i32_shr_u);
      c.i32Const(3);
      c.op(W.i32_and);
      c.i32Const(0x0202);
      c.op(W.i32_mul);
      c.i32Const(0x0100 + base * 0x0101);
      c.op(W.i32_add);
      c.lane(W.i16x8_replace_lane, lane + base / 2);
    }
    c.op(W.i8x16_swizzle);
  };
}

/** Bytes [n, n + 16) of high:low; n above 31 gives 0. Swizzle indices out of range give 0, so the two halves are ORed. */
const vAlign: Emitter = (e) => {
  const c = e.c;
  const identity = Array.from({ length: 16 }, (_, i) => i);
  const known = e.known(2);
  if (known !== undefined) {
    // Beyond both vectors there are zeros.
    if (known < 16) e.push(0);
    e.push(1);
    if (known >= 16) c.v128Const(new Uint8Array(16));
    const by = known < 16 ? known : Math.min(known, 32) - 16;
    c.shuffle(identity.map((i) => i + by));
    return;
  }
  const n = e.scratch("i32", 2);
  e.push(2);
  c.i32Const(32);
  e.push(2);
  c.i32Const(32);
  c.op(W.i32_lt_u);
  c.op(W.select);
  c.set(n);
  // low: index i + n, zero when > 15 (at most 15 + 32 = 47, no wrap)
  e.push(0);
  c.v128Const(identity);
  c.get(n);
  c.op(W.i8x16_splat);
  c.op(W.i8x16_add);
  c.op(W.i8x16_swizzle);
  // high: index i + n - 16, negative (>= 240) or > 15 gives zero
  e.push(1);
  c.v128Const(identity);
  c.get(n);
  c.i32Const(16);
  c.op(W.i32_sub);
  c.op(W.i8x16_splat);
  c.op(W.i8x16_add);
  c.op(W.i8x16_swizzle);
  c.op(W.v128_or);
};

const GENERAL_PROTECTION = 13;

/** The linear address in a local, after #GP(0) if it is not a multiple of 16. */
function alignedAddress(e: Emit): number {
  const address = linearAddress(e);
  e.c.get(address);
  e.c.i64Const(15);
  e.c.op(W.i64_and);
  e.c.op(W.i64_eqz);
  e.c.op(W.i32_eqz);
  e.trapIfConst(GENERAL_PROTECTION);
  return address;
}

function loadInto(opcode: number, size: number): Emitter {
  return (e) => {
    e.hostAddress(linearAddress(e), size, false);
    e.c.memory(opcode, 0);
  };
}

/** PSHUFB: the low bits of an index choose; bit 7 gives 0, as does any index above 15 in wasm. */
function shuffleBytes(mask: number): Emitter {
  return (e) => {
    e.pushAll();
    e.c.v128Const(new Uint8Array(16).fill(mask));
    e.c.op(W.v128_and);
    e.c.op(W.i8x16_swizzle);
  };
}

/** The even (odd) elements of the first source, then of the second. */
function everyOther(width: 2 | 4, odd: boolean): Emitter {
  const picked: number[] = [];
  for (let at = odd ? width : 0; at < 32; at += 2 * width) for (let i = 0; i < width; i++) picked.push(at + i);
  return shuffled(picked);
}

/** PSIGN: the first source negated, zeroed or kept by the sign of the second's elements. */
function sign(negate: number, shiftRight: number, bits: number, equal: number): Emitter {
  return (e) => {
    const c = e.c;
    const a = e.local(0);
    const b = e.local(1);
    c.get(a);
    c.op(negate);
    c.get(a);
    c.get(b);
    c.i32Const(bits - 1);
    c.op(shiftRight);
    c.op(W.v128_bitselect);
    c.get(b);
    c.v128Const(new Uint8Array(16));
    c.op(equal);
    c.op(W.v128_andnot);
  };
}

/** PMULHRSW: as wasm's rounding Q15 product, but -1 × -1 gives -1 (0x8000), where wasm saturates to 0x7fff. */
const mulRound: Emitter = (e) => {
  const c = e.c;
  const product = e.scratch("v128", 2);
  e.pushAll();
  c.op(W.i16x8_q15mulr_sat_s);
  c.tee(product);
  c.get(e.local(0));
  c.get(e.local(1));
  c.op(W.v128_and);
  c.v128Const(Array.from({ length: 16 }, (_, i) => (i & 1 ? 0x80 : 0)));
  c.op(W.i16x8_eq);
  // Both sources 0x8000 wherever their AND is and the product saturated.
  c.get(product);
  c.v128Const(Array.from({ length: 16 }, (_, i) => (i & 1 ? 0x7f : 0xff)));
  c.op(W.i16x8_eq);
  c.op(W.v128_and);
  c.op(W.v128_xor);
};

/** PMADDUBSW: unsigned bytes of the first times signed bytes of the second, neighbours added with saturation. */
const dotUnsignedSigned: Emitter = (e) => {
  const c = e.c;
  const a = e.local(0);
  const b = e.local(1);
  c.get(a);
  c.v128Const(Array.from({ length: 16 }, (_, i) => (i & 1 ? 0 : 255)));
  c.op(W.v128_and);
  c.get(b);
  c.i32Const(8);
  c.op(W.i16x8_shl);
  c.i32Const(8);
  c.op(W.i16x8_shr_s);
  c.op(W.i16x8_mul);
  c.get(a);
  c.i32Const(8);
  c.op(W.i16x8_shr_u);
  c.get(b);
  c.i32Const(8);
  c.op(W.i16x8_shr_s);
  c.op(W.i16x8_mul);
  c.op(W.i16x8_add_sat_s);
};

/** PHMINPOSUW: the smallest word, and behind it the index of the first one that holds it. */
const minPosition: Emitter = (e) => {
  const c = e.c;
  const best = e.scratch("i32", 2);
  const key = e.scratch("i32", 3);
  // Word and index in one number, so that the smallest of these is the answer.
  for (let lane = 0; lane < 8; lane++) {
    c.get(e.local(0));
    c.lane(W.i16x8_extract_lane_u, lane);
    c.i32Const(3);
    c.op(W.i32_shl);
    c.i32Const(lane);
    c.op(W.i32_or);
    c.set(lane === 0 ? best : key);
    if (lane === 0) continue;
    c.get(best);
    c.get(key);
    c.get(best);
    c.get(key);
    c.op(W.i32_lt_u);
    c.op(W.select);
    c.set(best);
  }
  c.v128Const(new Uint8Array(16));
  c.get(best);
  c.i32Const(3);
  c.op(W.i32_shr_u);
  c.get(best);
  c.i32Const(7);
  c.op(W.i32_and);
  c.i32Const(16);
  c.op(W.i32_shl);
  c.op(W.i32_or);
  c.lane(W.i32x4_replace_lane, 0);
};

/** MPSADBW: |a[i + k] - b[j + k]| summed over k = 0–3, for i = 0–7 from block imm[2] of a and j from block imm[1:0] of b. */
const multipleSad: Emitter = (e) => {
  const c = e.c;
  const from = e.scratch("v128", 2);
  const block = e.scratch("v128", 3);
  const difference = e.scratch("v128", 5);
  // a moved down by 4 * imm[2] bytes; the zeros that come in are not used.
  e.push(0);
  c.v128Const(Array.from({ length: 16 }, (_, i) => i));
  e.push(2);
  c.i32Const(4);
  c.op(W.i32_and);
  c.op(W.i8x16_splat);
  c.op(W.i8x16_add);
  c.op(W.i8x16_swizzle);
  c.set(from);
  // Every dword becomes the chosen one of b.
  e.push(1);
  c.v128Const(Array.from({ length: 16 }, (_, i) => i & 3));
  e.push(2);
  c.i32Const(3);
  c.op(W.i32_and);
  c.i32Const(2);
  c.op(W.i32_shl);
  c.op(W.i8x16_splat);
  c.op(W.i8x16_add);
  c.op(W.i8x16_swizzle);
  c.set(block);
  for (let k = 0; k < 4; k++) {
    c.get(from);
    c.get(from);
    c.shuffle(Array.from({ length: 16 }, (_, i) => (i < 8 ? i + k : 0)));
    c.op(W.i16x8_extend_low_i8x16_u);
    c.get(block);
    c.get(block);
    c.shuffle(new Uint8Array(16).fill(k));
    c.op(W.i16x8_extend_low_i8x16_u);
    c.op(W.i16x8_sub);
    c.op(W.i16x8_abs);
    if (k > 0) {
      c.get(difference);
      c.op(W.i16x8_add);
    }
    c.set(difference);
  }
  c.get(difference);
};

/** Elements of the second source where the mask's sign bit is set. */
function blendBySign(shiftRight: number, bits: number): Emitter {
  return (e) => {
    e.push(1);
    e.push(0);
    e.push(2);
    e.c.i32Const(bits - 1);
    e.c.op(shiftRight);
    e.c.op(W.v128_bitselect);
  };
}

/** VPBLENDx by immediate: bit i of the 16-bit immediate chooses byte i of the second source. */
const blendImmediate: Emitter = (e) => {
  const c = e.c;
  const known = e.known(2);
  if (known !== undefined) {
    e.push(0);
    e.push(1);
    c.shuffle(Array.from({ length: 16 }, (_, i) => i + ((known >> i) & 1 ? 16 : 0)));
    return;
  }
  e.push(1);
  e.push(0);
  e.push(2);
  c.op(W.i16x8_splat);
  // Byte i of the splat holds immediate bits 0–7 or 8–15: put the right one everywhere, then test its own bit.
  c.v128Const(Array.from({ length: 16 }, (_, i) => (i < 8 ? 0 : 1)));
  c.op(W.i8x16_swizzle);
  c.v128Const(Array.from({ length: 16 }, (_, i) => 1 << (i & 7)));
  c.op(W.v128_and);
  c.v128Const(new Uint8Array(16));
  c.op(W.i8x16_eq);
  c.op(W.v128_not);
  c.op(W.v128_bitselect);
};

/** VPSLLVx and their kin, an element at a time. Dwords are shifted as qwords, so that counts up to 32 need no care. */
function shiftDwords(opcode: number, arithmetic: boolean): Emitter {
  return (e) => {
    const c = e.c;
    const value = e.local(0);
    const count = e.scratch("v128", 2);
    e.push(1);
    c.v128Const(Array.from({ length: 16 }, (_, i) => (i & 3 ? 0 : arithmetic ? 31 : 32)));
    c.op(W.i32x4_min_u);
    c.set(count);
    c.get(value);
    for (let lane = 0; lane < 4; lane++) {
      for (const from of [value, count]) {
        c.get(from);
        c.lane(W.i32x4_extract_lane, lane);
        if (!arithmetic) c.op(W.i64_extend_i32_u);
      }
      c.op(opcode);
      if (!arithmetic) c.op(W.i32_wrap_i64);
      c.lane(W.i32x4_replace_lane, lane);
    }
  };
}

function shiftQwords(opcode: number): Emitter {
  return (e) => {
    const c = e.c;
    const [value, count] = [e.local(0), e.local(1)];
    c.get(value);
    for (let lane = 0; lane < 2; lane++) {
      for (const from of [value, count]) {
        c.get(from);
        c.lane(W.i64x2_extract_lane, lane);
      }
      c.op(opcode);
      c.i64Const(0);
      c.get(count);
      c.lane(W.i64x2_extract_lane, lane);
      c.i64Const(64);
      c.op(W.i64_lt_u);
      c.op(W.select);
      c.lane(W.i64x2_replace_lane, lane);
    }
  };
}

/** Byte indices of the dwords that argument `index` chooses: each of its elements, cut to `mask`, times 4, and on from there. */
function chosenDwords(e: Emit, index: number, mask: number): void {
  const c = e.c;
  const first = e.scratch("v128", 3);
  e.push(index);
  c.v128Const(Array.from({ length: 16 }, (_, i) => (i & 3 ? 0 : mask)));
  c.op(W.v128_and);
  c.i32Const(2);
  c.op(W.i32x4_shl);
  c.tee(first);
  c.get(first);
  c.shuffle(Array.from({ length: 16 }, (_, i) => i & ~3));
  c.v128Const(Array.from({ length: 16 }, (_, i) => i & 3));
  c.op(W.i8x16_add);
}

/** Indices beyond 15 give 0 in each of the two halves, so that one of them has the element. */
const permute8: Emitter = (e) => {
  const c = e.c;
  const indices = e.scratch("v128", 2);
  chosenDwords(e, 2, 7);
  c.set(indices);
  e.push(0);
  c.get(indices);
  c.op(W.i8x16_swizzle);
  e.push(1);
  c.get(indices);
  c.v128Const(new Uint8Array(16).fill(16));
  c.op(W.i8x16_sub);
  c.op(W.i8x16_swizzle);
  c.op(W.v128_or);
};

function chain(...opcodes: number[]): Emitter {
  return (e) => {
    e.pushAll();
    for (const opcode of opcodes) e.c.op(opcode);
  };
}

const lanewise: Record<string, number> = {
  vAnd: W.v128_and,
  vOr: W.v128_or,
  vXor: W.v128_xor,
  i8x16Add: W.i8x16_add,
  i16x8Add: W.i16x8_add,
  i32x4Add: W.i32x4_add,
  i64x2Add: W.i64x2_add,
  i8x16Sub: W.i8x16_sub,
  i16x8Sub: W.i16x8_sub,
  i32x4Sub: W.i32x4_sub,
  i64x2Sub: W.i64x2_sub,
  i8x16AddSatS: W.i8x16_add_sat_s,
  i8x16AddSatU: W.i8x16_add_sat_u,
  i16x8AddSatS: W.i16x8_add_sat_s,
  i16x8AddSatU: W.i16x8_add_sat_u,
  i8x16SubSatS: W.i8x16_sub_sat_s,
  i8x16SubSatU: W.i8x16_sub_sat_u,
  i16x8SubSatS: W.i16x8_sub_sat_s,
  i16x8SubSatU: W.i16x8_sub_sat_u,
  i8x16MinS: W.i8x16_min_s,
  i8x16MinU: W.i8x16_min_u,
  i16x8MinS: W.i16x8_min_s,
  i16x8MinU: W.i16x8_min_u,
  i32x4MinS: W.i32x4_min_s,
  i32x4MinU: W.i32x4_min_u,
  i8x16MaxS: W.i8x16_max_s,
  i8x16MaxU: W.i8x16_max_u,
  i16x8MaxS: W.i16x8_max_s,
  i16x8MaxU: W.i16x8_max_u,
  i32x4MaxS: W.i32x4_max_s,
  i32x4MaxU: W.i32x4_max_u,
  i8x16AvgrU: W.i8x16_avgr_u,
  i16x8AvgrU: W.i16x8_avgr_u,
  i16x8Mul: W.i16x8_mul,
  i32x4Mul: W.i32x4_mul,
  i32x4DotS: W.i32x4_dot_i16x8_s,
  i8x16Eq: W.i8x16_eq,
  i16x8Eq: W.i16x8_eq,
  i32x4Eq: W.i32x4_eq,
  i64x2Eq: W.i64x2_eq,
  i8x16GtS: W.i8x16_gt_s,
  i16x8GtS: W.i16x8_gt_s,
  i32x4GtS: W.i32x4_gt_s,
  i64x2GtS: W.i64x2_gt_s,
  i8x16NarrowS: W.i8x16_narrow_i16x8_s,
  i8x16NarrowU: W.i8x16_narrow_i16x8_u,
  i16x8NarrowS: W.i16x8_narrow_i32x4_s,
  i16x8NarrowU: W.i16x8_narrow_i32x4_u,
  i8x16Swizzle: W.i8x16_swizzle,
  i8x16Abs: W.i8x16_abs,
  i16x8Abs: W.i16x8_abs,
  i32x4Abs: W.i32x4_abs,
  vNot: W.v128_not,
  i8x16Bitmask: W.i8x16_bitmask,
  i16x8Bitmask: W.i16x8_bitmask,
  i32x4Bitmask: W.i32x4_bitmask,
  i64x2Bitmask: W.i64x2_bitmask,
  i8x16Splat: W.i8x16_splat,
  i16x8Splat: W.i16x8_splat,
  i32x4Splat: W.i32x4_splat,
  i64x2Splat: W.i64x2_splat,
};

export const vectorEmitters: EmitterTable = {
  // PANDN complements its first source, wasm's andnot its second.
  vAndNot: (e) => {
    e.push(1);
    e.push(0);
    e.c.op(W.v128_andnot);
  },
  i16x8MulhiS: extmulHigh(true),
  i16x8MulhiU: extmulHigh(false),
  i64x2MulU32: mulEven(false),
  i64x2MulS32: mulEven(true),
  i8x16SadU: sad,
  i16x8Shl: shift(W.i16x8_shl, 16, false),
  i32x4Shl: shift(W.i32x4_shl, 32, false),
  i64x2Shl: shift(W.i64x2_shl, 64, false),
  i16x8ShrU: shift(W.i16x8_shr_u, 16, false),
  i32x4ShrU: shift(W.i32x4_shr_u, 32, false),
  i64x2ShrU: shift(W.i64x2_shr_u, 64, false),
  i16x8ShrS: shift(W.i16x8_shr_s, 16, true),
  i32x4ShrS: shift(W.i32x4_shr_s, 32, true),
  shufD,
  shufPS,
  shufLW: shuffleWords(false),
  shufHW: shuffleWords(true),
  vAlign,
  vZero: (e) => e.c.v128Const(new Uint8Array(16)),
  vAnyTrue: chain(W.v128_any_true),
  vShiftCount: (e) => {
    const c = e.c;
    const count = e.local(0);
    c.get(count);
    c.op(W.i32_wrap_i64);
    c.i32Const(255);
    c.get(count);
    c.i64Const(256);
    c.op(W.i64_lt_u);
    c.op(W.select);
  },
  loadZ32: loadInto(W.v128_load32_zero, 4),
  loadZ64: loadInto(W.v128_load64_zero, 8),
  loadVA: (e) => {
    e.hostAddress(alignedAddress(e), 16, false);
    e.c.memory(W.v128_load, 0);
  },
  storeVA: (e) => e.store(alignedAddress(e), 16, W.v128_store, () => e.push(2)),
  i16x8MulRoundS: mulRound,
  i16x8DotUS: dotUnsignedSigned,
  i8x16Sign: sign(W.i8x16_neg, W.i8x16_shr_s, 8, W.i8x16_eq),
  i16x8Sign: sign(W.i16x8_neg, W.i16x8_shr_s, 16, W.i16x8_eq),
  i32x4Sign: sign(W.i32x4_neg, W.i32x4_shr_s, 32, W.i32x4_eq),
  vShuffleBytes: shuffleBytes(0x8f),
  vShuffleBytes8: shuffleBytes(0x87),
  vEven16: everyOther(2, false),
  vOdd16: everyOther(2, true),
  vEven32: everyOther(4, false),
  vOdd32: everyOther(4, true),
  i32x4ShlV: shiftDwords(W.i64_shl, false),
  i32x4ShrUV: shiftDwords(W.i64_shr_u, false),
  i32x4ShrSV: shiftDwords(W.i32_shr_s, true),
  i64x2ShlV: shiftQwords(W.i64_shl),
  i64x2ShrUV: shiftQwords(W.i64_shr_u),
  vPermute4: (e) => {
    e.push(0);
    chosenDwords(e, 1, 3);
    e.c.op(W.i8x16_swizzle);
  },
  vPermute8: permute8,
  minPosition,
  mpsadbw: multipleSad,
  vBlendBytes: blendBySign(W.i8x16_shr_s, 8),
  vBlendDwords: blendBySign(W.i32x4_shr_s, 32),
  vBlendQwords: (e) => {
    e.push(1);
    e.push(0);
    e.c.v128Const(new Uint8Array(16));
    e.push(2);
    e.c.op(W.i64x2_gt_s);
    e.c.op(W.v128_bitselect);
  },
  vBlend: blendImmediate,
  widenS8to16: chain(W.i16x8_extend_low_i8x16_s),
  widenS8to32: chain(W.i16x8_extend_low_i8x16_s, W.i32x4_extend_low_i16x8_s),
  widenS8to64: chain(W.i16x8_extend_low_i8x16_s, W.i32x4_extend_low_i16x8_s, W.i64x2_extend_low_i32x4_s),
  widenS16to32: chain(W.i32x4_extend_low_i16x8_s),
  widenS16to64: chain(W.i32x4_extend_low_i16x8_s, W.i64x2_extend_low_i32x4_s),
  widenS32to64: chain(W.i64x2_extend_low_i32x4_s),
  widenU8to16: chain(W.i16x8_extend_low_i8x16_u),
  widenU8to32: chain(W.i16x8_extend_low_i8x16_u, W.i32x4_extend_low_i16x8_u),
  widenU8to64: chain(W.i16x8_extend_low_i8x16_u, W.i32x4_extend_low_i16x8_u, W.i64x2_extend_low_i32x4_u),
  widenU16to32: chain(W.i32x4_extend_low_i16x8_u),
  widenU16to64: chain(W.i32x4_extend_low_i16x8_u, W.i64x2_extend_low_i32x4_u),
  widenU32to64: chain(W.i64x2_extend_low_i32x4_u),
  f64x2FromI32: chain(W.f64x2_convert_low_i32x4_s),
};

for (const [name, opcode] of Object.entries(lanewise)) vectorEmitters[name] = plain(opcode);
for (const width of [1, 2, 4, 8]) {
  vectorEmitters[`unpackLo${width * 8}`] = unpack(width, false);
  vectorEmitters[`unpackHi${width * 8}`] = unpack(width, true);
}
