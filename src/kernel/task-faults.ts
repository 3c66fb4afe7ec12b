/**
 * Processor exceptions as signals (arch/x86/kernel/traps.c, arch/x86/mm/fault.c). Page faults that the address space can
 * repair never become signals.
 */
import {
  BUS_ADRALN,
  FPE_FLTDIV,
  FPE_FLTINV,
  FPE_FLTOVF,
  FPE_FLTRES,
  FPE_FLTUND,
  FPE_INTDIV,
  ILL_ILLOPN,
  SI_KERNEL,
  SIGBUS,
  SIGFPE,
  SIGILL,
  SIGKILL,
  SIGSEGV,
  SIGTRAP,
  TRAP_BRKPT,
  TRAP_TRACE,
} from "../abi/signal.ts";
import { PAGE_SIZE } from "../base/address.ts";
import { InternalError } from "../base/errors.ts";
import { PF_PRESENT, PF_USER } from "../memory/translation.ts";
import { FAULT_DONE, faultCode, faultSignal } from "../mm/fault-result.ts";
import { Vector } from "./cpu.ts";
import { FrameReader } from "./frame-writer.ts";
import { EFLAGS_RF, EFLAGS_TF, Gpr } from "./registers.ts";
import { sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { forceSignal } from "./task-signals.ts";
import { emulateVsyscall } from "./vsyscall.ts";

/** si_code and si_addr of a vector; `atIp` puts RIP into si_addr. Without a code the signal is sent as force_sig() does. */
interface TrapRule {
  readonly signal: number;
  readonly code?: number;
  readonly atIp?: boolean;
}

const TRAPS: Readonly<Record<number, TrapRule>> = {
  [Vector.divideError]: { signal: SIGFPE, code: FPE_INTDIV, atIp: true },
  [Vector.debug]: { signal: SIGTRAP, code: TRAP_TRACE, atIp: true },
  [Vector.breakpoint]: { signal: SIGTRAP },
  [Vector.overflow]: { signal: SIGSEGV },
  [Vector.boundRange]: { signal: SIGSEGV },
  [Vector.invalidOpcode]: { signal: SIGILL, code: ILL_ILLOPN, atIp: true },
  [Vector.segmentNotPresent]: { signal: SIGBUS },
  [Vector.stackFault]: { signal: SIGBUS },
  [Vector.generalProtection]: { signal: SIGSEGV },
  [Vector.alignmentCheck]: { signal: SIGBUS, code: BUS_ADRALN },
};

/** DR6.BS: the trap of single-stepping. */
const DR6_BS = 0x4000;
/** The last page of the user half belongs to nobody (arch/x86/include/asm/page_64_types.h). */
const TASK_SIZE_MAX = 2 ** 47 - PAGE_SIZE;

/** Traps: RIP is behind the instruction. The others are faults, which push RF set (SDM volume 3, section 19.3.1.1). */
const TRAP_VECTORS: readonly number[] = [Vector.debug, Vector.breakpoint, Vector.overflow];

/** Handles the exception that `cpu.fault` describes. */
export function raiseException(task: Task): void {
  const { fault } = task.kernel.cpu;
  switch (fault.vector) {
    case Vector.pageFault:
      return pageFault(task, fault.address, fault.errorCode);
    case Vector.x87FloatingPoint:
    case Vector.simdFloatingPoint:
      return mathError(task, fault.vector);
    default:
      return trap(task, fault.vector, fault.errorCode);
  }
}

function trap(task: Task, vector: number, errorCode: number): void {
  const rule = TRAPS[vector];
  if (rule === undefined) throw new InternalError(`exception ${vector} has no rule`);
  const { state, fault } = task.kernel.cpu;
  if (vector === Vector.invalidOpcode && fault.unsupported !== "") reportUnsupported(task, fault.unsupported);
  recordTrap(task, vector, errorCode);
  if (!TRAP_VECTORS.includes(vector)) state.eflags |= EFLAGS_RF;
  const { signal, atIp } = rule;
  // INT1 leaves DR6.BS clear (get_si_code()).
  const code = vector === Vector.debug && !(fault.address & DR6_BS) ? TRAP_BRKPT : rule.code;
  if (code === undefined) forceSignal(task, sigInfo({ signo: signal, code: SI_KERNEL }));
  else forceSignal(task, sigInfo({ signo: signal, code, layout: "fault", address: atIp ? state.rip : 0 }));
  task.kernel.observers.fault(task, vector, errorCode, 0);
}

/** Kept until the signal kills: then one line says which instruction folio lacks. */
function reportUnsupported(task: Task, text: string): void {
  task.unsupportedInstruction = text;
  task.kernel.observers.unsupportedInstruction(task, text);
}

/** thread.trap_nr and thread.error_code, which the next signal frame shows. */
function recordTrap(task: Task, vector: number, errorCode: number): void {
  task.trapNumber = vector;
  task.errorCode = errorCode;
}

function pageFault(task: Task, address: number, errorCode: number): void {
  const { state } = task.kernel.cpu;
  if (address < 0 && emulateVsyscall(task, address, errorCode)) return;
  const result = task.mm.handleFault(address, errorCode, state.gpr(Gpr.rsp));
  if (result === FAULT_DONE) {
    // A REP that is stepped goes on with RF set.
    if (state.eflags & EFLAGS_TF) state.eflags |= EFLAGS_RF;
    return;
  }
  const signo = faultSignal(result);
  if (signo === SIGKILL) {
    const { host, physical } = task.kernel;
    const mib = Math.round((physical.totalFrames * PAGE_SIZE) / 1024 ** 2);
    host.log.line(`folio: ${task.comm}[${task.pid}]: killed, the machine's memory (${mib} MiB) is full`);
    forceSignal(task, sigInfo({ signo, code: SI_KERNEL }));
    return;
  }
  // What lies above user space always looks mapped (sanitize_error_code()).
  const kernelHalf = task.kernel.generation.kernelBits === 64 && (address < 0 || address >= TASK_SIZE_MAX);
  recordTrap(task, Vector.pageFault, errorCode | PF_USER | (kernelHalf ? PF_PRESENT : 0));
  task.cr2 = address;
  state.eflags |= EFLAGS_RF;
  forceSignal(task, sigInfo({ signo, code: faultCode(result), layout: "fault", address }));
  task.kernel.observers.fault(task, Vector.pageFault, errorCode, address);
}

/** math_error() and fpu__exception_code(): the first unmasked exception in the CPU's own order. */
function mathError(task: Task, vector: number): void {
  const { state } = task.kernel.cpu;
  recordTrap(task, vector, 0);
  state.eflags |= EFLAGS_RF;
  const image = new Uint8Array(512);
  state.fxsave(image);
  const from = new FrameReader(image);
  const mxcsr = from.u32(24);
  const errors = vector === Vector.x87FloatingPoint ? from.u16(2) & ~from.u16(0) : ~(mxcsr >>> 7) & mxcsr;
  const code = floatingPointCode(errors);
  if (code === 0) return;
  forceSignal(task, sigInfo({ signo: SIGFPE, code, layout: "fault", address: state.rip }));
  task.kernel.observers.fault(task, vector, 0, 0);
}

function floatingPointCode(errors: number): number {
  if (errors & 0x01) return FPE_FLTINV;
  if (errors & 0x04) return FPE_FLTDIV;
  if (errors & 0x08) return FPE_FLTOVF;
  if (errors & 0x12) return FPE_FLTUND;
  if (errors & 0x20) return FPE_FLTRES;
  return 0;
}
