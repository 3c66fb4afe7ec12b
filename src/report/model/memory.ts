/** A process's memory as plain data: what maps, pmap and JSON are printed from. */
import { majorOf, minorOf } from "../../abi/stat.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import type { PageStats } from "../../mm/stats.ts";
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from "../../mm/vm-flags.ts";

export interface MappingSnapshot {
  readonly start: number;
  readonly end: number;
  /** As in /proc/PID/maps: `r-xp`. */
  readonly permissions: string;
  /** Bytes; 0 for anonymous memory. */
  readonly offset: number;
  readonly major: number;
  readonly minor: number;
  readonly inode: number;
  /** Path, label such as `[heap]`, or "". */
  readonly name: string;
  /** The numbers of smaps; undefined for the vsyscall page, which is no VMA. */
  readonly pages: PageStats | undefined;
}

export interface MemorySnapshot {
  readonly pid: number;
  /** As /proc/PID/cmdline with blanks for NULs, or `[comm]` if there is none. */
  readonly command: string;
  readonly kernelBits: 32 | 64;
  /** mm_struct's start_stack: pmap tells the stack by it. */
  readonly startStack: number;
  readonly mappings: readonly MappingSnapshot[];
}

/** The vsyscall page: exact as a number, since it is a multiple of 2^21. */
const VSYSCALL_START = 0xffffffff * 0x1_0000_0000 + 0xff600000;

function permissions(flags: number): string {
  const letter = (flag: number, set: string, clear: string): string => ((flags & flag) !== 0 ? set : clear);
  return (
    letter(VM_READ, "r", "-") + letter(VM_WRITE, "w", "-") + letter(VM_EXEC, "x", "-") + letter(VM_MAYSHARE, "s", "p")
  );
}

/** Takes the snapshot; [vsyscall] comes last where the kernel shows it to 64-bit tasks. */
export function snapshotMemory(mm: AddressSpace, pid: number, command: string): MemorySnapshot {
  const { generation } = mm;
  const mappings: MappingSnapshot[] = [];
  mm.forEachMapping((view) => {
    mappings.push({
      start: view.start,
      end: view.end,
      permissions: permissions(view.flags),
      offset: view.offset,
      major: majorOf(view.dev),
      minor: minorOf(view.dev),
      inode: view.ino,
      name: view.name,
      pages: mm.pageStats(view.vma),
    });
  });
  const { legacyVsyscall } = generation.vdso;
  if (mm.abi === "amd64" && legacyVsyscall !== "none") {
    mappings.push({
      start: VSYSCALL_START,
      end: VSYSCALL_START + 4096,
      permissions: legacyVsyscall,
      offset: 0,
      major: 0,
      minor: 0,
      inode: 0,
      name: "[vsyscall]",
      pages: undefined,
    });
  }
  return { pid, command, kernelBits: generation.kernelBits, startStack: mm.startStack, mappings };
}
