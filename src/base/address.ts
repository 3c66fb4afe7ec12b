/**
 * Guest addresses are plain numbers: the user half of the address space (below 2^47) and every page number are safe
 * integers. Values that do not fit (non-canonical addresses, the vsyscall page) are told apart before conversion.
 */

/** A linear address of the guest, an unsigned integer below 2^48. */
export type GuestAddr = number;
/** A linear address divided by `PAGE_SIZE`. */
export type PageNumber = number;
/** A page frame of physical memory: wasm byte offset divided by `PAGE_SIZE`. */
export type FrameNumber = number;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
export const PAGE_MASK = 4095;

const TWO32 = 0x1_0000_0000;

/** The page-aligned address at or below `addr`. */
export function pageDown(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}

/** The page-aligned address at or above `addr`. */
export function pageUp(addr: number): number {
  return pageDown(addr + PAGE_MASK);
}

/** Low 32 bits as a signed int32 of a number that may be negative or above 2^32. */
export function loWord(value: number): number {
  return value | 0;
}

/** High 32 bits as a signed int32 (two's complement) of a safe integer. */
export function hiWord(value: number): number {
  return Math.floor(value / TWO32) | 0;
}

/** An unsigned 64-bit pair as a number; exact below 2^53, rounded above. */
export function fromWords(lo: number, hi: number): number {
  return (hi >>> 0) * TWO32 + (lo >>> 0);
}

/** A signed 64-bit pair as a number; exact within ±2^53. */
export function fromSignedWords(lo: number, hi: number): number {
  return (hi | 0) * TWO32 + (lo >>> 0);
}
