/**
 * Signal frames of i386 (arch/x86/kernel/signal_32.c; struct sigframe_ia32 and rt_sigframe_ia32 of
 * arch/x86/include/asm/sigframe.h).
 */
import { SA_ONSTACK, SA_RESTORER, SA_SIGINFO } from "../abi/signal.ts";
import { FREGS_SIZE, fpFrameSize, readFpState, usesXsave, writeFpState } from "./fp-state.ts";
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import { Gpr, SegmentRegister } from "./registers.ts";
import type { SigAction } from "./sighand.ts";
import type { SigInfo } from "./siginfo.ts";
import { encodeSigInfo, SIGINFO_SIZE } from "./siginfo-layout.ts";
import { frameOverflows, frameStack, onAltStack, setBlocked } from "./signal-delivery.ts";
import { badFrame, FIX_EFLAGS, UC_FP_XSTATE } from "./signal-frame-amd64.ts";
import { SignalSet } from "./signal-set.ts";
import type { Task } from "./task.ts";
import { setAltStack } from "./task-altstack.ts";
import { loadTls, userSelectors } from "./task-tls.ts";

const FRAME_ALIGNMENT = 16;
const CONTEXT_SIZE = 88;
/** struct _fpstate_32, the unused place of the FP state in old frames. */
const FPSTATE_SIZE = 624;

/** struct sigframe_ia32: pretcode, sig, sigcontext, fpstate_unused, extramask, retcode. */
const OLD_CONTEXT = 8;
const OLD_EXTRAMASK = OLD_CONTEXT + CONTEXT_SIZE + FPSTATE_SIZE;
const OLD_RETCODE = OLD_EXTRAMASK + 4;
const OLD_SIZE = OLD_RETCODE + 8;

/** struct rt_sigframe_ia32: pretcode, sig, pinfo, puc, info, ucontext, retcode. */
const RT_INFO = 16;
const RT_UC = RT_INFO + SIGINFO_SIZE;
const RT_STACK = RT_UC + 8;
const RT_CONTEXT = RT_UC + 20;
const RT_SIGMASK = RT_CONTEXT + CONTEXT_SIZE;
const RT_RETCODE = RT_SIGMASK + 8;
const RT_SIZE = RT_RETCODE + 8;

/** `popl %eax; movl $__NR_sigreturn, %eax; int $0x80`: never executed, but debuggers look for it. */
const OLD_RETCODE_BYTES = [0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80];
/** `movl $__NR_rt_sigreturn, %eax; int $0x80; 0`. */
const RT_RETCODE_BYTES = [0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0];

/** Offsets in struct sigcontext_32. */
const SC = {
  gs: 0,
  fs: 4,
  es: 8,
  ds: 12,
  gprs: 16,
  trapno: 48,
  err: 52,
  ip: 56,
  cs: 60,
  flags: 64,
  spAtSignal: 68,
  ss: 72,
  fpstate: 76,
  oldmask: 80,
  cr2: 84,
} as const;
const CONTEXT_GPRS = [Gpr.rdi, Gpr.rsi, Gpr.rbp, Gpr.rsp, Gpr.rbx, Gpr.rdx, Gpr.rcx, Gpr.rax];

/** ia32_setup_frame() or ia32_setup_rt_frame(), by SA_SIGINFO. 0, or < 0 if the frame cannot be written. */
export function setupFrameI386(task: Task, info: SigInfo, action: SigAction, mask: SignalSet): number {
  const { state } = task.kernel.cpu;
  const rt = (action.flags & SA_SIGINFO) !== 0;
  const stack = i386Stack(task, action);
  const fx = roundDown(stack.sp - fpFrameSize(task), 64);
  const fpstate = fx - FREGS_SIZE;
  const frame = roundDown(fpstate - (rt ? RT_SIZE : OLD_SIZE) + 4, FRAME_ALIGNMENT) - 4;
  if (frame < 0 || frameOverflows(task, frame, stack.onStack)) return -1;
  if (writeFpState(task, fx, true) < 0) return -1;

  const out = new FrameWriter(rt ? RT_SIZE : OLD_SIZE);
  out.u32(4, info.signo);
  if (rt) fillRtFrame(task, out, frame, info, fpstate, action, mask);
  else fillOldFrame(task, out, frame, fpstate, action, mask);
  // The place of the FP state in old frames is left as it was.
  const wrote = rt ? task.mm.write(frame, out.bytes) : writeOldFrame(task, frame, out.bytes);
  if (wrote < 0) return -1;

  const selectors = userSelectors(task);
  state.setGprNumber(Gpr.rsp, frame);
  state.setGprNumber(Gpr.rax, info.signo);
  state.setGprNumber(Gpr.rdx, rt ? frame + RT_INFO : 0);
  state.setGprNumber(Gpr.rcx, rt ? frame + RT_UC : 0);
  state.rip = action.handler;
  state.setSelector(SegmentRegister.ds, selectors.ds);
  state.setSelector(SegmentRegister.es, selectors.ds);
  state.setSelector(SegmentRegister.ss, selectors.ds);
  state.setSelector(SegmentRegister.cs, selectors.cs);
  return 0;
}

/** get_sigframe() for i386: also the legacy switch to the stack in sa_restorer. */
function i386Stack(task: Task, action: SigAction): { sp: number; onStack: boolean } {
  const { state } = task.kernel.cpu;
  const sp = state.gpr(Gpr.rsp);
  const legacy =
    !(action.flags & (SA_ONSTACK | SA_RESTORER)) &&
    action.restorer !== 0 &&
    state.selector(SegmentRegister.ss) !== userSelectors(task).ds &&
    !onAltStack(task, sp);
  if (legacy) return { sp: action.restorer, onStack: true };
  return frameStack(task, sp, action, 0);
}

function fillOldFrame(
  task: Task,
  out: FrameWriter,
  frame: number,
  fpstate: number,
  action: SigAction,
  mask: SignalSet,
): void {
  writeContext(task, out, OLD_CONTEXT, fpstate, mask);
  out.u32(OLD_EXTRAMASK, mask.hi);
  out.u32(0, returnAddress(action, task.vdso.sigreturn, frame + OLD_RETCODE));
  out.bytes.set(OLD_RETCODE_BYTES, OLD_RETCODE);
}

function fillRtFrame(
  task: Task,
  out: FrameWriter,
  frame: number,
  info: SigInfo,
  fpstate: number,
  action: SigAction,
  mask: SignalSet,
): void {
  out.u32(8, frame + RT_INFO);
  out.u32(12, frame + RT_UC);
  out.bytes.set(encodeSigInfo(info, "i386"), RT_INFO);
  out.u32(RT_UC, usesXsave(task) ? UC_FP_XSTATE : 0);
  out.u32(RT_STACK, task.altStack.sp);
  out.u32(RT_STACK + 4, task.altStack.flags);
  out.u32(RT_STACK + 8, task.altStack.size);
  writeContext(task, out, RT_CONTEXT, fpstate, mask);
  out.pair(RT_SIGMASK, mask.lo, mask.hi);
  out.u32(0, returnAddress(action, task.vdso.rtSigreturn, frame + RT_RETCODE));
  out.bytes.set(RT_RETCODE_BYTES, RT_RETCODE);
}

/** SA_RESTORER's function, else the vdso's, else the code in the frame. */
function returnAddress(action: SigAction, vdso: number, retcode: number): number {
  if (action.flags & SA_RESTORER) return action.restorer;
  return vdso === 0 ? retcode : vdso;
}

function writeOldFrame(task: Task, frame: number, bytes: Uint8Array): number {
  const head = OLD_CONTEXT + CONTEXT_SIZE;
  if (task.mm.write(frame, bytes.subarray(0, head)) < 0) return -1;
  return task.mm.write(frame + OLD_EXTRAMASK, bytes.subarray(OLD_EXTRAMASK));
}

function writeContext(task: Task, out: FrameWriter, at: number, fpstate: number, mask: SignalSet): void {
  const { state } = task.kernel.cpu;
  out.u32(at + SC.gs, state.selector(SegmentRegister.gs));
  out.u32(at + SC.fs, state.selector(SegmentRegister.fs));
  out.u32(at + SC.es, state.selector(SegmentRegister.es));
  out.u32(at + SC.ds, state.selector(SegmentRegister.ds));
  CONTEXT_GPRS.forEach((register, i) => {
    out.u32(at + SC.gprs + 4 * i, state.gprLo(register));
  });
  out.u32(at + SC.trapno, task.trapNumber);
  out.u32(at + SC.err, task.errorCode);
  out.u32(at + SC.ip, state.rip);
  out.u32(at + SC.cs, state.selector(SegmentRegister.cs));
  out.u32(at + SC.flags, state.eflags);
  out.u32(at + SC.spAtSignal, state.gprLo(Gpr.rsp));
  out.u32(at + SC.ss, state.selector(SegmentRegister.ss));
  out.u32(at + SC.fpstate, fpstate);
  out.u32(at + SC.oldmask, mask.lo);
  out.u32(at + SC.cr2, task.cr2);
}

/** sigreturn(2) of i386: the frame lies at esp - 8, for the handler's return and the stub popped pretcode and sig. */
export function sigreturnI386(task: Task): boolean {
  const frame = task.kernel.cpu.state.gpr(Gpr.rsp) - 8;
  const head = new Uint8Array(OLD_CONTEXT + CONTEXT_SIZE);
  const extra = new Uint8Array(4);
  if (task.mm.read(frame, head) < 0 || task.mm.read(frame + OLD_EXTRAMASK, extra) < 0) return badFrame(task);
  const from = new FrameReader(head);
  setBlocked(task, new SignalSet(from.i32(OLD_CONTEXT + SC.oldmask), new FrameReader(extra).i32(0)));
  return restoreContext(task, from, OLD_CONTEXT);
}

/** rt_sigreturn(2) of i386: the frame lies at esp - 4. */
export function rtSigreturnI386(task: Task): boolean {
  const frame = task.kernel.cpu.state.gpr(Gpr.rsp) - 4;
  const bytes = new Uint8Array(RT_SIZE);
  if (task.mm.read(frame, bytes) < 0) return badFrame(task);
  const from = new FrameReader(bytes);
  setBlocked(task, new SignalSet(from.i32(RT_SIGMASK), from.i32(RT_SIGMASK + 4)));
  if (!restoreContext(task, from, RT_CONTEXT)) return false;
  const sp = task.kernel.cpu.state.gpr(Gpr.rsp);
  setAltStack(task, { sp: from.u32(RT_STACK), flags: from.u32(RT_STACK + 4), size: from.u32(RT_STACK + 8) }, sp);
  return true;
}

function restoreContext(task: Task, from: FrameReader, at: number): boolean {
  const { state } = task.kernel.cpu;
  CONTEXT_GPRS.forEach((register, i) => {
    state.setGpr(register, from.i32(at + SC.gprs + 4 * i), 0);
  });
  state.rip = from.u32(at + SC.ip);
  state.eflags = (state.eflags & ~FIX_EFLAGS) | (from.u32(at + SC.flags) & FIX_EFLAGS);
  state.setSelector(SegmentRegister.cs, from.u16(at + SC.cs) | 3);
  state.setSelector(SegmentRegister.ss, from.u16(at + SC.ss) | 3);
  state.setSelector(SegmentRegister.ds, from.u16(at + SC.ds) | 3);
  state.setSelector(SegmentRegister.es, from.u16(at + SC.es) | 3);
  state.setSelector(SegmentRegister.fs, from.u16(at + SC.fs));
  state.setSelector(SegmentRegister.gs, from.u16(at + SC.gs));
  loadTls(task);
  return readFpState(task, from.u32(at + SC.fpstate), true) < 0 ? badFrame(task) : true;
}

function roundDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}
