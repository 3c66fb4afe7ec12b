/** Files of /proc/PID that tell of scheduling, calls in progress, timers and namespaces (fs/proc/base.c, kernel/sched/debug.c). */
import type { Abi } from "../../abi/abi.ts";
import { SIGEV_THREAD_ID } from "../../abi/signal.ts";
import { Gpr } from "../registers.ts";
import type { Task } from "../task.ts";

/** Inode numbers of the first namespaces (include/uapi/linux/nsfs.h; mnt and net as they are given at boot). */
const NAMESPACES: Readonly<Record<string, number>> = {
  cgroup: 0xeffffffb,
  ipc: 0xefffffff,
  mnt: 0xeffffff8,
  net: 0xeffffff9,
  pid: 0xeffffffc,
  pid_for_children: 0xeffffffc,
  time: 0xeffffffa,
  time_for_children: 0xeffffffa,
  user: 0xeffffffd,
  uts: 0xeffffffe,
};

export const NAMESPACE_NAMES = Object.keys(NAMESPACES);

/** The text of a link in ns/. */
export function namespaceText(name: string): string {
  return `${name.replace("_for_children", "")}:[${NAMESPACES[name]}]`;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** An argument register as it is printed. */
function argumentText(words: Int32Array, index: number, abi: Abi): string {
  const low = words[2 * index] >>> 0;
  const high = abi === "amd64" ? words[2 * index + 1] >>> 0 : 0;
  return high === 0 ? hex(low) : `0x${high.toString(16)}${low.toString(16).padStart(8, "0")}`;
}

/** Stack and instruction pointer of a task, wherever its registers are. */
function pointers(task: Task): { readonly sp: number; readonly pc: number } {
  const { state } = task.kernel.cpu;
  const read = () => ({ sp: state.gpr(Gpr.rsp), pc: state.rip });
  if (task === task.kernel.current || task.saved === undefined) return read();
  const running = state.save();
  state.restore(task.saved);
  const result = read();
  state.restore(running);
  return result;
}

/** /proc/PID/syscall: number and arguments of the call that the task is in (proc_pid_syscall()). */
export function syscallText(task: Task): string {
  const inCall = task === task.kernel.current || task.sleep !== undefined;
  if (!inCall) return "running\n";
  const { syscall } = task;
  const { sp, pc } = pointers(task);
  if (syscall === undefined) return `-1 ${hex(sp)} ${hex(pc)}\n`;
  const args = Array.from({ length: 6 }, (_, index) => argumentText(syscall.words, index, syscall.abi));
  return `${syscall.number} ${args.join(" ")} ${hex(sp)} ${hex(pc)}\n`;
}

/** Milliseconds with six digits behind the point (SPLIT_NS). */
function milliseconds(ns: number): string {
  return `${Math.floor(ns / 1_000_000)}.${String(Math.floor(ns) % 1_000_000).padStart(6, "0")}`;
}

/** /proc/PID/sched (proc_sched_show_task()): what can be said of a task here. */
export function schedText(task: Task): string {
  const head = `${task.comm} (${task.tid}, #threads: ${task.group.liveTasks().length})`;
  const ran = task === task.kernel.current ? task.kernel.scheduler.unaccountedNs + task.userNs : task.userNs;
  const realtime = task.policy === 1 || task.policy === 2;
  const lines: [string, string][] = [
    ["se.exec_start", milliseconds(task.kernel.clock.monotonicNs)],
    ["se.vruntime", milliseconds(ran)],
    ["se.sum_exec_runtime", milliseconds(ran)],
    ["se.nr_migrations", "0"],
    ["nr_switches", "0"],
    ["nr_voluntary_switches", "0"],
    ["nr_involuntary_switches", "0"],
    ["se.load.weight", "1048576"],
    ["policy", String(task.policy)],
    ["prio", String(realtime ? 99 - task.rtPriority : 120 + task.nice)],
    ["clock-delta", "0"],
  ];
  const rows = lines.map(([name, value]) => `${name.padEnd(45)}:${value.padStart(21)}\n`);
  return `${head}\n${"-".repeat(67)}\n${rows.join("")}`;
}

const NOTIFY = ["signal", "none", "thread"] as const;

/** /proc/PID/timers: the timers of timer_create(2) (show_timer()). */
export function timersText(task: Task): string {
  const { group } = task;
  let text = "";
  for (const { id, clockId, event } of [...(group.posixTimers ?? [])].reverse()) {
    const wide =
      (event.valueHi >>> 0).toString(16).padStart(8, "0") + (event.valueLo >>> 0).toString(16).padStart(8, "0");
    const toThread = (event.notify & SIGEV_THREAD_ID) !== 0;
    const whom = toThread ? `tid.${event.tid}` : `pid.${group.pid}`;
    text += `ID: ${id}\nsignal: ${event.signo}/${wide}\n`;
    text += `notify: ${NOTIFY[event.notify & ~SIGEV_THREAD_ID] ?? "none"}/${whom}\nClockID: ${clockId}\n`;
  }
  return text;
}

/** /proc/PID/task/TID/children: the children that this thread made. */
export function childrenText(task: Task): string {
  let text = "";
  for (const child of task.group.children) {
    const parent = child.leader.parentTask;
    const own =
      parent === task || (task.tid === task.pid && !(parent?.group === task.group && parent.state !== "dead"));
    if (own) text += `${child.pid} `;
  }
  return text;
}
