/**
 * The vsyscall page of 64-bit kernels: what is called there is not executed but emulated
 * (arch/x86/entry/vsyscall/vsyscall_64.c, emulate_vsyscall()).
 */
import { EFAULT } from "../abi/errno.ts";
import { SI_KERNEL, SIGSEGV } from "../abi/signal.ts";
import { PAGE_SIZE } from "../base/address.ts";
import { PF_INSTR } from "../memory/translation.ts";
import { FrameReader } from "./frame-writer.ts";
import { EFLAGS_RF, Gpr } from "./registers.ts";
import { sigInfo } from "./siginfo.ts";
import type { Task } from "./task.ts";
import { forceSignal } from "./task-signals.ts";

/** VSYSCALL_ADDR, as addresses of the kernel's half come: negative. */
const VSYSCALL = -0xa0_0000;
const SLOT = 0x400;
/** gettimeofday, time, getcpu by slot; with the number of arguments. */
const CALLS = [
  { number: 96, words: 2 },
  { number: 201, words: 1 },
  { number: 309, words: 3 },
] as const;
const ARGUMENTS = [Gpr.rdi, Gpr.rsi, Gpr.rdx];

/** Emulates the call if the page fault is a jump to the page; a bad one ends in SIGSEGV. False if it is no such jump. */
export function emulateVsyscall(task: Task, address: number, errorCode: number): boolean {
  const inPage = address >= VSYSCALL && address < VSYSCALL + PAGE_SIZE;
  const { legacyVsyscall } = task.kernel.generation.vdso;
  if (!inPage || !(errorCode & PF_INSTR) || task.programAbi !== "amd64" || legacyVsyscall === "none") return false;
  if (emulate(task, (address - VSYSCALL) / SLOT)) return true;
  task.kernel.cpu.state.eflags |= EFLAGS_RF;
  forceSignal(task, sigInfo({ signo: SIGSEGV, code: SI_KERNEL }));
  return true;
}

function emulate(task: Task, slot: number): boolean {
  const call = CALLS[slot];
  if (call === undefined) return false;
  const { state } = task.kernel.cpu;
  const rsp = state.gpr(Gpr.rsp);
  const caller = new Uint8Array(8);
  if (task.mm.read(rsp, caller) < 0) return false;
  const row = task.kernel.tables.amd64.get(call.number);
  if (row === undefined) return false;
  const words = new Int32Array(12);
  for (const [i, register] of ARGUMENTS.slice(0, call.words).entries()) {
    words[2 * i] = state.gprLo(register);
    words[2 * i + 1] = state.gprHi(register);
  }
  const result = row.call(task, words, "amd64");
  if (typeof result !== "number" || result === -EFAULT) return false;
  state.setGprNumber(Gpr.rax, result);
  state.rip = new FrameReader(caller).u64(0);
  state.setGprNumber(Gpr.rsp, rsp + 8);
  return true;
}
