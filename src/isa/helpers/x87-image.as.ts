/**
 * Memory images of the x87 and SSE state in the SCRATCH area of the CPU block: FSTENV, FSAVE (SDM vol. 1, 8.1.10) and FXSAVE
 * (vol. 2, table 3-43). The lifter copies between SCRATCH and guest memory; `…Commit` applies what the instruction does to the
 * state after its image was written.
 */
import { FCS, FCW, FDP, FDS, FIP, FOP, FPR, FSW, FTW, MXCSR, SCRATCH } from "./block.as";
import { fpUpdateMode } from "./sse-core.as";
import { x87Fninit } from "./x87.as";
import * as x from "./x87-core.as";

/** The tag word with 2 bits a physical register: 0 valid, 1 zero, 2 special, 3 empty. */
function fullTags(): u32 {
  let tags: u32 = 0;
  const present = load<u32>(FTW);
  for (let i: u32 = 0; i < 8; i++) {
    let tag: u32 = 3;
    if (((present >> i) & 1) !== 0) {
      const at = FPR + (usize(i) << 4);
      const sig = load<u64>(at);
      const e = load<u16>(at + 8) & 0x7fff;
      if (e === 0 && sig === 0) tag = 1;
      else tag = e === 0 || e === 0x7fff || sig >> 63 === 0 ? 2 : 0;
    }
    tags |= tag << (2 * i);
  }
  return tags;
}

function abridge(tags: u32): u32 {
  let out: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) !== 3) out |= 1 << i;
  return out;
}

/** FNSTENV image: 28 bytes, or 14 with `size16`. Registers of FNSAVE follow it with `registers`. */
export function x87EnvImage(size16: u32, registers: u32): void {
  let at = SCRATCH;
  if (size16 !== 0) {
    store<u16>(at, u16(load<u32>(FCW)));
    store<u16>(at + 2, u16(load<u32>(FSW)));
    store<u16>(at + 4, u16(fullTags()));
    store<u16>(at + 6, load<u16>(FIP));
    store<u16>(at + 8, load<u16>(FCS));
    store<u16>(at + 10, load<u16>(FDP));
    store<u16>(at + 12, load<u16>(FDS));
    at += 14;
  } else {
    store<u32>(at, load<u32>(FCW) | 0xffff0000);
    store<u32>(at + 4, load<u32>(FSW) | 0xffff0000);
    store<u32>(at + 8, fullTags() | 0xffff0000);
    store<u32>(at + 12, load<u32>(FIP));
    store<u32>(at + 16, (load<u32>(FCS) & 0xffff) | ((load<u32>(FOP) & 0x7ff) << 16));
    store<u32>(at + 20, load<u32>(FDP));
    store<u32>(at + 24, load<u32>(FDS) | 0xffff0000);
    at += 28;
  }
  if (registers === 0) return;
  for (let i: u32 = 0; i < 8; i++) {
    store<u64>(at, x.rawSig(i));
    store<u16>(at + 8, u16(x.rawSe(i)));
    at += 10;
  }
}

/** FNSTENV masks all exceptions afterwards. */
export function x87EnvCommit(): void {
  store<u32>(FCW, load<u32>(FCW) | 0x3f);
  x.updateES();
}

/** FNSAVE initialises the FPU afterwards. */
export function x87SaveCommit(): void {
  x87Fninit();
}

/** FLDENV, and FRSTOR with `registers`, from the image in SCRATCH. */
export function x87LoadEnv(size16: u32, registers: u32): void {
  let at = SCRATCH;
  const step: usize = size16 !== 0 ? 2 : 4;
  store<u32>(FCW, (u32(load<u16>(at)) & 0x1f3f) | 0x40);
  store<u32>(FSW, load<u16>(at + step));
  store<u32>(FTW, abridge(load<u16>(at + 2 * step)));
  if (size16 !== 0) {
    store<u64>(FIP, load<u16>(at + 6));
    store<u32>(FCS, load<u16>(at + 8));
    store<u64>(FDP, load<u16>(at + 10));
    store<u32>(FDS, load<u16>(at + 12));
    store<u32>(FOP, 0);
  } else {
    store<u64>(FIP, load<u32>(at + 12));
    store<u32>(FCS, load<u16>(at + 16));
    store<u32>(FOP, load<u16>(at + 18) & 0x7ff);
    store<u64>(FDP, load<u32>(at + 20));
    store<u32>(FDS, load<u16>(at + 24));
  }
  x.updateES();
  if (registers === 0) return;
  at += 7 * step;
  const present = load<u32>(FTW);
  for (let i: u32 = 0; i < 8; i++) {
    x.writeRaw(i, load<u64>(at), load<u16>(at + 8));
    at += 10;
  }
  store<u32>(FTW, present);
}

/**
 * FXSAVE image: the first 160 of its 512 bytes; the lifter adds the XMM registers. With `wide` (REX.W) 64-bit pointers.
 * AMD CPUs save opcode and pointers only while an unmasked exception is pending (APM vol. 2, 11.5.3).
 */
export function fxSaveImage(wide: u32): void {
  const at = SCRATCH;
  store<u16>(at, u16(load<u32>(FCW)));
  store<u16>(at + 2, u16(load<u32>(FSW)));
  store<u16>(at + 4, u16(load<u32>(FTW) & 0xff));
  store<u16>(at + 6, 0);
  store<u64>(at + 8, 0);
  store<u64>(at + 16, 0);
  if (x.waiting()) {
    store<u16>(at + 6, u16(load<u32>(FOP) & 0x7ff));
    store<u64>(at + 8, wide !== 0 ? load<u64>(FIP) : u64(load<u32>(FIP)) | (u64(load<u16>(FCS)) << 32));
    store<u64>(at + 16, wide !== 0 ? load<u64>(FDP) : u64(load<u32>(FDP)) | (u64(load<u16>(FDS)) << 32));
  }
  store<u32>(at + 24, load<u32>(MXCSR));
  store<u32>(at + 28, 0x2ffff);
  for (let i: u32 = 0; i < 8; i++) {
    const to = at + 32 + (usize(i) << 4);
    store<u64>(to, x.rawSig(i));
    store<u64>(to + 8, u64(x.rawSe(i)));
  }
}

/** Whether the image's MXCSR has a reserved bit set. */
function mxcsrInvalid(): bool {
  return (load<u32>(SCRATCH + 24) & ~0x2ffff) !== 0;
}

function loadMxcsr(value: u32): void {
  store<u32>(MXCSR, value);
  fpUpdateMode();
}

/** A pointer as the processor keeps it: 48 bits, which are saved with their sign. */
function canonical(pointer: u64): u64 {
  return u64((i64(pointer) << 16) >> 16);
}

/** The x87 part of the image. */
function loadX87(wide: u32): void {
  const at = SCRATCH;
  store<u32>(FCW, (u32(load<u16>(at)) & 0x1f3f) | 0x40);
  store<u32>(FSW, load<u16>(at + 2));
  const tags = u32(load<u8>(at + 4));
  x.updateES();
  if (x.waiting()) {
    store<u32>(FOP, load<u16>(at + 6) & 0x7ff);
    if (wide !== 0) {
      store<u64>(FIP, canonical(load<u64>(at + 8)));
      store<u64>(FDP, canonical(load<u64>(at + 16)));
    } else {
      store<u64>(FIP, load<u32>(at + 8));
      store<u32>(FCS, load<u16>(at + 12));
      store<u64>(FDP, load<u32>(at + 16));
      store<u32>(FDS, load<u16>(at + 20));
    }
  }
  for (let i: u32 = 0; i < 8; i++) {
    const from = at + 32 + (usize(i) << 4);
    x.writeRaw(i, load<u64>(from), load<u16>(from + 8));
  }
  store<u32>(FTW, tags);
}

/** FXRSTOR of those 160 bytes from SCRATCH: 0, or 13 (#GP, nothing changed) if the image's MXCSR has a reserved bit set. */
export function fxRestore(wide: u32): i32 {
  if (mxcsrInvalid()) return 13;
  loadX87(wide);
  loadMxcsr(load<u32>(SCRATCH + 24));
  return 0;
}

/** XINUSE[0]: the x87 state is not that of FNINIT with empty registers of value 0. */
export function xInUse(): u32 {
  let any: u64 = u64(load<u32>(FCW) ^ 0x37f) | u64(load<u32>(FSW)) | u64(load<u32>(FTW));
  for (let i: u32 = 0; i < 8; i++) any |= load<u64>(FPR + (usize(i) << 4)) | u64(load<u16>(FPR + (usize(i) << 4) + 8));
  return u32(any !== 0);
}

/** XCR0: x87, SSE and AVX. */
const XCR0: u64 = 7;
const XSTATE_BV: usize = 512;
const COMPACTED: u64 = 0x8000000000000000;

/** 1 if XRSTOR raises #GP for the header in SCRATCH (SDM vol. 1, 13.8.1 and 13.8.2). */
export function xHeaderInvalid(): u32 {
  const at = SCRATCH + XSTATE_BV;
  const present = load<u64>(at);
  const format = load<u64>(at + 8);
  if ((format & COMPACTED) === 0) return u32((present & ~XCR0) !== 0 || format !== 0 || load<u64>(at + 16) !== 0);
  let rest: u64 = 0;
  for (let i: usize = 16; i < 64; i += 8) rest |= load<u64>(at + i);
  return u32((format & ~(XCR0 | COMPACTED)) !== 0 || (present & ~format) !== 0 || rest !== 0);
}

/** XRSTOR of x87 and MXCSR from SCRATCH, as far as `requested`: 0, or 13 (#GP, nothing changed) as `fxRestore`. */
export function xRestore(wide: u32, requested: u32): i32 {
  const present = u32(load<u64>(SCRATCH + XSTATE_BV));
  const compacted = (load<u64>(SCRATCH + XSTATE_BV + 8) & COMPACTED) !== 0;
  // The standard format loads MXCSR with SSE or AVX, in use or not; the compacted one with SSE, or sets it.
  const mxcsr = compacted ? (requested & present & 2) !== 0 : (requested & 6) !== 0;
  if (mxcsr && mxcsrInvalid()) return 13;
  if ((requested & present & 1) !== 0) loadX87(wide);
  else if ((requested & 1) !== 0) {
    x87Fninit();
    for (let i: u32 = 0; i < 8; i++) x.writeRaw(i, 0, 0);
    store<u32>(FTW, 0);
  }
  if (mxcsr) loadMxcsr(load<u32>(SCRATCH + 24));
  else if (compacted && (requested & 2) !== 0) loadMxcsr(0x1f80);
  return 0;
}

/** Writes 8 bytes of SCRATCH (an image on its way from guest memory). */
export function scratchWrite64(offset: u32, value: u64): void {
  store<u64>(SCRATCH + usize(offset), value);
}
/** Writes 16 bytes of SCRATCH. */
export function scratchWriteV(offset: u32, value: v128): void {
  v128.store(SCRATCH + usize(offset), value);
}
