/**
 * Machine code of the vdso. Each function makes the real system call, so time comes from the kernel's clock alone; the
 * i386 sigreturn stubs are byte for byte what unwinders look for (gcc libgcc/config/i386/linux-unwind.h).
 */
import type { Abi } from "../../abi/abi.ts";

export interface VdsoFunction {
  readonly name: string;
  /** A second, weak name for the same code. */
  readonly alias?: string;
  readonly version: "LINUX_2.5" | "LINUX_2.6";
  readonly code: readonly number[];
}

/** `mov eax, number; syscall; ret`: the arguments already are in RDI, RSI, RDX. */
function amd64Call(number: number): readonly number[] {
  return [0xb8, number & 0xff, number >> 8, 0, 0, 0x0f, 0x05, 0xc3];
}

/** Moves `args` stack arguments to EBX, ECX, EDX, then `mov eax, number; int 0x80; pop ebx; ret`. */
function i386Call(number: number, args: 1 | 2 | 3): readonly number[] {
  const loads = [
    [0x8b, 0x5c, 0x24, 0x08],
    [0x8b, 0x4c, 0x24, 0x0c],
    [0x8b, 0x54, 0x24, 0x10],
  ].slice(0, args);
  return [0x53, ...loads.flat(), 0xb8, number & 0xff, number >> 8, 0, 0, 0xcd, 0x80, 0x5b, 0xc3];
}

const AMD64: readonly VdsoFunction[] = [
  { name: "__vdso_clock_gettime", alias: "clock_gettime", version: "LINUX_2.6", code: amd64Call(228) },
  { name: "__vdso_gettimeofday", alias: "gettimeofday", version: "LINUX_2.6", code: amd64Call(96) },
  { name: "__vdso_time", alias: "time", version: "LINUX_2.6", code: amd64Call(201) },
  { name: "__vdso_getcpu", alias: "getcpu", version: "LINUX_2.6", code: amd64Call(309) },
  { name: "__vdso_clock_getres", alias: "clock_getres", version: "LINUX_2.6", code: amd64Call(229) },
];

const I386: readonly VdsoFunction[] = [
  // push ecx, edx, ebp; int 0x80; pop ebp, edx, ecx; ret: signal frames lie where the real entry code puts them.
  {
    name: "__kernel_vsyscall",
    version: "LINUX_2.5",
    code: [0x51, 0x52, 0x55, 0xcd, 0x80, 0x5d, 0x5a, 0x59, 0xc3],
  },
  // pop eax; mov eax, 119; int 0x80
  { name: "__kernel_sigreturn", version: "LINUX_2.5", code: [0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80] },
  // mov eax, 173; int 0x80
  { name: "__kernel_rt_sigreturn", version: "LINUX_2.5", code: [0xb8, 0xad, 0, 0, 0, 0xcd, 0x80] },
  { name: "__vdso_clock_gettime", version: "LINUX_2.6", code: i386Call(265, 2) },
  { name: "__vdso_gettimeofday", version: "LINUX_2.6", code: i386Call(78, 2) },
  { name: "__vdso_time", version: "LINUX_2.6", code: i386Call(13, 1) },
  { name: "__vdso_clock_getres", version: "LINUX_2.6", code: i386Call(266, 2) },
  { name: "__vdso_clock_gettime64", version: "LINUX_2.6", code: i386Call(403, 2) },
  { name: "__vdso_getcpu", version: "LINUX_2.6", code: i386Call(318, 3) },
];

/** The functions of the ABI's vdso. */
export function vdsoFunctions(abi: Abi): readonly VdsoFunction[] {
  return abi === "amd64" ? AMD64 : I386;
}

/** DT_SONAME, which ld.so shows as the object's name. */
export const VDSO_SONAME: Readonly<Record<Abi, string>> = {
  amd64: "linux-vdso.so.1",
  i386: "linux-gate.so.1",
};
