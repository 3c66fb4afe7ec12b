/**
 * The standard streams, on the descriptors themselves. `process.stdin` and `process.stdout` are never touched: they would
 * make the descriptors non-blocking. Somebody else may have done so (a shared terminal or pipe), so EAGAIN is waited out.
 */
import * as fs from "node:fs";
import { EAGAIN, EINTR, EIO } from "../abi/errno.ts";
import type { HostStat, HostStdio } from "../host/host.ts";
import { errnoOf } from "./errno.ts";
import { hostStat } from "./fs.ts";

/** Longest pause between two attempts on a descriptor that is not ready. */
const MAX_PAUSE_MS = 10;

/** Calls `attempt` until it answers something else than "not now". */
function persist(attempt: () => number): number {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let pause = 0.25; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    let result: number;
    try {
      result = attempt();
    } catch (error) {
      result = errnoOf(error);
    }
    if (result !== -EAGAIN && result !== -EINTR) return result;
    Atomics.wait(cell, 0, 0, pause);
  }
}

/** Loads node:tty (and with it node:net) only for what may be a terminal. */
function isTerminal(fd: number): boolean {
  try {
    return fs.fstatSync(fd).isCharacterDevice() && process.getBuiltinModule("node:tty").isatty(fd);
  } catch {
    return false;
  }
}

export class NodeStdio implements HostStdio {
  /** Second open files for `readNow`, by descriptor. */
  readonly #twins = new Map<number, number | undefined>();

  read(fd: number, into: Uint8Array): number {
    if (into.length === 0) return 0;
    return persist(() => fs.readSync(fd, into, 0, into.length, null));
  }

  /**
   * A pipe or terminal is opened anew for this, as O_NONBLOCK belongs to the open file and others hold the one that folio was
   * given. What cannot be opened so (a socket, or no /proc) is read with waiting only.
   */
  readNow(fd: number, into: Uint8Array): number | undefined {
    const twin = this.#twinOf(fd);
    if (twin === undefined) return undefined;
    try {
      return fs.readSync(twin, into, 0, into.length, null);
    } catch (error) {
      return errnoOf(error);
    }
  }

  #twinOf(fd: number): number | undefined {
    if (this.#twins.has(fd)) return this.#twins.get(fd);
    let twin: number | undefined;
    try {
      const stat = fs.fstatSync(fd);
      const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = fs.constants;
      if ((stat.isFIFO() || isTerminal(fd)) && process.platform === "linux")
        twin = fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    } catch {}
    this.#twins.set(fd, twin);
    return twin;
  }

  write(fd: number, from: Uint8Array): number {
    let done = 0;
    while (done < from.length) {
      const count = persist(() => fs.writeSync(fd, from, done, from.length - done, null));
      if (count < 0) return count;
      if (count === 0) return -EIO;
      done += count;
    }
    return done;
  }

  isTerminal(fd: number): boolean {
    return isTerminal(fd);
  }

  stat(fd: number): HostStat | number {
    try {
      return hostStat(fs.fstatSync(fd, { bigint: true }));
    } catch (error) {
      return errnoOf(error);
    }
  }

  /**
   * Node tells a terminal's size only through `tty.WriteStream`, which would make the terminal non-blocking; the size is
   * therefore what the environment says (LINES, COLUMNS), or 24 × 80 as an unset terminal has.
   */
  windowSize(fd: number): { rows: number; cols: number } | undefined {
    if (!isTerminal(fd)) return undefined;
    const number = (name: string, fallback: number) => {
      const value = Number(process.env[name]);
      return Number.isInteger(value) && value > 0 && value < 65536 ? value : fallback;
    };
    return { rows: number("LINES", 24), cols: number("COLUMNS", 80) };
  }
}
