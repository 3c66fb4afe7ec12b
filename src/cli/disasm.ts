/** `folio disasm FILE [symbol|address]`. */
import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import type { ElfImage } from "../elf/image.ts";
import { type CodeRange, codeRanges, disassembleRange, sliceRange } from "../report/format/disasm.ts";
import { type CodeSymbol, codeSymbols, nearestSymbol, symbolNamed } from "../report/model/code-symbols.ts";
import { loadDisassembler } from "./capstone.ts";
import { writeBinary } from "./output.ts";
import { readElf } from "./read-elf.ts";

/** Lines are written in batches of so many. */
const BATCH = 512;

/** The end of the code of `symbol`: its size, or the next symbol. */
function endOf(symbol: CodeSymbol, symbols: readonly CodeSymbol[]): number {
  if (symbol.size > 0) return symbol.address + symbol.size;
  return symbols.find((other) => other.address > symbol.address)?.address ?? Number.POSITIVE_INFINITY;
}

/** What the user asked for: everything, the function of that name, or the one around that address. */
function select(
  file: string,
  image: ElfImage,
  symbols: readonly CodeSymbol[],
  wanted: string | undefined,
): readonly CodeRange[] {
  const ranges = codeRanges(image);
  if (wanted === undefined) return ranges;
  const named = symbolNamed(symbols, wanted);
  const isAddress = /^(0x)?[0-9a-f]+$/i.test(wanted);
  if (named === undefined && !isAddress) throw new UsageError(`${file}: no symbol ${wanted}`);
  const address = named?.address ?? parseInt(wanted, 16);
  const around = named ?? nearestSymbol(symbols, address);
  const holder = around !== undefined && address < endOf(around, symbols) ? around : undefined;
  const range = sliceRange(
    ranges,
    holder?.address ?? address,
    holder === undefined ? address + 256 : endOf(holder, symbols),
  );
  if (range === undefined) throw new UsageError(`${file}: no code at ${wanted}`);
  return [range];
}

/** Prints the disassembly; the exit status. */
export async function disasm(file: string, wanted: string | undefined): Promise<number> {
  const image = readElf(file);
  const symbols = codeSymbols(image);
  const ranges = select(file, image, symbols, wanted);
  const { is64 } = image.header;
  const disassemble = await loadDisassembler(is64);
  let batch = [
    `\n${Buffer.from(file).toString("latin1")}:     file format ${is64 ? "elf64-x86-64" : "elf32-i386"}\n`,
    "",
  ];
  for (const range of ranges) {
    batch.push(`\nDisassembly of ${range.name.startsWith("segment") ? "" : "section "}${range.name}:`);
    for (const line of disassembleRange(range, symbols, is64, disassemble)) {
      batch.push(line);
      if (batch.length < BATCH) continue;
      writeBinary(1, `${batch.join("\n")}\n`);
      batch = [];
    }
  }
  writeBinary(1, `${batch.join("\n")}\n`);
  return 0;
}

export function addDisasmCommand(program: Command, done: (status: number) => void): void {
  program
    .command("disasm")
    .description("disassemble a file, one function of it, or the function around an address")
    .argument("<file>", "ELF file")
    .argument("[symbol|address]", "name of a function, or a hexadecimal address")
    .action(async (file: string, wanted: string | undefined) => done(await disasm(file, wanted)));
}
