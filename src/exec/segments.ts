/**
 * Segment selectors in user mode: loads of segment registers, LAR, LSL, VERR, VERW and far transfers, on the descriptors that
 * the kernel gives. SDM volume 3, sections 5.8 and 6.8; volume 2, MOV, LAR, LSL, VERR, JMP, CALL, RET, IRET.
 *
 * Bases count for FS and GS only, and limits for none: what needs more is told apart (`Outcome.unsupported`).
 */
import { Segment } from "../isa/instruction.ts";

/** A segment descriptor as in the GDT: low and high half (SDM volume 3, figure 3-8). */
export type Descriptor = readonly [lo: number, hi: number];
export type DescriptorTable = (selector: number) => Descriptor | undefined;

/** 0: done. Else the exception with the selector as error code, or what folio lacks. */
export interface Refusal {
  readonly vector: number;
  readonly errorCode: number;
  readonly unsupported?: string;
}

const INVALID_OPCODE = 6;
const NOT_PRESENT = 11;
const STACK_FAULT = 12;
const GENERAL_PROTECTION = 13;
const CPL = 3;

const isSegment = (hi: number) => (hi & 0x1000) !== 0;
const isCode = (hi: number) => (hi & 0x800) !== 0;
const isConforming = (hi: number) => isCode(hi) && (hi & 0x400) !== 0;
const isReadable = (hi: number) => !isCode(hi) || (hi & 0x200) !== 0;
const isWritable = (hi: number) => !isCode(hi) && (hi & 0x200) !== 0;
const isPresent = (hi: number) => (hi & 0x8000) !== 0;
const dpl = (hi: number) => (hi >> 13) & 3;
const isNull = (selector: number) => (selector & 0xfffc) === 0;

export function baseOf([lo, hi]: Descriptor): number {
  return ((lo >>> 16) | ((hi & 0xff) << 16) | (hi & 0xff00_0000)) >>> 0;
}

function limitOf([lo, hi]: Descriptor): number {
  const limit = (lo & 0xffff) | (hi & 0xf0000);
  return (hi & 0x80_0000 ? (limit << 12) | 0xfff : limit) >>> 0;
}

/** The whole of the linear addresses, upwards. */
function isFlat(descriptor: Descriptor): boolean {
  const expandsDown = !isCode(descriptor[1]) && (descriptor[1] & 0x400) !== 0;
  return baseOf(descriptor) === 0 && limitOf(descriptor) === 0xffff_ffff && !expandsDown;
}

/** A load of DS, ES, FS, GS or SS. Returns the base, or why it cannot be. */
export function checkLoad(table: DescriptorTable, segment: number, selector: number, is64: boolean): number | Refusal {
  const refuse = (vector: number): Refusal => ({ vector, errorCode: selector & 0xfffc });
  if (isNull(selector)) return segment === Segment.ss ? refuse(GENERAL_PROTECTION) : 0;
  const descriptor = table(selector);
  if (descriptor === undefined || !isSegment(descriptor[1])) return refuse(GENERAL_PROTECTION);
  const hi = descriptor[1];
  const rpl = selector & 3;
  if (segment === Segment.ss) {
    if (rpl !== CPL || dpl(hi) !== CPL || !isWritable(hi)) return refuse(GENERAL_PROTECTION);
    if (!isPresent(hi)) return refuse(STACK_FAULT);
  } else {
    if (!isReadable(hi) || (!isConforming(hi) && dpl(hi) < CPL)) return refuse(GENERAL_PROTECTION);
    if (!isPresent(hi)) return refuse(NOT_PRESENT);
  }
  const based = segment === Segment.fs || segment === Segment.gs;
  if (!is64 && !based && !isFlat(descriptor) && !isCode(hi)) return lacking(`segment ${selector.toString(16)}`);
  return baseOf(descriptor);
}

function lacking(unsupported: string): Refusal {
  return { vector: INVALID_OPCODE, errorCode: 0, unsupported };
}

/** The descriptor, if LAR and its kin may look at it (of system descriptors the kernel shows none). */
function visible(table: DescriptorTable, selector: number): Descriptor | undefined {
  const descriptor = isNull(selector) ? undefined : table(selector);
  if (descriptor === undefined || !isSegment(descriptor[1])) return undefined;
  return isConforming(descriptor[1]) || dpl(descriptor[1]) >= CPL ? descriptor : undefined;
}

/** LAR's access rights, or undefined (ZF 0). */
export function accessRights(table: DescriptorTable, selector: number): number | undefined {
  const descriptor = visible(table, selector);
  return descriptor === undefined ? undefined : descriptor[1] & 0xff_ff00;
}

/** LSL's limit in bytes, or undefined (ZF 0). */
export function segmentLimit(table: DescriptorTable, selector: number): number | undefined {
  const descriptor = visible(table, selector);
  return descriptor === undefined ? undefined : limitOf(descriptor);
}

/** VERR (VERW): whether the segment may be read (written). */
export function isAccessible(table: DescriptorTable, selector: number, forWrite: boolean): boolean {
  const descriptor = visible(table, selector);
  return descriptor !== undefined && (forWrite ? isWritable(descriptor[1]) : isReadable(descriptor[1]));
}

/** A far transfer's code segment: 64 or 32, the size of its code, or why it cannot be. RET and IRET keep the privilege level. */
export function checkCode(table: DescriptorTable, selector: number, returns: boolean): 32 | 64 | Refusal {
  const refuse = (vector: number): Refusal => ({ vector, errorCode: selector & 0xfffc });
  if (isNull(selector)) return { vector: GENERAL_PROTECTION, errorCode: 0 };
  const descriptor = table(selector);
  if (descriptor === undefined) return refuse(GENERAL_PROTECTION);
  const hi = descriptor[1];
  if (!isSegment(hi) || !isCode(hi)) return refuse(GENERAL_PROTECTION);
  if (returns && (selector & 3) !== CPL) return refuse(GENERAL_PROTECTION);
  if (!isConforming(hi) && dpl(hi) !== CPL) return refuse(GENERAL_PROTECTION);
  const [long, wide] = [(hi & 0x20_0000) !== 0, (hi & 0x40_0000) !== 0];
  if (long && wide) return refuse(GENERAL_PROTECTION);
  if (!isPresent(hi)) return refuse(NOT_PRESENT);
  if (long) return 64;
  return wide && isFlat(descriptor) ? 32 : lacking(`code segment ${selector.toString(16)}`);
}
