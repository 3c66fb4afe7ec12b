/**
 * Unwinding by call frame information (DWARF 4, section 6.4; LSB core, "Exception Frames"): from a return address and a stack
 * pointer to the caller's. Registers that a caller's frame needs are the stack pointer and the frame pointer.
 */
import { PT_GNU_EH_FRAME } from "../elf/constants.ts";
import type { LinkMap } from "./link-map.ts";
import type { LinkMemory } from "./memory.ts";

/** What unwinding carries from frame to frame; `pc` is a return address. */
export interface UnwindFrame {
  readonly pc: number;
  readonly sp: number;
  /** The frame pointer register (RBP, EBP). */
  readonly fp: number;
}

/** DWARF numbers of registers: stack pointer, frame pointer, return address. */
const NUMBERS = { amd64: { sp: 7, fp: 6, pc: 16 }, i386: { sp: 4, fp: 5, pc: 8 } } as const;

const PE = {
  absolute: 0,
  uleb: 1,
  udata2: 2,
  udata4: 3,
  udata8: 4,
  sleb: 9,
  sdata2: 10,
  sdata4: 11,
  sdata8: 12,
} as const;

/** Reads DWARF data in memory. */
class Reader {
  readonly memory: LinkMemory;
  at: number;

  constructor(memory: LinkMemory, at: number) {
    this.memory = memory;
    this.at = at;
  }

  u8(): number {
    return this.memory.u8(this.at++);
  }

  u16(): number {
    this.at += 2;
    return this.memory.u16(this.at - 2);
  }

  u32(): number {
    this.at += 4;
    return this.memory.u32(this.at - 4);
  }

  uleb(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let factor = 1; ; ) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      factor *= 128;
      if (byte < 128) return byte & 64 ? value - factor : value;
    }
  }

  text(): string {
    const text = this.memory.text(this.at);
    this.at += text.length + 1;
    return text;
  }

  /** A pointer by its encoding (DW_EH_PE_*); `data` is the base of datarel ones. */
  encoded(encoding: number, data: number): number {
    const start = this.at;
    let value: number;
    switch (encoding & 15) {
      case PE.absolute:
        value = this.memory.word(start);
        this.at += this.memory.W;
        break;
      case PE.uleb:
        value = this.uleb();
        break;
      case PE.sleb:
        value = this.sleb();
        break;
      case PE.udata2:
        value = this.u16();
        break;
      case PE.sdata2:
        value = (this.u16() << 16) >> 16;
        break;
      case PE.udata4:
        value = this.u32();
        break;
      case PE.sdata4:
        value = this.u32() | 0;
        break;
      default:
        value = this.memory.signed(start);
        this.at += 8;
    }
    if (value === 0) return 0;
    const base = encoding & 0x70;
    const whole = base === 0x10 ? start + value : base === 0x30 ? data + value : value;
    return this.memory.is64 ? whole : whole >>> 0;
  }
}

interface Cie {
  readonly codeFactor: number;
  readonly dataFactor: number;
  readonly returnRegister: number;
  readonly encoding: number;
  readonly augmented: boolean;
  readonly signal: boolean;
  readonly start: number;
  readonly end: number;
}

interface Fde {
  readonly cie: Cie;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

function readCie(memory: LinkMemory, at: number): Cie {
  const reader = new Reader(memory, at);
  const length = reader.u32();
  const end = reader.at + length;
  reader.u32();
  reader.u8();
  const augmentation = reader.text();
  const codeFactor = reader.uleb();
  const dataFactor = reader.sleb();
  const returnRegister = reader.uleb();
  let encoding: number = PE.absolute;
  if (augmentation.startsWith("z")) {
    const size = reader.uleb();
    const start = reader.at;
    for (const letter of augmentation.slice(1)) {
      if (letter === "R") encoding = reader.u8();
      else if (letter === "L") reader.u8();
      else if (letter === "P") reader.encoded(reader.u8(), 0);
    }
    reader.at = start + size;
  }
  const augmented = augmentation.startsWith("z");
  const signal = augmentation.includes("S");
  return { codeFactor, dataFactor, returnRegister, encoding, augmented, signal, start: reader.at, end };
}

/** The description of the code at `pc`; undefined if the object has none. */
function findFde(map: LinkMap, pc: number): Fde | undefined {
  const { memory } = map;
  const [header] = map.segments(PT_GNU_EH_FRAME);
  if (header === undefined || header.memsz === 0) return undefined;
  const hdr = new Reader(memory, map.base + header.vaddr);
  hdr.u8();
  const encoding = hdr.u8();
  hdr.u8();
  hdr.u8();
  let at = hdr.encoded(encoding, map.base + header.vaddr);
  for (;;) {
    const length = memory.u32(at);
    if (length === 0 || length === 0xffff_ffff) return undefined;
    const id = memory.u32(at + 4);
    if (id !== 0) {
      const cie = readCie(memory, at + 4 - id);
      const reader = new Reader(memory, at + 8);
      const from = reader.encoded(cie.encoding, 0);
      const range = reader.encoded(cie.encoding & 15, 0);
      if (pc >= from && pc < from + range) {
        if (cie.augmented) {
          const size = reader.uleb();
          reader.at += size;
        }
        return { cie, from, start: reader.at, end: at + 4 + length };
      }
    }
    at += 4 + length;
  }
}

/** Where a register's old value is: at an offset from the CFA, in itself, or lost. */
type Rule = number | "same" | "undefined";

interface Row {
  cfaRegister: number;
  cfaOffset: number;
  /** The CFA is computed by an expression, which is not followed. */
  expression: boolean;
  rules: Map<number, Rule>;
}

const copyRow = (row: Row): Row => ({ ...row, rules: new Map(row.rules) });

/** Executes the instructions of CIE and FDE up to the row for `pc`; undefined for an instruction that is not known. */
function rowFor(memory: LinkMemory, fde: Fde, pc: number): Row | undefined {
  const { cie } = fde;
  const row: Row = { cfaRegister: 0, cfaOffset: 0, expression: false, rules: new Map() };
  if (execute(memory, cie, row, undefined, cie.start, cie.end, fde.from, pc) === false) return undefined;
  const initial = copyRow(row);
  return execute(memory, cie, row, initial, fde.start, fde.end, fde.from, pc) ? row : undefined;
}

function execute(
  memory: LinkMemory,
  cie: Cie,
  row: Row,
  initial: Row | undefined,
  start: number,
  end: number,
  from: number,
  pc: number,
): boolean {
  const reader = new Reader(memory, start);
  const saved: Row[] = [];
  let location = from;
  const restore = (register: number): void => {
    const rule = initial?.rules.get(register);
    if (rule === undefined) row.rules.delete(register);
    else row.rules.set(register, rule);
  };
  while (reader.at < end && location <= pc) {
    const byte = reader.u8();
    const low = byte & 0x3f;
    switch (byte & 0xc0) {
      case 0x40:
        location += low * cie.codeFactor;
        if (location > pc) return true;
        continue;
      case 0x80:
        row.rules.set(low, reader.uleb() * cie.dataFactor);
        continue;
      case 0xc0:
        restore(low);
        continue;
    }
    switch (byte) {
      case 0x00: // nop
        break;
      case 0x01: // set_loc
        location = reader.encoded(cie.encoding, 0);
        break;
      case 0x02: // advance_loc1
        location += reader.u8() * cie.codeFactor;
        break;
      case 0x03:
        location += reader.u16() * cie.codeFactor;
        break;
      case 0x04:
        location += reader.u32() * cie.codeFactor;
        break;
      case 0x05: // offset_extended
        row.rules.set(reader.uleb(), reader.uleb() * cie.dataFactor);
        break;
      case 0x06: // restore_extended
        restore(reader.uleb());
        break;
      case 0x07: // undefined
        row.rules.set(reader.uleb(), "undefined");
        break;
      case 0x08: // same_value
        row.rules.set(reader.uleb(), "same");
        break;
      case 0x0a: // remember_state
        saved.push(copyRow(row));
        break;
      case 0x0b: {
        const state = saved.pop();
        if (state === undefined) return false;
        Object.assign(row, state);
        break;
      }
      case 0x0c: // def_cfa
        row.cfaRegister = reader.uleb();
        row.cfaOffset = reader.uleb();
        row.expression = false;
        break;
      case 0x0d:
        row.cfaRegister = reader.uleb();
        break;
      case 0x0e:
        row.cfaOffset = reader.uleb();
        break;
      case 0x0f: // def_cfa_expression
        row.expression = true;
        reader.at += reader.uleb();
        break;
      case 0x11: // offset_extended_sf
        row.rules.set(reader.uleb(), reader.sleb() * cie.dataFactor);
        break;
      case 0x12: // def_cfa_sf
        row.cfaRegister = reader.uleb();
        row.cfaOffset = reader.sleb() * cie.dataFactor;
        break;
      case 0x13:
        row.cfaOffset = reader.sleb() * cie.dataFactor;
        break;
      case 0x2e: // GNU_args_size
        reader.uleb();
        break;
      default:
        return false;
    }
    if (location > pc) return true;
  }
  return true;
}

/** The caller of the code at a return address; undefined at the end of the stack: no description, or none of the caller. */
export function unwind(map: LinkMap, frame: UnwindFrame): UnwindFrame | undefined {
  const { memory } = map;
  // The call may be the last instruction of its function.
  const pc = frame.pc - 1;
  const fde = findFde(map, pc);
  const row = fde === undefined ? undefined : rowFor(memory, fde, pc);
  if (fde === undefined || row === undefined || row.expression) return undefined;
  const { sp, fp } = NUMBERS[memory.abi];
  if (row.cfaRegister !== sp && row.cfaRegister !== fp) return undefined;
  const cfa = (row.cfaRegister === sp ? frame.sp : frame.fp) + row.cfaOffset;
  const returnRule = row.rules.get(fde.cie.returnRegister);
  if (typeof returnRule !== "number") return undefined;
  const fpRule = row.rules.get(fp);
  return {
    pc: memory.word(cfa + returnRule),
    sp: cfa,
    fp: typeof fpRule === "number" ? memory.word(cfa + fpRule) : frame.fp,
  };
}
