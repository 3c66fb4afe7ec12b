/** struct rusage (getrusage(2)) and its text. */
import type { Abi } from "../src/abi/abi.ts";
import { FrameReader, FrameWriter } from "../src/kernel/frame-writer.ts";
import { timevalBytes, toTime } from "../src/kernel/time-values.ts";
import type { CallView } from "./define.ts";
import { peek } from "./strace-text.ts";

export interface Usage {
  readonly userNs: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** ru_maxrss in KiB. */
  readonly maxRssKb?: number;
}

/** Two timevals and 14 longs. */
export function rusageBytes(abi: Abi, usage: Usage): Uint8Array {
  const word = abi === "amd64" ? 8 : 4;
  const out = new FrameWriter(18 * word);
  out.bytes.set(timevalBytes(abi, toTime(usage.userNs)));
  const put = (index: number, value: number): void => {
    if (word === 8) out.u64(8 * (4 + index), value);
    else out.u32(4 * (4 + index), value);
  };
  put(0, usage.maxRssKb ?? 0);
  put(4, usage.minorFaults);
  put(5, usage.majorFaults);
  return out.bytes;
}

/** `{ru_utime={tv_sec=0, tv_usec=1234}, ru_stime={…}, ...}`. */
export function rusageText(address: number, call: CallView): string | undefined {
  const wide = call.abi === "amd64";
  const bytes = peek(call.task, address, wide ? 144 : 72);
  if (bytes === undefined) return undefined;
  const from = new FrameReader(bytes);
  const word = (index: number) => (wide ? from.i64(8 * index) : from.i32(4 * index));
  return `{ru_utime={tv_sec=${word(0)}, tv_usec=${word(1)}}, ru_stime={tv_sec=${word(2)}, tv_usec=${word(3)}}, ...}`;
}
