/** A machine as frozen data: what `--machine NAME` chooses. Nothing asks for a machine's name; code reads these fields. */
import type { Abi } from "../abi/abi.ts";
import type { CpuModel } from "./cpu-model.ts";
import type { KernelGeneration } from "./kernel-generation.ts";

/** uname(2). */
export interface UnameStrings {
  readonly sysname: string;
  readonly nodename: string;
  readonly release: string;
  readonly version: string;
  readonly machine: string;
  readonly domainname: string;
}

/** Which pmap(1) the machine's procps is: column layouts lie in src/report/format/pmap.ts. */
export type PmapFlavour = "procps-3.2.8" | "procps-ng-4.0.2";

export interface MachineUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface MachineProfile {
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** ABI of the userland; undefined: both, and the program's ELF class decides. */
  readonly abi: Abi | undefined;
  readonly generation: KernelGeneration;
  /** Version of the C library, as `ldd --version` says it; undefined: whatever the sysroot has. */
  readonly glibc: string | undefined;
  readonly cpu: CpuModel;
  readonly uname: UnameStrings;
  /** Device of the disk and inode numbers by path, where the sysroot's own must not show. */
  readonly disk: { readonly dev: number; readonly inodes: Readonly<Record<string, number>> } | undefined;
  /** Bytes of /etc/ld.so.cache; undefined: whatever the sysroot has. */
  readonly ldSoCacheSize: number | undefined;
  /** The user that logged in; undefined: the one who runs folio. */
  readonly user: MachineUser | undefined;
  readonly locale: string;
  readonly pmap: PmapFlavour;
  readonly ramBytes: number;
  /** Digits of an address that this machine's pmap prints: sizeof(long) of pmap itself. */
  readonly pmapAddressDigits: 8 | 16;
}
