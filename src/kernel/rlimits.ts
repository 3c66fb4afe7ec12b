/** Resource limits of a thread group (setrlimit(2)); `RLIM_INFINITY` is Infinity. */
import {
  RLIM_INFINITY,
  RLIM_NLIMITS,
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RTPRIO,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../abi/resource.ts";

export interface Rlimit {
  readonly cur: number;
  readonly max: number;
}

export class Rlimits {
  readonly #limits: Rlimit[];

  constructor(limits: readonly Rlimit[]) {
    this.#limits = [...limits];
  }

  get(resource: number): Rlimit {
    return this.#limits[resource];
  }

  set(resource: number, limit: Rlimit): void {
    this.#limits[resource] = limit;
  }

  copy(): Rlimits {
    return new Rlimits(this.#limits);
  }
}

/** INIT_RLIMITS of include/asm-generic/resource.h; `overrides` are a machine's own. */
export function initialRlimits(overrides: ReadonlyMap<number, Rlimit> = new Map()): Rlimits {
  const limits: Rlimit[] = [];
  for (let i = 0; i < RLIM_NLIMITS; i++) limits.push(overrides.get(i) ?? { cur: RLIM_INFINITY, max: RLIM_INFINITY });
  const set = (resource: number, cur: number, max: number): void => {
    if (!overrides.has(resource)) limits[resource] = { cur, max };
  };
  set(RLIMIT_STACK, 8 * 1024 * 1024, RLIM_INFINITY);
  set(RLIMIT_CORE, 0, RLIM_INFINITY);
  set(RLIMIT_NPROC, 31829, 31829);
  set(RLIMIT_NOFILE, 1024, 1048576);
  set(RLIMIT_MEMLOCK, 8 * 1024 * 1024, 8 * 1024 * 1024);
  set(RLIMIT_SIGPENDING, 31829, 31829);
  set(RLIMIT_MSGQUEUE, 819200, 819200);
  set(RLIMIT_NICE, 0, 0);
  set(RLIMIT_RTPRIO, 0, 0);
  return new Rlimits(limits);
}
