/**
 * Makes blocks of IR records from templates (format.ts). Compiled by AssemblyScript into dist/translate.wasm. What it does not
 * know it says, and leaves to src/exec/templates/recorder.ts; what templates cannot express is left to the translator.
 */
import {
  BY_IMM,
  CELL_DISP,
  CELL_DISP_ZERO,
  CELL_IMM,
  CELL_IMM_ZERO,
  CELL_IP,
  CELL_NEXT,
  CELL_RIP,
  CONSUMES,
  ENDS,
  FUSED_NUMBERS,
  FUSED_ROW_BYTES,
  FUSED_ROWS,
  INDEX,
  INDEX_MASK,
  KEY_FLAGS,
  KEY_IMM,
  KEY_LONG,
  KEY_NO_DISP,
  KEY_RAW,
  LACKING,
  LACKS_OPCODE,
  LACKS_TEMPLATE,
  LIST,
  LIST_BYTES,
  LIST_DISP,
  LIST_FIELDS,
  LIST_IMM,
  LIST_KILLED,
  LIST_NEXT,
  LIST_OFFSET,
  LIST_SHAPE,
  LIST_TEMPLATE,
  OPCODE_MAPS,
  OPCODE_MODRM,
  OPCODE_RAW,
  OPCODE_REG,
  OPCODE_RM,
  OPCODE_SLOW,
  OPCODES,
  OPCODES_FREE,
  OVERWRITES,
  PREFIX_LEGACY,
  PREFIX_REX,
  PREFIXES,
  PRODUCES,
  RESULT_AT,
  RESULT_COUNT,
  RESULT_ENTRY,
  RESULT_EXTRA,
  RESULT_KEY_HI,
  RESULT_KEY_LO,
  RESULT_KEY_REST,
  RESULT_LACKS,
  RESULT_OFFSETS,
  RESULT_RECORD,
  SEES,
  SEES_AFTER,
  SLOW,
  T_CELLS,
  T_EXTRA,
  T_FLAGS,
  T_FLAGS_AT,
  T_FLAGS_WORDS,
  T_HEADER,
  T_KEY_LO,
  T_KEY_REST,
  T_SOURCE,
  T_WORDS,
  TOO_SLOW,
  WORD,
  WORD_CELL,
  WORD_DISP,
  WORD_FIELD,
  WORD_HEAD,
  WORD_IP_LO,
  WORD_NEXT_HI,
  WORD_NEXT_LO,
  WORD_PREVIOUS,
  WORD_PREVIOUS_FIELD,
  WORD_TARGET_HI,
  WORD_TARGET_LO,
} from "./format";

const MAX_LENGTH: u32 = 15;
/** Bytes of the key. */
const MAX_KEY: u32 = 8;
const BLOCK_HEADER: u32 = 16;
/** Registers that are part of the key, a bit each: see format.ts. */
const LITERAL: u32 = 0x1f;
const LITERAL_REX: u32 = 0x17;
/** In place of a register's number in the key. */
const FILLED: u32 = 16;
const NO_REGISTER: u32 = 17;
/** As FILLED, for registers 4 to 7 without REX. */
const FILLED_HIGH: u32 = 18;

let opEnter: u32 = 0;
let opJump: u32 = 0;

/** Tells the numbers of the operations that begin and end blocks. */
export function configure(enter: u32, jump: u32): void {
  opEnter = enter;
  opJump = jump;
}

function hash(key: u64, rest: u32, extra: u32): u32 {
  let h = (key ^ ((u64(extra) << 32) | (u64(rest) << 20))) * 0x9e3779b97f4a7c15;
  h ^= h >> 32;
  return u32((h * 0xd6e8feb86659fd93) >> 40);
}

/** The template of the key, or 0. */
function find(key: u64, rest: u32, extra: u32): u32 {
  let slot = hash(key, rest, extra) & INDEX_MASK;
  let template = load<u32>(INDEX + (slot << 2));
  while (template !== 0) {
    if (
      load<u64>(template + T_KEY_LO) === key &&
      load<u32>(template + T_KEY_REST) === rest &&
      load<u32>(template + T_EXTRA) === extra
    )
      return template;
    slot = (slot + 1) & INDEX_MASK;
    template = load<u32>(INDEX + (slot << 2));
  }
  return 0;
}

/** Enters a template into the index under the key in its header. */
export function insert(template: u32): void {
  const key = load<u64>(template + T_KEY_LO);
  let slot = hash(key, load<u32>(template + T_KEY_REST), load<u32>(template + T_EXTRA)) & INDEX_MASK;
  while (load<u32>(INDEX + (slot << 2)) !== 0) slot = (slot + 1) & INDEX_MASK;
  store<u32>(INDEX + (slot << 2), template);
}

function lacks(at: u32, key: u64, rest: u32, extra: u32, entry: u32): u32 {
  store<u32>(RESULT_LACKS, LACKS_TEMPLATE);
  store<u32>(RESULT_AT, at);
  store<u32>(RESULT_KEY_LO, u32(key));
  store<u32>(RESULT_KEY_HI, u32(key >> 32));
  store<u32>(RESULT_KEY_REST, rest);
  store<u32>(RESULT_EXTRA, extra);
  store<u32>(RESULT_ENTRY, entry);
  return LACKING;
}

/**
 * Translates at most `limit` instructions from host address `at`, none of which reaches to `end`, into the arena at `out`;
 * (lo, hi) is the linear address of the first one, `long` 1 for 64-bit code. Returns the end of the block, LACKING with what
 * is lacking at RESULT, or TOO_SLOW.
 */
export function translate(at: u32, end: u32, lo: u32, hi: u32, long: u32, limit: u32, out: u32): u32 {
  const prefixes = PREFIXES + (long << 8);
  const opcodes = OPCODES + long * OPCODE_MAPS * 256;
  let p = at;
  let count: u32 = 0;
  let cells: u32 = 0;
  let ended: u32 = 0;
  /** T_SOURCE of the instruction before, if it says where the flags come from. */
  let producer: u32 = 0;
  /** Registers that are filled into it, a bit each. */
  let producerFields: u32 = 0;
  let entry: u32 = LIST;
  while (p < end && count < limit) {
    let q = p;
    let rex: u32 = 0;
    let prefixBytes: u64 = 0;
    let byte: u32 = 0;
    let cut = false;
    for (;;) {
      if (q >= end) {
        cut = true;
        break;
      }
      byte = load<u8>(q++);
      const prefix = <u32>load<u8>(prefixes + byte);
      if (prefix === 0) break;
      // A REX prefix counts only right before the opcode.
      if (rex !== 0) return TOO_SLOW;
      if (prefix === PREFIX_REX) rex = byte;
      else if (prefix !== PREFIX_LEGACY || prefixBytes >> 16 !== 0) return TOO_SLOW;
      else prefixBytes = (prefixBytes << 8) | byte;
    }
    if (cut) break;
    let map: u32 = 0;
    if (byte === 0x0f) {
      if (q >= end) break;
      byte = load<u8>(q++);
      map = 1;
      if (byte === 0x38 || byte === 0x3a) {
        map = byte === 0x38 ? 2 : 3;
        if (q >= end) break;
        byte = load<u8>(q++);
      }
    } else if (byte === 0xc4 || byte === 0xc5 || byte === 0x62) {
      if (q >= end) break;
      const second = <u32>load<u8>(q);
      if (long !== 0 || second >= 0xc0) {
        if (byte === 0x62) return TOO_SLOW;
        map = 4;
        if (byte === 0xc4) {
          map = 3 + (second & 0x1f);
          if (map === 3 || map > 6) return TOO_SLOW;
          q++;
        }
        q++;
        if (q >= end) break;
        byte = load<u8>(q++);
      }
    }
    const known = opcodes + map * 256 + byte;
    const shape = <u32>load<u8>(known);
    if (shape === 0) {
      store<u32>(RESULT_LACKS, LACKS_OPCODE);
      store<u32>(RESULT_AT, known - OPCODES);
      return LACKING;
    }
    if (shape & OPCODE_SLOW) return TOO_SLOW;
    let dispBytes: u32 = 0;
    let key: u64 = 0;
    let rest = long !== 0 ? KEY_LONG : 0;
    let fields: u32 = 0;
    let filled: u32 = 0;
    let positions: u32 = 0xffff00;
    let fieldBits: u32 = 0;
    if (shape & OPCODE_MODRM) {
      if (q >= end) break;
      positions = ((q - p) << 8) | 0xff0000;
      const modrm = <u32>load<u8>(q++);
      const mod = modrm >> 6;
      const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
      let rm = (modrm & 7) | ((rex & 1) << 3);
      let index: u32 = 0;
      // Which of the fields are there, and name registers.
      let named: u32 = shape & OPCODE_REG ? 2 : 3;
      let structure = mod << 12;
      if (mod === 3) {
        if (shape & OPCODE_RM) named &= 1;
      } else {
        let base = modrm & 7;
        if (base === 4) {
          if (q >= end) break;
          const sib = <u32>load<u8>(q++);
          base = sib & 7;
          rm = base | ((rex & 1) << 3);
          index = ((sib >> 3) & 7) | ((rex & 2) << 2);
          structure |= 0x4000 | ((sib >> 6) << 15);
          if (index !== 4) {
            structure |= 0x20000;
            named |= 4;
          }
        }
        if (mod === 0 && base === 5) named &= 5;
        dispBytes = mod === 1 ? 1 : mod === 2 || (mod === 0 && base === 5) ? 4 : 0;
      }
      if ((shape & OPCODE_RAW) === 0 && map < 4) {
        const isNamed = shape & OPCODE_RM && mod === 3 ? 0 : 1;
        const free = isNamed & (<u32>load<u8>(OPCODES_FREE + (known - OPCODES)) >> ((modrm >> 3) & 7)) & 1;
        const literal: u32 = free !== 0 ? 0 : rex !== 0 ? LITERAL_REX : LITERAL;
        if (named & 1 && ((literal >> reg) & 1) === 0) filled |= 1;
        if (named & 2 && ((literal >> rm) & 1) === 0) filled |= 2;
        if (named & 4 && ((literal >> index) & 1) === 0) filled |= 4;
        fields = reg | (rm << 8) | (index << 16);
        fieldBits = ((filled & 1) << reg) | (((filled >> 1) & 1) << rm) | ((filled >> 2) << index);
        const kinds = rex === 0 && free !== 0;
        const c0: u32 = filled & 1 ? (kinds && reg >= 4 ? FILLED_HIGH : FILLED) : reg;
        const c1: u32 =
          filled & 2 ? (kinds && rm >= 4 ? FILLED_HIGH : FILLED) : named & 2 || mod === 3 ? rm : NO_REGISTER;
        const c2: u32 = filled & 4 ? (kinds && index >= 4 ? FILLED_HIGH : FILLED) : named & 4 ? index : NO_REGISTER;
        filled |= free << 3;
        let equal: u32 = 0;
        if ((filled & 3) === 3 && reg === rm) equal |= 1;
        if ((filled & 5) === 5 && reg === index) equal |= 2;
        if ((filled & 6) === 6 && rm === index) equal |= 4;
        key =
          <u64>(byte | (map << 8) | (rex !== 0 ? 0x400 : 0) | ((rex & 8) << 8) | structure | (c0 << 18) | (c1 << 23)) |
          ((<u64>c2) << 28) |
          ((<u64>equal) << 33) |
          (prefixBytes << 40);
        if (rex !== 0)
          positions = (positions & 0xffff) | ((((positions >> 8) & 0xff) - (map === 0 ? 2 : map === 1 ? 3 : 4)) << 16);
      }
    }
    const length = q - p;
    if (q + dispBytes > end) break;
    // No template has the key 0, as RawKeys have their length in `rest`.
    if (key === 0) {
      if (length > MAX_KEY) return TOO_SLOW;
      rest |= length | KEY_RAW;
      if (p + 8 <= end) key = load<u64>(p) & (<u64>0xffffffffffffffff >> ((8 - length) << 3));
      else for (let i: u32 = 0; i < length; i++) key |= (<u64>load<u8>(p + i)) << (i << 3);
    }
    store<u32>(entry, fields, LIST_FIELDS);
    store<u32>(entry, length | positions | (dispBytes << 24) | (filled << 28), LIST_SHAPE);
    store<u32>(entry, p - at, LIST_OFFSET);
    const disp = dispBytes === 0 ? 0 : dispBytes === 1 ? <i32>load<i8>(q) : load<i32>(q);
    q += dispBytes;
    if (dispBytes !== 0 && disp === 0) rest |= KEY_NO_DISP;
    let template = find(key, rest, 0);
    if (template === 0) return lacks(p, key, rest, 0, entry);
    let flags = load<u32>(template + T_FLAGS);
    if (flags & SLOW) return TOO_SLOW;
    const immBytes = (flags >> 8) & 15;
    if (q + immBytes > end) break;
    if (q + immBytes - p > MAX_LENGTH) return TOO_SLOW;
    let imm: i64 = 0;
    if (immBytes === 1) imm = load<i8>(q);
    else if (immBytes === 4) imm = load<i32>(q);
    else if (immBytes === 2) imm = load<i16>(q);
    else if (immBytes === 8) imm = load<i64>(q);
    q += immBytes;
    if (flags & BY_IMM) {
      rest |= KEY_IMM;
      template = find(key, rest, u32(imm));
      if (template === 0) return lacks(p, key, rest, u32(imm), entry);
      flags = load<u32>(template + T_FLAGS);
    } else if ((flags & CONSUMES) !== 0 && producer !== 0 && (producerFields & fieldBits) === 0) {
      rest |= KEY_FLAGS;
      template = find(key, rest, producer);
      if (template === 0) return lacks(p, key, rest, producer, entry);
      flags = load<u32>(template + T_FLAGS);
    }
    if (flags & SLOW) return TOO_SLOW;
    producer = flags & PRODUCES ? load<u32>(template + T_SOURCE) : 0;
    producerFields = fieldBits;
    store<u32>(entry, template, LIST_TEMPLATE);
    store<u32>(entry, q - at, LIST_NEXT);
    store<i32>(entry, disp, LIST_DISP);
    store<i64>(entry, imm, LIST_IMM);
    cells += load<u32>(template + T_CELLS);
    entry += LIST_BYTES;
    count++;
    p = q;
    if (flags & ENDS) {
      ended = 1;
      break;
    }
  }
  if (count === 0) return TOO_SLOW;
  killFlags(count);
  return write(count, cells, ended, p - at, lo, hi, long, out);
}

/** Marks the operations on flags that another one makes useless. */
function killFlags(count: u32): void {
  let overwritten = false;
  for (let entry = LIST + count * LIST_BYTES; entry > LIST; ) {
    entry -= LIST_BYTES;
    const flags = load<u32>(load<u32>(entry + LIST_TEMPLATE) + T_FLAGS);
    store<u32>(entry, u32(overwritten && (flags & SEES_AFTER) === 0), LIST_KILLED);
    if (flags & SEES) overwritten = false;
    else if (flags & OVERWRITES) overwritten = true;
  }
}

/** Address and number of the record that the sequence being written begins with. */
let head: u32 = 0;
let headOp: u32 = 0;

/** A record of operation `op` is written at `to`: it ends a longer sequence than before, or begins one. */
function fuse(op: u32, to: u32): void {
  const row = <u32>load<u8>(FUSED_NUMBERS + headOp);
  const fused = row === 0 ? 0 : <u32>load<u16>(FUSED_ROWS + row * FUSED_ROW_BYTES + (op << 1));
  if (fused !== 0) {
    store<u16>(head, u16(fused));
    headOp = fused;
  } else {
    head = to;
    headOp = op;
  }
}

/** Writes the block: header, constants, records, offsets. */
function write(count: u32, cells: u32, ended: u32, bytes: u32, lo: u32, hi: u32, long: u32, out: u32): u32 {
  store<u32>(out, lo);
  store<u32>(out + 4, hi);
  let cell = out + BLOCK_HEADER;
  let to = cell + (cells << 3);
  store<u32>(RESULT_COUNT, count);
  store<u32>(RESULT_RECORD, to);
  store<u32>(to, opEnter);
  head = to;
  headOp = opEnter;
  store<u32>(to + 4, count);
  store<u64>(to + 8, 0);
  to += 16;
  const start = ((<u64>hi) << 32) | <u64>lo;
  const mask: u64 = long !== 0 ? 0xffffffffffffffff : 0xffffffff;
  let previous: u32 = 0;
  let entry: u32 = LIST;
  for (let i: u32 = 0; i < count; i++, entry += LIST_BYTES) {
    const template = load<u32>(entry, LIST_TEMPLATE);
    const disp = load<i32>(entry, LIST_DISP);
    const fields = load<u32>(entry, LIST_FIELDS);
    const imm = load<i64>(entry, LIST_IMM);
    const ip = start + <u64>load<u32>(entry, LIST_OFFSET);
    const next = (start + <u64>load<u32>(entry, LIST_NEXT)) & mask;
    const words = load<u32>(template + T_WORDS);
    const from = template + T_HEADER;
    const kinds = from + (words << 2);
    const own = cell;
    const cellCount = load<u32>(template + T_CELLS);
    for (let j: u32 = 0; j < cellCount; j++) {
      const kind = <u32>load<u8>(kinds + words + j);
      let value: u64;
      if (kind === CELL_RIP) value = (next + <u64>(<i64>disp)) & mask;
      else if (kind === CELL_IMM) value = imm;
      else if (kind === CELL_NEXT) value = next;
      else if (kind === CELL_IP) value = ip;
      else if (kind === CELL_IMM_ZERO) {
        const immBytes = (load<u32>(template + T_FLAGS) >> 8) & 15;
        value = <u64>imm & (<u64>0xffffffffffffffff >> ((8 - immBytes) << 3));
      } else if (kind === CELL_DISP) value = <u64>(<i64>disp);
      else if (kind === CELL_DISP_ZERO) value = <u64>(<u32>disp);
      else value = (next + imm) & mask;
      store<u64>(cell, value);
      cell += 8;
    }
    let skip = words;
    let resume = words;
    if (load<u32>(entry, LIST_KILLED)) {
      const flagsWords = load<u32>(template + T_FLAGS_WORDS);
      if (flagsWords !== 0) {
        skip = load<u32>(template + T_FLAGS_AT);
        resume = skip + flagsWords;
      }
    }
    const number = i << 16;
    for (let j: u32 = 0; j < words; j++) {
      if (j === skip) {
        j = resume;
        if (j >= words) break;
      }
      let word = load<u32>(from + (j << 2));
      const kind = <u32>load<u8>(kinds + j);
      if (kind !== WORD) {
        if (kind === WORD_HEAD) {
          fuse(word & 0xffff, to);
          word |= number;
        } else if (kind === WORD_DISP) word += disp;
        else if (kind >= u32(WORD_FIELD)) {
          const which = kind >= u32(WORD_PREVIOUS_FIELD) ? kind - WORD_PREVIOUS_FIELD : kind - WORD_FIELD;
          const source = kind >= u32(WORD_PREVIOUS_FIELD) ? load<u32>(entry - LIST_BYTES + LIST_FIELDS) : fields;
          word += ((source >> ((which >> 1) << 3)) & 0xff) << (3 + ((which & 1) << 1));
        } else if (kind === WORD_CELL) word = own + (word << 3);
        else if (kind === WORD_PREVIOUS) word = previous + (word << 3);
        else if (kind === WORD_NEXT_LO) word = u32(next);
        else if (kind === WORD_NEXT_HI) word = u32(next >> 32);
        else if (kind === WORD_TARGET_LO) word = u32(next + imm);
        else if (kind === WORD_TARGET_HI) word = u32(((next + imm) & mask) >> 32);
        else if (kind === WORD_IP_LO) word = u32(ip);
        else word = u32(ip >> 32);
      }
      store<u32>(to, word);
      to += 4;
    }
    previous = own;
  }
  if (ended === 0) {
    const next = (start + <u64>bytes) & mask;
    fuse(opJump, to);
    store<u32>(to, opJump | ((count - 1) << 16));
    store<u64>(to + 4, next);
    store<u64>(to + 12, 0);
    to += 20;
  }
  store<u32>(RESULT_OFFSETS, to);
  entry = LIST;
  for (let i: u32 = 0; i < count; i++, entry += LIST_BYTES, to += 2) store<u16>(to, u16(load<u32>(entry, LIST_OFFSET)));
  store<u16>(to, u16(bytes));
  to += 2;
  return (to + 15) & ~15;
}
