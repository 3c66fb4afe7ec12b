/** Writes a static amd64 program of so many bytes of code, all different, each instruction of which is executed once. */
import { writeFileSync } from "node:fs";

const BASE = 0x400000;
const HEADERS = 0x80;
/** Bytes of one function; each is called once. */
const FUNCTION = 512;
const CALL = 5;

/** xorshift32 (Marsaglia 2003): the same program every time. */
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Registers that the code computes with: RAX, RCX, RDX, RBX, RSI, RDI. */
const REGISTERS = [0, 1, 2, 3, 6, 7];

/**
 * Writes at `at` one instruction of the kinds that compilers write most: moves, arithmetic with immediates and registers,
 * loads and stores of the stack, short branches over an instruction. Returns its length.
 */
function instruction(code, at, random) {
  const [a, b] = [REGISTERS[random(6)], REGISTERS[random(6)]];
  const immediate = () => code.writeInt32LE(random(0x7fffffff), at + 3);
  const put = (...bytes) => {
    code.set(bytes, at);
    return bytes.length;
  };
  switch (random(8)) {
    case 0: // mov r64, imm32
      put(0x48, 0xc7, 0xc0 | a);
      immediate();
      return 7;
    case 1: // add, or, …, cmp r64, imm32
      put(0x48, 0x81, 0xc0 | (random(8) << 3) | a);
      immediate();
      return 7;
    case 2: // add, sub, xor, mov r64, r64
      return put(0x48, [0x01, 0x29, 0x31, 0x89][random(4)], 0xc0 | (a << 3) | b);
    case 3: // mov [rsp - disp8], r64 or the other way round
      return put(0x48, random(2) === 0 ? 0x89 : 0x8b, 0x44 | (a << 3), 0x24, 0x100 - 8 * (1 + random(15)));
    case 4: // lea r64, [r64 + r64 + disp32]
      put(0x48, 0x8d, 0x84 | (a << 3), (b << 3) | REGISTERS[random(6)]);
      code.writeInt32LE(random(0x7fffffff), at + 4);
      return 8;
    case 5: // imul r64, r64
      return put(0x48, 0x0f, 0xaf, 0xc0 | (a << 3) | b);
    case 6: // shl, shr, sar r64, imm8
      return put(0x48, 0xc1, 0xc0 | ([4, 5, 7][random(3)] << 3) | a, 1 + random(63));
    default: // test r64, r64; jcc over add r64, imm8
      return put(0x48, 0x85, 0xc0 | (a << 3) | b, 0x70 | random(16), 4, 0x48, 0x83, 0xc0 | a, random(128));
  }
}

/** A program header or two and the code: calls of all functions, the sum written to stdout, exit. */
export function writeNeverHot(file, size) {
  const count = Math.ceil(size / (FUNCTION + CALL));
  const random = randomNumbers(2463534242);
  const end = [
    0x50, // push rax
    ...[0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0x89, 0xe6, 0xba, 8, 0, 0, 0, 0x0f, 0x05], // write(1, rsp, 8)
    ...[0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05], // exit(0)
  ];
  const functions = HEADERS + count * CALL + end.length;
  const bytes = Buffer.alloc(functions + count * FUNCTION);
  header(bytes);
  for (let i = 0; i < count; i++) {
    const call = HEADERS + i * CALL;
    const target = functions + i * FUNCTION;
    bytes[call] = 0xe8;
    bytes.writeInt32LE(target - (call + CALL), call + 1);
    let at = target;
    while (at + 10 < target + FUNCTION) at += instruction(bytes, at, random);
    bytes[at] = 0xc3;
  }
  bytes.set(end, HEADERS + count * CALL);
  writeFileSync(file, bytes, { mode: 0o755 });
}

/** ELF header and one PT_LOAD, read and execute, for the whole file. */
function header(bytes) {
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16); // ET_EXEC
  bytes.writeUInt16LE(62, 18); // EM_X86_64
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt32LE(BASE + HEADERS, 24);
  bytes.writeUInt32LE(64, 32);
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(1, 64); // PT_LOAD
  bytes.writeUInt32LE(5, 68); // PF_R | PF_X
  bytes.writeUInt32LE(BASE, 80);
  bytes.writeUInt32LE(BASE, 88);
  bytes.writeUInt32LE(bytes.length, 96);
  bytes.writeUInt32LE(bytes.length, 104);
  bytes.writeUInt32LE(4096, 112);
}
