/** /proc/PID/maps, smaps, smaps_rollup, pagemap (fs/proc/task_mmu.c). Formats by kernel generation. */
import { majorOf, minorOf } from "../../abi/stat.ts";
import { PTE_P } from "../../memory/page-tables.ts";
import { FrameFlag } from "../../memory/physical.ts";
import type { AddressSpace, VmaView } from "../../mm/address-space.ts";
import type { PageStats } from "../../mm/stats.ts";
import { vmFlagsText } from "../../mm/stats.ts";
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from "../../mm/vm-flags.ts";
import type { ProcRecord } from "./nodes.ts";

const VSYSCALL = "ffffffffff600000-ffffffffff601000";
/** Its place in the order of records. */
const VSYSCALL_KEY = Number.MAX_VALUE;

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** Pads to the column of names, 25 + 6 pointers of the kernel, and appends the name (seq_pad, seq_path). */
function withName(prefix: string, name: string, kernelBits: 32 | 64): string {
  if (name === "") return `${prefix}\n`;
  const column = 25 + (kernelBits / 8) * 6;
  return `${prefix.padEnd(column - 1)} ${name.replaceAll("\n", "\\012")}\n`;
}

/** What a line of maps says. */
export interface MapsFields {
  readonly start: number;
  readonly end: number;
  /** `r-xp` and the like. */
  readonly permissions: string;
  readonly offset: number;
  readonly major: number;
  readonly minor: number;
  readonly inode: number;
  readonly name: string;
}

/** One line of maps, newline included (show_map_vma); a nameless one ends with a blank behind the inode. */
export function formatMapsLine(fields: MapsFields, kernelBits: 32 | 64): string {
  const { start, end, permissions, offset, major, minor, inode, name } = fields;
  const device = `${hex(major, 2)}:${hex(minor, 2)}`;
  const prefix = `${hex(start, 8)}-${hex(end, 8)} ${permissions} ${hex(offset, 8)} ${device} ${inode} `;
  return withName(prefix, name, kernelBits);
}

/** The line of a VMA. */
export function mapsLine(view: VmaView, kernelBits: 32 | 64): string {
  const { start, end, flags, offset, dev, ino, name } = view;
  const permissions =
    (flags & VM_READ ? "r" : "-") +
    (flags & VM_WRITE ? "w" : "-") +
    (flags & VM_EXEC ? "x" : "-") +
    (flags & VM_MAYSHARE ? "s" : "p");
  const device = { major: majorOf(dev), minor: minorOf(dev) };
  return formatMapsLine({ start, end, permissions, offset, ...device, inode: ino, name }, kernelBits);
}

/** The gate VMA of x86-64 tasks, last in the list and part of no address space. */
function vsyscallLine(mm: AddressSpace): string | undefined {
  const mode = mm.generation.vdso.legacyVsyscall;
  if (mm.abi !== "amd64" || mode === "none") return undefined;
  return withName(`${VSYSCALL} ${mode} 00000000 00:00 0 `, "[vsyscall]", 64);
}

export function* mapsRecords(mm: AddressSpace, after: number): Iterable<ProcRecord> {
  for (let vma = mm.vmas.find(after); vma !== undefined; vma = vma.next) {
    const view = mm.view(vma);
    yield { key: view.start, text: mapsLine(view, mm.generation.kernelBits) };
  }
  const last = vsyscallLine(mm);
  if (last !== undefined) yield { key: VSYSCALL_KEY, text: last };
}

/** kB values of a smaps entry by key; what is not here is 0. */
function smapsValues(stats: PageStats): Readonly<Record<string, number>> {
  return {
    Size: stats.size,
    KernelPageSize: 4,
    MMUPageSize: 4,
    Rss: stats.rss,
    Pss: stats.pss,
    Pss_Dirty: stats.pssDirty,
    Pss_Anon: stats.pssAnon,
    Pss_File: stats.pssFile,
    Pss_Shmem: stats.pssShmem,
    Shared_Clean: stats.sharedClean,
    Shared_Dirty: stats.sharedDirty,
    Private_Clean: stats.privateClean,
    Private_Dirty: stats.privateDirty,
    Referenced: stats.referenced,
    Anonymous: stats.anonymous,
    LazyFree: stats.lazyFree,
    Locked: stats.locked,
  };
}

/** `Rss:                   4 kB`. */
function smapsLine(key: string, value: number): string {
  return `${`${key}:`.padEnd(16)}${String(value).padStart(8)} kB\n`;
}

function smapsTail(mm: AddressSpace, flags: string): string {
  const { smapsVmFlags, thpEligibleWidth } = mm.generation.procfs;
  if (!smapsVmFlags) return "";
  return `THPeligible:    ${"0".padStart(thpEligibleWidth)}\nVmFlags: ${flags}\n`;
}

function smapsEntry(mm: AddressSpace, view: VmaView): string {
  const values = smapsValues(mm.pageStats(view.vma));
  let text = mapsLine(view, mm.generation.kernelBits);
  for (const key of mm.generation.procfs.smaps) text += smapsLine(key, values[key] ?? 0);
  return text + smapsTail(mm, vmFlagsText(view.flags));
}

function vsyscallSmaps(mm: AddressSpace, line: string): string {
  let text = line;
  for (const key of mm.generation.procfs.smaps) {
    text += smapsLine(key, key === "Size" || key === "KernelPageSize" || key === "MMUPageSize" ? 4 : 0);
  }
  const flags = mm.generation.vdso.legacyVsyscall === "--xp" ? "ex " : "rd ex ";
  return text + smapsTail(mm, flags);
}

export function* smapsRecords(mm: AddressSpace, after: number): Iterable<ProcRecord> {
  for (let vma = mm.vmas.find(after); vma !== undefined; vma = vma.next) {
    const view = mm.view(vma);
    yield { key: view.start, text: smapsEntry(mm, view) };
  }
  const last = vsyscallLine(mm);
  if (last !== undefined) yield { key: VSYSCALL_KEY, text: vsyscallSmaps(mm, last) };
}

/** Keys of smaps_rollup: those of smaps without the page sizes, and Pss by kind (4.14 and later). */
function rollupKeys(mm: AddressSpace): string[] {
  const skipped = ["Size", "KernelPageSize", "MMUPageSize"];
  const keys = mm.generation.procfs.smaps.filter((key) => !skipped.includes(key));
  keys.splice(keys.indexOf("Pss_Dirty") + 1, 0, "Pss_Anon", "Pss_File", "Pss_Shmem");
  return keys;
}

/** The sum over all VMAs. Pss adds up before it is cut to kB in the kernel; the parts' fractions are lost here per VMA. */
export function smapsRollup(mm: AddressSpace): string {
  const sums: Record<string, number> = {};
  let first = 0;
  let last = 0;
  mm.forEachMapping((view) => {
    if (last === 0) first = view.vma.start;
    last = view.end;
    for (const [key, value] of Object.entries(smapsValues(mm.pageStats(view.vma))))
      sums[key] = (sums[key] ?? 0) + value;
  });
  let text = withName(`${hex(first, 8)}-${hex(last, 8)} ---p 00000000 00:00 0 `, "[rollup]", mm.generation.kernelBits);
  for (const key of rollupKeys(mm)) text += smapsLine(key, sums[key] ?? 0);
  return text;
}

/** Bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst); the frame number shows to privileged readers only. */
const PM_PRESENT = 63;
const PM_FILE = 61;
const PM_MMAP_EXCLUSIVE = 56;

function pagemapEntry(mm: AddressSpace, page: number, privileged: boolean): [lo: number, hi: number] {
  const modern = mm.generation.procfs.statFields === 52;
  // 2.6 kernels tell the page shift in bits 55 to 60.
  const absent: [number, number] = modern ? [0, 0] : [0, 12 << (55 - 32)];
  let entry = absent;
  mm.pageTables.forEachPte(page, page + 1, (at) => {
    const pte = mm.phys.i32[at];
    if (!(pte & PTE_P)) return;
    const frame = pte >>> 12;
    let hi = 1 << (PM_PRESENT - 32);
    if (!modern) hi |= absent[1];
    else {
      const flags = mm.phys.flags[frame];
      if (!(flags & (FrameFlag.anon | FrameFlag.special))) hi |= 1 << (PM_FILE - 32);
      if (!(flags & FrameFlag.special) && mm.phys.mapCount(frame) === 1) hi |= 1 << (PM_MMAP_EXCLUSIVE - 32);
    }
    entry = [privileged ? frame : 0, hi];
  });
  return entry;
}

/** read(2) of /proc/PID/pagemap: eight bytes a page; offset and length are multiples of 8. */
export function readPagemap(
  mm: AddressSpace,
  into: Uint8Array,
  offset: number,
  privileged: boolean,
): number | undefined {
  if (offset % 8 !== 0 || into.length % 8 !== 0) return undefined;
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  const end = mm.layout.taskSize / 4096;
  let done = 0;
  for (let page = offset / 8; done < into.length && page < end; page++, done += 8) {
    const [lo, hi] = pagemapEntry(mm, page, privileged);
    view.setUint32(done, lo, true);
    view.setInt32(done + 4, hi, true);
  }
  return done;
}
