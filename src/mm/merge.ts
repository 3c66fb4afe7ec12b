/** Merging and splitting of VMAs (mm/vma.c; mm/mmap.c of older kernels), and anon_vma sharing between neighbours. */
import { EINVAL, ENOMEM } from "../abi/errno.ts";
import type { AddressSpace } from "./address-space.ts";
import type { MappedFile } from "./mappable.ts";
import { VM_ACCESS_FLAGS, VM_MAYBE_GUARD, VM_SPECIAL } from "./vm-flags.ts";
import { AnonVma, type Vma } from "./vma.ts";

/** A range that wants to become part of a neighbour: a new mapping, or the part of `middle` whose flags changed. */
export interface MergeRange {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly pgoff: number;
  readonly file: MappedFile | undefined;
  /** The VMA that the range is cut from (all of it or one end), if it exists already. */
  readonly middle?: Vma;
  /** Only the one below may grow (brk of 6.x). */
  readonly justExpand?: boolean;
  /** copy_vma: the anon_vma of the moved pages. */
  readonly anonVma?: AnonVma | undefined;
  readonly anonInherited?: boolean;
}

/** is_mergeable_anon_vma. */
function anonCompatible(mm: AddressSpace, target: Vma, anon: AnonVma | undefined, inherited: boolean): boolean {
  if (target.anonVma === anon) return true;
  if (target.anonVma !== undefined && anon !== undefined) return false;
  if (!mm.generation.forkedAnonVmaBlocksMerge) return true;
  return !(target.anonVma === undefined ? inherited : target.anonInherited);
}

/** Two VMAs with pages of their own cannot become one. */
function anonConflict(prev: Vma | undefined, next: Vma | undefined): boolean {
  return prev?.anonVma !== undefined && next?.anonVma !== undefined && prev.anonVma !== next.anonVma;
}

function sameKind(vma: Vma, range: MergeRange): boolean {
  return ((vma.flags ^ range.flags) & ~VM_MAYBE_GUARD) === 0 && vma.file === range.file && vma.special === undefined;
}

function canMergeAfter(mm: AddressSpace, prev: Vma | undefined, range: MergeRange): prev is Vma {
  if (prev === undefined || prev.end !== range.start || !sameKind(prev, range)) return false;
  if (prev.pgoff + prev.pages !== range.pgoff) return false;
  return anonCompatible(mm, prev, anonOf(range), inheritedOf(range));
}

function canMergeBefore(mm: AddressSpace, next: Vma | undefined, range: MergeRange): next is Vma {
  if (next === undefined || next.start !== range.end || !sameKind(next, range)) return false;
  if (range.pgoff + (range.end - range.start) / 4096 !== next.pgoff) return false;
  return anonCompatible(mm, next, anonOf(range), inheritedOf(range));
}

function anonOf(range: MergeRange): AnonVma | undefined {
  return range.middle !== undefined ? range.middle.anonVma : range.anonVma;
}

function inheritedOf(range: MergeRange): boolean {
  return range.middle !== undefined ? range.middle.anonInherited : (range.anonInherited ?? false);
}

function adoptAnonVma(target: Vma, anon: AnonVma | undefined, inherited: boolean): void {
  if (target.anonVma !== undefined || anon === undefined) return;
  target.anonVma = anon;
  target.anonInherited = inherited;
}

/** Flags that merging ignores live on in the merged VMA (VM_STICKY). */
function keepSticky(vma: Vma, flags: number): void {
  vma.flags |= flags & VM_MAYBE_GUARD;
}

/** Takes a VMA out of the list whose range another one takes over. */
function absorb(mm: AddressSpace, vma: Vma): void {
  mm.vmas.remove(vma);
  vma.file?.closeForMap();
}

/**
 * vma_merge_new_range: a range without a VMA joins its neighbours; returns the VMA that contains it then, or undefined.
 * The order matters when it could join either neighbour but not both (different anon_vmas).
 */
export function mergeNew(mm: AddressSpace, range: MergeRange): Vma | undefined {
  if (range.flags & VM_SPECIAL) return undefined;
  const next = mm.vmas.find(range.start);
  const prev = next === undefined ? mm.vmas.last : next.prev;
  let left = canMergeAfter(mm, prev, range);
  let right = !range.justExpand && canMergeBefore(mm, next, range);
  if (left && right && range.file?.areasStay) right = false;
  if (left && right && anonConflict(prev, next)) {
    if (mm.generation.newMappingMerges === "prev-first") right = false;
    else left = false;
  }
  if (left && prev !== undefined) {
    let end = range.end;
    if (right && next !== undefined) {
      end = next.end;
      adoptAnonVma(prev, next.anonVma, next.anonInherited);
      keepSticky(prev, next.flags);
      absorb(mm, next);
    }
    adoptAnonVma(prev, anonOf(range), inheritedOf(range));
    keepSticky(prev, range.flags);
    prev.setBounds(prev.start, end);
    return prev;
  }
  if (right && next !== undefined) {
    next.setBounds(range.start, next.end);
    next.pgoff = range.pgoff;
    adoptAnonVma(next, anonOf(range), inheritedOf(range));
    keepSticky(next, range.flags);
    return next;
  }
  return undefined;
}

/**
 * vma_modify: gives [start, end) within `vma` new flags, merging with neighbours or splitting. Returns the VMA that holds
 * the range afterwards, or -ENOMEM if a split would exceed the map count.
 */
export function modifyFlags(mm: AddressSpace, vma: Vma, start: number, end: number, flags: number): Vma | number {
  const pgoff = vma.pgoff + (start - vma.start) / 4096;
  const merged = mergeExisting(mm, { start, end, flags, pgoff, file: vma.file, middle: vma });
  if (merged !== undefined) return merged;
  if (start > vma.start) {
    const error = splitVma(mm, vma, start, true);
    if (error < 0) return error;
  }
  if (end < vma.end) {
    const error = splitVma(mm, vma, end, false);
    if (error < 0) return error;
  }
  vma.flags = flags;
  vma.updateProtection();
  return vma;
}

/** vma_merge_existing_range. */
function mergeExisting(mm: AddressSpace, range: MergeRange & { readonly middle: Vma }): Vma | undefined {
  const middle = range.middle;
  if ((range.flags | middle.flags) & VM_SPECIAL) return undefined;
  if (range.file?.areasStay && range.start === middle.start && range.end === middle.end) return undefined;
  const { prev, next } = middle;
  const left = range.start === middle.start && canMergeAfter(mm, prev, range);
  let right = range.end === middle.end && canMergeBefore(mm, next, range);
  if (left && right && anonConflict(prev, next)) right = false;
  if (left && prev !== undefined) {
    keepSticky(prev, range.flags);
    if (right && next !== undefined) {
      keepSticky(prev, next.flags);
      absorb(mm, middle);
      absorb(mm, next);
      adoptAnonVma(prev, middle.anonVma, middle.anonInherited);
      adoptAnonVma(prev, next.anonVma, next.anonInherited);
      prev.setBounds(prev.start, next.end);
      return prev;
    }
    adoptAnonVma(prev, middle.anonVma, middle.anonInherited);
    if (range.end === middle.end) absorb(mm, middle);
    else trimStart(middle, range.end);
    prev.setBounds(prev.start, range.end);
    return prev;
  }
  if (right && next !== undefined) {
    keepSticky(next, range.flags);
    adoptAnonVma(next, middle.anonVma, middle.anonInherited);
    if (range.start === middle.start) absorb(mm, middle);
    else middle.setBounds(middle.start, range.start);
    next.setBounds(range.start, next.end);
    next.pgoff = range.pgoff;
    return next;
  }
  return undefined;
}

function trimStart(vma: Vma, start: number): void {
  vma.pgoff += (start - vma.start) / 4096;
  vma.setBounds(start, vma.end);
}

/**
 * split_vma: `vma` keeps the upper part if `newBelow`, else the lower; the other part becomes a new VMA. 0, -ENOMEM at
 * the map count limit, -EINVAL for what the kernel mapped itself (special_mapping_split).
 */
export function splitVma(mm: AddressSpace, vma: Vma, addr: number, newBelow: boolean): number {
  if (vma.special !== undefined) return -EINVAL;
  if (mm.vmas.count >= mm.system.maxMapCount) return -ENOMEM;
  splitUnchecked(mm, vma, addr, newBelow);
  return 0;
}

/** __split_vma; returns the new VMA. */
export function splitUnchecked(mm: AddressSpace, vma: Vma, addr: number, newBelow: boolean): Vma {
  const part = newBelow ? vma.cloneRange(vma.start, addr) : vma.cloneRange(addr, vma.end);
  if (newBelow) trimStart(vma, addr);
  else vma.setBounds(vma.start, addr);
  mm.vmas.insert(part);
  part.file?.openForMap();
  return part;
}

/** anon_vma_compatible: whether `high` is what an mprotect would have split off `low`. */
function anonVmaCompatible(low: Vma, high: Vma): boolean {
  return (
    low.end === high.start &&
    low.file === high.file &&
    low.special === undefined &&
    high.special === undefined &&
    ((low.flags ^ high.flags) & ~(VM_ACCESS_FLAGS | VM_MAYBE_GUARD)) === 0 &&
    high.pgoff === low.pgoff + low.pages
  );
}

/** anon_vma_prepare: the first private page of a VMA; shares the anon_vma of a neighbour that it might merge with. */
export function prepareAnonVma(mm: AddressSpace, vma: Vma): void {
  if (vma.anonVma !== undefined) return;
  const { prev, next } = vma;
  if (next?.anonVma !== undefined && !next.anonInherited && anonVmaCompatible(vma, next)) {
    vma.anonVma = next.anonVma;
    return;
  }
  if (prev?.anonVma !== undefined && !prev.anonInherited && anonVmaCompatible(prev, vma)) {
    vma.anonVma = prev.anonVma;
    return;
  }
  vma.anonVma = new AnonVma(mm.system.nextAnonVma());
}
