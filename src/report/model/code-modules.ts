/** The files whose code a process runs: which function lies at an address, and who has called it. */
import { CallFrames } from "../../elf/call-frames.ts";
import { PT_LOAD } from "../../elf/constants.ts";
import { type ElfImage, parseElf } from "../../elf/image.ts";
import { isElfError } from "../../elf/reader.ts";
import { PTE_P } from "../../memory/page-tables.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { VM_EXEC } from "../../mm/vm-flags.ts";
import type { Vma } from "../../mm/vma.ts";
import { File } from "../../vfs/file.ts";
import { type CodeSymbol, codeSymbols, nearestSymbol } from "./code-symbols.ts";

const PAGE = 4096;

/** A function, or what stands for it where there is no symbol. */
export interface CodeFunction {
  readonly name: string;
  /** Path of the file; undefined for code that came from no file. */
  readonly file: string | undefined;
}

/** A file with code. */
export class CodeModule {
  readonly path: string;
  readonly image: ElfImage | undefined;
  readonly frames: CallFrames | undefined;
  #symbols: readonly CodeSymbol[] | undefined;
  readonly #functions = new Map<string, CodeFunction>();
  readonly #byAddress = new Map<number, CodeFunction>();

  constructor(path: string, bytes: Uint8Array | undefined) {
    this.path = path;
    const image = bytes === undefined ? undefined : parseElf(bytes);
    this.image = image === undefined || isElfError(image) ? undefined : image;
    this.frames = this.image && CallFrames.of(this.image);
  }

  /** The link-time address of the byte at `offset` in the file; the offset itself if no segment loads it. */
  addressOf(offset: number): number {
    for (const { p_type, p_offset, p_vaddr, p_filesz } of this.image?.segments ?? []) {
      const from = p_offset - (p_offset % PAGE);
      if (p_type === PT_LOAD && offset >= from && offset < p_offset + p_filesz) return offset - p_offset + p_vaddr;
    }
    return offset;
  }

  /** The function at a link-time address. Without a symbol it is called by the file and where it begins there. */
  functionAt(address: number): CodeFunction {
    let known = this.#byAddress.get(address);
    if (known === undefined) this.#byAddress.set(address, (known = this.#find(address)));
    return known;
  }

  #find(address: number): CodeFunction {
    this.#symbols ??= this.image === undefined ? [] : codeSymbols(this.image);
    const entry = this.frames?.find(address);
    const symbol = nearestSymbol(this.#symbols, address);
    if (symbol !== undefined && covers(symbol, address, entry?.start)) {
      return this.#function(symbol.name.replace(/@.*$/, (version) => (version === "@plt" ? version : "")));
    }
    const base = this.path.slice(this.path.lastIndexOf("/") + 1);
    return this.#function(`${base}+0x${(entry?.start ?? address).toString(16)}`);
  }

  #function(name: string): CodeFunction {
    let known = this.#functions.get(name);
    if (known === undefined) this.#functions.set(name, (known = { name, file: this.path }));
    return known;
  }
}

/** Whether the address belongs to the symbol: by its size or, where it has none, by the code's own description. */
function covers(symbol: CodeSymbol, address: number, start: number | undefined): boolean {
  if (symbol.size > 0) return address < symbol.address + symbol.size;
  return start === undefined || symbol.address >= start;
}

/** Where an address lies: in which file, and at which link-time address. */
export interface CodePlace {
  readonly module: CodeModule;
  readonly address: number;
}

export class CodeModules {
  /** By page cache, or by the kernel's own mapping. */
  readonly #modules = new Map<object, CodeModule>();
  readonly #unknown = new Map<string, CodeFunction>();

  /** The place of a guest address; undefined if no code of a file is mapped there. */
  placeOf(mm: AddressSpace, address: number): CodePlace | undefined {
    const vma = mm.vmas.lookup(address);
    if (vma === undefined || (vma.flags & VM_EXEC) === 0) return undefined;
    const key = vma.special ?? vma.mappable;
    if (key === undefined) return undefined;
    let module = this.#modules.get(key);
    if (module === undefined) this.#modules.set(key, (module = loadModule(mm, vma)));
    const offset = address - vma.start + (vma.special === undefined ? vma.pgoff * PAGE : 0);
    return { module, address: module.addressOf(offset) };
  }

  /** The function at a guest address whose place is `place`. */
  functionAt(mm: AddressSpace, place: CodePlace | undefined, address: number): CodeFunction {
    if (place !== undefined) return place.module.functionAt(place.address);
    const vma = mm.vmas.lookup(address);
    const name = vma === undefined ? "[not mapped]" : `[anonymous memory at 0x${vma.start.toString(16)}]`;
    let known = this.#unknown.get(name);
    if (known === undefined) this.#unknown.set(name, (known = { name, file: undefined }));
    return known;
  }
}

function loadModule(mm: AddressSpace, vma: Vma): CodeModule {
  if (vma.special !== undefined) {
    const { name, frames } = vma.special;
    const bytes = new Uint8Array(frames.length * PAGE);
    for (const [i, frame] of frames.entries()) {
      bytes.set(mm.phys.u8.subarray(frame * PAGE, (frame + 1) * PAGE), i * PAGE);
    }
    return new CodeModule(name, bytes);
  }
  const { file } = vma;
  const path = vma.mappable?.mapName ?? "";
  if (!(file instanceof File) || !file.inode.isRegular) return new CodeModule(path, undefined);
  const bytes = new Uint8Array(file.inode.size);
  const count = file.pread(bytes, 0);
  return new CodeModule(path, count === bytes.length ? bytes : undefined);
}

/** Reads a word of guest memory as it is: nothing is paged in and nothing is marked as accessed. */
export function readQuietly(mm: AddressSpace, address: number): number | undefined {
  const { wordSize, phys } = mm;
  if (address % 4 === 0 && (address % PAGE) + wordSize <= PAGE) {
    const at = hostAddress(mm, address) / 4;
    if (at < 0) return undefined;
    const low = phys.i32[at] >>> 0;
    return wordSize === 4 ? low : (phys.i32[at + 1] >>> 0) * 2 ** 32 + low;
  }
  let value = 0;
  for (let i = wordSize - 1; i >= 0; i--) {
    const at = hostAddress(mm, address + i);
    if (at < 0) return undefined;
    value = value * 256 + phys.u8[at];
  }
  return value;
}

/** Where the byte lies in the machine's memory, or a negative number. */
function hostAddress(mm: AddressSpace, address: number): number {
  const pte = address >= 0 && address < 2 ** 47 ? mm.pageTables.findPte(Math.floor(address / PAGE)) : 0;
  const entry = pte === 0 ? 0 : mm.phys.i32[pte];
  return entry & PTE_P ? (entry >>> 12) * PAGE + (address % PAGE) : -4;
}
