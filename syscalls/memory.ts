/** Memory calls: mm/mmap.c, mm/mprotect.c, mm/mremap.c, mm/madvise.c, mm/mincore.c, mm/msync.c, mm/mlock.c. */
import { EFAULT, EINVAL, ENOMEM } from "../src/abi/errno.ts";
import * as M from "../src/abi/mman.ts";
import type { Task } from "../src/kernel/task.ts";
import * as B from "../src/mm/membarrier.ts";
import { enumOf, fd, flagsOf, int, intAs, pointer, pointerTo, sizeT, u32At, ulong, ulongAs } from "./codecs.ts";
import { type CallView, type Codec, defineSyscall } from "./define.ts";
import { fileOf } from "./io.ts";
import { enumText, flagsText, type NameTable, peek, wordHex } from "./strace-text.ts";

const PROT_NAMES: NameTable = [
  [M.PROT_NONE, "PROT_NONE"],
  [M.PROT_READ, "PROT_READ"],
  [M.PROT_WRITE, "PROT_WRITE"],
  [M.PROT_EXEC, "PROT_EXEC"],
  [M.PROT_SEM, "PROT_SEM"],
  [M.PROT_GROWSDOWN, "PROT_GROWSDOWN"],
  [M.PROT_GROWSUP, "PROT_GROWSUP"],
];
const MAP_TYPE_NAMES: NameTable = [
  [0, "MAP_FILE"],
  [M.MAP_SHARED, "MAP_SHARED"],
  [M.MAP_PRIVATE, "MAP_PRIVATE"],
  [M.MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"],
];
const MAP_FLAG_NAMES: NameTable = [
  [M.MAP_FIXED, "MAP_FIXED"],
  [M.MAP_ANONYMOUS, "MAP_ANONYMOUS"],
  [M.MAP_32BIT, "MAP_32BIT"],
  [M.MAP_NORESERVE, "MAP_NORESERVE"],
  [M.MAP_POPULATE, "MAP_POPULATE"],
  [M.MAP_NONBLOCK, "MAP_NONBLOCK"],
  [M.MAP_GROWSDOWN, "MAP_GROWSDOWN"],
  [M.MAP_DENYWRITE, "MAP_DENYWRITE"],
  [M.MAP_EXECUTABLE, "MAP_EXECUTABLE"],
  [M.MAP_LOCKED, "MAP_LOCKED"],
  [M.MAP_STACK, "MAP_STACK"],
  [M.MAP_HUGETLB, "MAP_HUGETLB"],
  [M.MAP_SYNC, "MAP_SYNC"],
  [M.MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"],
];
const MAP_HUGE_SHIFT = 26;
const MAP_HUGE_MASK = 63;

/** strace's mem.c print_mmap_flags: the type, the flags, the size of huge pages. */
function mapFlagsText(value: number): string {
  const huge = (value >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  const rest = value & ~M.MAP_TYPE & ~(MAP_HUGE_MASK << MAP_HUGE_SHIFT);
  const parts = [enumText(value & M.MAP_TYPE, MAP_TYPE_NAMES, "MAP_???")];
  if (rest !== 0) parts.push(flagsText(rest, MAP_FLAG_NAMES, "MAP_???").replace(/ \/\*.*/, ""));
  if (huge !== 0) parts.push(`${huge}<<MAP_HUGE_SHIFT`);
  return parts.join("|");
}

const prot = flagsOf("prot", PROT_NAMES, "PROT_???");
const mapFlags = intAs("flags", mapFlagsText);
const hexWord = (name: string): Codec<number> =>
  ulongAs(name, (_value, call, at) => (wordHex(call, at) === "0" ? "0" : `0x${wordHex(call, at)}`));
const addressResult = (value: number): string => `0x${value.toString(16)}`;

/** ksys_mmap_pgoff: the descriptor comes before all that do_mmap checks. `offset` in bytes. */
function mapFile(
  task: Task,
  addr: number,
  length: number,
  protection: number,
  flags: number,
  number: number,
  offset: number,
): number {
  const { mm } = task;
  if (flags & M.MAP_ANONYMOUS) {
    const huge = (flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
    // hugetlb_file_setup: sizes of x86 are 2 MiB and 1 GiB; the pool of huge pages is empty
    if (flags & M.MAP_HUGETLB) return length === 0 || ![0, 21, 30].includes(huge) ? -EINVAL : -ENOMEM;
    return mm.mmap({ addr, length, prot: protection, flags, offset });
  }
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  if (flags & M.MAP_HUGETLB) return -EINVAL;
  return mm.mmap({ addr, length, prot: protection, flags, file, offset });
}

export const mmap = defineSyscall(
  "mmap",
  [pointer("addr"), sizeT("length"), prot, mapFlags, fd(), hexWord("offset")],
  (task, addr, length, protection, flags, number, offset) =>
    offset % 4096 !== 0 ? -EINVAL : mapFile(task, addr, length, protection, flags, number, offset),
  { support: "partial", note: "no huge pages: MAP_HUGETLB gives ENOMEM", result: addressResult },
);

/** i386: the offset counts pages. */
export const mmap2 = defineSyscall(
  "mmap2",
  [
    pointer("addr"),
    sizeT("length"),
    prot,
    mapFlags,
    fd(),
    ulongAs("pgoffset", (value) => (value === 0 ? "0" : `0x${(value * 4096).toString(16)}`)),
  ],
  (task, addr, length, protection, flags, number, pages) =>
    mapFile(task, addr, length, protection, flags, number, pages * 4096),
  { support: "partial", note: "no huge pages: MAP_HUGETLB gives ENOMEM", result: addressResult },
);

/** i386's first mmap: the six arguments lie in memory. */
export const oldMmap = defineSyscall(
  "mmap",
  [
    pointerTo("args", "entry", (address, call) => {
      const words = peek(call.task, address, 24);
      if (words === undefined) return undefined;
      const word = (index: number): number => u32At(words, index * 4);
      const hex = (value: number, zero: string): string => (value === 0 ? zero : `0x${value.toString(16)}`);
      const protection = flagsText(word(2), PROT_NAMES, "PROT_???");
      const texts = [hex(word(0), "NULL"), word(1), protection, mapFlagsText(word(3)), word(4) | 0, hex(word(5), "0")];
      return texts.join(", ");
    }),
  ],
  (task, address) => {
    const words = peek(task, address, 24);
    if (words === undefined) return -EFAULT;
    const [addr, length, protection, flags, number, offset] = [0, 4, 8, 12, 16, 20].map((at) => u32At(words, at));
    if (offset % 4096 !== 0) return -EINVAL;
    return mapFile(task, addr, length, protection, flags, number | 0, offset);
  },
  { support: "partial", note: "no huge pages: MAP_HUGETLB gives ENOMEM", result: addressResult },
);

export const munmap = defineSyscall(
  "munmap",
  [pointer("addr"), sizeT("length")],
  (task, addr, length) => task.mm.munmap(addr, length),
  { support: "full" },
);

export const mprotect = defineSyscall(
  "mprotect",
  [pointer("addr"), sizeT("length"), prot],
  (task, addr, length, protection) => task.mm.mprotect(addr, length, protection),
  { support: "full" },
);

export const brk = defineSyscall("brk", [pointer("addr")], (task, addr) => task.mm.sysBrk(addr), {
  support: "full",
  result: addressResult,
});

const MREMAP_NAMES: NameTable = [
  [M.MREMAP_MAYMOVE, "MREMAP_MAYMOVE"],
  [M.MREMAP_FIXED, "MREMAP_FIXED"],
  [M.MREMAP_DONTUNMAP, "MREMAP_DONTUNMAP"],
];

export const mremap = defineSyscall(
  "mremap",
  [
    pointer("old_address"),
    sizeT("old_size"),
    sizeT("new_size"),
    flagsOf("flags", MREMAP_NAMES, "MREMAP_???"),
    ulongAs("new_address", (_value, call, at) => newAddressText(call, at)),
  ],
  (task, addr, oldSize, newSize, flags, newAddr) => task.mm.mremap(addr, oldSize, newSize, flags, newAddr),
  { support: "full", result: addressResult },
);

/** strace prints the fifth argument only with MREMAP_FIXED. */
function newAddressText(call: CallView, at: number): string | undefined {
  if (!((call.values[3] as number) & M.MREMAP_FIXED)) return undefined;
  return wordHex(call, at) === "0" ? "NULL" : `0x${wordHex(call, at)}`;
}

/** In the kernel's order of values; 102 and 103 are newer than strace 6.1. */
const MADV_NAMES: NameTable = [
  [M.MADV_NORMAL, "MADV_NORMAL"],
  [M.MADV_RANDOM, "MADV_RANDOM"],
  [M.MADV_SEQUENTIAL, "MADV_SEQUENTIAL"],
  [M.MADV_WILLNEED, "MADV_WILLNEED"],
  [M.MADV_DONTNEED, "MADV_DONTNEED"],
  [M.MADV_FREE, "MADV_FREE"],
  [M.MADV_REMOVE, "MADV_REMOVE"],
  [M.MADV_DONTFORK, "MADV_DONTFORK"],
  [M.MADV_DOFORK, "MADV_DOFORK"],
  [M.MADV_MERGEABLE, "MADV_MERGEABLE"],
  [M.MADV_UNMERGEABLE, "MADV_UNMERGEABLE"],
  [M.MADV_HUGEPAGE, "MADV_HUGEPAGE"],
  [M.MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE"],
  [M.MADV_DONTDUMP, "MADV_DONTDUMP"],
  [M.MADV_DODUMP, "MADV_DODUMP"],
  [M.MADV_WIPEONFORK, "MADV_WIPEONFORK"],
  [M.MADV_KEEPONFORK, "MADV_KEEPONFORK"],
  [M.MADV_COLD, "MADV_COLD"],
  [M.MADV_PAGEOUT, "MADV_PAGEOUT"],
  [M.MADV_POPULATE_READ, "MADV_POPULATE_READ"],
  [M.MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE"],
  [M.MADV_DONTNEED_LOCKED, "MADV_DONTNEED_LOCKED"],
  [M.MADV_COLLAPSE, "MADV_COLLAPSE"],
  [M.MADV_HWPOISON, "MADV_HWPOISON"],
  [M.MADV_SOFT_OFFLINE, "MADV_SOFT_OFFLINE"],
];

export const madvise = defineSyscall(
  "madvise",
  [pointer("addr"), sizeT("length"), enumOf("advice", MADV_NAMES, "MADV_???")],
  (task, addr, length, advice) => task.mm.madvise(addr, length, advice),
  { support: "partial", note: "no huge pages, no KSM, no reclaim: their hints only mark the mapping" },
);

const RESIDENCE_LIMIT = 32;

export const mincore = defineSyscall(
  "mincore",
  [
    pointer("addr"),
    sizeT("length"),
    pointerTo("vec", "exit", (address, call) => {
      const pages = Math.ceil((call.values[1] as number) / 4096);
      const bytes = peek(call.task, address, Math.min(pages, RESIDENCE_LIMIT));
      if (bytes === undefined) return undefined;
      const texts = [...bytes].map((byte) => String(byte & 1));
      return `[${texts.join(", ")}${pages > RESIDENCE_LIMIT ? ", ..." : ""}]`;
    }),
  ],
  (task, addr, length, vec) => task.mm.mincore(addr, length, vec),
  { support: "full" },
);

const MSYNC_NAMES: NameTable = [
  [M.MS_SYNC, "MS_SYNC"],
  [M.MS_ASYNC, "MS_ASYNC"],
  [M.MS_INVALIDATE, "MS_INVALIDATE"],
];

export const msync = defineSyscall(
  "msync",
  [pointer("addr"), sizeT("length"), flagsOf("flags", MSYNC_NAMES, "MS_???")],
  (task, addr, length, flags) => task.mm.msync(addr, length, flags),
  { support: "full" },
);

export const mlock = defineSyscall(
  "mlock",
  [pointer("addr"), sizeT("length")],
  (task, addr, length) => task.mm.mlock(addr, length),
  { support: "full" },
);

export const mlock2 = defineSyscall(
  "mlock2",
  [pointer("addr"), sizeT("length"), flagsOf("flags", [[M.MLOCK_ONFAULT, "MLOCK_ONFAULT"]], "MLOCK_???")],
  (task, addr, length, flags) =>
    flags & ~M.MLOCK_ONFAULT ? -EINVAL : task.mm.mlock(addr, length, flags === M.MLOCK_ONFAULT),
  { support: "full" },
);

export const munlock = defineSyscall(
  "munlock",
  [pointer("addr"), sizeT("length")],
  (task, addr, length) => task.mm.munlock(addr, length),
  { support: "full" },
);

const MCL_NAMES: NameTable = [
  [M.MCL_CURRENT, "MCL_CURRENT"],
  [M.MCL_FUTURE, "MCL_FUTURE"],
  [M.MCL_ONFAULT, "MCL_ONFAULT"],
];

export const mlockall = defineSyscall(
  "mlockall",
  [flagsOf("flags", MCL_NAMES, "MCL_???")],
  (task, flags) => task.mm.mlockall(flags),
  { support: "full" },
);

export const munlockall = defineSyscall("munlockall", [], (task) => task.mm.munlockall(), { support: "full" });

export const remapFilePages = defineSyscall(
  "remap_file_pages",
  [pointer("addr"), sizeT("size"), prot, ulong("pgoff"), mapFlags],
  (task, addr, size, protection, pgoff, flags) => task.mm.remapFilePages(addr, size, protection, pgoff, flags),
  { support: "full" },
);

const MEMBARRIER_NAMES: NameTable = [
  [B.MEMBARRIER_CMD_QUERY, "MEMBARRIER_CMD_QUERY"],
  [B.MEMBARRIER_CMD_GLOBAL, "MEMBARRIER_CMD_GLOBAL"],
  [B.MEMBARRIER_CMD_GLOBAL_EXPEDITED, "MEMBARRIER_CMD_GLOBAL_EXPEDITED"],
  [B.MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"],
  [B.MEMBARRIER_CMD_PRIVATE_EXPEDITED, "MEMBARRIER_CMD_PRIVATE_EXPEDITED"],
  [B.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED"],
  [B.MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE"],
  [B.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE"],
  [B.MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ"],
  [B.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ"],
];

export const membarrier = defineSyscall(
  "membarrier",
  [
    enumOf("cmd", MEMBARRIER_NAMES, "MEMBARRIER_CMD_???"),
    flagsOf("flags", [[B.MEMBARRIER_CMD_FLAG_CPU, "MEMBARRIER_CMD_FLAG_CPU"]], "MEMBARRIER_CMD_FLAG_???"),
    int("cpu_id"),
  ],
  (task, command, flags) => task.mm.membarrier(command, flags),
  {
    support: "full",
    result: (value, call) =>
      call.values[0] === 0 ? flagsText(value, MEMBARRIER_NAMES.slice(1), "MEMBARRIER_CMD_???") : String(value),
  },
);
