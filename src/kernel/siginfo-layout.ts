/** siginfo_t in guest memory, 128 bytes in both ABIs (include/uapi/asm-generic/siginfo.h, compat_siginfo). */
import type { Abi } from "../abi/abi.ts";
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import { type SigInfo, sigInfo } from "./siginfo.ts";

export const SIGINFO_SIZE = 128;

/** Offset of the union `_sifields`. */
const UNION: Readonly<Record<Abi, number>> = { amd64: 16, i386: 12 };

/** The bytes of copy_siginfo_to_user(). */
export function encodeSigInfo(info: SigInfo, abi: Abi): Uint8Array {
  const out = new FrameWriter(SIGINFO_SIZE);
  out.u32(0, info.signo);
  out.u32(4, info.errno);
  out.u32(8, info.code);
  const at = UNION[abi];
  const wide = abi === "amd64";
  switch (info.layout) {
    case "kill":
      out.u32(at, info.pid);
      out.u32(at + 4, info.uid);
      break;
    case "timer":
      out.u32(at, info.timerId);
      out.u32(at + 4, info.overrun);
      sigval(out, at + 8, info, wide);
      break;
    case "rt":
      out.u32(at, info.pid);
      out.u32(at + 4, info.uid);
      sigval(out, at + 8, info, wide);
      break;
    case "chld":
      out.u32(at, info.pid);
      out.u32(at + 4, info.uid);
      out.u32(at + 8, info.status);
      if (wide) {
        out.u64(at + 16, info.utime);
        out.u64(at + 24, info.stime);
      } else {
        out.u32(at + 12, info.utime);
        out.u32(at + 16, info.stime);
      }
      break;
    case "fault":
      word(out, at, info.address, wide);
      break;
    case "poll":
      word(out, at, info.band, wide);
      out.u32(at + (wide ? 8 : 4), info.fd);
      break;
    case "sys":
      word(out, at, info.address, wide);
      out.u32(at + (wide ? 8 : 4), info.syscall);
      out.u32(at + (wide ? 12 : 8), info.arch);
      break;
  }
  return out.bytes;
}

function word(out: FrameWriter, at: number, value: number, wide: boolean): void {
  if (wide) out.u64(at, value);
  else out.u32(at, value % 0x1_0000_0000);
}

function sigval(out: FrameWriter, at: number, info: SigInfo, wide: boolean): void {
  out.u32(at, info.valueLo);
  if (wide) out.u32(at + 4, info.valueHi);
}

/** What rt_sigqueueinfo(2) was given: layout "rt" for negative codes. */
export function decodeSigInfo(bytes: Uint8Array, abi: Abi): SigInfo {
  const from = new FrameReader(bytes);
  const at = UNION[abi];
  return sigInfo({
    signo: from.i32(0),
    errno: from.i32(4),
    code: from.i32(8),
    layout: "rt",
    pid: from.i32(at),
    uid: from.u32(at + 4),
    valueLo: from.i32(at + 8),
    valueHi: abi === "amd64" ? from.i32(at + 12) : 0,
  });
}
