/**
 * The floating-point part of signal frames: an FXSAVE image, with the XSAVE header and the AVX state behind it if the CPU
 * has XSAVE (arch/x86/kernel/fpu/signal.c; arch/x86/include/uapi/asm/sigcontext.h, struct _fpx_sw_bytes).
 */
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import { SegmentRegister } from "./registers.ts";
import type { Task } from "./task.ts";

const FXSAVE_SIZE = 512;
const FXSAVE_ALIGNMENT = 16;
const XSAVE_HEADER_SIZE = 64;
const XSAVE_ALIGNMENT = 64;
const AVX_OFFSET = FXSAVE_SIZE + XSAVE_HEADER_SIZE;
const AVX_SIZE = 256;
/** What belongs to x87: all before MXCSR, and the registers. */
const XMM_OFFSET = 160;
const FP_PARTS = [
  [0, 24],
  [32, XMM_OFFSET],
] as const;
/** End of XMM15 in the image. */
const FXSAVE_USED = 416;
const SW_RESERVED = 464;
const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
const MAGIC2_SIZE = 4;
const XFEATURE_FP = 1;
const XFEATURE_SSE = 2;
const XFEATURES_FPSSE = XFEATURE_FP | XFEATURE_SSE;
const XFEATURE_YMM = 4;
/** Those that MXCSR belongs to. */
const XFEATURES_MXCSR = XFEATURE_SSE | XFEATURE_YMM;
/** MXCSR bits that may be set (MXCSR_MASK): AMD's processors have bit 17. */
const MXCSR_MASK = 0x2_ffff;
/** struct fregs_state: the FSAVE image, status and magic included. */
export const FREGS_SIZE = 112;
const X86_FXSR_MAGIC = 0;
const FSW_ES = 0x80;

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
  // AMD's processors save opcode and pointers only while an unmasked exception is pending.
  if (!(out.bytes[2] & FSW_ES)) out.bytes.fill(0, 6, 24);
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

/**
 * fpu__restore_sig(): reads the state back. `buffer` 0 clears it, and so does a frame that is refused. 0 or -1 (SIGSEGV):
 * memory that cannot be read, and what XRSTOR or FXRSTOR refuse; the kernel copies frames of i386 and checks them itself.
 */
export function readFpState(task: Task, buffer: number, ia32: boolean): number {
  const { config, cpu } = task.kernel;
  const { state } = cpu;
  clearFpState(task);
  if (buffer === 0) return 0;
  const at = ia32 ? buffer + FREGS_SIZE : buffer;
  const image = new Uint8Array(FXSAVE_SIZE);
  if (task.mm.read(at, image) < 0) return -1;
  const from = new FrameReader(image);
  const extended = isExtended(task, at, from);
  if (extended < 0) return -1;
  if (!ia32 && at % (extended ? XSAVE_ALIGNMENT : FXSAVE_ALIGNMENT) !== 0) return -1;
  // What the frame has, and what of it is asked for; the rest begins anew.
  let [present, requested] = [XFEATURES_FPSSE, XFEATURES_FPSSE];
  if (extended) {
    const header = new Uint8Array(XSAVE_HEADER_SIZE);
    if (task.mm.read(at + FXSAVE_SIZE, header) < 0) return -1;
    present = header[0];
    requested = image[SW_RESERVED + 8] & config.xstateFeatures;
    // A feature that is not there, or a reserved bit; XRSTOR looks at the first 24 bytes (SDM volume 1, section 13.8.2).
    const reserved = header.subarray(1, ia32 ? XSAVE_HEADER_SIZE : 24);
    if ((present & ~config.xstateFeatures) !== 0 || reserved.some((byte) => byte !== 0)) return -1;
  }
  const has = requested & present;
  const mxcsr = from.u32(24);
  if ((ia32 ? present !== 0 : requested & XFEATURES_MXCSR) && mxcsr & ~MXCSR_MASK) {
    // A 32-bit kernel clears bits that are reserved in FXSAVE's part, for the sake of old programs.
    if (extended || task.kernel.generation.kernelBits === 64) return -1;
  }
  if (ia32) {
    const fregs = new Uint8Array(FREGS_SIZE);
    if (task.mm.read(buffer, fregs) < 0) return -1;
    mergeFsaveImage(image, fregs);
  }
  const loaded = initialFxsave();
  if ((ia32 ? has : requested) & XFEATURE_SSE) new DataView(loaded.buffer).setUint32(24, mxcsr & MXCSR_MASK, true);
  if (has & XFEATURE_FP) for (const [start, end] of FP_PARTS) loaded.set(image.subarray(start, end), start);
  if (has & XFEATURE_SSE) loaded.set(image.subarray(XMM_OFFSET, FXSAVE_USED), XMM_OFFSET);
  const high = new Uint8Array(AVX_SIZE);
  if (has & XFEATURE_YMM && task.mm.read(at + AVX_OFFSET, high) < 0) return -1;
  state.fxrstor(loaded);
  state.setYmmHigh(high);
  return 0;
}

/** check_xstate_in_sigframe(): 1 if the frame has an XSAVE header and what follows it, 0 if FXSAVE's part alone; -1: not readable. */
function isExtended(task: Task, at: number, from: FrameReader): number {
  const { xstateSize } = task.kernel.config;
  if (xstateSize === 0) return 0;
  const [all, size] = [from.u32(SW_RESERVED + 4), from.u32(SW_RESERVED + 16)];
  const fits = size >= FXSAVE_SIZE + XSAVE_HEADER_SIZE && size <= xstateSize && size <= all;
  if (from.u32(SW_RESERVED) !== FP_XSTATE_MAGIC1 || !fits) return 0;
  const magic2 = new Uint8Array(MAGIC2_SIZE);
  if (task.mm.read(at + size, magic2) < 0) return -1;
  return new FrameReader(magic2).u32(0) === FP_XSTATE_MAGIC2 ? 1 : 0;
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
