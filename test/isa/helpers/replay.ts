/** Runs an input record in the helpers and compares with what the processor made of it. */
import { Field, type GROUPS, RECORD_BYTES, SIMPLE, type Simple, SPECIAL, type Special } from "./cases.ts";
import { ARGS, type Helpers, RESULT } from "./harness.ts";
import { loadX87, runX87, x87Differences } from "./x87-replay.ts";

const MXCSR = 0x10e0;
const FP_TRAP = 0x10e8;

const byName = new Map<string, Simple | Special>([...SIMPLE, ...SPECIAL].map((test) => [test.name, test]));

const hexOf = (view: DataView, at: number, bytes: number): string =>
  Array.from({ length: bytes }, (_, i) =>
    view
      .getUint8(at + bytes - 1 - i)
      .toString(16)
      .padStart(2, "0"),
  ).join("");

function setArguments(h: Helpers, test: Simple, input: DataView): void {
  const imm = input.getUint8(Field.code + test.code.length - 1);
  for (const [i, arg] of test.args.entries()) {
    const at = ARGS + 16 * i;
    if (typeof arg === "number" || arg === "imm") h.view.setUint32(at, arg === "imm" ? imm : arg, true);
    else for (let k = 0; k < 16; k++) h.u8[at + k] = input.getUint8(Field[arg] + k);
  }
}

function replaySimple(h: Helpers, test: Simple, input: DataView, output: DataView): string {
  h.view.setUint32(MXCSR, input.getUint32(Field.mxcsr, true), true);
  h.view.setUint32(FP_TRAP, 0, true);
  setArguments(h, test, input);
  (h.call[test.helper] as () => void)();
  const trap = output.getUint32(Field.trap, true);
  const found: string[] = [];
  const note = (what: string, want: string, got: string) => {
    if (want !== got) found.push(`${what} ${want}, not ${got}`);
  };
  note("trap", `${trap}`, `${h.view.getUint32(FP_TRAP, true)}`);
  note("mxcsr", hexOf(output, Field.mxcsr, 4), hexOf(h.view, MXCSR, 4));
  const [where, bytes] = test.result;
  if (trap === 0) note(where, hexOf(output, Field[where], bytes), hexOf(h.view, RESULT, bytes));
  return found.join("; ");
}

function copyIn(h: Helpers, index: number, input: DataView, field: number): void {
  for (let k = 0; k < 16; k++) h.u8[ARGS + 16 * index + k] = input.getUint8(field + k);
}

function replayDivision(h: Helpers, name: string, input: DataView, output: DataView): string {
  const prefix = name === "div" ? "divu" : "divs";
  for (const [i, field] of [Field.dx, Field.ax, Field.cx].entries()) copyIn(h, i, input, field);
  let overflow = Number(input.getBigUint64(Field.dx, true) >= input.getBigUint64(Field.cx, true));
  if (prefix === "divs") {
    (h.call.divsOverflows128 as () => void)();
    overflow = h.view.getUint32(RESULT, true);
  }
  if (overflow !== output.getUint32(Field.trap, true)) return `overflow is ${overflow}`;
  if (overflow) return "";
  (h.call[`${prefix}Quotient128`] as () => void)();
  const quotient = hexOf(h.view, RESULT, 8);
  (h.call[`${prefix}Remainder128`] as () => void)();
  const got = `${quotient} rest ${hexOf(h.view, RESULT, 8)}`;
  const want = `${hexOf(output, Field.ax, 8)} rest ${hexOf(output, Field.dx, 8)}`;
  return got === want ? "" : `${want}, not ${got}`;
}

function replayString(h: Helpers, test: Special, input: DataView, output: DataView): string {
  const imm = input.getUint8(Field.code + test.code.length - 1);
  const explicit = test.name.startsWith("pcmpe");
  const fields = explicit ? [Field.xmm1, Field.xmm2, Field.ax, Field.dx] : [Field.xmm1, Field.xmm2];
  for (const [i, field] of fields.entries()) copyIn(h, i, input, field);
  h.view.setUint32(ARGS + 16 * fields.length, imm, true);
  (h.call[explicit ? "pcmpestr" : "pcmpistr"] as () => void)();
  const result = h.view.getUint32(RESULT, true);
  h.view.setUint32(ARGS, result, true);
  h.view.setUint32(ARGS + 16, imm, true);
  const mask = test.name.endsWith("m");
  (h.call[mask ? "pcmpMask" : "pcmpIndex"] as () => void)();
  const flags = (result >>> 16).toString(16);
  const got = `${hexOf(h.view, RESULT, mask ? 16 : 4)} ${flags}`;
  const where = mask ? hexOf(output, Field.xmm0, 16) : hexOf(output, Field.cx, 4);
  const want = `${where} ${output.getUint32(Field.flags, true).toString(16)}`;
  return got === want ? "" : `${want}, not ${got}`;
}

function replayBcd(h: Helpers, test: Special, input: DataView, output: DataView): string {
  copyIn(h, 0, input, Field.ax);
  if (test.imm === undefined) copyIn(h, 1, input, Field.flags);
  else h.view.setUint32(ARGS + 16, input.getUint8(Field.code + 1), true);
  (h.call[`bcd${test.name}`] as () => void)();
  const result = h.view.getUint32(RESULT, true);
  const want = ((output.getUint16(Field.ax, true) | (output.getUint32(Field.flags, true) << 16)) >>> 0).toString(16);
  return want === result.toString(16) ? "" : `${want}, not ${result.toString(16)}`;
}

/** What the helpers do otherwise than the processor, or "". */
export function differences(h: Helpers, name: string, input: DataView, output: DataView): string {
  const test = byName.get(name);
  if (test === undefined) {
    if (output.getUint32(Field.trap, true)) return "the processor trapped";
    loadX87(h, input);
    const memory = new DataView(new ArrayBuffer(20));
    for (let i = 0; i < 20; i++) memory.setUint8(i, input.getUint8(Field.memory + i));
    const flags = runX87(h, input, memory);
    return x87Differences(h, input, output, memory, flags);
  }
  switch (test.kind) {
    case "simple":
      return replaySimple(h, test, input, output);
    case "div":
      return replayDivision(h, test.name, input, output);
    case "string":
      return replayString(h, test, input, output);
    default:
      return replayBcd(h, test as Special, input, output);
  }
}

/** Input records of a group, one after the other. */
export function inputRecords(group: (typeof GROUPS)[number], count: number, below: (n: number) => number): Uint8Array {
  const bytes = new Uint8Array(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) group.fill(new DataView(bytes.buffer, i * RECORD_BYTES, RECORD_BYTES), below);
  return bytes;
}
