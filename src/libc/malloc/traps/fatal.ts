/** How a call that found the heap damaged ends: the message, then abort(3) in the guest. */
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from "../../../abi/mman.ts";
import { bytesOf } from "../../../host/text.ts";
import { Gpr } from "../../../kernel/registers.ts";
import type { Task } from "../../../kernel/task.ts";
import type { TrapResult } from "../../../kernel/traps.ts";
import type { MallocAbort } from "../guest.ts";
import type { TaskGuest } from "./task-guest.ts";

const STDERR = 2;
const PAGE = 4096;
const WITH_BACKTRACE = 8;
const STYLES = { none: 0, detected: 1, plain: 1, bare: 1, assert: 2 } as const;

/** Writes the message where the image leaves that to the trap, and enters the function of the image that does not return. */
export function endFatally(task: Task, guest: TaskGuest, abort: MallocAbort): TrapResult {
  const { fatal } = guest.image;
  const stack = guest.scratchTop();
  if (fatal.kind === "function") {
    const line = guest.scratch(bytesOf(`${abort.text}\0`));
    enter(task, guest.at(fatal.function), line - PAGE, [
      line,
      STYLES[abort.style] | (abort.backtrace ? WITH_BACKTRACE : 0),
    ]);
    return undefined;
  }
  writeMessage(guest, abort);
  enter(task, guest.at(fatal.abort), stack, []);
  return undefined;
}

/**
 * __libc_message (sysdeps/posix/libc_fatal.c): one writev, a piece for each part of the format; a page keeps the text for
 * debuggers (__abort_msg). __malloc_assert up to 2.35 prints through stdio: one write.
 */
function writeMessage(guest: TaskGuest, { text, style }: MallocAbort): void {
  if (style === "none") return;
  const pieces = piecesOf(guest.image.version.messages.assertion, text, style);
  if (pieces.length === 1) guest.writeText(pieces[0] as string);
  else guest.writeVector(STDERR, pieces);
  if (style === "assert" && guest.image.version.messages.assertion === "old") return;
  const all = bytesOf(`${pieces.join("")}\0`);
  // struct abort_msg_s: an int and the text.
  const length = Math.ceil((all.length + 4) / PAGE) * PAGE;
  const at = guest.call("mmap", 0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0xffff_ffff, 0);
  if (at < 0) return;
  guest.write32(at, length);
  guest.writeBytes(at + 4, all);
}

/** The parts of the format: text and what its %s stand for. */
function piecesOf(assertion: "old" | "nameless" | "fatal", text: string, style: MallocAbort["style"]): string[] {
  if (style === "bare") return [text];
  if (style !== "assert") return [text, "\n"];
  if (assertion === "old") return [`${text}\n`];
  const match =
    assertion === "nameless"
      ? /^(Fatal glibc error: malloc assertion failure in )(\w+)(: )(.*)$/s.exec(text)
      : /^(Fatal glibc error: )(malloc\.c)(:)(\d+)( \()(\w+)(\): assertion failed: )(.*)$/s.exec(text);
  return match === null ? [text, "\n"] : [...match.slice(1), "\n"];
}

/**
 * Calls a function of the guest that does not return: arguments, an aligned stack below `top`, and the return address of the
 * call that was trapped, so that backtraces go on with its caller.
 */
function enter(task: Task, address: number, top: number, args: readonly number[]): void {
  const { state } = task.kernel.cpu;
  const { mm } = task;
  const word = mm.wordSize;
  const count = task.programAbi === "i386" ? args.length : 0;
  const sp = Math.floor((top - count * word) / 16) * 16 - word;
  mm.writeWord(sp, Math.max(mm.readWord(state.gpr(Gpr.rsp)), 0));
  if (task.programAbi === "i386") for (const [i, value] of args.entries()) mm.writeWord(sp + word + i * word, value);
  else {
    for (const [i, register] of [Gpr.rdi, Gpr.rsi].entries()) {
      if (i < args.length) state.setGprNumber(register, args[i] as number);
    }
  }
  state.setGprNumber(Gpr.rsp, sp);
  state.rip = address;
}
