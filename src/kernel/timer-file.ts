/** timerfd_create(2) (fs/timerfd.c): a timer that is read. */
import { EAGAIN, EINVAL } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { POLLIN } from "../abi/poll.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import type { HostTime } from "../host/host.ts";
import { anonymousDentry } from "../vfs/eventfd.ts";
import { File } from "../vfs/file.ts";
import type { IoResult } from "../vfs/types.ts";
import { isRealtimeClock } from "./clock-ids.ts";
import type { Kernel } from "./kernel.ts";
import { toNs } from "./time-values.ts";

export interface TimerSetting {
  /** Nanoseconds until the first expiration; 0: disarmed. */
  readonly valueNs: number;
  readonly intervalNs: number;
}

export class TimerFile extends File {
  readonly #kernel: Kernel;
  readonly #clockId: number;
  readonly #queue = new WaitQueue();
  /** CLOCK_MONOTONIC of the next expiration, or of the last one while the timer waits to be read. */
  #deadlineNs = 0;
  #intervalNs = 0;
  /** Expirations that nobody has read. */
  #ticks = 0;
  /** It has expired: a periodic timer runs on when it is read. */
  #expired = false;
  #cancel: (() => void) | undefined;

  constructor(kernel: Kernel, clockId: number, flags: number) {
    super(anonymousDentry(kernel.vfs.anonymous, "timerfd"), O_RDWR | (flags & O_NONBLOCK));
    this.#kernel = kernel;
    this.#clockId = clockId;
  }

  override get splices(): boolean {
    return false;
  }

  override get seekable(): boolean {
    return false;
  }

  override get readsWhole(): boolean {
    return true;
  }

  override get canWrite(): boolean {
    return false;
  }

  /** noop_llseek(). */
  override seek(): number {
    return 0;
  }

  override get waitQueue(): WaitQueue {
    return this.#queue;
  }

  protected override release(): void {
    this.#cancel?.();
  }

  get #now(): number {
    return this.#kernel.clock.monotonicNs;
  }

  /** timerfd_settime(): what was set before. */
  set(value: HostTime, interval: HostTime, absolute: boolean): TimerSetting {
    const old = this.remaining();
    const { clock } = this.#kernel;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#ticks = 0;
    this.#expired = false;
    this.#intervalNs = toNs(interval);
    const valueNs = toNs(value);
    if (valueNs === 0) this.#deadlineNs = 0;
    else if (!absolute) this.#deadlineNs = this.#now + valueNs;
    else this.#deadlineNs = Math.max(1, isRealtimeClock(this.#clockId) ? clock.monotonicOf(value) : valueNs);
    if (this.#deadlineNs !== 0) this.#start();
    return old;
  }

  /** timerfd_gettime(). */
  remaining(): TimerSetting {
    if (this.#expired && this.#intervalNs > 0) this.#restart();
    const left = this.#expired || this.#deadlineNs === 0 ? 0 : Math.max(1, this.#deadlineNs - this.#now);
    return { valueNs: left, intervalNs: this.#intervalNs };
  }

  #start(): void {
    this.#cancel = this.#kernel.timers.add(this.#deadlineNs, () => {
      this.#cancel = undefined;
      this.#expired = true;
      this.#ticks++;
      this.#queue.wake();
    });
    this.#kernel.timers.runDue(this.#now);
  }

  /** Counts the expirations since the one that was noted, and goes on. */
  #restart(): void {
    const passed = Math.floor((this.#now - this.#deadlineNs) / this.#intervalNs) + 1;
    this.#ticks += passed - 1;
    this.#deadlineNs += passed * this.#intervalNs;
    this.#expired = false;
    this.#start();
  }

  override read(into: Uint8Array): IoResult {
    if (into.length < 8) return -EINVAL;
    if (this.#ticks === 0) return this.nonBlocking ? -EAGAIN : this.#queue;
    if (this.#expired && this.#intervalNs > 0) this.#restart();
    new DataView(into.buffer, into.byteOffset).setBigUint64(0, BigInt(this.#ticks), true);
    this.#ticks = 0;
    this.#expired = false;
    if (this.#cancel === undefined) this.#deadlineNs = 0;
    return 8;
  }

  override write(): IoResult {
    return -EINVAL;
  }

  override poll(): number {
    return this.#ticks > 0 ? POLLIN : 0;
  }
}
