/**
 * Compares the result records of folio and the processor. Flags that the SDM leaves undefined are compared too: folio gives
 * them as AMD's family 19h does.
 */
import { CASE_BYTES, CODE_MAX, Field } from "./cpu-case.ts";

/** CF PF AF ZF SF TF DF OF NT AC ID. */
const EFLAGS_MASK = 0x24_4dd5;

const TRAP_PF = 14;
const TRAP_AC = 17;
const TRAP_XM = 19;
const SIGALRM = 14;

/** How folio's record differs from the processor's: one line a field; empty if it does not. */
export function differences(mnemonic: string, native: DataView, folio: DataView): string[] {
  const out: string[] = [];
  const word = (name: string, at: number, mask = 0xffff_ffff) => {
    const a = (native.getUint32(at, true) & mask) >>> 0;
    const b = (folio.getUint32(at, true) & mask) >>> 0;
    if (a !== b) out.push(`${name}: cpu ${a.toString(16)} folio ${b.toString(16)}`);
  };
  const qword = (name: string, at: number) => {
    const a = native.getBigUint64(at, true);
    const b = folio.getBigUint64(at, true);
    if (a !== b) out.push(`${name}: cpu ${a.toString(16)} folio ${b.toString(16)}`);
  };
  const hang = native.getUint32(Field.signo, true) === SIGALRM;
  if (hang !== (folio.getUint32(Field.signo, true) === SIGALRM)) out.push(`loops: cpu ${hang} folio ${!hang}`);
  if (hang) return out;
  const trap = native.getUint32(Field.trap, true);
  // A random address hit the runner's own memory.
  const wild = folio.getUint32(Field.trap, true) === TRAP_PF && !isTestArea(folio.getBigUint64(Field.cr2, true));
  if (trap !== TRAP_PF && wild) return out;
  // How far POPA and ENTER get before a page or alignment fault is the processor's own matter.
  if ((trap === TRAP_PF || trap === TRAP_AC) && /^(popa|enter)$/.test(mnemonic)) {
    word("vector", Field.trap);
    return out;
  }
  for (let i = 0; i < 16; i++) qword(REGISTERS[i] as string, Field.gpr + 8 * i);
  qword("rip", Field.rip);
  word("eflags", Field.eflags, EFLAGS_MASK);
  word("vector", Field.trap);
  // The runner's own pages are mapped where the test has nothing.
  const foreign = trap === TRAP_PF && !isTestArea(native.getBigUint64(Field.cr2, true));
  word("error code", Field.error, foreign ? ~1 : ~0);
  if (trap === TRAP_PF) {
    qword("cr2", Field.cr2);
  }
  word("outside", Field.outside);
  word("fcw, fsw", Field.fx);
  word("ftw", Field.fx + 4, 0xff);
  // folio computes the halves of a 256-bit operation one after the other: when #XM ends it, the flags of one may be missing.
  const wideTrap = trap === TRAP_XM && /^(v|sequence)/.test(mnemonic);
  word("mxcsr", Field.fx + 24, wideTrap ? ~0x3f : ~0);
  for (let i = 0; i < 8; i++) {
    qword(`st${i}`, Field.fx + 32 + 16 * i);
    word(`st${i} high`, Field.fx + 40 + 16 * i, 0xffff);
  }
  for (let i = 0; i < 32; i++) qword(`xmm${i >> 1}.${i & 1}`, Field.fx + 160 + 8 * i);
  for (let i = 0; i < 32; i++) qword(`ymm${i >> 1} high.${i & 1}`, Field.ymmHigh + 8 * i);
  for (let at = 0; at < 256; at += 8) qword(`memory+${at.toString(16)}`, Field.memory + at);
  for (let at = 0; at < CODE_MAX; at += 8) qword(`code+${at.toString(16)}`, Field.code + at);
  return out;
}

function isTestArea(address: bigint): boolean {
  return address >= 0x0fff_0000n && address < 0x2001_0000n;
}

const REGISTERS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");

export function record(bytes: Uint8Array, index: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + index * CASE_BYTES, CASE_BYTES);
}
