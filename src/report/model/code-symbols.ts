/** Symbols of a file's code, for disassembly: address → name, and name → range. */
import { SHN_ABS, STB_GLOBAL, STB_LOCAL, STT_FILE, STT_FUNC, STT_SECTION, STT_TLS } from "../../elf/constants.ts";
import type { ElfImage } from "../../elf/image.ts";
import { pltEntries } from "../../elf/plt.ts";
import { isElfError } from "../../elf/reader.ts";
import { dynamicSymbols, type ElfSymbol, isDefined, staticSymbols } from "../../elf/symbols.ts";
import { parseVersions } from "../../elf/versions.ts";

export interface CodeSymbol {
  readonly address: number;
  /** Bytes; 0 if the file does not say. */
  readonly size: number;
  readonly name: string;
}

function usable(symbol: ElfSymbol): boolean {
  const { type, name, st_shndx } = symbol;
  return (
    isDefined(symbol) &&
    name !== "" &&
    st_shndx !== SHN_ABS &&
    type !== STT_FILE &&
    type !== STT_SECTION &&
    type !== STT_TLS
  );
}

/** objdump's taste where one address has several names: functions first, then global ones. */
function rank(symbol: ElfSymbol): number {
  return (
    (symbol.type === STT_FUNC ? 4 : 0) + (symbol.binding === STB_GLOBAL ? 2 : symbol.binding === STB_LOCAL ? 0 : 1)
  );
}

/** All code and data symbols in ascending order, one a address: .symtab, or .dynsym with versions, and PLT entries. */
export function codeSymbols(image: ElfImage): readonly CodeSymbol[] {
  const best = new Map<number, ElfSymbol>();
  const fromSymtab = staticSymbols(image);
  const stripped = isElfError(fromSymtab) || fromSymtab.length === 0;
  const table = stripped ? dynamicSymbols(image) : fromSymtab;
  for (const symbol of isElfError(table) ? [] : table) {
    if (!usable(symbol)) continue;
    const known = best.get(symbol.st_value);
    if (known === undefined || rank(symbol) > rank(known)) best.set(symbol.st_value, symbol);
  }
  const versions = stripped ? parseVersions(image) : undefined;
  const nameOf = (symbol: ElfSymbol): string => {
    const version = versions === undefined || isElfError(versions) ? undefined : versions.symbolVersion(symbol.index);
    return version === undefined ? symbol.name : `${symbol.name}${version.isDefault ? "@@" : "@"}${version.version}`;
  };
  const symbols = [...best.values()].map((s) => ({ address: s.st_value, size: s.st_size, name: nameOf(s) }));
  for (const { address, name } of pltEntries(image)) if (!best.has(address)) symbols.push({ address, size: 16, name });
  return symbols.sort((a, b) => a.address - b.address);
}

/** The symbol at or below `address`. */
export function nearestSymbol(symbols: readonly CodeSymbol[], address: number): CodeSymbol | undefined {
  let low = 0;
  let high = symbols.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle].address <= address) low = middle + 1;
    else high = middle;
  }
  return symbols[low - 1];
}

/** Finds `name`, with or without its version. */
export function symbolNamed(symbols: readonly CodeSymbol[], name: string): CodeSymbol | undefined {
  return (
    symbols.find((symbol) => symbol.name === name || symbol.name.startsWith(`${name}@@`)) ??
    symbols.find((symbol) => symbol.name.startsWith(`${name}@`))
  );
}
