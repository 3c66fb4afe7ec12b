/**
 * Thread-local storage of i386 tasks: set_thread_area, get_thread_area, modify_ldt and what a selector means
 * (arch/x86/kernel/tls.c, ldt.c).
 */
import { EFAULT, EINVAL, ENOSYS, ESRCH } from "../abi/errno.ts";
import { FrameReader, FrameWriter } from "./frame-writer.ts";
import { I386_USER_CS, I386_USER_DS, SegmentRegister, USER_CS, USER_DS, USER32_CS } from "./registers.ts";
import type { Task } from "./task.ts";
import { GDT_ENTRY_TLS_ENTRIES, GDT_ENTRY_TLS_MIN_COMPAT, GDT_ENTRY_TLS_MIN_I386, type TlsDescriptor } from "./tls.ts";

/** struct user_desc (arch/x86/include/uapi/asm/ldt.h): entry_number, base_addr, limit, flag bits. */
export const USER_DESC_SIZE = 16;
const LDT_ENTRIES = 8192;
const LDT_ENTRY_SIZE = 8;

const SEG_32BIT = 1;
const CONTENTS_SHIFT = 1;
const READ_EXEC_ONLY = 8;
const LIMIT_IN_PAGES = 16;
const SEG_NOT_PRESENT = 32;
const USEABLE = 64;

/** Code and data selectors of user mode for the task's ABI. */
export function userSelectors(task: Task): { cs: number; ds: number } {
  if (task.kernel.generation.kernelBits === 32) return { cs: I386_USER_CS, ds: I386_USER_DS };
  return { cs: task.programAbi === "amd64" ? USER_CS : USER32_CS, ds: USER_DS };
}

function tlsMin(task: Task): number {
  return task.kernel.generation.kernelBits === 64 ? GDT_ENTRY_TLS_MIN_COMPAT : GDT_ENTRY_TLS_MIN_I386;
}

/** LDT_empty() or the all-zero descriptor: the entry is to be cleared. */
function isEmpty(base: number, limit: number, flags: number): boolean {
  const rest = flags & ~USEABLE;
  return base === 0 && limit === 0 && (rest === (READ_EXEC_ONLY | SEG_NOT_PRESENT) || rest === 0);
}

/** tls_desc_okay(): 32-bit, not conforming code, present. */
function descriptorOkay(base: number, limit: number, flags: number): boolean {
  if (isEmpty(base, limit, flags)) return true;
  if (!(flags & SEG_32BIT)) return false;
  if (((flags >> CONTENTS_SHIFT) & 3) > 1) return false;
  return !(flags & SEG_NOT_PRESENT);
}

/** do_set_thread_area(): entry -1 asks for a free one, whose number is written back. */
export function setThreadArea(task: Task, address: number): number {
  const bytes = new Uint8Array(USER_DESC_SIZE);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  const from = new FrameReader(bytes);
  const base = from.u32(4);
  const limit = from.u32(8);
  const flags = from.u32(12) & 0x7f;
  if (!descriptorOkay(base, limit, flags)) return -EINVAL;
  let index = from.i32(0);
  if (index === -1) {
    const free = task.tls.indexOf(undefined);
    if (free < 0) return -ESRCH;
    index = free + tlsMin(task);
    const number = new FrameWriter(4);
    number.u32(0, index);
    if (task.mm.write(address, number.bytes) < 0) return -EFAULT;
  }
  const slot = index - tlsMin(task);
  if (slot < 0 || slot >= GDT_ENTRY_TLS_ENTRIES) return -EINVAL;
  task.tls[slot] = isEmpty(base, limit, flags) ? undefined : { base, limit, flags };
  loadTls(task);
  return 0;
}

/** do_get_thread_area(). */
export function getThreadArea(task: Task, address: number): number {
  const bytes = new Uint8Array(4);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  const index = new FrameReader(bytes).i32(0);
  const slot = index - tlsMin(task);
  if (slot < 0 || slot >= GDT_ENTRY_TLS_ENTRIES) return -EINVAL;
  const entry = task.tls[slot];
  const out = new FrameWriter(USER_DESC_SIZE);
  out.u32(0, index);
  out.u32(4, entry?.base ?? 0);
  out.u32(8, entry?.limit ?? 0);
  out.u32(12, entry?.flags ?? READ_EXEC_ONLY | SEG_NOT_PRESENT);
  return task.mm.write(address, out.bytes) < 0 ? -EFAULT : 0;
}

/** modify_ldt(2): 0 read, 1 and 0x11 write, 2 read the default (empty) LDT. */
export function modifyLdt(task: Task, func: number, address: number, count: number): number {
  if (func === 0) return readLdt(task, address, count);
  if (func === 2) return task.mm.fill(address, Math.min(count, 128)) < 0 ? -EFAULT : Math.min(count, 128);
  if (func !== 1 && func !== 0x11) return -ENOSYS;
  if (count !== USER_DESC_SIZE) return -EINVAL;
  const bytes = new Uint8Array(USER_DESC_SIZE);
  if (task.mm.read(address, bytes) < 0) return -EFAULT;
  return writeLdt(task, new FrameReader(bytes), func === 1);
}

function writeLdt(task: Task, from: FrameReader, oldMode: boolean): number {
  const index = from.u32(0);
  const base = from.u32(4);
  const limit = from.u32(8);
  const flags = from.u32(12) & 0x7f;
  if (index >= LDT_ENTRIES) return -EINVAL;
  const contents = (flags >> CONTENTS_SHIFT) & 3;
  if (contents === 3 && (oldMode || !(flags & SEG_NOT_PRESENT))) return -EINVAL;
  const clear = (oldMode && base === 0 && limit === 0) || isEmpty(base, limit, flags);
  if (!clear && !(flags & SEG_32BIT) && task.kernel.generation.kernelBits === 64) return -EINVAL;
  const ldt = new Map(task.ldt ?? []);
  if (clear) ldt.delete(index);
  else ldt.set(index, { base, limit, flags: oldMode ? flags & ~USEABLE : flags });
  task.ldt = ldt;
  loadTls(task);
  return 0;
}

/** Descriptors as the CPU holds them, up to `count` bytes; 0 if there is no LDT. */
function readLdt(task: Task, address: number, count: number): number {
  if (task.ldt === undefined || task.ldt.size === 0) return 0;
  const entries = Math.max(...task.ldt.keys()) + 1;
  const out = new FrameWriter(entries * LDT_ENTRY_SIZE);
  for (const [index, entry] of task.ldt) {
    const [lo, hi] = hardwareDescriptor(entry);
    out.pair(index * LDT_ENTRY_SIZE, lo, hi);
  }
  const size = Math.min(count, entries * LDT_ENTRY_SIZE);
  if (task.mm.write(address, out.bytes.subarray(0, size)) < 0) return -EFAULT;
  if (count > size && task.mm.fill(address + size, count - size) < 0) return -EFAULT;
  return count;
}

/** fill_ldt(): the segment descriptor of SDM volume 3, figure 3-8. */
function hardwareDescriptor(entry: TlsDescriptor): [lo: number, hi: number] {
  const { base, limit, flags } = entry;
  const type = (flags & READ_EXEC_ONLY ? 0 : 2) | (((flags >> CONTENTS_SHIFT) & 3) << 2) | 1;
  const lo = ((base & 0xffff) << 16) | (limit & 0xffff);
  const hi =
    (base & 0xff000000) |
    ((base >>> 16) & 0xff) |
    (type << 8) |
    (1 << 12) |
    (3 << 13) |
    (flags & SEG_NOT_PRESENT ? 0 : 1 << 15) |
    (limit & 0xf0000) |
    (flags & USEABLE ? 1 << 20 : 0) |
    (flags & SEG_32BIT ? 1 << 22 : 0) |
    (flags & LIMIT_IN_PAGES ? 1 << 23 : 0);
  return [lo, hi];
}

/** High halves of the flat user segments (GDT_ENTRY_INIT in arch/x86/kernel/cpu/common.c); their low half is 0xffff. */
const CODE32 = 0xcf_fb00;
const CODE64 = 0xaf_fb00;
const DATA = 0xcf_f300;
const GDT_64: Readonly<Record<number, number>> = { [USER32_CS]: CODE32, [USER_DS]: DATA, [USER_CS]: CODE64 };
const GDT_32: Readonly<Record<number, number>> = { [I386_USER_CS]: CODE32, [I386_USER_DS]: DATA };
/** GDT_ENTRY_CPUNODE: a data segment whose limit tells the processor (0) and node (0). */
const CPU_NODE = { 64: 0x7b, 32: 0xdb } as const;
const CPU_NODE_RIGHTS = 0x40_f500;

/** The descriptor that `selector` names, undefined if there is none or it is the kernel's own. */
export function segmentDescriptor(task: Task, selector: number): readonly [lo: number, hi: number] | undefined {
  const index = selector >> 3;
  if (selector & 4) return hardware(task.ldt?.get(index));
  const slot = index - tlsMin(task);
  if (slot >= 0 && slot < GDT_ENTRY_TLS_ENTRIES) return hardware(task.tls[slot]);
  const { kernelBits } = task.kernel.generation;
  const flat = (kernelBits === 64 ? GDT_64 : GDT_32)[selector | 3];
  if (flat !== undefined) return [0xffff, flat];
  return (selector | 3) === CPU_NODE[kernelBits] ? [0, CPU_NODE_RIGHTS] : undefined;
}

function hardware(entry: TlsDescriptor | undefined): readonly [lo: number, hi: number] | undefined {
  return entry === undefined ? undefined : hardwareDescriptor(entry);
}

/** The base of a present segment; 0 for a null selector. */
function segmentBase(task: Task, selector: number): number | undefined {
  if ((selector & 0xfffc) === 0) return 0;
  const entry = selector & 4 ? task.ldt?.get(selector >> 3) : task.tls[(selector >> 3) - tlsMin(task)];
  if (entry === undefined) return segmentDescriptor(task, selector) === undefined ? undefined : 0;
  return entry.flags & SEG_NOT_PRESENT ? undefined : entry.base;
}

/** Brings FS and GS bases of a 32-bit task up to date with its descriptors (after a switch or a changed descriptor). */
export function loadTls(task: Task): void {
  const { state } = task.kernel.cpu;
  if (state.codeBits !== 32) return;
  const fs = segmentBase(task, state.selector(SegmentRegister.fs));
  const gs = segmentBase(task, state.selector(SegmentRegister.gs));
  if (fs !== undefined) state.fsBase = fs;
  if (gs !== undefined) state.gsBase = gs;
}
