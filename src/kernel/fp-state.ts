/**
 * The floating-point part of signal frames: an FXSAVE image, with the XSAVE header and the AVX state behind it if the CPU
 * has XSAVE (arch/x86/kernel/fpu/signal.c; arch/x86/include/uapi/asm/sigcontext.h, struct _fpx_sw_bytes).
 */
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import { SegmentRegister } from "./registers.ts";
import type { Task } from "./task.ts";

const FXSAVE_SIZE = 512;
const XSAVE_HEADER_SIZE = 64;
const AVX_OFFSET = FXSAVE_SIZE + XSAVE_HEADER_SIZE;
const AVX_SIZE = 256;
/** End of XMM15 in the image. */
const FXSAVE_USED = 416;
const SW_RESERVED = 464;
const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
const MAGIC2_SIZE = 4;
const XFEATURES_FPSSE = 3;
const XFEATURE_YMM = 4;
/** MXCSR bits that may be set (MXCSR_MASK). */
const MXCSR_MASK = 0xffff;
/** struct fregs_state: the FSAVE image, status and magic included. */
export const FREGS_SIZE = 112;
const X86_FXSR_MAGIC = 0;

/** Bytes of the extended state in a frame, magic2 included; FXSAVE alone without XSAVE. */
export function fpFrameSize(task: Task): number {
  const { xstateSize } = task.kernel.config;
  return xstateSize === 0 ? FXSAVE_SIZE : xstateSize + MAGIC2_SIZE;
}

/** AT_MINSIGSTKSZ's share and UC_FP_XSTATE. */
export function usesXsave(task: Task): boolean {
  return task.kernel.config.xstateSize !== 0;
}

/**
 * copy_fpstate_to_sigframe(): writes the state at `buffer` (64-byte aligned). In i386 frames an FSAVE image lies below it.
 * 0 or -EFAULT.
 */
export function writeFpState(task: Task, buffer: number, ia32: boolean): number {
  const { xstateSize, xstateFeatures } = task.kernel.config;
  const { state } = task.kernel.cpu;
  const out = new FrameWriter(fpFrameSize(task));
  state.fxsave(out.bytes.subarray(0, FXSAVE_SIZE));
  out.bytes.fill(0, SW_RESERVED, FXSAVE_SIZE);
  if (xstateSize !== 0) {
    out.u32(SW_RESERVED, FP_XSTATE_MAGIC1);
    out.u32(SW_RESERVED + 4, xstateSize + MAGIC2_SIZE + (ia32 ? FREGS_SIZE : 0));
    out.u64(SW_RESERVED + 8, xstateFeatures);
    out.u32(SW_RESERVED + 16, xstateSize);
    const avx = out.bytes.subarray(AVX_OFFSET, AVX_OFFSET + AVX_SIZE);
    if (xstateFeatures & XFEATURE_YMM) state.ymmHigh(avx);
    out.u64(FXSAVE_SIZE, XFEATURES_FPSSE | (avx.some((byte) => byte !== 0) ? XFEATURE_YMM : 0));
    out.u32(xstateSize, FP_XSTATE_MAGIC2);
  }
  if (ia32) {
    const image = fsaveImage(out.bytes, fpSelectors(task, out.bytes));
    if (task.mm.write(buffer - FREGS_SIZE, image) < 0) return -1;
  }
  // FXSAVE does not write the bytes between the last register and what software may use.
  if (task.mm.write(buffer, out.bytes.subarray(0, FXSAVE_USED)) < 0) return -1;
  return task.mm.write(buffer + SW_RESERVED, out.bytes.subarray(SW_RESERVED));
}

/** fpu__clear_user_states(): the state a program, and each signal handler, begins with. */
export function clearFpState(task: Task): void {
  const { state } = task.kernel.cpu;
  state.fxrstor(initialFxsave());
  state.setYmmHigh(new Uint8Array(AVX_SIZE));
}

/** fpu__restore_sig(): reads the state back. `buffer` 0 clears it. 0 or -EFAULT. */
export function readFpState(task: Task, buffer: number, ia32: boolean): number {
  const { state } = task.kernel.cpu;
  if (buffer === 0) {
    clearFpState(task);
    return 0;
  }
  const at = ia32 ? buffer + FREGS_SIZE : buffer;
  const image = new Uint8Array(FXSAVE_SIZE);
  if (task.mm.read(at, image) < 0) return -1;
  const from = new FrameReader(image);
  const extended = readExtended(task, at, from);
  if (ia32) {
    const fregs = new Uint8Array(FREGS_SIZE);
    if (task.mm.read(buffer, fregs) < 0) return -1;
    mergeFsaveImage(image, fregs);
  }
  new DataView(image.buffer).setUint32(24, from.u32(24) & MXCSR_MASK, true);
  state.fxrstor(image);
  if (extended !== undefined) state.setYmmHigh(extended);
  return 0;
}

/** The AVX halves if the frame has valid extended state (check_xstate_in_sigframe()); zeros if the frame leaves them out. */
function readExtended(task: Task, at: number, from: FrameReader): Uint8Array | undefined {
  const { xstateSize, xstateFeatures } = task.kernel.config;
  if (xstateSize === 0 || !(xstateFeatures & XFEATURE_YMM)) return undefined;
  const high = new Uint8Array(AVX_SIZE);
  const size = from.u32(SW_RESERVED + 16);
  const valid = from.u32(SW_RESERVED) === FP_XSTATE_MAGIC1 && size >= AVX_OFFSET + AVX_SIZE && size <= xstateSize;
  if (!valid) return high;
  const magic2 = new Uint8Array(MAGIC2_SIZE);
  const header = new Uint8Array(XSAVE_HEADER_SIZE);
  if (task.mm.read(at + size, magic2) < 0 || task.mm.read(at + FXSAVE_SIZE, header) < 0) return high;
  if (new FrameReader(magic2).u32(0) !== FP_XSTATE_MAGIC2) return high;
  if (!(header[0] & XFEATURE_YMM)) return high;
  return task.mm.read(at + AVX_OFFSET, high) < 0 ? new Uint8Array(AVX_SIZE) : high;
}

/** The state after FNINIT with MXCSR 0x1f80. */
function initialFxsave(): Uint8Array {
  const image = new FrameWriter(FXSAVE_SIZE);
  image.u16(0, 0x37f);
  image.u32(24, 0x1f80);
  return image.bytes;
}

/** FPU_CS with the opcode, and FPU_DS. A 64-bit kernel does not have those of the exception and shows the present ones. */
function fpSelectors(task: Task, fxsave: Uint8Array): { cs: number; ds: number } {
  const { state } = task.kernel.cpu;
  if (task.kernel.generation.kernelBits === 64) {
    return { cs: state.selector(SegmentRegister.cs), ds: state.selector(SegmentRegister.ds) };
  }
  const from = new FrameReader(fxsave);
  return { cs: from.u16(12) | (from.u16(6) << 16), ds: from.u16(20) };
}

/** convert_from_fxsr(): the 108-byte FSAVE image, then the status word again and the magic that says FXSR data follows. */
function fsaveImage(fxsave: Uint8Array, selectors: { cs: number; ds: number }): Uint8Array {
  const from = new FrameReader(fxsave);
  const out = new FrameWriter(FREGS_SIZE);
  const status = from.u16(2);
  out.u32(0, from.u16(0) | 0xffff0000);
  out.u32(4, status | 0xffff0000);
  out.u32(8, fullTagWord(fxsave, from, status) | 0xffff0000);
  out.u32(12, from.u32(8));
  out.u32(16, selectors.cs);
  out.u32(20, from.u32(16));
  out.u32(24, selectors.ds | 0xffff0000);
  for (let i = 0; i < 8; i++) out.bytes.set(fxsave.subarray(32 + 16 * i, 32 + 16 * i + 10), 28 + 10 * i);
  out.u16(108, status);
  out.u16(110, X86_FXSR_MAGIC);
  return out.bytes;
}

/** twd_fxsr_to_i387(): two tag bits a register from the abridged tags and the contents. */
function fullTagWord(fxsave: Uint8Array, from: FrameReader, status: number): number {
  const abridged = fxsave[4];
  const top = (status >> 11) & 7;
  let tags = 0;
  for (let i = 0; i < 8; i++) {
    let tag = 3;
    if (abridged & (1 << i)) {
      const st = 32 + 16 * ((i - top) & 7);
      const exponent = from.u16(st + 8) & 0x7fff;
      if (exponent === 0x7fff) tag = 2;
      else if (exponent === 0) tag = from.u32(st) === 0 && from.u32(st + 4) === 0 ? 1 : 2;
      else tag = from.u32(st + 4) >>> 31 ? 0 : 2;
    }
    tags |= tag << (2 * i);
  }
  return tags;
}

/** convert_to_fxsr(): environment and registers of the FSAVE image win over those of the FXSAVE image. */
function mergeFsaveImage(fxsave: Uint8Array, fregs: Uint8Array): void {
  const from = new FrameReader(fregs);
  const view = new DataView(fxsave.buffer);
  view.setUint16(0, from.u16(0), true);
  view.setUint16(2, from.u16(4), true);
  const tags = from.u16(8);
  let abridged = 0;
  for (let i = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== 3) abridged |= 1 << i;
  fxsave[4] = abridged;
  view.setUint16(6, from.u32(16) >>> 16, true);
  view.setUint32(8, from.u32(12), true);
  view.setUint16(12, from.u16(16), true);
  view.setUint32(16, from.u32(20), true);
  view.setUint16(20, from.u16(24), true);
  for (let i = 0; i < 8; i++) fxsave.set(fregs.subarray(28 + 10 * i, 38 + 10 * i), 32 + 16 * i);
}
