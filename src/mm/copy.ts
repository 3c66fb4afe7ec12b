/** Copies between the kernel and user memory, a page at a time, faulting pages in (copy_from_user, copy_to_user). */

import { EFAULT, ENAMETOOLONG } from "../abi/errno.ts";
import type { FrameNumber } from "../base/address.ts";
import { copyBytes } from "../base/bytes.ts";
import { textOf } from "../host/text.ts";
import { Access } from "../memory/translation.ts";
import type { AddressSpace } from "./address-space.ts";
import { faultForKernel } from "./fault.ts";

/** The frame of the page at `addr` for an access of the kernel, faulted in if need be; -1 if that cannot be. */
function frameAt(mm: AddressSpace, addr: number, access: Access): FrameNumber {
  const page = Math.floor(addr / 4096);
  let frame = mm.pageTables.walk(page, access);
  // a read may find the page absent, then present but to be copied: each fault moves one step on
  for (let tries = 0; frame < 0 && tries < 3; tries++) {
    if (faultForKernel(mm, addr, -frame - 1) !== 0) return -1;
    frame = mm.pageTables.walk(page, access);
  }
  return frame < 0 ? -1 : frame;
}

/** access_ok. */
function inUserSpace(mm: AddressSpace, addr: number, length: number): boolean {
  return addr >= 0 && length >= 0 && addr + length <= mm.layout.taskSize;
}

export function copyIn(mm: AddressSpace, addr: number, into: Uint8Array): number {
  const length = into.length;
  if (!inUserSpace(mm, addr, length)) return 0;
  const u8 = mm.phys.u8;
  let done = 0;
  while (done < length) {
    const at = addr + done;
    const frame = frameAt(mm, at, Access.read);
    if (frame < 0) return done;
    const offset = at % 4096;
    const count = Math.min(length - done, 4096 - offset);
    const from = frame * 4096 + offset;
    copyBytes(u8, from, into, done, count);
    done += count;
  }
  return done;
}

export function copyOut(mm: AddressSpace, addr: number, from: Uint8Array): number {
  const length = from.length;
  if (!inUserSpace(mm, addr, length)) return 0;
  const u8 = mm.phys.u8;
  let done = 0;
  while (done < length) {
    const at = addr + done;
    const frame = frameAt(mm, at, Access.write);
    if (frame < 0) return done;
    const offset = at % 4096;
    const count = Math.min(length - done, 4096 - offset);
    const to = frame * 4096 + offset;
    mm.phys.noteWrite(frame);
    copyBytes(from, done, u8, to, count);
    done += count;
  }
  return done;
}

export function fillOut(mm: AddressSpace, addr: number, length: number, byte: number): number {
  if (!inUserSpace(mm, addr, length)) return -EFAULT;
  let done = 0;
  while (done < length) {
    const at = addr + done;
    const frame = frameAt(mm, at, Access.write);
    if (frame < 0) return -EFAULT;
    const offset = at % 4096;
    const count = Math.min(length - done, 4096 - offset);
    mm.phys.noteWrite(frame);
    mm.phys.u8.fill(byte, frame * 4096 + offset, frame * 4096 + offset + count);
    done += count;
  }
  return 0;
}

export function readString(mm: AddressSpace, addr: number, max: number): string | number {
  if (!inUserSpace(mm, addr, 0)) return -EFAULT;
  const u8 = mm.phys.u8;
  let text = "";
  while (text.length < max) {
    const at = addr + text.length;
    if (at >= mm.layout.taskSize) return -EFAULT;
    const frame = frameAt(mm, at, Access.read);
    if (frame < 0) return -EFAULT;
    const offset = at % 4096;
    const from = frame * 4096 + offset;
    const limit = from + Math.min(max - text.length, 4096 - offset);
    let end = from;
    while (end < limit && u8[end] !== 0) end++;
    text += textOf(u8, from, end);
    if (end < limit) return text;
  }
  return -ENAMETOOLONG;
}
