/**
 * Call frame information: who called a function, from what the compiler wrote into .eh_frame (LSB core, "Exception Frames";
 * DWARF 4, section 6.4). Registers have DWARF's numbers of the System V ABIs; values are unsigned numbers.
 */
import { type Cie, execute, type Row, type Rule } from "./call-frame-program.ts";
import { type CfiCursor, cursorAt, pointer, sleb, text, uleb, unsigned } from "./cfi-cursor.ts";
import { PT_GNU_EH_FRAME } from "./constants.ts";
import { evaluate } from "./dwarf-expression.ts";
import { bytesAtAddress, type ElfImage, sectionsOf } from "./image.ts";
import { isElfError } from "./reader.ts";
import { sectionBytes } from "./sections.ts";

/** Reads a word of the machine at a guest address; undefined if it is not there. */
export type ReadWord = (address: number) => number | undefined;

/** What one step up the stack gave: the caller's registers, the end of the stack, or no answer. */
export type StepUp = "caller" | "outermost" | "unknown";

/** Frame description entry: a stretch of code, usually a function. */
export interface FrameEntry {
  readonly start: number;
  readonly end: number;
  /** The frame is that of a signal: what is above it was interrupted, it did not call. */
  readonly isSignalFrame: boolean;
}

interface Fde extends FrameEntry {
  readonly cie: Cie;
  readonly from: number;
  readonly to: number;
}

/** A row as it is kept: the rules as a list. */
interface FrameRow {
  readonly cfa: Row["cfa"];
  readonly rules: readonly (readonly [register: number, rule: Rule])[];
  readonly returnRegister: number;
}

/** Stack pointer and return address, by word size. */
const STACK_POINTER = { 4: 4, 8: 7 } as const;

/** Where .eh_frame lies: by its section, or by the header that PT_GNU_EH_FRAME leads to (a vDSO has no more). */
function locate(image: ElfImage): { bytes: Uint8Array; address: number } | undefined {
  const sections = sectionsOf(image);
  const section = isElfError(sections) ? undefined : sections.find(({ name }) => name === ".eh_frame");
  if (section !== undefined) {
    const bytes = sectionBytes(image.bytes, section);
    if (bytes !== undefined) return { bytes, address: section.sh_addr };
  }
  const segment = image.segments.find(({ p_type }) => p_type === PT_GNU_EH_FRAME);
  const header = segment === undefined ? undefined : bytesAtAddress(image, segment.p_vaddr);
  if (segment === undefined || header === undefined || header[0] !== 1) return undefined;
  const cursor = cursorAt(header, segment.p_vaddr, image.header.is64 ? 8 : 4, 4);
  const address = pointer(cursor, header[1], segment.p_vaddr);
  const bytes = address === undefined ? undefined : bytesAtAddress(image, address);
  return address === undefined || bytes === undefined ? undefined : { bytes, address };
}

export class CallFrames {
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #wordSize: 4 | 8;
  /** By address, ascending. */
  readonly #entries: Fde[] = [];
  readonly #rows = new Map<number, FrameRow | undefined>();

  private constructor(bytes: Uint8Array, address: number, wordSize: 4 | 8) {
    this.#bytes = bytes;
    this.#address = address;
    this.#wordSize = wordSize;
    this.#readEntries();
    this.#entries.sort((a, b) => a.start - b.start);
  }

  /** The file's call frames; undefined if it has none. */
  static of(image: ElfImage): CallFrames | undefined {
    const found = locate(image);
    return found && new CallFrames(found.bytes, found.address, image.header.is64 ? 8 : 4);
  }

  /** The entry that covers the link-time address. */
  find(address: number): FrameEntry | undefined {
    return this.#find(address);
  }

  #find(address: number): Fde | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle].start <= address) low = middle + 1;
      else high = middle;
    }
    const entry = this.#entries[low - 1];
    return entry !== undefined && address < entry.end ? entry : undefined;
  }

  /**
   * Replaces the registers, those of code at the link-time address (of a caller: of the last byte of its call), by the
   * caller's; the return address goes to its own number (8 or 16). Without a caller they are of no more use.
   */
  stepUp(address: number, registers: number[], read: ReadWord): StepUp {
    if (!this.#rows.has(address)) this.#rows.set(address, this.#makeRow(address));
    const row = this.#rows.get(address);
    if (row === undefined) return "unknown";
    const { cfa: rule, rules, returnRegister } = row;
    const cfa =
      "register" in rule
        ? registers[rule.register] + rule.offset
        : evaluate(this.#cursor(rule.from), rule.to, registers, read);
    if (cfa === undefined) return "unknown";
    const before = registers.slice();
    registers[STACK_POINTER[this.#wordSize]] = cfa;
    for (const [register, rule] of rules) {
      if (rule.kind === "undefined") {
        if (register === returnRegister) return "outermost";
        continue;
      }
      const value = this.#value(rule, cfa, before, read);
      if (value === undefined) return "unknown";
      registers[register] = value;
    }
    return registers[returnRegister] === 0 ? "outermost" : "caller";
  }

  #value(
    rule: Exclude<Rule, { kind: "undefined" }>,
    cfa: number,
    registers: readonly number[],
    read: ReadWord,
  ): number | undefined {
    switch (rule.kind) {
      case "offset":
        return read(cfa + rule.value);
      case "valueOffset":
        return cfa + rule.value;
      case "register":
        return registers[rule.value];
      case "valueExpression":
        return evaluate(this.#cursor(rule.from), rule.to, registers, read, cfa);
      case "expression": {
        const at = evaluate(this.#cursor(rule.from), rule.to, registers, read, cfa);
        return at === undefined ? undefined : read(at);
      }
    }
  }

  #cursor(at: number): CfiCursor {
    return cursorAt(this.#bytes, this.#address, this.#wordSize, at);
  }

  #readEntries(): void {
    const cies = new Map<number, Cie | undefined>();
    for (let at = 0; at + 8 <= this.#bytes.length; ) {
      const cursor = this.#cursor(at);
      let length = unsigned(cursor, 4);
      if (length === 0) return;
      if (length === 0xffff_ffff) length = unsigned(cursor, 8);
      const body = cursor.at;
      const end = body + length;
      if (end > this.#bytes.length) return;
      const id = unsigned(cursor, 4);
      if (id !== 0) {
        const cieAt = body - id;
        if (!cies.has(cieAt)) cies.set(cieAt, this.#readCie(cieAt));
        const cie = cies.get(cieAt);
        if (cie !== undefined) this.#readFde(cursor, cie, end);
      }
      at = end;
    }
  }

  #readCie(at: number): Cie | undefined {
    if (at < 0 || at + 8 > this.#bytes.length) return undefined;
    const cursor = this.#cursor(at);
    let length = unsigned(cursor, 4);
    if (length === 0xffff_ffff) length = unsigned(cursor, 8);
    const end = cursor.at + length;
    if (end > this.#bytes.length || unsigned(cursor, 4) !== 0) return undefined;
    const version = unsigned(cursor, 1);
    const augmentation = text(cursor);
    if (version === 4) cursor.at += 2;
    const codeAlign = uleb(cursor);
    const dataAlign = sleb(cursor);
    const returnRegister = version === 1 ? unsigned(cursor, 1) : uleb(cursor);
    let pointerEncoding = 0;
    const hasAugmentation = augmentation.startsWith("z");
    // Without the "z" nothing says how long the unknown data are.
    if (augmentation !== "" && !hasAugmentation) return undefined;
    let from = cursor.at;
    if (hasAugmentation) {
      const size = uleb(cursor);
      from = cursor.at + size;
      for (const letter of augmentation.slice(1)) {
        if (letter === "R") pointerEncoding = unsigned(cursor, 1);
        else if (letter === "L") cursor.at++;
        else if (letter === "P") pointer(cursor, unsigned(cursor, 1));
        else if (letter !== "S" && letter !== "B") break;
      }
    }
    const isSignalFrame = augmentation.includes("S");
    return { codeAlign, dataAlign, returnRegister, pointerEncoding, hasAugmentation, isSignalFrame, from, to: end };
  }

  #readFde(cursor: CfiCursor, cie: Cie, to: number): void {
    const start = pointer(cursor, cie.pointerEncoding);
    const size = pointer(cursor, cie.pointerEncoding & 15);
    if (start === undefined || size === undefined || size === 0) return;
    if (cie.hasAugmentation) {
      const skip = uleb(cursor);
      cursor.at += skip;
    }
    const { isSignalFrame } = cie;
    this.#entries.push({ start, end: start + size, isSignalFrame, cie, from: cursor.at, to });
  }

  /** Undefined where the caller cannot be found. */
  #makeRow(address: number): FrameRow | undefined {
    const entry = this.#find(address);
    if (entry === undefined) return undefined;
    const { cie, start } = entry;
    const { returnRegister } = cie;
    const row: Row = { cfa: { register: 0, offset: 0 }, rules: new Map() };
    const forEver = Number.POSITIVE_INFINITY;
    if (!execute(row, cie, this.#cursor(cie.from), cie.to, start, forEver, new Map())) return undefined;
    const initial = new Map(row.rules);
    if (!execute(row, cie, this.#cursor(entry.from), entry.to, start, address, initial)) return undefined;
    return row.rules.has(returnRegister) ? { cfa: row.cfa, rules: [...row.rules], returnRegister } : undefined;
  }
}
