/**
 * Carries out an exec plan in a fresh address space: layout, stack, segments, interpreter, vdso, initial stack, brk, in the
 * kernel's order (load_elf_binary of fs/binfmt_elf.c).
 */
import { ENOMEM } from "../abi/errno.ts";
import { PROT_EXEC, PROT_READ, PROT_WRITE } from "../abi/mman.ts";
import { PAGE_SIZE, pageUp } from "../base/address.ts";
import { InternalError } from "../base/errors.ts";
import { ET_DYN } from "../elf/constants.ts";
import type { AddressSpace } from "../mm/address-space.ts";
import { mmapBase } from "../profiles/kernel-generation.ts";
import { buildAuxv, type CpuAuxv, type ExecIdentity } from "./auxv.ts";
import { failure, isLoadFailure, type LoadFailure } from "./exec-file.ts";
import type { ExecPlan } from "./plan.ts";
import type { RandomDraws } from "./random-draws.ts";
import { mapInterpreter, mapProgram } from "./segments.ts";
import { buildTables, type Chunk, placeStrings, placeTables, stackEnd, stackStart } from "./stack.ts";
import { mapVdso, type VdsoPages } from "./vdso/vdso.ts";

/** AT_PLATFORM (ELF_PLATFORM of arch/x86/include/asm/elf.h). */
const PLATFORM = { amd64: "x86_64", i386: "i686" } as const;

export interface LoadOptions {
  readonly draws: RandomDraws;
  readonly identity: ExecIdentity;
  readonly cpu: CpuAuxv;
  readonly vdso: VdsoPages;
  /** ADDR_COMPAT_LAYOUT of the personality, or vm.legacy_va_layout: mmap goes bottom-up. */
  readonly legacyLayout?: boolean;
}

export interface LoadedProgram {
  /** Initial instruction and stack pointer. */
  readonly entry: number;
  readonly sp: number;
  /** The auxiliary vector as /proc/PID/auxv shows it. */
  readonly auxv: Uint8Array;
  /** Addresses of the vdso's functions by name; i386 signal frames return through __kernel_sigreturn. */
  readonly vdsoSymbols: ReadonlyMap<string, number>;
}

/** arch_pick_mmap_layout(). */
function setMmapLayout(mm: AddressSpace, options: LoadOptions): void {
  const { layout, generation } = mm;
  const { draws } = options;
  const random = draws.randomizeVaSpace > 0 ? draws.mmapPages : undefined;
  const unlimited = mm.limits.stack === Number.POSITIVE_INFINITY && generation.stack.unlimitedMeansLegacy;
  if (options.legacyLayout === true || unlimited) {
    const shift = layout.legacyRandom ? Math.max(random ?? 0, 0) * PAGE_SIZE : 0;
    mm.setMmapLayout(layout.taskUnmappedBase + shift, false);
  } else mm.setMmapLayout(mmapBase(layout, mm.limits.stack, random), true);
}

/** The stack's protection: PT_GNU_STACK, or the default of the personality. */
function stackProt(plan: ExecPlan): number {
  const executable = plan.gnuStack === "executable" || (plan.gnuStack === "absent" && plan.readImpliesExec);
  return PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
}

/** start_brk: behind bss, or for a static PIE at the place of other PIEs; then the randomisation. */
function setBrk(mm: AddressSpace, plan: ExecPlan, endBss: number, draws: RandomDraws): void {
  const { layout, generation } = mm;
  const { program, interpreter } = plan;
  const moved = layout.etDynBase !== 0 && program.header.e_type === ET_DYN && interpreter === undefined;
  let start = moved ? staticPieBrk(mm) : pageUp(endBss);
  if (draws.randomizeVaSpace > 1) {
    if (!moved && generation.brkGapAfterBss) start += PAGE_SIZE;
    start = pageUp(start + draws.brkBytes);
  }
  mm.startBrk = start;
  mm.brk = start;
}

/** ELF_ET_DYN_BASE of x86-64 is 0x7ffffffff000 / 3 * 2 = 0x555555554aaa: PIEs start in its page, heaps behind it. */
function staticPieBrk(mm: AddressSpace): number {
  const { etDynBase } = mm.layout;
  return mm.abi === "amd64" ? etDynBase + PAGE_SIZE : etDynBase;
}

function writeChunk(mm: AddressSpace, chunk: Chunk): boolean {
  return mm.write(chunk.addr, chunk.bytes) === 0;
}

/**
 * Fills `mm`, a fresh address space of the plan's ABI, and returns the initial registers. A failure is fatal to the new
 * process (the kernel sends SIGSEGV, as the old program is gone).
 */
export function loadProgram(mm: AddressSpace, plan: ExecPlan, options: LoadOptions): LoadedProgram | LoadFailure {
  if (mm.abi !== plan.abi) throw new InternalError(`an ${plan.abi} program in an ${mm.abi} address space`);
  const { generation, layout } = mm;
  const { draws } = options;
  mm.readImpliesExec = plan.readImpliesExec;
  setMmapLayout(mm, options);

  const end = stackEnd(layout, draws);
  const strings = placeStrings(plan, end, generation.kernelBits);
  const noRoom = failure(ENOMEM, "no memory for its stack");
  if (mm.setupStack(stackStart(end, strings.addr, generation, mm.limits.stack), end, stackProt(plan)) < 0)
    return noRoom;
  mm.startStack = strings.addr;
  if (!writeChunk(mm, strings)) return noRoom;

  const program = mapProgram(mm, plan, draws);
  if (isLoadFailure(program)) return program;
  const interpreter = plan.interpreter === undefined ? undefined : mapInterpreter(mm, plan.interpreter);
  if (interpreter !== undefined && isLoadFailure(interpreter)) return interpreter;

  const vdso = options.vdso.get(plan.abi);
  if (typeof vdso === "number") return failure(-vdso, "no memory for the vdso");
  const vdsoBase = mapVdso(mm, vdso, draws.vdsoPages);
  if (vdsoBase < 0) return failure(-vdsoBase, "no room for the vdso in the address space");
  mm.vdsoBase = vdsoBase;
  const vdsoSymbols = new Map([...vdso.image.symbols].map(([name, offset]) => [name, vdsoBase + offset]));

  const platform = PLATFORM[plan.abi];
  const places = placeTables(strings.addr, platform, draws);
  const auxv = buildAuxv({
    abi: plan.abi,
    generation,
    cpu: options.cpu,
    identity: options.identity,
    vdsoBase,
    sysinfo: vdsoSymbols.get("__kernel_vsyscall") ?? 0,
    phdr: program.phdr,
    phnum: plan.program.header.e_phnum,
    base: interpreter?.base ?? 0,
    entry: program.entry,
    execfnAddress: strings.execfn,
    ...places,
  });
  const tables = buildTables(plan.abi, strings, places, auxv);
  const platformChunk = { addr: places.randomAddress, bytes: platformBytes(draws.atRandom, platform) };
  if (!writeChunk(mm, platformChunk) || !writeChunk(mm, tables)) return noRoom;

  mm.startCode = program.startCode;
  mm.endCode = program.endCode;
  mm.startData = program.startData;
  mm.endData = program.endData;
  mm.startStack = tables.addr;
  mm.argStart = strings.argStart;
  mm.argEnd = strings.argEnd;
  mm.envStart = strings.envStart;
  mm.envEnd = strings.envEnd;
  setBrk(mm, plan, program.endBss, draws);
  const auxvBytes = auxv.length * 2 * mm.wordSize;
  return {
    entry: interpreter?.entry ?? program.entry,
    sp: tables.addr,
    auxv: tables.bytes.slice(tables.bytes.length - auxvBytes),
    vdsoSymbols,
  };
}

/** The 16 random bytes and the platform's name behind them. */
function platformBytes(random: Uint8Array, platform: string): Uint8Array {
  const bytes = new Uint8Array(random.length + platform.length + 1);
  bytes.set(random);
  for (let i = 0; i < platform.length; i++) bytes[random.length + i] = platform.charCodeAt(i);
  return bytes;
}
