/** Memory operands from ModR/M and SIB. Positions beyond `limit` say that bytes are lacking. */

import { BASE_RIP, type Instruction } from "./instruction.ts";

/** Memory operand with 16-bit addressing, SDM volume 2, table 2-1; the result is beyond `limit` if bytes lack. */
export function readAddress16(bytes: Uint8Array, p: number, limit: number, modrm: number, out: Instruction): number {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 0 && rm === 6) {
    if (p + 2 > limit) return limit + 1;
    out.dispLo = bytes[p] | (bytes[p + 1] << 8);
    return p + 2;
  }
  // BX+SI, BX+DI, BP+SI, BP+DI, SI, DI, BP, BX
  out.base = rm < 2 || rm === 7 ? 3 : rm === 4 ? 6 : rm === 5 ? 7 : 5;
  if (rm < 4) out.index = 6 + (rm & 1);
  if (mod === 0) return p;
  if (p + mod > limit) return limit + 1;
  const disp = mod === 1 ? (bytes[p] << 24) >> 24 : ((bytes[p] | (bytes[p + 1] << 8)) << 16) >> 16;
  out.dispLo = disp;
  out.dispHi = disp >> 31;
  return p + mod;
}

/** Memory operand with 32- and 64-bit addressing, SDM volume 2, tables 2-2 and 2-3; -1: vector SIB lacks its SIB. */
export function readAddress(
  bytes: Uint8Array,
  p: number,
  limit: number,
  modrm: number,
  rexX: number,
  rexB: number,
  vsib: boolean,
  out: Instruction,
): number {
  const mod = modrm >> 6;
  let base = modrm & 7;
  let noBase = false;
  if (base === 4) {
    if (p >= limit) return limit + 1;
    const sib = bytes[p++];
    const index = ((sib >> 3) & 7) | rexX;
    if (index !== 4 || vsib) {
      out.index = index;
      out.scale = 1 << (sib >> 6);
    }
    base = sib & 7;
    noBase = base === 5 && mod === 0;
  } else if (vsib) {
    return -1;
  } else if (base === 5 && mod === 0) {
    noBase = true;
    if (out.codeBits === 64) out.base = BASE_RIP;
  }
  if (!noBase) out.base = base | rexB;
  let disp = 0;
  if (mod === 1) {
    if (p >= limit) return limit + 1;
    disp = (bytes[p++] << 24) >> 24;
  } else if (mod === 2 || noBase) {
    if (p + 4 > limit) return limit + 1;
    disp = bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
    p += 4;
  } else return p;
  out.dispLo = disp;
  out.dispHi = disp >> 31;
  return p;
}
