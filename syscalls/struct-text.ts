/** strace's texts of the structs that more than one call takes. */
import type { Abi } from "../src/abi/abi.ts";
import { SIGNAL_NAMES, SIGRTMIN } from "../src/abi/signal.ts";
import { FrameReader } from "../src/kernel/frame-writer.ts";
import { SignalSet } from "../src/kernel/signal-set.ts";
import { type TimeWidth, timespecSize } from "../src/kernel/time-values.ts";
import { pointerTo } from "./codecs.ts";
import type { CallView, Codec } from "./define.ts";
import { peek } from "./strace-text.ts";

/** `SIGSEGV`, `SIGRT_2` (the second real-time signal), or the number. */
export function signalText(signal: number): string {
  if (signal >= 1 && signal < SIGNAL_NAMES.length) return `SIG${SIGNAL_NAMES[signal]}`;
  if (signal === SIGRTMIN) return "SIGRTMIN";
  if (signal > SIGRTMIN && signal <= 64) return `SIGRT_${signal - SIGRTMIN}`;
  return String(signal);
}

/** `[HUP INT]`, `~[KILL STOP]` for sets that are nearly full (strace signal.c, sprintsigmask_val()). */
export function signalSetText(set: SignalSet): string {
  const members = set.list();
  const inverted = members.length > 42;
  const shown = inverted ? set.complement().list() : members;
  const names = shown.map((signal) => signalText(signal).replace(/^SIG/, ""));
  return `${inverted ? "~" : ""}[${names.join(" ")}]`;
}

/** A sigset_t of 8 bytes in memory. */
export function sigsetAt(call: CallView, address: number, size = 8): string | undefined {
  const bytes = peek(call.task, address, size);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  return signalSetText(new SignalSet(from.i32(0), size >= 8 ? from.i32(4) : 0));
}

/** `sigset_t *`; the handler gets the address. */
export function sigset(name: string, when: "entry" | "exit", size = 8): Codec<number> {
  return pointerTo(name, when, (address, call) => sigsetAt(call, address, size));
}

function pairAt(call: CallView, address: number, abi: Abi, width: TimeWidth): [number, number] | undefined {
  const bytes = peek(call.task, address, timespecSize(abi, width));
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  return bytes.length === 16 ? [from.i64(0), from.i64(8)] : [from.i32(0), from.i32(4)];
}

/** `{tv_sec=1, tv_nsec=0}`. */
export function timespecAt(call: CallView, address: number, width: TimeWidth = "native"): string | undefined {
  const pair = pairAt(call, address, call.abi, width);
  return pair === undefined ? undefined : `{tv_sec=${pair[0]}, tv_nsec=${pair[1]}}`;
}

/** `{tv_sec=1, tv_usec=0}`. */
export function timevalAt(call: CallView, address: number): string | undefined {
  const pair = pairAt(call, address, call.abi, "native");
  return pair === undefined ? undefined : `{tv_sec=${pair[0]}, tv_usec=${pair[1]}}`;
}

/** `struct timespec *`. */
export function timespec(name: string, when: "entry" | "exit", width: TimeWidth = "native"): Codec<number> {
  return pointerTo(name, when, (address, call) => timespecAt(call, address, width));
}

/** `struct timeval *`. */
export function timeval(name: string, when: "entry" | "exit"): Codec<number> {
  return pointerTo(name, when, (address, call) => timevalAt(call, address));
}

/** `struct itimerspec *` or `struct itimerval *`: two times. */
export function itimer(
  name: string,
  when: "entry" | "exit",
  kind: "spec" | "val",
  width: TimeWidth = "native",
): Codec<number> {
  return pointerTo(name, when, (address, call) => {
    const size = timespecSize(call.abi, width);
    const one = (at: number) => (kind === "spec" ? timespecAt(call, at, width) : timevalAt(call, at));
    const interval = one(address);
    const value = one(address + size);
    if (interval === undefined || value === undefined) return undefined;
    return `{it_interval=${interval}, it_value=${value}}`;
  });
}
