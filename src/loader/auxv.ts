/** The auxiliary vector (fs/binfmt_elf.c create_elf_tables, arch/x86/include/asm/elf.h ARCH_DLINFO). */
import type { Abi } from "../abi/abi.ts";
import {
  AT_BASE,
  AT_CLKTCK,
  AT_EGID,
  AT_ENTRY,
  AT_EUID,
  AT_EXECFN,
  AT_FLAGS,
  AT_GID,
  AT_HWCAP,
  AT_HWCAP2,
  AT_MINSIGSTKSZ,
  AT_NULL,
  AT_PAGESZ,
  AT_PHDR,
  AT_PHENT,
  AT_PHNUM,
  AT_PLATFORM,
  AT_RANDOM,
  AT_RSEQ_ALIGN,
  AT_RSEQ_FEATURE_SIZE,
  AT_SECURE,
  AT_SYSINFO,
  AT_SYSINFO_EHDR,
  AT_UID,
  CLKTCK,
} from "../abi/auxv.ts";
import { PAGE_SIZE } from "../base/address.ts";
import { phdrSize } from "../elf/program-headers.ts";
import type { KernelGeneration } from "../profiles/kernel-generation.ts";

export type AuxEntry = readonly [tag: number, value: number];

/** sizeof(struct rseq) up to its last feature, and its alignment (include/uapi/linux/rseq.h). */
const RSEQ_FEATURE_SIZE = 28;
const RSEQ_ALIGN = 32;

/** Identity of the new program's process. */
export interface ExecIdentity {
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  /** AT_SECURE: the exec gained privileges. */
  readonly secure: boolean;
}

/** What the CPU model tells programs through the vector. */
export interface CpuAuxv {
  /** CPUID.1:EDX. */
  readonly hwcap: number;
  /** Bit 1: FSGSBASE instructions. */
  readonly hwcap2: number;
  /** Size of the largest signal frame. */
  readonly minSigStackSize: number;
}

export interface AuxvInput {
  readonly abi: Abi;
  readonly generation: KernelGeneration;
  readonly cpu: CpuAuxv;
  readonly identity: ExecIdentity;
  readonly vdsoBase: number;
  /** Address of __kernel_vsyscall (i386). */
  readonly sysinfo: number;
  readonly phdr: number;
  readonly phnum: number;
  /** Load address of the interpreter, 0 without one. */
  readonly base: number;
  readonly entry: number;
  readonly randomAddress: number;
  readonly execfnAddress: number;
  readonly platformAddress: number;
}

/** The entries in the kernel's order, AT_NULL included. */
export function buildAuxv(input: AuxvInput): readonly AuxEntry[] {
  const { generation, cpu, identity } = input;
  const entries: AuxEntry[] = [];
  if (input.abi === "i386") entries.push([AT_SYSINFO, input.sysinfo]);
  entries.push([AT_SYSINFO_EHDR, input.vdsoBase]);
  if (generation.auxv.minsigstksz) entries.push([AT_MINSIGSTKSZ, cpu.minSigStackSize]);
  entries.push(
    [AT_HWCAP, cpu.hwcap],
    [AT_PAGESZ, PAGE_SIZE],
    [AT_CLKTCK, CLKTCK],
    [AT_PHDR, input.phdr],
    [AT_PHENT, phdrSize(input.abi === "amd64")],
    [AT_PHNUM, input.phnum],
    [AT_BASE, input.base],
    [AT_FLAGS, 0],
    [AT_ENTRY, input.entry],
    [AT_UID, identity.uid],
    [AT_EUID, identity.euid],
    [AT_GID, identity.gid],
    [AT_EGID, identity.egid],
    [AT_SECURE, identity.secure ? 1 : 0],
    [AT_RANDOM, input.randomAddress],
  );
  if (generation.auxv.hwcap2) entries.push([AT_HWCAP2, cpu.hwcap2]);
  entries.push([AT_EXECFN, input.execfnAddress], [AT_PLATFORM, input.platformAddress]);
  if (generation.auxv.rseq) entries.push([AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE], [AT_RSEQ_ALIGN, RSEQ_ALIGN]);
  entries.push([AT_NULL, 0]);
  return entries;
}
