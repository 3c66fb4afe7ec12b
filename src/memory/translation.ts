/**
 * What the CPU needs of an address space, and what an address space must tell the CPU.
 */
import type { FrameNumber, PageNumber } from "../base/address.ts";

export const Access = { read: 0, write: 1, execute: 2 } as const;
export type Access = (typeof Access)[keyof typeof Access];

/** Page-fault error code bits (SDM volume 3, section 4.7). */
export const PF_PRESENT = 1;
export const PF_WRITE = 2;
export const PF_USER = 4;
export const PF_RESERVED = 8;
export const PF_INSTR = 16;

export interface AddressTranslation {
  /**
   * Walks the page tables for a user access, setting accessed (and, for writes, dirty) bits as the hardware does.
   * Returns the frame, or `-errorCode - 1` where `errorCode` is what #PF would push (PF_USER included).
   */
  walk(page: PageNumber, access: Access): FrameNumber;
  /** Where `walk` reads, so that compiled code can do the same; undefined: only `walk` knows. */
  readonly pageTables?: { readonly root: FrameNumber; readonly format: { readonly levels: 2 | 4 } };
}

/**
 * Whoever caches translations (TLB, extents, code caches) implements this; page tables and frames call it. `page` numbers
 * are those of the address space `space`; a cache that holds only the active space ignores the others.
 */
export interface TranslationCache {
  /** A PTE was removed, or lost a permission, or changed its frame. */
  invalidatePage(space: AddressTranslation, page: PageNumber): void;
  invalidateRange(space: AddressTranslation, first: PageNumber, count: number): void;
  invalidateSpace(space: AddressTranslation): void;
  /** The bytes of a frame that holds translated code changed, or the frame is freed. */
  invalidateCode(frame: FrameNumber): void;
}
