/** What is known of an image of the embedded C library besides its bytes. */
import type { Abi } from "../../abi/abi.ts";

export interface ImageManifest {
  readonly abi: Abi;
  readonly soname: string;
  /** Version of the C library that it stands for. */
  readonly glibc: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Hash of its bytes. */
  readonly sha256: string;
  /** Addresses in the file of the trap sites, by name without `__folio_trap_`. Text starts at 0: they are file offsets too. */
  readonly traps: Readonly<Record<string, number>>;
  /** Addresses of symbols that folio needs; thread-local ones count from the start of the module's block. */
  readonly symbols: Readonly<Record<string, number>>;
}
