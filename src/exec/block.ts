/** A translated run of instructions: what the dispatcher remembers of it beside its records in the arena. */
import type { FrameNumber } from "../base/address.ts";

/** The part of the state that decides what bytes mean: code size and EFLAGS.AC. */
export function translationMode(codeBits: 32 | 64, checksAlignment: boolean): number {
  return (codeBits === 64 ? 1 : 0) | (checksAlignment ? 2 : 0);
}

export function checksAlignment(mode: number): boolean {
  return (mode & 2) !== 0;
}

/** What never changes of a block. */
export interface BlockInit {
  readonly id: number;
  /** Linear address of the first instruction as int32 halves, and code mode. */
  readonly lo: number;
  readonly hi: number;
  readonly codeBits: 32 | 64;
  /** What of the processor's state the translation rests on (`translationMode`). */
  readonly mode: number;
  /** Address of its first record. */
  readonly record: number;
  readonly instructions: number;
  /** Where the offset of each instruction from the first one lies, in bytes (u16); one more for the end. */
  readonly offsets: number;
  /** The frames that hold its bytes; the second is -1 if it lies in one page. */
  readonly frame: FrameNumber;
  readonly frame2: FrameNumber;
  /** If it ends in an instruction that folio lacks: bytes and mnemonic. */
  readonly unsupported: string;
  /** The block ends in a CALL or RET. */
  readonly branch: "call" | "return" | undefined;
}

export interface Block extends BlockInit {
  valid: boolean;
  /** Its counter has run out before; it counts again because it was not to be compiled then. */
  wasHot: boolean;
  /** Table index of the compiled region that begins here; 0: none. */
  region: number;
  /** The pages that the region's code lies in and the frames that held them: it may run only if they still do. */
  regionPages: readonly { readonly page: number; readonly frame: FrameNumber }[];
}
