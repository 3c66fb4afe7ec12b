/** The programs of call frame information (DWARF 4, section 6.4.2): where the caller's registers are at an address. */
import { type CfiCursor, pointer, sleb, uleb, unsigned } from "./cfi-cursor.ts";

/** Common information entry. */
export interface Cie {
  readonly codeAlign: number;
  readonly dataAlign: number;
  readonly returnRegister: number;
  readonly pointerEncoding: number;
  readonly hasAugmentation: boolean;
  readonly isSignalFrame: boolean;
  /** The program that every function of the entry begins with. */
  readonly from: number;
  readonly to: number;
}

/** How to find the caller's value of a register. */
export type Rule =
  | { readonly kind: "offset" | "valueOffset" | "register"; readonly value: number }
  | { readonly kind: "expression" | "valueExpression"; readonly from: number; readonly to: number }
  | { readonly kind: "undefined" };

/** How to find the caller's registers at one address. */
export interface Row {
  cfa: { register: number; offset: number } | { from: number; to: number };
  rules: Map<number, Rule>;
}

/**
 * Executes the call frame program from the cursor to `to`, for code that begins at `start`, up to what holds at the address
 * `until` (DWARF 4, section 6.4.2). `initial`: the rules that "restore" brings back. False for an instruction not known.
 */
export function execute(
  row: Row,
  cie: Cie,
  cursor: CfiCursor,
  to: number,
  start: number,
  until: number,
  initial: ReadonlyMap<number, Rule>,
): boolean {
  const saved: Row[] = [];
  let location = start;
  const cfaIn = (register: number, offset: number): void => {
    row.cfa = { register, offset };
  };
  const set = (register: number, kind: "offset" | "valueOffset" | "register", value: number): void => {
    row.rules.set(register, { kind, value });
  };
  const restore = (register: number): void => {
    const rule = initial.get(register);
    if (rule === undefined) row.rules.delete(register);
    else row.rules.set(register, rule);
  };
  const block = (): { from: number; to: number } => {
    const length = uleb(cursor);
    cursor.at += length;
    return { from: cursor.at - length, to: cursor.at };
  };
  while (cursor.at < to) {
    const opcode = unsigned(cursor, 1);
    const low = opcode & 0x3f;
    let advance = -1;
    switch (opcode & 0xc0) {
      case 0x40:
        advance = low;
        break;
      case 0x80:
        set(low, "offset", uleb(cursor) * cie.dataAlign);
        continue;
      case 0xc0:
        restore(low);
        continue;
    }
    if (advance < 0) {
      switch (opcode) {
        case 0x00: // nop
          continue;
        case 0x01: // set_loc
          location = pointer(cursor, cie.pointerEncoding) ?? Number.POSITIVE_INFINITY;
          advance = 0;
          break;
        case 0x02: // advance_loc1, 2, 4
        case 0x03:
        case 0x04:
          advance = unsigned(cursor, 1 << (opcode - 2));
          break;
        case 0x05: // offset_extended
          set(uleb(cursor), "offset", uleb(cursor) * cie.dataAlign);
          continue;
        case 0x06: // restore_extended
          restore(uleb(cursor));
          continue;
        case 0x07: // undefined
          row.rules.set(uleb(cursor), { kind: "undefined" });
          continue;
        case 0x08: // same_value
          row.rules.delete(uleb(cursor));
          continue;
        case 0x09: // register
          set(uleb(cursor), "register", uleb(cursor));
          continue;
        case 0x0a: // remember_state
          saved.push({ cfa: row.cfa, rules: new Map(row.rules) });
          continue;
        case 0x0b: {
          // restore_state; gcc and binutils mean the CFA, too
          const state = saved.pop();
          if (state === undefined) return false;
          row.cfa = state.cfa;
          row.rules = state.rules;
          continue;
        }
        case 0x0c: // def_cfa
          cfaIn(uleb(cursor), uleb(cursor));
          continue;
        case 0x0d: // def_cfa_register
          cfaIn(uleb(cursor), "offset" in row.cfa ? row.cfa.offset : 0);
          continue;
        case 0x0e: // def_cfa_offset
          cfaIn("register" in row.cfa ? row.cfa.register : 0, uleb(cursor));
          continue;
        case 0x0f: // def_cfa_expression
          row.cfa = block();
          continue;
        case 0x10: // expression
          row.rules.set(uleb(cursor), { kind: "expression", ...block() });
          continue;
        case 0x11: // offset_extended_sf
          set(uleb(cursor), "offset", sleb(cursor) * cie.dataAlign);
          continue;
        case 0x12: // def_cfa_sf
          cfaIn(uleb(cursor), sleb(cursor) * cie.dataAlign);
          continue;
        case 0x13: // def_cfa_offset_sf
          cfaIn("register" in row.cfa ? row.cfa.register : 0, sleb(cursor) * cie.dataAlign);
          continue;
        case 0x14: // val_offset
          set(uleb(cursor), "valueOffset", uleb(cursor) * cie.dataAlign);
          continue;
        case 0x15: // val_offset_sf
          set(uleb(cursor), "valueOffset", sleb(cursor) * cie.dataAlign);
          continue;
        case 0x16: // val_expression
          row.rules.set(uleb(cursor), { kind: "valueExpression", ...block() });
          continue;
        case 0x2e: // GNU_args_size
          uleb(cursor);
          continue;
        default:
          return false;
      }
    }
    location += advance * cie.codeAlign;
    if (location > until) return true;
  }
  return true;
}
