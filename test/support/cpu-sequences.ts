/**
 * Random sequences of 1–20 instructions for the differential CPU test: branches forwards and (through a shuffled layout and a
 * counted loop around the whole) backwards, flag consumers, partial registers, memory operands around a few pointers, string
 * instructions, calls, and stores into the sequence's own code. A sequence is data, so that a failing one can be shrunk.
 */
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { DecodeStatus, type Form, type Instruction, NO_REG, OperandKind } from "../../src/isa/instruction.ts";
import { FORMS } from "../../src/isa/tables/forms.ts";
import { type Below, CODE_BASE, CODE_MAX, type CpuCase, casesRandom, DATA_BASE, Field, READ_ONLY } from "./cpu-case.ts";
import { encode, isComparable } from "./cpu-generator.ts";

/** One step of a sequence, before it has an address. */
type Item =
  | { readonly kind: "bytes"; readonly name: string; readonly bytes: readonly number[] }
  /** A conditional (0–15), unconditional (16) or calling (17) branch to the item of that number, always a later one. */
  | { readonly kind: "branch"; readonly code: number; readonly wide: boolean; readonly to: number }
  /** A store to the byte `offset` of the item of that number; the address is the last four bytes but `tail` of `bytes`. */
  | {
      readonly kind: "patch";
      readonly bytes: readonly number[];
      readonly tail: number;
      readonly to: number;
      readonly offset: number;
    };

export interface Sequence {
  readonly codeBits: 32 | 64;
  readonly seed: number;
  readonly rip: number;
  readonly items: readonly Item[];
  /** Numbers of items that begin a new run in memory, and the order of the runs. */
  readonly layout: readonly (readonly number[])[];
  /** The loop around the items: its head, how it counts, how often. */
  readonly loop: { readonly head: number; readonly kind: "dec" | "loop"; readonly count: number } | undefined;
  readonly overrides: readonly (readonly [number, number])[];
}

const [RSP, RSI, RDI] = [4, 6, 7];
/** Low numbers of the registers that hold pointers; in 64-bit code those 8 above them too. */
const POINTERS = [3, 5];
/** Small numbers, for indexing; in 64-bit code R14 as well. */
const INDEX = 6;
const COUNTER_64 = 15;
const COUNTER_32 = 7;

const NOT_IN_SEQUENCES =
  /^(j.*|call|ret|loop.*|int|int3|into|ud.|hlt|popf|popa|enter|leave|bound|in|out|ins|outs|cli|sti|movs|stos|lods|scas|cmps|maskmov.*|vmaskmov.*|xlat|f2xm1|fyl2x.*|fptan|fpatan|fsin|fcos|fsincos|fninit|mov_cr|arpl|xbegin|.*gather.*)$/;

interface Pools {
  readonly producers: readonly Form[];
  readonly consumers: readonly Form[];
  readonly integer: readonly Form[];
  readonly sse: readonly Form[];
  readonly x87: readonly Form[];
  readonly mmx: readonly Form[];
  readonly vex: readonly Form[];
}

const pools = new Map<number, Pools>();
function poolsOf(codeBits: 32 | 64): Pools {
  const known = pools.get(codeBits);
  if (known !== undefined) return known;
  const all = FORMS.filter((form) => isComparable(form, codeBits) && !NOT_IN_SEQUENCES.test(form.mnemonic));
  const base = all.filter((form) =>
    /^(base|x64|cmov|cx8|cx16|popcnt|lzcnt|bmi[12]|adx|movbe|lahf_lm)$/.test(form.feature),
  );
  const made: Pools = {
    producers: base.filter((form) =>
      /^(add|sub|adc|sbb|cmp|and|or|xor|test|inc|dec|neg|shl|shr|sar|rol|ror|rcl|rcr|shld|shrd|bt.?|mul|imul|xadd)$/.test(
        form.mnemonic,
      ),
    ),
    consumers: base.filter((form) =>
      /^(set.*|cmov.*|adc|sbb|rcl|rcr|lahf|pushf|salc|cmc|inc|dec)$/.test(form.mnemonic),
    ),
    integer: base,
    sse: all.filter((form) => /^(sse.*|ssse3|aes|pclmulqdq|sha)$/.test(form.feature) && !usesMmx(form)),
    x87: all.filter((form) => form.feature === "fpu"),
    mmx: all.filter((form) => usesMmx(form)),
    vex: all.filter((form) => form.opcode.startsWith("VEX")),
  };
  pools.set(codeBits, made);
  return made;
}

function usesMmx(form: Form): boolean {
  return form.feature === "mmx" || form.operands.some((code) => /^[PQN][a-z]/.test(code));
}

const insn = newInstruction();
const buffer = new Uint8Array(32);

function decodeBytes(bytes: readonly number[], codeBits: 32 | 64): boolean {
  buffer.fill(0);
  buffer.set(bytes.slice(0, 15));
  return decode(buffer, 0, 15, codeBits, insn) === DecodeStatus.ok;
}

/** ModR/M (with SIB and displacement) that names memory near a pointer, or a register. */
function modrm(reg: number, below: Below, registerOnly: boolean, align: number): number[] {
  if (registerOnly || below(5) < 2) return [0xc0 | (reg << 3) | below(8)];
  const pointer = POINTERS[below(2)] as number;
  const disp = below(6) === 0 ? below(256) : (align * (below(6) - 3)) & 255;
  switch (below(8)) {
    case 0:
      return [0x44 | (reg << 3), 0x20 | RSP, disp];
    case 1:
      return [0x44 | (reg << 3), (below(4) << 6) | (INDEX << 3) | pointer, disp];
    case 2: {
      const sign = disp & 128 ? 255 : 0;
      return [0x80 | (reg << 3) | pointer, disp, sign, sign, sign];
    }
    case 3:
      if (pointer === 5) return [0x40 | (reg << 3) | pointer, 0];
      return [(reg << 3) | pointer];
    default:
      return [0x40 | (reg << 3) | pointer, disp];
  }
}

/** Whether the decoded instruction writes a register that the sequence depends on. */
function disturbs(i: Instruction, codeBits: 32 | 64): boolean {
  const counter = codeBits === 64 ? COUNTER_64 : COUNTER_32;
  const kept = (reg: number) => reg === counter || reg === RSP || POINTERS.includes(reg & 7) || (reg & 7) === INDEX;
  const { mnemonic } = i.form;
  if (/^(cmp|test|bt|push|vp?test.*|nop|u?comis.)$/.test(mnemonic)) return false;
  for (const [index, operand] of i.operands.entries()) {
    if (index > 0 && !/^(xchg|xadd|mulx|cmpxchg)$/.test(mnemonic)) break;
    if (operand.kind === OperandKind.gpr && kept(operand.reg)) return true;
    if (operand.kind === OperandKind.gprHigh && POINTERS.includes(operand.reg)) return true;
  }
  return false;
}

function instruction(form: Form, codeBits: 32 | 64, below: Below): readonly number[] | undefined {
  for (let attempt = 0; attempt < 24; attempt++) {
    const align = form.operands.some((code) => /^[VHWU]/.test(code)) ? 16 : 4;
    const bytes = encode(form, codeBits, below, (reg) => modrm(reg, below, false, align));
    if (!decodeBytes(bytes, codeBits) || insn.form.id !== form.id) continue;
    const memory = insn.operands.some((operand) => operand.kind === OperandKind.mem);
    if (memory) {
      if (insn.addressSize === 2 || (insn.base === NO_REG && insn.index === NO_REG)) continue;
      if (insn.segment > 3 || (insn.index !== NO_REG && (insn.index & 7) !== INDEX)) continue;
      if (insn.base !== NO_REG && insn.base !== RSP && !POINTERS.includes(insn.base & 7)) continue;
      if (insn.addressSize === 4 && codeBits === 64 && below(3) > 0) continue;
      const bitOffset = /^bt[src]?$/.test(form.mnemonic) && insn.operands[1].kind === OperandKind.gpr;
      if (bitOffset && below(8) > 0) continue;
    }
    if (disturbs(insn, codeBits) && below(24) > 0) continue;
    return bytes.slice(0, insn.length);
  }
  return undefined;
}

function pickForm(kinds: Pools, below: Below, flavour: number): Form {
  const choice = below(20);
  let pool: readonly Form[];
  if (flavour < 6) {
    pool = choice < 9 ? kinds.producers : choice < 15 ? kinds.consumers : choice < 19 ? kinds.integer : kinds.sse;
  } else if (flavour < 8) {
    pool = choice < 5 ? kinds.producers : choice < 8 ? kinds.consumers : choice < 10 ? kinds.integer : kinds.sse;
  } else if (flavour === 8) {
    pool = choice < 4 ? kinds.producers : choice < 14 ? kinds.x87 : choice < 18 ? kinds.mmx : kinds.sse;
  } else if (flavour === 9) pool = choice < 5 ? kinds.producers : choice < 12 ? kinds.vex : kinds.sse;
  else {
    pool = [kinds.producers, kinds.consumers, kinds.integer, kinds.sse, kinds.x87, kinds.mmx, kinds.vex][
      below(7)
    ] as readonly Form[];
  }
  return pool[below(pool.length)] as Form;
}

const imm32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];

/** Short stretches that need registers of their own. */
function template(codeBits: 32 | 64, below: Below): Item[] {
  const bytes = (name: string, ...list: number[]): Item => ({ kind: "bytes", name, bytes: list });
  const pick = (list: readonly number[]) => list[below(list.length)] as number;
  switch (below(codeBits === 64 ? 4 : 3)) {
    case 0: {
      // flags through memory: pushf; op dword [rsp], imm; popf
      const op = pick([0x08, 0x20, 0x30]);
      const value = op === 0x20 ? ~(below(0x1000) & 0xcd5) : below(0x1000) & 0xcd5;
      return [bytes("pushf", 0x9c), bytes("op [rsp]", 0x81, op | 4, 0x24, ...imm32(value)), bytes("popf", 0x9d)];
    }
    case 1:
      return [bytes("cld/std", pick([0xfc, 0xfd])), bytes("stc/clc/cmc", pick([0xf8, 0xf9, 0xf5]))];
    case 2: {
      // division that mostly fits: xor edx, edx or cdq, then div or idiv of a register with a bit set
      const reg = codeBits === 64 ? pick([1, 7]) : 1;
      return [
        bytes("or reg, 5", 0x83, 0xc8 | reg, 5),
        bytes("cdq", 0x99),
        bytes("div", 0xf7, (below(2) ? 0xf0 : 0xf8) | reg),
      ];
    }
    default: {
      const op = pick([0xa4, 0xa5, 0xaa, 0xab, 0xa6, 0xa7, 0xac, 0xad, 0xae, 0xaf]);
      const wide = below(3) === 0 ? [0x48] : below(3) === 0 ? [0x66] : [];
      const rep = pick([0xf3, 0xf3, 0xf2, -1]);
      const [a, b] = below(2) ? POINTERS : [POINTERS[1] as number, POINTERS[0] as number];
      return [
        bytes("mov ecx, n", 0xb9, ...imm32(below(9))),
        bytes("lea rsi", 0x48, 0x8d, 0x40 | (RSI << 3) | (a as number), (below(48) - 24) & 255),
        bytes("lea rdi", 0x48, 0x8d, 0x40 | (RDI << 3) | (b as number), (below(48) - 24) & 255),
        bytes("string", ...(rep < 0 ? [] : [rep]), ...wide, op),
        bytes("mov esi, n", 0xbe, ...imm32(below(6))),
      ];
    }
  }
}

/** A store into one of the immediates of an instruction of the sequence. */
function patch(items: readonly Item[], codeBits: 32 | 64, below: Below): Item | undefined {
  const candidates = items.flatMap((item, index) => {
    if (item.kind !== "bytes" || !decodeBytes(item.bytes, codeBits)) return [];
    const immediate = insn.operands.find((operand) => operand.kind === OperandKind.imm);
    return immediate !== undefined && insn.length === item.bytes.length ? [index] : [];
  });
  if (candidates.length === 0) return undefined;
  const to = candidates[below(candidates.length)] as number;
  const target = items[to] as { bytes: readonly number[] };
  const offset = target.bytes.length - 1;
  const value = below(256);
  // mov byte [disp32], imm8 / add byte [disp32], imm8 / inc byte [disp32] / xor [disp32], al
  const place = [0, 0, 0, 0];
  const forms: [number[], number][] = [
    [[0xc6, 0x05, ...place, value], 1],
    [[0x80, 0x05, ...place, value], 1],
    [[0xfe, 0x05, ...place], 0],
    [[0x30, 0x05, ...place], 0],
  ];
  const [bytes, tail] = forms[below(forms.length)] as [number[], number];
  return { kind: "patch", bytes, tail, to, offset };
}

/** A random sequence. */
export function generateSequence(codeBits: 32 | 64, seed: number): Sequence {
  const below = casesRandom(seed ^ 0x2545f491);
  const kinds = poolsOf(codeBits);
  const flavour = below(12);
  const wanted = 1 + below(20);
  let items: Item[] = [];
  while (items.length < wanted) {
    if (below(14) === 0) {
      items.push(...template(codeBits, below));
      continue;
    }
    const bytes = instruction(pickForm(kinds, below, flavour), codeBits, below);
    if (bytes === undefined || !decodeBytes(bytes, codeBits)) continue;
    items.push({ kind: "bytes", name: insn.form.mnemonic, bytes });
  }
  items = items.slice(0, 24);
  const branches = below(4) === 0 ? 0 : below(4);
  for (let n = 0; n < branches; n++) {
    const at = below(items.length);
    const to = at + 1 + below(Math.min(6, items.length - at + 1));
    const shifted = items.map((item) => (item.kind === "branch" && item.to > at ? { ...item, to: item.to + 1 } : item));
    const code = below(12) === 0 ? 16 : below(16);
    items = [...shifted.slice(0, at), { kind: "branch", code, wide: below(4) === 0, to: to + 1 }, ...shifted.slice(at)];
  }
  if (below(6) === 0) {
    const store = patch(items, codeBits, below);
    if (store !== undefined) {
      const at = below(items.length + 1);
      const moved = (to: number) => (to >= at ? to + 1 : to);
      items = items.map((item) => {
        if (item.kind === "branch") return { ...item, to: item.to > at ? item.to + 1 : item.to };
        return item.kind === "patch" ? { ...item, to: moved(item.to) } : item;
      });
      items.splice(at, 0, { ...store, to: moved((store as { to: number }).to) } as Item);
    }
  }
  const overrides: [number, number][] = [];
  const set = (reg: number, value: number) => {
    overrides.push([Field.gpr + 8 * reg, value >>> 0]);
    if (codeBits === 64) overrides.push([Field.gpr + 8 * reg + 4, 0]);
  };
  for (const low of POINTERS) {
    for (const reg of codeBits === 64 ? [low, low + 8] : [low]) set(reg, pointerValue(below));
  }
  for (const reg of codeBits === 64 ? [INDEX, INDEX + 8] : [INDEX]) set(reg, below(4) * 4);
  const count = below(4) === 0 ? 1 : 1 + below(120);
  const loop = below(8) === 0 ? undefined : ({ head: below(2) ? 0 : below(items.length), kind: "dec", count } as const);
  if (loop !== undefined) set(codeBits === 64 ? COUNTER_64 : COUNTER_32, count);
  const rip = below(16) === 0 ? CODE_BASE + 0x1000 - below(120) : CODE_BASE + 0x400 + below(64);
  return { codeBits, seed, rip, items, layout: randomLayout(items.length, below), loop, overrides };
}

function pointerValue(below: Below): number {
  switch (below(24)) {
    case 0:
      return DATA_BASE + 8 * below(3);
    case 1:
      return DATA_BASE + 0x2000 - 16 * below(3);
    case 2:
      return READ_ONLY + 16;
    case 3:
      return DATA_BASE + 0xfc0 + below(96);
    case 4:
      return CODE_BASE + 0x1800;
    default:
      return DATA_BASE + 0xfe0 + 16 * below(4);
  }
}

/** Runs of consecutive items in a random order. */
function randomLayout(count: number, below: Below): number[][] {
  const runs: number[][] = [];
  const cuts = below(2) === 0 ? 0 : below(4);
  const starts = [...new Set([0, ...Array.from({ length: cuts }, () => below(count))])].sort((a, b) => a - b);
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? count;
    runs.push(Array.from({ length: end - start }, (_, k) => start + k));
  }
  for (let i = runs.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [runs[i], runs[j]] = [runs[j] as number[], runs[i] as number[]];
  }
  return runs;
}

/** The sequence as a case: bytes laid out, branches and patches resolved. Undefined if it is too long. */
export function assemble(sequence: Sequence): CpuCase | undefined {
  const { items, layout, loop, codeBits, rip, seed, overrides } = sequence;
  const end = items.length;
  const out: number[] = [];
  const at = new Array<number>(end + 1).fill(-1);
  const fixes: { place: number; size: 1 | 4; to: number; from: number }[] = [];
  const stores: { place: number; to: number; offset: number; from: number }[] = [];
  const jump = (to: number) => {
    out.push(0xe9, 0, 0, 0, 0);
    fixes.push({ place: out.length - 4, size: 4, to, from: out.length });
  };
  if (layout[0]?.[0] !== 0) jump(0);
  for (const [index, run] of layout.entries()) {
    for (const number of run) {
      at[number] = out.length;
      const item = items[number] as Item;
      if (item.kind === "branch") {
        const { code, to } = item;
        if (code === 16) out.push(0xe9);
        else if (code === 17) out.push(0xe8);
        else out.push(0x0f, 0x80 + code);
        out.push(0, 0, 0, 0);
        fixes.push({ place: out.length - 4, size: 4, to: Math.min(to, end), from: out.length });
      } else {
        out.push(...item.bytes);
        if (item.kind === "patch") {
          stores.push({
            place: out.length - item.tail - 4,
            to: item.to,
            offset: item.offset,
            from: out.length,
          });
        }
      }
    }
    const next = run.length === 0 ? end : (run[run.length - 1] as number) + 1;
    const follower = layout[index + 1]?.[0] ?? end;
    const isLast = index === layout.length - 1;
    if (next !== follower || (isLast && next !== end)) jump(next);
  }
  at[end] = out.length;
  if (loop !== undefined) {
    if (codeBits === 64) out.push(0x41, 0xff, 0xc8 | (COUNTER_64 & 7));
    else out.push(0xff, 0xc8 | COUNTER_32);
    out.push(0x0f, 0x85, 0, 0, 0, 0);
    fixes.push({ place: out.length - 4, size: 4, to: loop.head, from: out.length });
  }
  if (out.length > CODE_MAX) return undefined;
  const write32 = (place: number, value: number) => {
    for (let i = 0; i < 4; i++) out[place + i] = (value >> (8 * i)) & 255;
  };
  for (const { place, to, from } of fixes) write32(place, (at[to] as number) - from);
  for (const { place, to, offset, from } of stores) {
    const target = (at[to] as number) + offset;
    write32(place, codeBits === 64 ? target - from : rip + target);
  }
  return { codeBits, seed, rip, code: Uint8Array.from(out), overrides: [...overrides] };
}

/** Simpler sequences than this one, simplest first: candidates for a smaller failing case. */
export function* simplifications(sequence: Sequence): Generator<Sequence> {
  const { items, loop, layout, overrides } = sequence;
  if (layout.length > 1) yield { ...sequence, layout: [items.map((_, i) => i)] };
  if (loop !== undefined) {
    yield { ...sequence, loop: undefined };
    for (const count of [1, 2, 3, loop.count >> 1]) {
      if (count < 1 || count >= loop.count) continue;
      const reg = Field.gpr + 8 * (sequence.codeBits === 64 ? COUNTER_64 : COUNTER_32);
      const changed = overrides.map(([where, value]) => [where, where === reg ? count : value] as const);
      yield { ...sequence, loop: { ...loop, count }, overrides: changed };
    }
    if (loop.head > 0) yield { ...sequence, loop: { ...loop, head: 0 } };
  }
  const single = [items.map((_, i) => i)];
  if (layout.length > 1) return;
  for (let size = items.length >> 1; size >= 1; size >>= 1) {
    for (let start = 0; start + size <= items.length; start += size) yield without(sequence, start, size, single);
  }
}

function without(sequence: Sequence, start: number, size: number, _layout: number[][]): Sequence {
  const moved = (to: number) => (to < start ? to : to < start + size ? start : to - size);
  const kept = sequence.items.filter((_, i) => i < start || i >= start + size);
  const items = kept
    .map((item) => (item.kind === "bytes" ? item : { ...item, to: moved(item.to) }))
    .filter((item) => item.kind !== "patch" || kept[item.to]?.kind === "bytes");
  const head = sequence.loop === undefined ? 0 : Math.min(moved(sequence.loop.head), Math.max(items.length - 1, 0));
  return {
    ...sequence,
    items,
    layout: [items.map((_, i) => i)],
    loop: sequence.loop === undefined ? undefined : { ...sequence.loop, head },
  };
}

/** The sequence as text, an item a line. */
export function describe(sequence: Sequence): string {
  const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const lines = sequence.items.map((item, i) => {
    if (item.kind === "branch") return `${i}: j${item.code} → ${item.to}`;
    if (item.kind === "patch") return `${i}: patch ${item.to}+${item.offset} [${hex(item.bytes)}]`;
    return `${i}: ${item.name} [${hex(item.bytes)}]`;
  });
  const loop = sequence.loop === undefined ? "no loop" : `loop to ${sequence.loop.head}, ${sequence.loop.count} times`;
  return `${sequence.codeBits} seed ${sequence.seed} at ${sequence.rip.toString(16)}, ${loop}, runs ${JSON.stringify(sequence.layout.map((run) => run[0]))}\n    ${lines.join("\n    ")}`;
}
