/** The smallest static programs: one segment, read and execute, with the code behind the headers. */

export const SMALL_ELF_BASE = 0x400000;
/** File offset of the code, which is also its offset from the base. */
export const SMALL_ELF_CODE = 0x80;

export function smallElf(code: readonly number[], codeBits: 32 | 64): Uint8Array {
  const size = SMALL_ELF_CODE + code.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, codeBits === 64 ? 2 : 1, 1, 1]);
  let at = 16;
  const half = (value: number): void => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const int = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const word = (value: number): void => {
    int(value);
    if (codeBits === 64) int(0);
  };
  half(2); // ET_EXEC
  half(codeBits === 64 ? 62 : 3);
  int(1);
  word(SMALL_ELF_BASE + SMALL_ELF_CODE);
  word(codeBits === 64 ? 64 : 52);
  word(0);
  int(0);
  for (const value of codeBits === 64 ? [64, 56, 1, 0, 0, 0] : [52, 32, 1, 0, 0, 0]) half(value);
  int(1); // PT_LOAD
  if (codeBits === 64) int(5);
  for (const value of [0, SMALL_ELF_BASE, SMALL_ELF_BASE, size, size]) word(value);
  if (codeBits === 32) int(5);
  word(4096);
  bytes.set(code, SMALL_ELF_CODE);
  return bytes;
}
