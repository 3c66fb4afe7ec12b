/** A trap at the first instruction of a function: its arguments and its return, by the System V ABIs. */
import type { RegisterState } from "../kernel/cpu.ts";
import { Gpr } from "../kernel/registers.ts";
import type { Task } from "../kernel/task.ts";
import type { TrapFault } from "../kernel/traps.ts";

const ARGUMENTS = [Gpr.rdi, Gpr.rsi, Gpr.rdx, Gpr.rcx, Gpr.r8, Gpr.r9];

/** A word of a function's arguments: a number below 2^53, a bigint from there on. */
export type Word = number | bigint;

/** Argument `index` (0–5; i386: any) of the function that is being entered; a fault if the stack cannot be read. */
export function argument(task: Task, index: number): Word | TrapFault {
  const { state } = task.kernel.cpu;
  if (task.programAbi === "amd64") {
    const register = ARGUMENTS[index] as number;
    const low = state.gprLo(register) >>> 0;
    const high = state.gprHi(register) >>> 0;
    return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
  }
  const address = (state.gpr(Gpr.rsp) + 4 + 4 * index) >>> 0;
  const value = task.mm.readWord(address);
  return value < 0 ? { kind: "fault", address, write: false } : value;
}

/** The arguments 0 … count - 1, or the fault of reading one. */
export function argumentsOf(task: Task, count: number): readonly Word[] | TrapFault {
  const words: Word[] = [];
  for (let i = 0; i < count; i++) {
    const word = argument(task, i);
    if (typeof word === "object") return word;
    words.push(word);
  }
  return words;
}

/**
 * Returns from the function that is being entered, as `ret` does: with a word (negative numbers sign-extended) in RAX or EAX, and
 * `pop` more bytes taken off the stack. Undefined, or the fault of reading the return address, with nothing changed.
 */
export function returnFrom(task: Task, value: Word, pop = 0): TrapFault | undefined {
  const { state } = task.kernel.cpu;
  const sp = state.gpr(Gpr.rsp);
  const address = task.mm.readWord(sp);
  if (address < 0) return { kind: "fault", address: sp, write: false };
  setResult(state, value);
  state.setGprNumber(Gpr.rsp, sp + task.mm.wordSize + pop);
  state.rip = address;
  return undefined;
}

function setResult(state: RegisterState, value: Word): void {
  if (typeof value === "number") state.setGprNumber(Gpr.rax, value);
  else state.setGpr(Gpr.rax, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
}
