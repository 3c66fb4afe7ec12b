/** Disassembly in the shape of `objdump -d -M intel`: section, label, address, bytes, instruction, target. */
import { PF_X, PT_LOAD, SHF_EXECINSTR, SHT_NOBITS } from "../../elf/constants.ts";
import { type ElfImage, sectionsOf } from "../../elf/image.ts";
import { holds, isElfError } from "../../elf/reader.ts";
import { type CodeSymbol, nearestSymbol } from "../model/code-symbols.ts";

/** An instruction as a disassembler tells it; capstone is one. */
export interface Disassembled {
  readonly length: number;
  readonly mnemonic: string;
  readonly operands: string;
}

/** Decodes the instruction at `bytes[offset]`, which lies at `address`; undefined if there is none. */
export type Disassemble = (bytes: Uint8Array, offset: number, end: number, address: number) => Disassembled | undefined;

/** A stretch of code. */
export interface CodeRange {
  readonly name: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The executable sections, or without section headers the executable segments. */
export function codeRanges(image: ElfImage): readonly CodeRange[] {
  const sections = sectionsOf(image);
  const ranges: CodeRange[] = [];
  if (!isElfError(sections)) {
    for (const { name, sh_flags, sh_type, sh_addr, sh_offset, sh_size } of sections) {
      if ((sh_flags & SHF_EXECINSTR) === 0 || sh_type === SHT_NOBITS) continue;
      if (!holds(image.bytes.length, sh_offset, sh_size)) continue;
      ranges.push({ name, address: sh_addr, bytes: image.bytes.subarray(sh_offset, sh_offset + sh_size) });
    }
  }
  if (ranges.length > 0) return ranges;
  image.segments.forEach(({ p_type, p_flags, p_offset, p_filesz, p_vaddr }, index) => {
    if (p_type !== PT_LOAD || (p_flags & PF_X) === 0 || !holds(image.bytes.length, p_offset, p_filesz)) return;
    const bytes = image.bytes.subarray(p_offset, p_offset + p_filesz);
    ranges.push({ name: `segment ${index}`, address: p_vaddr, bytes });
  });
  return ranges;
}

/** The part of `ranges` from `start` to `end`; undefined if `start` is in none of them. */
export function sliceRange(ranges: readonly CodeRange[], start: number, end: number): CodeRange | undefined {
  for (const { name, address, bytes } of ranges) {
    const offset = start - address;
    if (offset < 0 || offset >= bytes.length) continue;
    return { name, address: start, bytes: bytes.subarray(offset, Math.min(bytes.length, end - address)) };
  }
  return undefined;
}

const BYTES_PER_LINE = 7;
const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");

/** `<name>` or `<name+0x10>`. */
function place(symbols: readonly CodeSymbol[], address: number): string | undefined {
  const symbol = nearestSymbol(symbols, address);
  if (symbol === undefined) return undefined;
  const offset = address - symbol.address;
  if (offset > 0x10_0000) return undefined;
  return offset === 0 ? `<${symbol.name}>` : `<${symbol.name}+0x${offset.toString(16)}>`;
}

const BRANCH = /^(?:bnd |notrack )?(?:j[a-z]+|call|loop[a-z]*)$/;

/** Capstone's operands in objdump's spelling: `dword ptr [rbp - 4], 1` is `DWORD PTR [rbp-0x4],0x1`. */
function objdumpSpelling(operands: string): string {
  return operands
    .replace(/(^|, | [+-] )(\d)(?=$|,|\])/g, "$10x$2")
    .replace(/\b(?:byte|word|dword|qword|tbyte|xword|xmmword|ymmword) ptr/g, (size) => size.toUpperCase())
    .replaceAll(", ", ",")
    .replace(/ ([+-]) /g, "$1");
}

/** Branch targets get their symbol; RIP-relative operands the address they mean and its symbol. */
function operandText(insn: Disassembled, address: number, symbols: readonly CodeSymbol[]): string {
  const { mnemonic, length } = insn;
  const target = insn.operands.match(/^0x([0-9a-f]+)$/);
  if (target !== null && BRANCH.test(mnemonic)) {
    const where = place(symbols, parseInt(target[1], 16));
    return where === undefined ? target[1] : `${target[1]} ${where}`;
  }
  const operands = objdumpSpelling(insn.operands);
  const relative = operands.match(/\[rip([+-])0x([0-9a-f]+)\]/);
  if (relative === null) return operands;
  const distance = parseInt(relative[2], 16) * (relative[1] === "-" ? -1 : 1);
  const meant = address + length + distance;
  const where = place(symbols, meant);
  return `${operands}        # ${meant.toString(16)}${where === undefined ? "" : ` ${where}`}`;
}

/** The lines of one range, labels included. Bytes that are no instruction show as `(bad)`, one by one. */
export function* disassembleRange(
  range: CodeRange,
  symbols: readonly CodeSymbol[],
  is64: boolean,
  disassemble: Disassemble,
): Generator<string> {
  const { bytes, address: start } = range;
  const labels = new Map(symbols.map((symbol) => [symbol.address, symbol.name]));
  const digits = is64 ? 16 : 8;
  const width = Math.max(8, (start + bytes.length).toString(16).length);
  for (let at = 0; at < bytes.length; ) {
    const address = start + at;
    const label = labels.get(address);
    if (label !== undefined) yield `\n${address.toString(16).padStart(digits, "0")} <${label}>:`;
    else if (at === 0) {
      const where = place(symbols, address);
      yield `\n${address.toString(16).padStart(digits, "0")} ${where ?? `<${range.name}>`}:`;
    }
    const insn = disassemble(bytes, at, bytes.length, address) ?? { length: 1, mnemonic: "(bad)", operands: "" };
    const text = `${insn.mnemonic.padEnd(6)} ${operandText(insn, address, symbols)}`.trimEnd();
    for (let row = 0; row < insn.length; row += BYTES_PER_LINE) {
      const part = Array.from(bytes.subarray(at + row, at + Math.min(insn.length, row + BYTES_PER_LINE)), hexByte).join(
        " ",
      );
      const place = `${(address + row).toString(16).padStart(width)}:\t`;
      yield row === 0 ? `${place}${part.padEnd(BYTES_PER_LINE * 3)}\t${text}` : `${place}${part}`;
    }
    at += insn.length;
  }
}
