/** mmap(2): do_mmap and mmap_region (mm/mmap.c, mm/vma.c), with the order of errors of the kernel. */
import { EACCES, EAGAIN, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM } from "../abi/errno.ts";
import {
  MAP_32BIT,
  MAP_ABOVE4G,
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_DROPPABLE,
  MAP_EXECUTABLE,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_HUGETLB,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_STACK,
  MAP_TYPE,
  MAP_UNINITIALIZED,
  PROT_EXEC,
  PROT_READ,
} from "../abi/mman.ts";
import type { FrameNumber } from "../base/address.ts";
import { pageDown, pageUp } from "../base/address.ts";
import { FrameFlag } from "../memory/physical.ts";
import { accountable, canMlock, mayExpand, mlockFutureOk } from "./accounting.ts";
import type { AddressSpace } from "./address-space.ts";
import type { Mappable, MappedFile } from "./mappable.ts";
import { mergeNew } from "./merge.ts";
import { removeRange, splitBounds, unmapRange } from "./munmap.ts";
import { unmappedArea } from "./placement.ts";
import { populate } from "./populate.ts";
import { AnonymousSharedFile } from "./shmem.ts";
import { Overcommit } from "./system.ts";
import {
  VM_ACCESS_FLAGS,
  VM_ACCOUNT,
  VM_DONTDUMP,
  VM_DONTEXPAND,
  VM_DROPPABLE,
  VM_EXEC,
  VM_GROWSDOWN,
  VM_IO,
  VM_LOCKED,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_NOHUGEPAGE,
  VM_NORESERVE,
  VM_PFNMAP,
  VM_SHARED,
  VM_WIPEONFORK,
  VM_WRITE,
} from "./vm-flags.ts";
import { type SpecialMapping, Vma } from "./vma.ts";

export interface MmapRequest {
  /** Hint, or the address with MAP_FIXED; any number of user space or above. */
  readonly addr: number;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  /** The open file, unless MAP_ANONYMOUS. */
  readonly file?: MappedFile | undefined;
  /** Bytes; a multiple of 4096 (the system call checks that). */
  readonly offset?: number;
}

/** Whole pages below MAX_LFS_FILESIZE, 2^63 - 1. */
const MAX_FILE_PAGES = 2 ** 51 - 1;
const LEGACY_MAP_MASK =
  MAP_SHARED |
  MAP_PRIVATE |
  MAP_FIXED |
  MAP_ANONYMOUS |
  MAP_DENYWRITE |
  MAP_EXECUTABLE |
  MAP_UNINITIALIZED |
  MAP_GROWSDOWN |
  MAP_LOCKED |
  MAP_NORESERVE |
  MAP_POPULATE |
  MAP_NONBLOCK |
  MAP_STACK |
  MAP_HUGETLB |
  MAP_32BIT |
  MAP_ABOVE4G |
  (21 << 26) |
  (30 << 26);

/** mmap(2) behind the lookup of the descriptor: the address or -errno. */
export function mmapRegion(mm: AddressSpace, request: MmapRequest): number {
  const rules = mm.generation.mmap;
  const file = request.flags & MAP_ANONYMOUS ? undefined : request.file;
  let flags = request.flags;
  let prot = request.prot;
  if (request.length === 0) return -EINVAL;
  if (prot & PROT_READ && mm.readImpliesExec && !file?.noExec) prot |= PROT_EXEC;
  if (rules.fixedNoReplace && flags & MAP_FIXED_NOREPLACE) flags |= MAP_FIXED;
  let addr = request.addr;
  if (!(flags & MAP_FIXED)) {
    addr = pageDown(addr);
    if (addr !== 0 && addr < mm.system.mmapMinAddr) addr = mm.system.mmapMinAddr;
  }
  const length = pageUp(request.length);
  if (length >= mm.wordLimit) return -ENOMEM;
  const pages = length / 4096;
  let pgoff = (request.offset ?? 0) / 4096;
  if (pgoff + pages >= mm.wordLimit) return -EOVERFLOW;
  if (mm.vmas.count > mm.system.maxMapCount || mm.phys.freeFrames === 0) return -ENOMEM;

  let vmFlags = (prot & VM_ACCESS_FLAGS) | mm.defFlags | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if (flags & MAP_GROWSDOWN) vmFlags |= VM_GROWSDOWN;
  if (flags & MAP_LOCKED) vmFlags |= VM_LOCKED;
  if (flags & MAP_STACK && mm.generation.mapStackSetsNoHugePage) vmFlags |= VM_NOHUGEPAGE;

  addr = unmappedArea(mm, addr, length, flags, file === undefined ? 0 : pgoff, backingOf(file, flags));
  if (addr < 0) return addr;
  if (rules.fixedNoReplace && flags & MAP_FIXED_NOREPLACE && mm.vmas.intersection(addr, addr + length)) return -EEXIST;
  if (flags & MAP_LOCKED && !canMlock(mm)) return -EPERM;
  if (!mlockFutureOk(mm, vmFlags, length)) return -EAGAIN;

  const type = flags & MAP_TYPE;
  if (file !== undefined) {
    if (rules.checksFileRange && pgoff + pages > MAX_FILE_PAGES) return -EOVERFLOW;
    if (type === MAP_SHARED || (type === MAP_SHARED_VALIDATE && rules.sharedValidate)) {
      if (type === MAP_SHARED_VALIDATE && request.flags & ~LEGACY_MAP_MASK) return -EOPNOTSUPP;
      if (prot & VM_WRITE && !file.writable) return -EACCES;
      if (file.appendOnly && file.writable) return -EACCES;
      vmFlags |= VM_SHARED | VM_MAYSHARE;
      if (!file.writable) vmFlags &= ~(VM_MAYWRITE | VM_SHARED);
    } else if (type !== MAP_PRIVATE) return -EINVAL;
    if (!file.readable) return -EACCES;
    if (file.noExec) {
      if (vmFlags & VM_EXEC) return -EPERM;
      vmFlags &= ~VM_MAYEXEC;
    }
    if (file.mappable === undefined) return file.mapError ?? -ENODEV;
    if (vmFlags & VM_GROWSDOWN) return -EINVAL;
    if (file.writeSealed && vmFlags & VM_SHARED) {
      if (vmFlags & VM_WRITE) return -EPERM;
      vmFlags &= ~VM_MAYWRITE;
    }
  } else if (type === MAP_SHARED) {
    if (rules.refusesSharedGrowsDown && vmFlags & VM_GROWSDOWN) return -EINVAL;
    pgoff = 0;
    vmFlags |= VM_SHARED | VM_MAYSHARE;
  } else if (type === MAP_PRIVATE || (type === MAP_DROPPABLE && rules.droppable)) {
    if (type === MAP_DROPPABLE) {
      if (flags & (MAP_LOCKED | MAP_HUGETLB) || vmFlags & VM_GROWSDOWN) return -EINVAL;
      vmFlags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    }
    pgoff = addr / 4096;
  } else return -EINVAL;

  if (flags & MAP_NORESERVE && mm.system.overcommitMemory !== Overcommit.never) vmFlags |= VM_NORESERVE;
  const error = insertMapping(mm, addr, length, vmFlags, pgoff, file);
  if (error < 0) return error;
  const wanted = flags & (MAP_POPULATE | MAP_NONBLOCK);
  if (vmFlags & VM_LOCKED || wanted === MAP_POPULATE) populate(mm, addr, addr + length);
  return addr;
}

function backingOf(file: MappedFile | undefined, flags: number): "anonymous" | "shared" | "file" | "shmem" {
  if (file === undefined) return (flags & MAP_TYPE) === MAP_SHARED ? "shared" : "anonymous";
  return file.mappable?.kind === "file" ? "file" : "shmem";
}

/** mmap_region: makes room, charges, merges or makes a new VMA. 0 or -errno. */
function insertMapping(
  mm: AddressSpace,
  addr: number,
  length: number,
  wantedFlags: number,
  pgoff: number,
  file: MappedFile | undefined,
): number {
  const end = addr + length;
  const pages = length / 4096;
  const replaced = pagesWithin(mm, addr, end);
  let flags = wantedFlags;
  if (mm.generation.mmap.failedFixedKeepsOld) {
    const error = splitBounds(mm, addr, end);
    if (error < 0) return error;
    if (!mayExpand(mm, flags, pages - replaced.all)) return -ENOMEM;
    if (accountable(flags)) {
      const more = pages - replaced.accounted;
      if (more > 0 && !mm.system.charge(more, mm.totalVm, mm.limits)) return -ENOMEM;
      // what the old mappings were charged for is given back when they go
      mm.system.committed += pages - Math.max(more, 0);
      flags |= VM_ACCOUNT;
    }
    removeRange(mm, addr, end);
  } else {
    if (!mayExpand(mm, flags, pages - replaced.all)) return -ENOMEM;
    if (unmapRange(mm, addr, end) < 0) return -ENOMEM;
    if (accountable(flags)) {
      if (!mm.system.charge(pages, mm.totalVm, mm.limits)) return -ENOMEM;
      flags |= VM_ACCOUNT;
    }
  }
  const shared = (flags & VM_MAYSHARE) !== 0;
  const anonymous = file === undefined || (file.mappable?.kind === "zero" && !shared);
  if (!shared || file !== undefined) {
    const merged = mergeNew(mm, { start: addr, end, flags, pgoff, file });
    if (merged !== undefined) {
      accountNew(mm, flags, file !== undefined, pages);
      return 0;
    }
  }
  let vma: Vma;
  if (shared && (file === undefined || file.mappable?.kind === "zero")) {
    const object = sharedAnonymous(mm, length, flags);
    if (object === undefined) return -ENOMEM;
    vma = new Vma(addr, end, flags, pgoff, object, object);
  } else vma = new Vma(addr, end, flags, pgoff, file, anonymous ? undefined : file?.mappable);
  mm.vmas.insert(vma);
  vma.file?.openForMap();
  accountNew(mm, flags, vma.file !== undefined, pages);
  return 0;
}

function accountNew(mm: AddressSpace, flags: number, hasFile: boolean, pages: number): void {
  mm.account(flags, hasFile, pages);
  if (flags & VM_LOCKED) mm.lockedVm += pages;
}

/** shmem_zero_setup; the object is charged as a whole unless VM_NORESERVE. */
function sharedAnonymous(mm: AddressSpace, length: number, flags: number): (Mappable & MappedFile) | undefined {
  const system = mm.system;
  const charged = flags & VM_NORESERVE ? 0 : length / 4096;
  if (charged > 0 && !system.charge(charged, mm.totalVm, mm.limits)) return undefined;
  return new AnonymousSharedFile(mm.phys, system.nextShmemInode(), length, () => system.uncharge(charged));
}

/** Pages that are mapped in the range, and how many of them are charged. */
function pagesWithin(mm: AddressSpace, start: number, end: number): { all: number; accounted: number } {
  let all = 0;
  let accounted = 0;
  for (let vma = mm.vmas.find(start); vma !== undefined && vma.start < end; vma = vma.next) {
    const pages = (Math.min(end, vma.end) - Math.max(start, vma.start)) / 4096;
    all += pages;
    if (vma.flags & VM_ACCOUNT) accounted += pages;
  }
  return { all, accounted };
}

/** Which neighbours heap or bss memory may join. */
export type BrkJoin = "both" | "below" | "none";

/** do_brk_flags / vm_brk_flags: anonymous memory at a fixed place, for heap and bss. 0 or -errno. */
export function brkArea(mm: AddressSpace, addr: number, length: number, exec: boolean, join: BrkJoin): number {
  const end = addr + length;
  const pages = length / 4096;
  const pgoff = addr / 4096;
  const execFlag = exec || mm.readImpliesExec ? VM_EXEC : 0;
  const flags = 3 | execFlag | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT | mm.defFlags;
  if (!mayExpand(mm, flags, pages)) return -ENOMEM;
  if (mm.vmas.count > mm.system.maxMapCount) return -ENOMEM;
  if (!mm.system.charge(pages, mm.totalVm, mm.limits)) return -ENOMEM;
  const range = { start: addr, end, flags, pgoff, file: undefined, justExpand: join === "below" };
  const merged = join === "none" ? undefined : mergeNew(mm, range);
  if (merged === undefined) mm.vmas.insert(new Vma(addr, end, flags, pgoff, undefined, undefined));
  accountNew(mm, flags, false, pages);
  return 0;
}

/** _install_special_mapping of the kernel's own frames; `counted` false: not part of any RSS (vvar). */
export function mapSpecialPages(
  mm: AddressSpace,
  addr: number,
  name: string,
  frames: readonly FrameNumber[],
  prot: number,
  counted: boolean,
): number {
  const length = frames.length * 4096;
  const start = addr === 0 ? unmappedArea(mm, 0, length, 0, 0, "shared") : addr;
  if (start < 0) return start;
  if (mm.vmas.intersection(start, start + length) || start + length > mm.layout.taskSize) return -ENOMEM;
  if (!counted) for (const frame of frames) mm.phys.flags[frame] |= FrameFlag.special;
  const special: SpecialMapping = { name, frames };
  const kind = counted ? VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC : VM_MAYREAD | VM_IO | VM_DONTDUMP | VM_PFNMAP;
  const flags = (prot & VM_ACCESS_FLAGS) | kind | VM_DONTEXPAND | mm.defFlags;
  mm.vmas.insert(new Vma(start, start + length, flags, 0, undefined, undefined, special));
  mm.account(flags, false, frames.length);
  return start;
}
