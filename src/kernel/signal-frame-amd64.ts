/** Signal frames of x86-64 (arch/x86/kernel/signal_64.c; struct rt_sigframe of arch/x86/include/asm/sigframe.h). */
import { SA_RESTORER, SA_SIGINFO, SI_KERNEL, SIGSEGV } from "../abi/signal.ts";
import { fpFrameSize, readFpState, usesXsave, writeFpState } from "./fp-state.ts";
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import {
  EFLAGS_AC,
  EFLAGS_AF,
  EFLAGS_CF,
  EFLAGS_DF,
  EFLAGS_OF,
  EFLAGS_PF,
  EFLAGS_RF,
  EFLAGS_SF,
  EFLAGS_TF,
  EFLAGS_ZF,
  Gpr,
  SegmentRegister,
  USER_CS,
  USER_DS,
} from "./registers.ts";
import type { SigAction } from "./sighand.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";
import { encodeSigInfo, SIGINFO_SIZE } from "./siginfo-layout.ts";
import { frameOverflows, frameStack, setBlocked } from "./signal-delivery.ts";
import { SignalSet } from "./signal-set.ts";
import type { Task } from "./task.ts";
import { setAltStack } from "./task-altstack.ts";
import { forceSignal } from "./task-signals.ts";

/** Flags that sigreturn takes from the frame (FIX_EFLAGS). */
export const FIX_EFLAGS =
  EFLAGS_AC | EFLAGS_OF | EFLAGS_DF | EFLAGS_TF | EFLAGS_SF | EFLAGS_ZF | EFLAGS_AF | EFLAGS_PF | EFLAGS_CF | EFLAGS_RF;

/** uc_flags. */
export const UC_FP_XSTATE = 1;
const UC_SIGCONTEXT_SS = 2;
const UC_STRICT_RESTORE_SS = 4;

/** Leaf functions may use 128 bytes below rsp (System V ABI, section 3.2.2). */
const RED_ZONE = 128;
const FRAME_ALIGNMENT = 16;

/** Offsets in struct rt_sigframe: pretcode, ucontext, siginfo. */
const UC = 8;
const UC_STACK = UC + 16;
const MCONTEXT = UC + 40;
const UC_SIGMASK = MCONTEXT + 256;
const INFO = UC_SIGMASK + 8;
const FRAME_SIZE = INFO + SIGINFO_SIZE;

/** General registers in the order of struct sigcontext. */
const CONTEXT_GPRS = [
  Gpr.r8,
  Gpr.r9,
  Gpr.r10,
  Gpr.r11,
  Gpr.r12,
  Gpr.r13,
  Gpr.r14,
  Gpr.r15,
  Gpr.rdi,
  Gpr.rsi,
  Gpr.rbp,
  Gpr.rbx,
  Gpr.rdx,
  Gpr.rax,
  Gpr.rcx,
  Gpr.rsp,
];
const CONTEXT_RIP = MCONTEXT + 128;
const CONTEXT_FLAGS = MCONTEXT + 136;
const CONTEXT_CS = MCONTEXT + 144;
const CONTEXT_ERR = MCONTEXT + 152;
const CONTEXT_FPSTATE = MCONTEXT + 184;

/** x64_setup_rt_frame(): writes the frame and points the registers at the handler. 0, or < 0 if it cannot be written. */
export function setupFrameAmd64(task: Task, info: SigInfo, action: SigAction, mask: SignalSet): number {
  const { state } = task.kernel.cpu;
  if (!(action.flags & SA_RESTORER)) return -1;
  const sp = state.gpr(Gpr.rsp);
  const stack = frameStack(task, sp, action, RED_ZONE);
  const fpstate = roundDown(stack.sp - fpFrameSize(task), 64);
  const frame = roundDown(fpstate - FRAME_SIZE, FRAME_ALIGNMENT) - 8;
  if (frameOverflows(task, frame, stack.onStack)) return -1;
  if (writeFpState(task, fpstate, false) < 0) return -1;

  const out = new FrameWriter(action.flags & SA_SIGINFO ? FRAME_SIZE : INFO);
  out.u64(0, action.restorer);
  out.u64(UC, (usesXsave(task) ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);
  out.u64(UC_STACK, task.altStack.sp);
  out.u32(UC_STACK + 8, task.altStack.flags);
  out.u64(UC_STACK + 16, task.altStack.size);
  writeContext(task, out, fpstate, mask);
  out.pair(UC_SIGMASK, mask.lo, mask.hi);
  if (action.flags & SA_SIGINFO) out.bytes.set(encodeSigInfo(info, "amd64"), INFO);
  // The reserved words at the end of sigcontext keep what the stack had there.
  if (task.mm.write(frame, out.bytes.subarray(0, CONTEXT_FPSTATE + 8)) < 0) return -1;
  if (task.mm.write(frame + UC_SIGMASK, out.bytes.subarray(UC_SIGMASK)) < 0) return -1;

  state.setGprNumber(Gpr.rdi, info.signo);
  state.setGprNumber(Gpr.rax, 0);
  state.setGprNumber(Gpr.rsi, frame + INFO);
  state.setGprNumber(Gpr.rdx, frame + UC);
  state.setGprNumber(Gpr.rsp, frame);
  state.rip = action.handler;
  state.setSelector(SegmentRegister.cs, USER_CS);
  return 0;
}

function writeContext(task: Task, out: FrameWriter, fpstate: number, mask: SignalSet): void {
  const { state } = task.kernel.cpu;
  CONTEXT_GPRS.forEach((register, i) => {
    out.pair(MCONTEXT + 8 * i, state.gprLo(register), state.gprHi(register));
  });
  out.u64(CONTEXT_RIP, state.rip);
  out.u64(CONTEXT_FLAGS, state.eflags);
  out.u16(CONTEXT_CS, state.selector(SegmentRegister.cs));
  out.u16(CONTEXT_CS + 6, state.selector(SegmentRegister.ss));
  out.u64(CONTEXT_ERR, task.errorCode);
  out.u64(CONTEXT_ERR + 8, task.trapNumber);
  out.pair(CONTEXT_ERR + 16, mask.lo, mask.hi);
  out.u64(CONTEXT_ERR + 24, task.cr2);
  out.u64(CONTEXT_FPSTATE, fpstate);
}

/** rt_sigreturn(2): the registers become those of the frame at rsp - 8. False if the frame is bad (SIGSEGV is forced). */
export function sigreturnAmd64(task: Task): boolean {
  const { state } = task.kernel.cpu;
  const bytes = new Uint8Array(INFO);
  const frame = state.gpr(Gpr.rsp) - 8;
  if (task.mm.read(frame, bytes) < 0) return badFrame(task);
  const from = new FrameReader(bytes);
  setBlocked(task, new SignalSet(from.i32(UC_SIGMASK), from.i32(UC_SIGMASK + 4)));
  CONTEXT_GPRS.forEach((register, i) => {
    state.setGpr(register, from.i32(MCONTEXT + 8 * i), from.i32(MCONTEXT + 8 * i + 4));
  });
  state.rip = from.u64(CONTEXT_RIP);
  state.eflags = (state.eflags & ~FIX_EFLAGS) | (from.u32(CONTEXT_FLAGS) & FIX_EFLAGS);
  state.setSelector(SegmentRegister.cs, from.u16(CONTEXT_CS) | 3);
  state.setSelector(SegmentRegister.ss, from.u32(UC) & UC_STRICT_RESTORE_SS ? from.u16(CONTEXT_CS + 6) | 3 : USER_DS);
  if (readFpState(task, from.u64(CONTEXT_FPSTATE), false) < 0) return badFrame(task);
  const stack = { sp: from.u64(UC_STACK), flags: from.u32(UC_STACK + 8), size: from.u64(UC_STACK + 16) };
  setAltStack(task, stack, state.gpr(Gpr.rsp));
  return true;
}

/** signal_fault(): the frame cannot be read. */
export function badFrame(task: Task): false {
  forceSignal(task, sigInfo({ signo: SIGSEGV, code: SI_KERNEL }));
  return false;
}

function roundDown(value: number, alignment: number): number {
  return value - (value % alignment);
}
