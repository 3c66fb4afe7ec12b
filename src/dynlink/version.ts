/** What differs between the dynamic linkers that folio can be: pure data. */
import type { Abi } from "../abi/abi.ts";

/** Sizes of what ld.so allocates of its own, in bytes; they decide how many pages it takes. */
export interface LinkerSizes {
  /** struct link_map with its list of names' first entry. */
  readonly linkMap: number;
  /** rtld_search_dirs: an array over the characters of all system directories, times the capability subdirectories. */
  readonly searchDirs: number;
  /** struct r_found_version. */
  readonly foundVersion: number;
  /** struct pthread: the thread control block behind the static TLS. */
  readonly tcb: number;
  /** struct dtv_slotinfo_list with TLS_SLOTINFO_SURPLUS (62) spare entries; one more for each module. */
  readonly slotinfoHead: number;
  readonly slotinfo: number;
  /** dtv_t. */
  readonly dtv: number;
  /** Bytes that are read of a file before anything else. */
  readonly fileBuffer: number;
}

export interface LinkerVersion {
  readonly glibc: string;
  readonly sizes: Readonly<Record<Abi, LinkerSizes>>;
  /** Debian's and Ubuntu's patch: /etc/ld.so.nohwcap is looked for. */
  readonly nohwcap: boolean;
  /** `openat`, `newfstatat` and O_CLOEXEC where older ones use open and fstat. */
  readonly modernCalls: boolean;
  /** Extra room for static TLS of libraries that come by dlopen (TLS_STATIC_SURPLUS: 64 + DL_NNS * 100). */
  readonly staticTlsSurplus: number;
  /** The thread is registered at once: set_tid_address, set_robust_list, rseq. */
  readonly registersThread: boolean;
}

const amd64: LinkerSizes = {
  linkMap: 1232,
  searchDirs: 5900,
  foundVersion: 24,
  tcb: 0x900,
  slotinfoHead: 16,
  slotinfo: 16,
  dtv: 16,
  fileBuffer: 832,
};

const i386: LinkerSizes = {
  linkMap: 680,
  searchDirs: 4400,
  foundVersion: 16,
  tcb: 0x480,
  slotinfoHead: 8,
  slotinfo: 8,
  dtv: 8,
  fileBuffer: 512,
};

const linker2111: LinkerVersion = {
  glibc: "2.11.1",
  sizes: { amd64, i386 },
  nohwcap: true,
  modernCalls: false,
  staticTlsSurplus: 64 + 16 * 100,
  registersThread: false,
};

const linker236: LinkerVersion = {
  glibc: "2.36",
  sizes: { amd64: { ...amd64, linkMap: 1264 }, i386 },
  nohwcap: false,
  modernCalls: true,
  staticTlsSurplus: 64 + 16 * 100,
  registersThread: true,
};

export const LINKER_VERSIONS: readonly LinkerVersion[] = [linker2111, { ...linker2111, glibc: "2.13" }, linker236];

export function linkerVersion(glibc: string): LinkerVersion | undefined {
  return LINKER_VERSIONS.find((version) => version.glibc === glibc);
}

/** Libraries that folio brings along: names in DT_NEEDED. */
export const EMBEDDED_LIBRARIES: ReadonlySet<string> = new Set([
  "libc.so.6",
  "libm.so.6",
  "libdl.so.2",
  "libpthread.so.0",
  "librt.so.1",
  "libgcc_s.so.1",
]);
