/** The register state of the running task, as the kernel sees it: a view of the CPU block. */
import { InternalError } from "../base/errors.ts";
import {
  CPU_BASE,
  EFLAGS_REST,
  FCS,
  FCW,
  FDS,
  FIP,
  FLAG_AUX,
  FLAG_RESULT,
  FOP,
  FP_SLOW,
  FPR,
  FPR_STRIDE,
  FS_BASE,
  FSW,
  FTW,
  GPR,
  GS_BASE,
  MXCSR,
  RIP,
  SELECTORS,
  YMM,
  YMM_STRIDE,
} from "../isa/cpu-block.ts";
import { Segment } from "../isa/instruction.ts";

/** __USER_CS of a 64-bit kernel: the one segment with 64-bit code. */
const USER_CS = 0x33;
const TWO32 = 0x1_0000_0000;
/** The part of the CPU block that is a task's: up to the end of the vector registers. */
const TASK_BYTES = YMM + 16 * YMM_STRIDE - CPU_BASE;
/** EFLAGS bits that user mode can set, outside the arithmetic six: TF, DF, NT, RF, AC, ID. */
const REST_MASK = 0x25_4500;
const DEFAULT_MXCSR = 0x1f80;
/** Rounding and masks of MXCSR where plain float operators are right (SDM volume 1, section 10.2.3), and PE. */
const MXCSR_MODE_MASK = 0x7f80;
const MXCSR_PLAIN = 0x1f80;
const MXCSR_PE = 0x20;
const MXCSR_MASK = 0x2_ffff;
/** FCW: bits that can be written, and the reserved one that is set. */
const FCW_USED = 0x1f3f;
const FCW_SET = 0x40;
const FSW_EXCEPTIONS = 0x3f;
/** ES and B. */
const FSW_SUMMARY = 0x8080;
const FOP_USED = 0x7ff;

export class Registers {
  codeBits: 32 | 64 = 64;
  /** Somebody other than the running code has written a register since this was cleared. */
  touched = true;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  gprLo(index: number): number {
    return this.#view.getInt32(GPR + 8 * index, true);
  }

  gprHi(index: number): number {
    return this.#view.getInt32(GPR + 8 * index + 4, true);
  }

  setGpr(index: number, lo: number, hi: number): void {
    this.touched = true;
    this.#view.setInt32(GPR + 8 * index, lo, true);
    this.#view.setInt32(GPR + 8 * index + 4, hi, true);
  }

  gpr(index: number): number {
    return this.#number(GPR + 8 * index);
  }

  setGprNumber(index: number, value: number): void {
    this.setGpr(index, value | 0, this.codeBits === 64 ? Math.floor(value / TWO32) | 0 : 0);
  }

  get rip(): number {
    return this.#address(RIP);
  }

  set rip(value: number) {
    this.#setNumber(RIP, value);
  }

  get fsBase(): number {
    return this.#number(FS_BASE);
  }

  set fsBase(value: number) {
    this.#setNumber(FS_BASE, value);
  }

  get gsBase(): number {
    return this.#number(GS_BASE);
  }

  set gsBase(value: number) {
    this.#setNumber(GS_BASE, value);
  }

  get eflags(): number {
    const view = this.#view;
    const lo = view.getInt32(FLAG_RESULT, true);
    const hi = view.getInt32(FLAG_RESULT + 4, true);
    const aux = view.getInt32(FLAG_AUX, true);
    let flags = (aux & 0x811) | (view.getInt32(EFLAGS_REST, true) & REST_MASK) | 0x202;
    if (lo === 0 && hi === 0) flags |= 0x40;
    if ((hi ^ aux) < 0) flags |= 0x80;
    if (evenParity((lo ^ (aux >> 16)) & 0xff)) flags |= 4;
    return flags;
  }

  set eflags(value: number) {
    this.touched = true;
    const view = this.#view;
    const zero = (value >> 6) & 1;
    view.setInt32(FLAG_RESULT, zero ^ 1, true);
    view.setInt32(FLAG_RESULT + 4, 0, true);
    const parity = ((value >> 6) ^ (value >> 2)) & 1;
    view.setInt32(FLAG_AUX, (value & 0x811) | ((value & 0x80) << 24) | (parity << 16), true);
    view.setInt32(FLAG_AUX + 4, 0, true);
    view.setInt32(EFLAGS_REST, value & REST_MASK, true);
  }

  selector(segment: number): number {
    return this.#view.getUint16(SELECTORS + 2 * segment, true);
  }

  setSelector(segment: number, selector: number): void {
    this.touched = true;
    // The kernel loads only its own flat code segments; far transfers say what they mean.
    if (segment === Segment.cs) this.codeBits = selector === USER_CS ? 64 : 32;
    this.#view.setUint16(SELECTORS + 2 * segment, selector, true);
  }

  fxsave(into: Uint8Array): void {
    const from = this.#view;
    const to = new DataView(into.buffer, into.byteOffset, 512);
    into.fill(0, 0, 512);
    const status = from.getUint32(FSW, true);
    to.setUint16(0, from.getUint32(FCW, true), true);
    to.setUint16(2, status, true);
    to.setUint8(4, from.getUint32(FTW, true));
    to.setUint16(6, from.getUint32(FOP, true), true);
    into.set(this.#bytes.subarray(FIP, FIP + 16), 8);
    to.setUint32(24, from.getUint32(MXCSR, true), true);
    to.setUint32(28, MXCSR_MASK, true);
    const top = (status >> 11) & 7;
    for (let i = 0; i < 8; i++) {
      const reg = FPR + FPR_STRIDE * ((top + i) & 7);
      into.set(this.#bytes.subarray(reg, reg + 10), 32 + 16 * i);
    }
    const count = this.codeBits === 64 ? 16 : 8;
    for (let i = 0; i < count; i++) {
      const reg = YMM + YMM_STRIDE * i;
      into.set(this.#bytes.subarray(reg, reg + 16), 160 + 16 * i);
    }
  }

  fxrstor(image: Uint8Array): void {
    this.touched = true;
    const to = this.#view;
    const from = new DataView(image.buffer, image.byteOffset, 512);
    const status = from.getUint16(2, true);
    const control = (from.getUint16(0, true) & FCW_USED) | FCW_SET;
    const pending = status & ~control & FSW_EXCEPTIONS;
    to.setUint32(FCW, control, true);
    to.setUint32(FSW, (status & ~FSW_SUMMARY) | (pending ? FSW_SUMMARY : 0), true);
    to.setUint32(FTW, from.getUint8(4), true);
    to.setUint32(FOP, from.getUint16(6, true) & FOP_USED, true);
    for (const at of [0, 8]) {
      // Pointers have 48 bits and are saved with their sign.
      this.#bytes.set(image.subarray(8 + at, 14 + at), FIP + at);
      this.#bytes.fill(image[13 + at] & 0x80 ? 0xff : 0, FIP + at + 6, FIP + at + 8);
    }
    // The format of 64-bit code has no selectors.
    to.setUint16(FCS, 0, true);
    to.setUint16(FDS, 0, true);
    to.setUint32(MXCSR, from.getUint32(24, true) & MXCSR_MASK, true);
    this.updateFloatMode();
    const top = (status >> 11) & 7;
    for (let i = 0; i < 8; i++) {
      this.#bytes.set(image.subarray(32 + 16 * i, 42 + 16 * i), FPR + FPR_STRIDE * ((top + i) & 7));
    }
    const count = this.codeBits === 64 ? 16 : 8;
    for (let i = 0; i < count; i++) this.#bytes.set(image.subarray(160 + 16 * i, 176 + 16 * i), YMM + YMM_STRIDE * i);
  }

  ymmHigh(into: Uint8Array): void {
    for (let i = 0; i < 16; i++) {
      const reg = YMM + YMM_STRIDE * i + 16;
      into.set(this.#bytes.subarray(reg, reg + 16), 16 * i);
    }
  }

  setYmmHigh(from: Uint8Array): void {
    this.touched = true;
    for (let i = 0; i < 16; i++) this.#bytes.set(from.subarray(16 * i, 16 * i + 16), YMM + YMM_STRIDE * i + 16);
  }

  reset(codeBits: 32 | 64): void {
    this.codeBits = codeBits;
    this.touched = true;
    this.#bytes.fill(0, CPU_BASE, CPU_BASE + TASK_BYTES);
    this.eflags = 0x202;
    this.#view.setUint32(FCW, 0x37f, true);
    this.#view.setUint32(MXCSR, DEFAULT_MXCSR, true);
    this.updateFloatMode();
  }

  save(): Uint8Array {
    const saved = new Uint8Array(TASK_BYTES + 1);
    saved.set(this.#bytes.subarray(CPU_BASE, CPU_BASE + TASK_BYTES));
    saved[TASK_BYTES] = this.codeBits;
    return saved;
  }

  restore(saved: Uint8Array): void {
    if (saved.length !== TASK_BYTES + 1) throw new InternalError("a saved register block has the wrong size");
    this.touched = true;
    this.#bytes.set(saved.subarray(0, TASK_BYTES), CPU_BASE);
    this.codeBits = saved[TASK_BYTES] === 64 ? 64 : 32;
  }

  /** Recomputes FP_SLOW after a change of MXCSR (the helper fpUpdateMode does the same in wasm). */
  updateFloatMode(): void {
    const mxcsr = this.#view.getUint32(MXCSR, true);
    const mode = (mxcsr & MXCSR_MODE_MASK) !== MXCSR_PLAIN ? 0x8000_0002 : mxcsr & MXCSR_PE ? 0 : 0x8000_0001;
    this.#view.setUint32(FP_SLOW, mode, true);
  }

  #number(address: number): number {
    return this.#view.getUint32(address + 4, true) * TWO32 + this.#view.getUint32(address, true);
  }

  /** An address: of the kernel's half as a negative number. */
  #address(address: number): number {
    return this.#view.getInt32(address + 4, true) * TWO32 + this.#view.getUint32(address, true);
  }

  #setNumber(address: number, value: number): void {
    this.touched = true;
    this.#view.setInt32(address, value | 0, true);
    this.#view.setInt32(address + 4, Math.floor(value / TWO32) | 0, true);
  }
}

function evenParity(byte: number): boolean {
  let bits = byte ^ (byte >> 4);
  bits ^= bits >> 2;
  bits ^= bits >> 1;
  return (bits & 1) === 0;
}
