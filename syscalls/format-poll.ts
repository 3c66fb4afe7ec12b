/** strace 6.1's texts of poll and select. */
import * as P from "../src/abi/poll.ts";
import type { TimeWidth } from "../src/kernel/time-values.ts";
import type { CallView } from "./define.ts";
import { flagsText, type NameTable, peek, pointerText } from "./strace-text.ts";
import { timespecAt, timevalAt } from "./struct-text.ts";

const EVENTS: NameTable = [
  [P.POLLIN, "POLLIN"],
  [P.POLLPRI, "POLLPRI"],
  [P.POLLOUT, "POLLOUT"],
  [P.POLLERR, "POLLERR"],
  [P.POLLHUP, "POLLHUP"],
  [P.POLLNVAL, "POLLNVAL"],
  [P.POLLRDNORM, "POLLRDNORM"],
  [P.POLLRDBAND, "POLLRDBAND"],
  [P.POLLWRNORM, "POLLWRNORM"],
  [P.POLLWRBAND, "POLLWRBAND"],
  [0x400, "POLLMSG"],
  [0x1000, "POLLREMOVE"],
  [P.POLLRDHUP, "POLLRDHUP"],
];

const ARRAY_LIMIT = 32;

interface Pollfd {
  readonly fd: number;
  readonly events: number;
  readonly revents: number;
}

function pollfds(call: CallView, address: number): Pollfd[] | undefined {
  const count = call.values[1] as number;
  const bytes = peek(call.task, address, count * 8);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, i) => ({
    fd: view.getInt32(i * 8, true),
    events: view.getUint16(i * 8 + 4, true),
    revents: view.getUint16(i * 8 + 6, true),
  }));
}

function listed(items: readonly string[]): string {
  return `[${items.length > ARRAY_LIMIT ? [...items.slice(0, ARRAY_LIMIT), "..."].join(", ") : items.join(", ")}]`;
}

/** `[{fd=3, events=POLLIN}]`; negative descriptors have no events. */
export function pollEntriesText(call: CallView, address: number): string | undefined {
  const entries = pollfds(call, address);
  if (entries === undefined) return undefined;
  const items = entries.map(({ fd, events }) =>
    fd < 0 ? `{fd=${fd}}` : `{fd=${fd}, events=${flagsText(events, EVENTS, "POLL???")}}`,
  );
  return listed(items);
}

/** `1 ([{fd=3, revents=POLLIN}])`, `0 (Timeout)`. */
export function pollResultText(value: number, call: CallView, width: TimeWidth | undefined): string {
  if (value === 0) return "0 (Timeout)";
  const entries = pollfds(call, call.values[0] as number) ?? [];
  const ready = entries
    .filter(({ revents }) => revents !== 0)
    .map(({ fd, revents }) => `{fd=${fd}, revents=${flagsText(revents, EVENTS, "POLL???")}}`);
  const timeout = width === undefined ? 0 : (call.values[2] as number);
  const left = timeout === 0 ? undefined : timespecAt(call, timeout, width);
  return `${value} (${listed(ready)}${left === undefined ? "" : `, left ${left}`})`;
}

function members(call: CallView, address: number, count: number): number[] | undefined {
  const bytes = peek(call.task, address, Math.ceil(Math.min(count, P.FD_SETSIZE) / 8));
  if (bytes === undefined) return undefined;
  const found: number[] = [];
  for (let fd = 0; fd < count && fd >> 3 < bytes.length; fd++) if (bytes[fd >> 3] & (1 << (fd & 7))) found.push(fd);
  return found;
}

/** `[3 4]`. */
export function fdSetText(call: CallView, address: number, count: number): string {
  const found = members(call, address, count);
  return found === undefined ? pointerText(address) : `[${found.join(" ")}]`;
}

/** `1 (in [3], left {tv_sec=0, tv_nsec=5})`, `0 (Timeout)`. */
export function selectResultText(value: number, call: CallView, time: "val" | TimeWidth): string {
  if (value === 0) return "0 (Timeout)";
  const count = Math.max(0, call.values[0] as number);
  const parts: string[] = [];
  for (const [i, name] of ["in", "out", "except"].entries()) {
    const address = call.values[i + 1] as number;
    const found = address === 0 ? [] : (members(call, address, count) ?? []);
    if (found.length > 0) parts.push(`${name} [${found.join(" ")}]`);
  }
  const timeout = call.values[4] as number;
  const left = timeout === 0 ? undefined : time === "val" ? timevalAt(call, timeout) : timespecAt(call, timeout, time);
  if (left !== undefined) parts.push(`left ${left}`);
  return `${value} (${parts.join(", ")})`;
}
