/** Takes a memory snapshot of the first process at the moment that a view asks for. */
import type { SigInfo } from "../kernel/siginfo.ts";
import type { Task } from "../kernel/task.ts";
import type { Observer, SyscallEvent } from "../observe/observer.ts";
import { type MemorySnapshot, snapshotMemory } from "../report/model/memory.ts";

/** The command line as pmap shows it: NULs become blanks; `[comm]` without arguments. */
function commandOf(task: Task): string {
  const { mm } = task;
  const bytes = new Uint8Array(Math.min(mm.argEnd - mm.argStart, 4096));
  if (mm.read(mm.argStart, bytes) < 0 || bytes.length === 0) return `[${task.comm}]`;
  let text = "";
  for (const byte of bytes) text += byte === 0 ? " " : String.fromCharCode(byte);
  return text.trimEnd();
}

/** `sleep`: the first sleep that time ends; `exit`; or the name of a system call. Each falls back to exit. */
export class MomentObserver implements Observer<Task, SigInfo> {
  readonly #moment: string;
  readonly #look: ((task: Task) => void) | undefined;
  #pid: number | undefined;
  snapshot: MemorySnapshot | undefined;
  /** What the snapshot shows: `sleep`, `exit` or the call. */
  taken: string | undefined;

  /** `take` is called at the moment, for what else is to be looked at. */
  constructor(moment: string, take?: (task: Task) => void) {
    this.#moment = moment;
    this.#look = take;
  }

  exec(task: Task): void {
    this.#pid ??= task.pid;
  }

  syscallEnter(task: Task, call: SyscallEvent): void {
    if (this.#moment === "sleep" || this.#moment === "exit") return;
    if (task.kernel.tables[call.abi].get(call.number)?.name === this.#moment) this.#take(task, this.#moment);
  }

  sleep(task: Task, _call: SyscallEvent, deadlineNs: number): void {
    if (this.#moment === "sleep" && deadlineNs !== Number.POSITIVE_INFINITY) this.#take(task, "sleep");
  }

  exit(task: Task): void {
    this.#take(task, "exit");
  }

  #take(task: Task, moment: string): void {
    if (this.snapshot !== undefined || task.pid !== this.#pid) return;
    this.snapshot = snapshotMemory(task.mm, task.pid, commandOf(task));
    this.taken = moment;
    this.#look?.(task);
    task.kernel.scheduler.requestStop();
  }
}
