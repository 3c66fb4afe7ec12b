/**
 * The guest's time. It is virtual by default: it moves with the instructions executed and jumps when every task sleeps, so
 * that a run is repeatable and sleep(20) costs nothing. Nanoseconds since boot are plain numbers (exact for 104 days).
 */
import type { HostClock, HostTime } from "../host/host.ts";
import type { CpuRunner } from "./cpu.ts";

const NS_PER_SEC = 1_000_000_000;

export interface Clock {
  /** CLOCK_MONOTONIC, CLOCK_BOOTTIME: nanoseconds since boot. */
  readonly monotonicNs: number;
  /** CLOCK_REALTIME. */
  realtime(): HostTime;
  /** CLOCK_REALTIME at a given CLOCK_MONOTONIC time. */
  realtimeAt(monotonicNs: number): HostTime;
  /** The CLOCK_MONOTONIC time at which CLOCK_REALTIME is `time`. */
  monotonicOf(time: HostTime): number;
  setRealtime(time: HostTime): void;
  /** Instructions that may run before `ns` must be looked at again; at least 1. */
  budgetUntil(ns: number): number;
  /** Nothing can run before `ns`: time passes. */
  idleUntil(ns: number): void;
}

abstract class BaseClock {
  /** CLOCK_REALTIME minus CLOCK_MONOTONIC. */
  #bootSec: number;
  #bootNsec: number;

  constructor(realtime: HostTime, monotonicNs: number) {
    const boot = subtract(realtime, monotonicNs);
    this.#bootSec = boot.sec;
    this.#bootNsec = boot.nsec;
  }

  abstract readonly monotonicNs: number;

  realtime(): HostTime {
    return this.realtimeAt(this.monotonicNs);
  }

  realtimeAt(monotonicNs: number): HostTime {
    const nsec = this.#bootNsec + (monotonicNs % NS_PER_SEC);
    const carry = nsec >= NS_PER_SEC ? 1 : 0;
    return { sec: this.#bootSec + Math.floor(monotonicNs / NS_PER_SEC) + carry, nsec: nsec - carry * NS_PER_SEC };
  }

  monotonicOf(time: HostTime): number {
    return (time.sec - this.#bootSec) * NS_PER_SEC + (time.nsec - this.#bootNsec);
  }

  setRealtime(time: HostTime): void {
    const boot = subtract(time, this.monotonicNs);
    this.#bootSec = boot.sec;
    this.#bootNsec = boot.nsec;
  }
}

function subtract(time: HostTime, ns: number): HostTime {
  const nsec = time.nsec - (ns % NS_PER_SEC);
  const borrow = nsec < 0 ? 1 : 0;
  return { sec: time.sec - Math.floor(ns / NS_PER_SEC) - borrow, nsec: nsec + borrow * NS_PER_SEC };
}

/** One instruction takes one nanosecond; sleeping takes none of the host's time. */
export class VirtualClock extends BaseClock implements Clock {
  readonly #cpu: CpuRunner;
  #skippedNs: number;

  constructor(cpu: CpuRunner, realtime: HostTime, uptimeNs: number) {
    super(realtime, uptimeNs);
    this.#cpu = cpu;
    this.#skippedNs = uptimeNs - cpu.instructions;
  }

  override get monotonicNs(): number {
    return this.#skippedNs + this.#cpu.instructions;
  }

  budgetUntil(ns: number): number {
    return Math.max(1, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(ns - this.monotonicNs)));
  }

  idleUntil(ns: number): void {
    this.#skippedNs += Math.max(0, ns - this.monotonicNs);
  }
}

/** `--clock real`: the host's time; deadlines are met when the next time slice ends. */
export class RealClock extends BaseClock implements Clock {
  readonly #host: HostClock;
  readonly #offsetNs: number;

  constructor(host: HostClock, uptimeNs: number) {
    super(host.realtime(), uptimeNs);
    this.#host = host;
    this.#offsetNs = uptimeNs - host.monotonicNs();
  }

  override get monotonicNs(): number {
    return Math.floor(this.#host.monotonicNs() + this.#offsetNs);
  }

  budgetUntil(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  idleUntil(ns: number): void {
    const left = ns - this.monotonicNs;
    if (left > 0) this.#host.sleepNs(left);
  }
}
