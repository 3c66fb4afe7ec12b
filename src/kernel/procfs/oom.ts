/** OOM scores by kernel generation (mm/oom_kill.c), and the adjustments of processes. */
import { EACCES, EINVAL } from "../../abi/errno.ts";
import { isPrivileged } from "../credentials.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task.ts";
import type { ThreadGroup } from "../thread-group.ts";

const OOM_DISABLE = -17;
const OOM_ADJUST_MAX = 15;
const OOM_SCORE_ADJ_MIN = -1000;
const OOM_SCORE_ADJ_MAX = 1000;

/** signal_struct's oom_score_adj and its lower bound; oom_adj of 2.6.32 is kept in its own scale. */
interface Adjustment {
  score: number;
  scoreMin: number;
  old: number;
}

export class OomScores {
  readonly #kernel: Kernel;
  readonly #adjustments = new WeakMap<ThreadGroup, Adjustment>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Inherited from the parent when it is looked at first. */
  #of(group: ThreadGroup): Adjustment {
    const known = this.#adjustments.get(group);
    if (known !== undefined) return known;
    const made = group.parent === undefined ? { score: 0, scoreMin: 0, old: 0 } : { ...this.#of(group.parent) };
    this.#adjustments.set(group, made);
    return made;
  }

  scoreAdjustment(group: ThreadGroup): number {
    return this.#of(group).score;
  }

  /** oom_adj as the generation reads it back: 6.x scales by 17/1000, the maximum by itself. */
  oldAdjustment(group: ThreadGroup): number {
    const { score, old } = this.#of(group);
    if (this.#kernel.generation.procfs.oomScore !== "pages") return old;
    return score === OOM_SCORE_ADJ_MAX ? OOM_ADJUST_MAX : Math.trunc((score * -OOM_DISABLE) / OOM_SCORE_ADJ_MAX);
  }

  setScoreAdjustment(group: ThreadGroup, value: number, by: Task): number {
    if (value < OOM_SCORE_ADJ_MIN || value > OOM_SCORE_ADJ_MAX) return -EINVAL;
    const adjustment = this.#of(group);
    const privileged = isPrivileged(by.creds);
    if (value < adjustment.scoreMin && !privileged) return -EACCES;
    adjustment.score = value;
    if (privileged) adjustment.scoreMin = value;
    adjustment.old =
      value === OOM_SCORE_ADJ_MIN ? OOM_DISABLE : Math.trunc((value * OOM_ADJUST_MAX) / OOM_SCORE_ADJ_MAX);
    return 0;
  }

  setOldAdjustment(group: ThreadGroup, value: number, by: Task): number {
    if ((value < OOM_DISABLE || value > OOM_ADJUST_MAX) && value !== OOM_DISABLE) return -EINVAL;
    const scaled =
      value === OOM_ADJUST_MAX ? OOM_SCORE_ADJ_MAX : Math.trunc((value * OOM_SCORE_ADJ_MAX) / -OOM_DISABLE);
    const old = this.oldAdjustment(group);
    if (value < old && !isPrivileged(by.creds)) return -EACCES;
    const adjustment = this.#of(group);
    adjustment.score = scaled;
    adjustment.old = value;
    return 0;
  }

  /** What /proc/PID/oom_score prints. */
  score(task: Task): number {
    switch (this.#kernel.generation.procfs.oomScore) {
      case "badness":
        return this.#badness(task);
      case "permille":
        return this.#permille(task);
      default:
        return this.#pages(task);
    }
  }

  /** badness() of 2.6.32: virtual size, half of the children's, run time, nice, capabilities, oom_adj. */
  #badness(task: Task): number {
    const { group } = task;
    const { old } = this.#of(group);
    if (old === OOM_DISABLE || task.state === "dead") return 0;
    let points = task.mm.totalVm;
    for (const child of group.children) {
      const member = child.tasks.get(child.pid);
      if (member !== undefined && member.mm !== task.mm && !child.zombie)
        points += Math.floor(member.mm.totalVm / 2) + 1;
    }
    const cpuUnits = Math.floor(group.userNs / 1e9 / 10.24);
    const ageUnits = Math.floor((this.#kernel.clock.monotonicNs - group.startNs) / 1e9 / 1024);
    if (cpuUnits > 0) points = Math.floor(points / Math.floor(Math.sqrt(cpuUnits)));
    if (ageUnits > 0) points = Math.floor(points / Math.floor(Math.sqrt(Math.floor(Math.sqrt(ageUnits)))));
    if (task.nice > 0) points *= 2;
    if (isPrivileged(task.creds)) points = Math.floor(Math.floor(points / 4) / 4);
    if (old > 0) points = (points === 0 ? 1 : points) * 2 ** old;
    else if (old < 0) points = Math.floor(points / 2 ** -old);
    return points;
  }

  /** oom_badness() of 2.6.36 to 2.6.38: parts of 1000 of the memory. */
  #permille(task: Task): number {
    const { score } = this.#of(task.group);
    if (score === OOM_SCORE_ADJ_MIN || task.state === "dead") return 0;
    let points = Math.floor((task.mm.rss * 1000) / this.#kernel.physical.totalFrames);
    if (isPrivileged(task.creds)) points -= 30;
    points += score;
    return Math.min(1000, Math.max(1, points));
  }

  /** proc_oom_score() of 5.9 and later: 2/3 of 1000 plus the thousandths that the badness in pages makes. */
  #pages(task: Task): number {
    const total = this.#kernel.physical.totalFrames;
    const { score } = this.#of(task.group);
    if (score === OOM_SCORE_ADJ_MIN || task.state === "dead") return 0;
    const badness = task.mm.rss + Math.floor(task.mm.pteBytes / 4096) + score * Math.floor(total / 1000);
    return Math.floor(((1000 + Math.trunc((badness * 1000) / total)) * 2) / 3);
  }
}
