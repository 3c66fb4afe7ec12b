/** RLIMIT_CPU of a process (check_process_timers() in kernel/time/posix-cpu-timers.c of 6.x). */
import { RLIMIT_CPU } from "../abi/resource.ts";
import { SI_KERNEL, SIGKILL, SIGXCPU } from "../abi/signal.ts";
import { sigInfo } from "./siginfo.ts";
import { sendToGroup } from "./task-signals.ts";
import type { ThreadGroup } from "./thread-group.ts";

const NS_PER_S = 1_000_000_000;

/** Looks at the limit when it can be reached; to be called for a new process and after each setrlimit. */
export function watchCpuLimit(group: ThreadGroup): void {
  group.cancelCpuLimit?.();
  group.cancelCpuLimit = undefined;
  const { cur, max } = group.rlimits.get(RLIMIT_CPU);
  const dueNs = Math.min(cur, max) * NS_PER_S;
  if (dueNs === Number.POSITIVE_INFINITY) return;
  const { clock, timers } = group.kernel;
  // User time never runs faster than the clock, so the limit is looked at no later than it can be reached.
  const atNs = clock.monotonicNs + Math.max(0, dueNs - group.runningUserNs);
  group.cancelCpuLimit = timers.add(atNs, () => checkCpuLimit(group));
}

/** SIGKILL at the hard limit; at the soft one SIGXCPU, and again each second. */
function checkCpuLimit(group: ThreadGroup): void {
  const { cur, max } = group.rlimits.get(RLIMIT_CPU);
  const usedNs = group.runningUserNs;
  if (usedNs >= max * NS_PER_S) {
    sendToGroup(group, sigInfo({ signo: SIGKILL, code: SI_KERNEL }));
    return;
  }
  if (usedNs >= cur * NS_PER_S) {
    sendToGroup(group, sigInfo({ signo: SIGXCPU, code: SI_KERNEL }));
    group.rlimits.set(RLIMIT_CPU, { cur: cur + 1, max });
  }
  watchCpuLimit(group);
}
