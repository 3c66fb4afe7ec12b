/** Which images make up the C library of a version, and where a distribution keeps them. Data only. */
import type { Abi } from "../../abi/abi.ts";

export interface EmbeddedFile {
  readonly image: string;
  /** Name of the file, if not that of the image. */
  readonly name?: string;
  /** Names beside it that are symbolic links to it. */
  readonly links: readonly string[];
}

export interface EmbeddedSet {
  readonly glibc: string;
  readonly abi: Abi;
  /** Directory of the files. */
  readonly directory: string;
  readonly files: readonly EmbeddedFile[];
  /** Further symbolic links: path and target. */
  readonly links: readonly (readonly [path: string, target: string])[];
}

/** Ubuntu 10.04, amd64. */
const glibc2111: EmbeddedSet = {
  glibc: "2.11.1",
  abi: "amd64",
  directory: "/lib",
  files: [
    { image: "ld-2.11.1.so", links: ["ld-linux-x86-64.so.2"] },
    { image: "libc-2.11.1.so", links: ["libc.so.6"] },
    { image: "libm-2.11.1.so", links: ["libm.so.6"] },
    { image: "libdl-2.11.1.so", links: ["libdl.so.2"] },
    { image: "libpthread-2.11.1.so", links: ["libpthread.so.0"] },
    { image: "librt-2.11.1.so", links: ["librt.so.1"] },
    { image: "libgcc_s-4.4.so.1", name: "libgcc_s.so.1", links: [] },
  ],
  links: [["/lib64", "/lib"]],
};

/** With Debian's multiarch directories, as from 2011 on. */
const glibc213: EmbeddedSet = {
  glibc: "2.13",
  abi: "i386",
  directory: "/lib/i386-linux-gnu",
  files: [
    { image: "ld-2.13.so", links: ["ld-linux.so.2"] },
    { image: "libc-2.13.so", links: ["libc.so.6"] },
    { image: "libm-2.13.so", links: ["libm.so.6"] },
    { image: "libdl-2.13.so", links: ["libdl.so.2"] },
    { image: "libpthread-2.13.so", links: ["libpthread.so.0"] },
    { image: "librt-2.13.so", links: ["librt.so.1"] },
    { image: "libgcc_s-4.6.so.1", name: "libgcc_s.so.1", links: [] },
  ],
  links: [["/lib/ld-linux.so.2", "i386-linux-gnu/ld-2.13.so"]],
};

/** Debian 12's places. The files' segments are folio's own. */
const glibc236Amd64: EmbeddedSet = {
  glibc: "2.36",
  abi: "amd64",
  directory: "/lib/x86_64-linux-gnu",
  files: [
    { image: "ld-2.36-amd64.so", name: "ld-linux-x86-64.so.2", links: [] },
    { image: "libc-2.36-amd64.so", name: "libc.so.6", links: [] },
    { image: "libm-2.36-amd64.so", name: "libm.so.6", links: [] },
    { image: "libdl-2.36-amd64.so", name: "libdl.so.2", links: [] },
    { image: "libpthread-2.36-amd64.so", name: "libpthread.so.0", links: [] },
    { image: "librt-2.36-amd64.so", name: "librt.so.1", links: [] },
    { image: "libgcc_s-4.4.so.1", name: "libgcc_s.so.1", links: [] },
  ],
  links: [["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"]],
};

const glibc236I386: EmbeddedSet = {
  glibc: "2.36",
  abi: "i386",
  directory: "/lib/i386-linux-gnu",
  files: [
    { image: "ld-2.36-i386.so", name: "ld-linux.so.2", links: [] },
    { image: "libc-2.36-i386.so", name: "libc.so.6", links: [] },
    { image: "libm-2.36-i386.so", name: "libm.so.6", links: [] },
    { image: "libdl-2.36-i386.so", name: "libdl.so.2", links: [] },
    { image: "libpthread-2.36-i386.so", name: "libpthread.so.0", links: [] },
    { image: "librt-2.36-i386.so", name: "librt.so.1", links: [] },
    { image: "libgcc_s-4.6.so.1", name: "libgcc_s.so.1", links: [] },
  ],
  links: [["/lib/ld-linux.so.2", "/lib/i386-linux-gnu/ld-linux.so.2"]],
};

export const EMBEDDED_SETS: readonly EmbeddedSet[] = [glibc2111, glibc213, glibc236Amd64, glibc236I386];

/** The set for an ABI: of the wanted version, else the newest there is. */
export function embeddedSet(abi: Abi, glibc: string | undefined): EmbeddedSet | undefined {
  const sets = EMBEDDED_SETS.filter((set) => set.abi === abi);
  return sets.find((set) => set.glibc === glibc) ?? sets.at(-1);
}
