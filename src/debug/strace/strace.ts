/**
 * strace's view of a run: an observer that writes the lines of `strace` 6.1 (with -f when there are several tasks). It
 * formats with the codecs of the syscall tables, so what is traced is what was decoded.
 */
import {
  type CallView,
  type Codec,
  decodeArguments,
  type SyscallDefinition,
  type SyscallTable,
} from "../../../syscalls/define.ts";
import { siginfoText } from "../../../syscalls/siginfo-text.ts";
import { quote } from "../../../syscalls/strace-text.ts";
import { signalText } from "../../../syscalls/struct-text.ts";
import type { Abi } from "../../abi/abi.ts";
import { ERRNO_NAMES, ERRNO_TEXTS } from "../../abi/errno.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { syscallName } from "../../abi/unistd.ts";
import { bytesOf } from "../../host/text.ts";
import { isError } from "../../kernel/control.ts";
import type { SigInfo } from "../../kernel/siginfo.ts";
import { encodeSigInfo } from "../../kernel/siginfo-layout.ts";
import type { Task } from "../../kernel/task.ts";
import type { ExecEvent, Observer, SyscallEvent } from "../../observe/observer.ts";
import { isVdsoCall } from "./vdso-calls.ts";

/** Results are aligned to this column (-a). */
const ALIGN_COLUMN = 40;

/** Results that ask for a restart (strace syscall.c). */
const RESTARTS: Readonly<Record<number, string>> = {
  512: "ERESTARTSYS (To be restarted if SA_RESTART is set)",
  513: "ERESTARTNOINTR (To be restarted)",
  514: "ERESTARTNOHAND (To be restarted if no handler)",
  516: "ERESTART_RESTARTBLOCK (Interrupted by signal)",
};

/** A call that has begun and whose line is not complete. */
interface OpenCall {
  readonly event: SyscallEvent;
  readonly definition: SyscallDefinition | undefined;
  readonly values: readonly unknown[];
  /** Texts that were known when the call began; undefined for those that come after it. */
  readonly texts: readonly (string | undefined | null)[];
  /** The part before `<unfinished ...>` has been written. */
  unfinished: boolean;
  /** Arguments that the unfinished part had. */
  shown: number;
}

export interface StraceOptions {
  /** Gets each line without its newline. */
  readonly sink: (line: string) => void;
  readonly tables: Readonly<Record<Abi, SyscallTable>>;
  /** Whether calls of this name are shown (-e trace=); all by default. */
  readonly traced?: (name: string) => boolean;
}

export class Strace implements Observer<Task, SigInfo> {
  readonly #sink: (line: string) => void;
  readonly #tables: Readonly<Record<Abi, SyscallTable>>;
  readonly #traced: (name: string) => boolean;
  readonly #open = new Map<Task, OpenCall>();
  readonly #hidden = new Set<Task>();
  /** Signals that came, and were ignored, while their task was in a call: shown behind it. */
  readonly #ignored = new Map<Task, string[]>();
  /** Tasks that have not ended, to know when lines need a pid. */
  readonly #alive = new Set<Task>();

  constructor(options: StraceOptions) {
    this.#sink = options.sink;
    this.#tables = options.tables;
    this.#traced = options.traced ?? (() => true);
  }

  syscallEnter(task: Task, event: SyscallEvent): void {
    const name = this.#tables[event.abi].get(event.number)?.name ?? syscallName(event.abi, event.number) ?? "";
    if (isVdsoCall(task, event) || !this.#traced(name)) {
      this.#hidden.add(task);
      return;
    }
    const definition = this.#tables[event.abi].get(event.number);
    const values = definition === undefined ? [] : decodeArguments(definition.args, event.words, event.abi, task);
    const view: CallView = { task, abi: event.abi, words: event.words, values, result: undefined };
    const texts = (definition?.args ?? []).map((codec, i) =>
      codec.when === "exit" ? null : codec.format(values[i], view, slotOf(definition, i, event.abi)),
    );
    this.#open.set(task, { event, definition, values, texts, unfinished: false, shown: 0 });
  }

  syscallExit(task: Task, event: SyscallEvent, result: number): void {
    if (this.#hidden.delete(task)) return;
    const call = this.#open.get(task);
    if (call === undefined) return;
    this.#open.delete(task);
    this.#finish(task, call, event, result);
  }

  #finish(task: Task, call: OpenCall, event: SyscallEvent, result: number): void {
    const view: CallView = { task, abi: event.abi, words: event.words, values: call.values, result };
    this.#write(task, align(this.#callText(call, view)) + resultText(call.definition, view, result));
    for (const text of this.#ignored.get(task) ?? []) this.#write(task, text);
    this.#ignored.delete(task);
  }

  /** `name(arguments)`, or the rest of it behind `<... name resumed>`. */
  #callText(call: OpenCall, view: CallView): string {
    const { definition, event } = call;
    if (definition === undefined) return unknownCallText(event);
    const parts: string[] = [];
    definition.args.forEach((codec: Codec<unknown>, i) => {
      if (call.unfinished && i < call.shown) return;
      const known = call.texts[i];
      const text = known === null ? codec.format(call.values[i], view, slotOf(definition, i, event.abi)) : known;
      if (text !== undefined) parts.push(text + (codec.suffix?.(view) ?? ""));
    });
    const body = `${parts.join(", ")})`;
    return call.unfinished ? `<... ${definition.name} resumed>${body}` : `${definition.name}(${body}`;
  }

  signal(task: Task, info: SigInfo): void {
    if (info.signo === SIGKILL) return;
    const text = `--- ${signalText(info.signo)} ${siginfoText(encodeSigInfo(info, "amd64"), "amd64")} ---`;
    if (this.#open.has(task)) this.#ignored.set(task, [...(this.#ignored.get(task) ?? []), text]);
    else this.#write(task, text);
  }

  exec(task: Task, program: ExecEvent): void {
    this.#alive.add(task);
    if (!this.#traced("execve")) return;
    const call = this.#open.get(task);
    if (call === undefined) {
      const argv = program.argv.map((text) => argumentText(text)).join(", ");
      const count = program.envp.length;
      const vars = `${count} var${count === 1 ? "" : "s"}`;
      const text = `execve(${quote(bytesOf(program.path))}, [${argv}], ${parentEnvironment(task)} /* ${vars} */)`;
      this.#write(task, `${align(text)}= 0`);
    } else {
      // The arguments lay in memory that is gone now; the result is known.
      this.#open.delete(task);
      this.#finish(task, call, call.event, 0);
    }
  }

  clone(parent: Task, child: Task): void {
    this.#alive.add(parent);
    this.#alive.add(child);
  }

  exit(task: Task, status: number): void {
    const call = this.#open.get(task);
    this.#open.delete(task);
    if (call !== undefined) {
      const { event, values } = call;
      const view: CallView = { task, abi: event.abi, words: event.words, values, result: undefined };
      this.#write(task, `${align(this.#callText(call, view))}= ?`);
    }
    const signal = status & 0x7f;
    if (signal === 0) this.#write(task, `+++ exited with ${(status >> 8) & 0xff} +++`);
    else this.#write(task, `+++ killed by ${signalText(signal)}${status & 0x80 ? " (core dumped)" : ""} +++`);
    this.#alive.delete(task);
  }

  /** Writes a line of `task`; calls of other tasks that are in progress are shown as unfinished first. */
  #write(task: Task, text: string): void {
    for (const [other, call] of this.#open) if (other !== task && !call.unfinished) this.#suspend(other, call);
    this.#sink(this.#prefix(task) + text);
  }

  #suspend(task: Task, call: OpenCall): void {
    const { definition } = call;
    if (definition === undefined) return;
    const parts: string[] = [];
    for (const text of call.texts) {
      if (text === null) break;
      call.shown++;
      if (text !== undefined) parts.push(text);
    }
    const more = call.shown < definition.args.length ? ", " : "";
    call.unfinished = true;
    this.#sink(
      `${this.#prefix(task)}${definition.name}(${parts.join(", ")}${parts.length > 0 ? more : ""} <unfinished ...>`,
    );
  }

  #prefix(task: Task): string {
    return this.#alive.size > 1 ? `[pid ${String(task.tid).padStart(5)}] ` : "";
  }
}

function slotOf(definition: SyscallDefinition | undefined, index: number, abi: Abi): number {
  let slot = 0;
  for (let i = 0; i < index; i++) slot += definition?.args[i].slots[abi] ?? 1;
  return slot;
}

/** Text, a space, and blanks up to the column of the results. */
function align(text: string): string {
  return `${text} `.padEnd(ALIGN_COLUMN);
}

function resultText(definition: SyscallDefinition | undefined, view: CallView, result: number): string {
  if (definition?.noReturn) return "= ?";
  const restart = RESTARTS[-result];
  if (restart !== undefined) return `= ? ${restart}`;
  if (isError(result))
    return `= -1 ${ERRNO_NAMES[-result] ?? `ERRNO_${-result}`} (${ERRNO_TEXTS[-result] ?? "Unknown error"})`;
  return `= ${definition?.result?.(result, view) ?? result}`;
}

/** A call that folio lacks: its registers in hexadecimal. */
function unknownCallText(event: SyscallEvent): string {
  const name = syscallName(event.abi, event.number) ?? `syscall_0x${(event.number >>> 0).toString(16)}`;
  const words: string[] = [];
  for (let i = 0; i < 6; i++) {
    const lo = (event.words[2 * i] >>> 0).toString(16);
    const hi = (event.words[2 * i + 1] >>> 0).toString(16);
    words.push(hi === "0" ? `0x${lo}`.replace(/^0x0$/, "0") : `0x${hi}${lo.padStart(8, "0")}`);
  }
  return `${name}(${words.join(", ")})`;
}

function argumentText(text: string): string {
  const bytes = bytesOf(text);
  return bytes.length > 32 ? `${quote(bytes.subarray(0, 32))}...` : quote(bytes);
}

/** The environment pointer of the process that started the program; there is none here, so that of the new one is shown. */
function parentEnvironment(task: Task): string {
  return `0x${task.mm.envStart.toString(16)}`;
}
