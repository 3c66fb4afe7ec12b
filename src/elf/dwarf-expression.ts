/** DWARF expressions as call frame information has them (DWARF 4, section 2.5): PLT entries and signal frames. */
import { type CfiCursor, signed, sleb, uleb, unsigned } from "./cfi-cursor.ts";

const MAX_STEPS = 1000;

/** Operations with two operands: the second is on top of the stack. */
const BINARY: Readonly<Record<number, (a: bigint, b: bigint) => bigint>> = {
  26: (a, b) => a & b,
  28: (a, b) => a - b,
  30: (a, b) => a * b,
  33: (a, b) => a | b,
  34: (a, b) => a + b,
  36: (a, b) => a << b,
  37: (a, b) => a >> b,
  39: (a, b) => a ^ b,
  41: (a, b) => (a === b ? 1n : 0n),
  42: (a, b) => (a >= b ? 1n : 0n),
  43: (a, b) => (a > b ? 1n : 0n),
  44: (a, b) => (a <= b ? 1n : 0n),
  45: (a, b) => (a < b ? 1n : 0n),
  46: (a, b) => (a !== b ? 1n : 0n),
};

const SHIFTS: readonly number[] = [0x24, 0x25];

/**
 * The value of the expression from the cursor to `end`, with `first` on the stack at the start; undefined if it has an
 * operation that is not known, or reads what is not there.
 */
export function evaluate(
  cursor: CfiCursor,
  end: number,
  registers: readonly number[],
  read: (address: number) => number | undefined,
  first?: number,
): number | undefined {
  const { wordSize } = cursor;
  const stack: bigint[] = first === undefined ? [] : [BigInt(first)];
  for (let steps = 0; cursor.at < end; steps++) {
    if (steps === MAX_STEPS) return undefined;
    const opcode = unsigned(cursor, 1);
    const binary = BINARY[opcode];
    if (binary !== undefined) {
      const [b, a] = [stack.pop(), stack.pop()];
      if (a === undefined || b === undefined || (SHIFTS.includes(opcode) && b > 64n)) return undefined;
      stack.push(BigInt.asUintN(wordSize * 8, binary(a, b)));
    } else if (opcode >= 0x30 && opcode <= 0x4f) {
      stack.push(BigInt(opcode - 0x30));
    } else if (opcode >= 0x70 && opcode <= 0x8f) {
      const offset = sleb(cursor);
      stack.push(BigInt.asUintN(wordSize * 8, BigInt(registers[opcode - 0x70] ?? 0) + BigInt(offset)));
    } else if (opcode >= 0x08 && opcode <= 0x0f) {
      const size = 1 << ((opcode - 8) >> 1);
      stack.push(BigInt.asUintN(wordSize * 8, BigInt(opcode & 1 ? signed(cursor, size) : unsigned(cursor, size))));
    } else if (opcode === 0x03) stack.push(BigInt(unsigned(cursor, wordSize)));
    else if (opcode === 0x10) stack.push(BigInt(uleb(cursor)));
    else if (opcode === 0x11) stack.push(BigInt.asUintN(wordSize * 8, BigInt(sleb(cursor))));
    else if (opcode === 0x12 && stack.length > 0) stack.push(stack[stack.length - 1]);
    else if (opcode === 0x23 && stack.length > 0) {
      stack.push(BigInt.asUintN(wordSize * 8, (stack.pop() as bigint) + BigInt(uleb(cursor))));
    } else if (opcode === 0x06 && stack.length > 0) {
      const value = read(Number(stack.pop()));
      if (value === undefined) return undefined;
      stack.push(BigInt(value));
    } else if (opcode !== 0x96) return undefined;
  }
  const result = stack.pop();
  return result === undefined ? undefined : Number(result);
}
