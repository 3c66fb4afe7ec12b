/** The `.text` section of an ELF file, for tests that walk real machine code. ELF gABI, chapter 4 (sections). */

import { readFileSync } from "node:fs";

export interface Text {
  readonly bytes: Uint8Array;
  readonly codeBits: 32 | 64;
}

export function readText(path: string): Text {
  const file = readFileSync(path);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const is64 = file[4] === 2;
  const word = (at: number): number => (is64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const sectionHeaders = word(is64 ? 40 : 32);
  const entrySize = view.getUint16(is64 ? 58 : 46, true);
  const count = view.getUint16(is64 ? 60 : 48, true);
  const names = view.getUint16(is64 ? 62 : 50, true);
  const header = (index: number): number => sectionHeaders + index * entrySize;
  const fileOffset = (index: number): number => word(header(index) + (is64 ? 24 : 16));
  for (let i = 0; i < count; i++) {
    const name = fileOffset(names) + view.getUint32(header(i), true);
    if (file.toString("latin1", name, name + 6) !== ".text\0") continue;
    const start = fileOffset(i);
    const size = word(header(i) + (is64 ? 32 : 20));
    return { bytes: new Uint8Array(file.subarray(start, start + size)), codeBits: is64 ? 64 : 32 };
  }
  throw new Error(`${path} has no .text`);
}
