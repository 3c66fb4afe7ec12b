/**
 * Maps PT_LOAD segments into an address space (fs/binfmt_elf.c: elf_map, elf_load, load_elf_interp, and the segment loop of
 * load_elf_binary). Failures here come behind the point of no return: the kernel kills the process.
 */
import { EEXIST, EFAULT, EINVAL, ENOMEM } from "../abi/errno.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from "../abi/mman.ts";
import { PAGE_SIZE, pageDown, pageUp } from "../base/address.ts";
import { ET_DYN, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD } from "../elf/constants.ts";
import type { ProgramHeader } from "../elf/program-headers.ts";
import { hex } from "../elf/reader.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { type ExecFile, failure, type LoadFailure } from "./exec-file.ts";
import type { ElfProgram, ExecPlan } from "./plan.ts";
import type { RandomDraws } from "./random-draws.ts";

/** Where a program came to lie; addresses include the load bias. */
export interface MappedProgram {
  readonly entry: number;
  /** Address of the program headers (AT_PHDR). */
  readonly phdr: number;
  readonly startCode: number;
  readonly endCode: number;
  readonly startData: number;
  readonly endData: number;
  /** End of the highest segment in memory. */
  readonly endBss: number;
}

function protOf(flags: number): number {
  return (
    ((flags & PF_R) !== 0 ? PROT_READ : 0) |
    ((flags & PF_W) !== 0 ? PROT_WRITE : 0) |
    ((flags & PF_X) !== 0 ? PROT_EXEC : 0)
  );
}

function loadSegments(segments: readonly ProgramHeader[]): readonly ProgramHeader[] {
  return segments.filter((segment) => segment.p_type === PT_LOAD);
}

/** Bytes from the first page to the end of the last segment (total_mapping_size()). */
export function totalMappingSize(segments: readonly ProgramHeader[]): number {
  const loads = loadSegments(segments);
  if (loads.length === 0) return 0;
  const start = Math.min(...loads.map((segment) => pageDown(segment.p_vaddr)));
  return Math.max(...loads.map((segment) => segment.p_vaddr + segment.p_memsz)) - start;
}

/** The largest p_align that is a power of two (maximum_alignment()). */
function maximumAlignment(segments: readonly ProgramHeader[]): number {
  let alignment = 0;
  for (const { p_align } of loadSegments(segments)) {
    if (p_align > alignment && Number.isInteger(Math.log2(p_align))) alignment = p_align;
  }
  return Math.max(alignment, PAGE_SIZE);
}

function describe(segment: ProgramHeader): string {
  return `the segment at ${hex(segment.p_vaddr)} (${hex(segment.p_memsz)} bytes)`;
}

function mapFailure(error: number, segment: ProgramHeader, at: number): LoadFailure {
  if (error === -EEXIST) return failure(EEXIST, `${describe(segment)} overlaps what is mapped at ${hex(at)}`);
  if (error === -ENOMEM)
    return failure(ENOMEM, `${describe(segment)} does not fit into the address space or the memory`);
  const offset = segment.p_offset % PAGE_SIZE;
  if (offset !== segment.p_vaddr % PAGE_SIZE) {
    return failure(
      EINVAL,
      `${describe(segment)} and its file offset ${hex(segment.p_offset)} differ modulo the page size`,
    );
  }
  return failure(-error, `${describe(segment)} cannot be mapped at ${hex(at)}`);
}

/**
 * Maps one segment's file part at `addr` (elf_map()); with `total` the whole span is mapped first and the rest taken away,
 * so that later segments find their place. The address of the page or -errno.
 */
function mapFilePart(
  mm: AddressSpace,
  file: ExecFile,
  segment: ProgramHeader,
  addr: number,
  flags: number,
  total: number,
): number {
  const inPage = segment.p_vaddr % PAGE_SIZE;
  const size = pageUp(segment.p_filesz + inPage);
  const request = {
    addr: pageDown(addr),
    prot: protOf(segment.p_flags),
    flags: MAP_PRIVATE | flags,
    file: file.mapped,
    offset: segment.p_offset - inPage,
  };
  if (request.offset < 0 || request.offset % PAGE_SIZE !== 0) return -EINVAL;
  if (total === 0) return mm.mmap({ ...request, length: size });
  const span = pageUp(total);
  const at = mm.mmap({ ...request, length: span });
  if (at >= 0 && span > size) mm.munmap(at + size, span - size);
  return at;
}

/** Maps one segment, bss included (elf_load()); the address its first page came to, or why not. */
function loadSegment(
  mm: AddressSpace,
  file: ExecFile,
  segment: ProgramHeader,
  addr: number,
  flags: number,
  total: number,
): number | LoadFailure {
  const inPage = segment.p_vaddr % PAGE_SIZE;
  let at = pageDown(addr);
  let zeroStart = at;
  if (segment.p_filesz > 0) {
    at = mapFilePart(mm, file, segment, addr, flags, total);
    if (at < 0) return mapFailure(at, segment, pageDown(addr));
    if (at >= mm.layout.taskSize) return failure(EINVAL, `${describe(segment)} lies outside the address space`);
    if (segment.p_memsz <= segment.p_filesz) return at;
    const end = at + inPage + segment.p_filesz;
    zeroStart = pageUp(end);
    const failed = mm.fill(end, zeroStart - end) < 0;
    if (failed && (segment.p_flags & PF_W) !== 0) {
      return failure(EFAULT, `the end of ${describe(segment)} cannot be cleared: it lies beyond the end of the file`);
    }
  }
  const zeroEnd = pageUp(at + inPage + segment.p_memsz);
  if (zeroEnd > zeroStart) {
    const error = mm.mmap({
      addr: zeroStart,
      length: zeroEnd - zeroStart,
      prot: PROT_READ | PROT_WRITE | (protOf(segment.p_flags) & PROT_EXEC),
      flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
      file: undefined,
      offset: 0,
    });
    if (error < 0) return mapFailure(error, segment, zeroStart);
  }
  return at;
}

/** The checks that both loops make behind each segment. */
function checkBounds(mm: AddressSpace, segment: ProgramHeader, addr: number): LoadFailure | undefined {
  const { taskSize } = mm.layout;
  if (segment.p_filesz > segment.p_memsz) {
    return failure(EINVAL, `${describe(segment)} has more bytes in the file (${hex(segment.p_filesz)}) than in memory`);
  }
  if (addr >= taskSize || segment.p_memsz > taskSize || taskSize - segment.p_memsz < addr) {
    return failure(EINVAL, `${describe(segment)} lies outside the address space`);
  }
  return undefined;
}

interface FirstPlace {
  readonly bias: number;
  readonly flags: number;
  readonly total: number;
}

/** Where the first segment of the program goes. */
function firstPlace(mm: AddressSpace, plan: ExecPlan, first: ProgramHeader, draws: RandomDraws): FirstPlace {
  const { layout, generation } = mm;
  const noReplace = generation.execNoReplace ? MAP_FIXED_NOREPLACE : MAP_FIXED;
  const { segments, header } = plan.program;
  if (header.e_type === ET_EXEC) return { bias: 0, flags: noReplace, total: 0 };
  if (layout.etDynBase === 0) return { bias: -pageDown(first.p_vaddr), flags: 0, total: 0 };
  const total = totalMappingSize(segments);
  if (plan.interpreter === undefined) return { bias: -pageDown(first.p_vaddr), flags: 0, total };
  const alignment = maximumAlignment(segments);
  const base = layout.etDynBase + draws.etDynPages * PAGE_SIZE;
  return { bias: pageDown(base - (base % alignment) - first.p_vaddr), flags: noReplace, total };
}

/** AT_PHDR: of the segment that holds e_phoff, or by the old rule behind the first segment's load address. */
function phdrAddress(plan: ExecPlan, bySegment: boolean): number {
  const { header, segments } = plan.program;
  const loads = loadSegments(segments);
  if (!bySegment) return loads[0].p_vaddr - loads[0].p_offset + header.e_phoff;
  let address = 0;
  for (const { p_offset, p_filesz, p_vaddr } of loads) {
    if (p_offset <= header.e_phoff && header.e_phoff < p_offset + p_filesz)
      address = header.e_phoff - p_offset + p_vaddr;
  }
  return address;
}

/** Maps the program's segments. */
export function mapProgram(mm: AddressSpace, plan: ExecPlan, draws: RandomDraws): MappedProgram | LoadFailure {
  const { file, header, segments } = plan.program;
  const loads = loadSegments(segments);
  if (loads.length === 0) return failure(EINVAL, "it has no segment to load");
  const first = firstPlace(mm, plan, loads[0], draws);
  let { bias } = first;
  let startCode = Number.POSITIVE_INFINITY;
  let startData = 0;
  let endCode = 0;
  let endData = 0;
  let endBss = 0;
  for (const segment of loads) {
    const isFirst = segment === loads[0];
    const flags = isFirst ? first.flags : MAP_FIXED;
    const at = loadSegment(mm, file, segment, bias + segment.p_vaddr, flags, isFirst ? first.total : 0);
    if (typeof at !== "number") return at;
    if (isFirst && header.e_type === ET_DYN) bias += at - pageDown(bias + segment.p_vaddr);
    const outside = checkBounds(mm, segment, segment.p_vaddr);
    if (outside !== undefined) return outside;
    const fileEnd = segment.p_vaddr + segment.p_filesz;
    if ((segment.p_flags & PF_X) !== 0) {
      startCode = Math.min(startCode, segment.p_vaddr);
      endCode = Math.max(endCode, fileEnd);
    }
    startData = Math.max(startData, segment.p_vaddr);
    endData = Math.max(endData, fileEnd);
    endBss = Math.max(endBss, segment.p_vaddr + segment.p_memsz);
  }
  if (startCode === Number.POSITIVE_INFINITY) startCode = 0;
  const entry = header.e_entry + bias;
  if (plan.interpreter === undefined && (entry >= mm.layout.taskSize || entry < 0)) {
    return failure(EINVAL, `the entry point ${hex(entry)} lies outside the address space`);
  }
  return {
    entry,
    phdr: phdrAddress(plan, mm.generation.auxv.phdrBySegment) + bias,
    startCode: startCode + bias,
    endCode: endCode + bias,
    startData: startData + bias,
    endData: endData + bias,
    endBss: endBss + bias,
  };
}

/** Maps the interpreter: ordinarily into one mmap slot for its whole span; its base and entry point. */
export function mapInterpreter(
  mm: AddressSpace,
  interpreter: ElfProgram,
): { base: number; entry: number } | LoadFailure {
  const { file, header, segments } = interpreter;
  const loads = loadSegments(segments);
  if (loads.length === 0) return failure(EINVAL, `its interpreter ${file.path} has no segment to load`);
  const named = (problem: LoadFailure): LoadFailure => ({
    ...problem,
    reason: `its interpreter ${file.path}: ${problem.reason}`,
  });
  let base = 0;
  let placed = false;
  for (const segment of loads) {
    const fixed = header.e_type === ET_EXEC || placed;
    const total = segment === loads[0] ? totalMappingSize(segments) : 0;
    const at = loadSegment(mm, file, segment, base + segment.p_vaddr, fixed ? MAP_FIXED : 0, total);
    if (typeof at !== "number") return named(at);
    if (!placed && header.e_type === ET_DYN) base = at - pageDown(segment.p_vaddr);
    placed = true;
    const outside = checkBounds(mm, segment, base + segment.p_vaddr);
    if (outside !== undefined) return named({ ...outside, errno: ENOMEM });
  }
  const entry = base + header.e_entry;
  if (entry >= mm.layout.taskSize)
    return named(failure(EINVAL, `the entry point ${hex(entry)} lies outside the address space`));
  return { base, entry };
}
