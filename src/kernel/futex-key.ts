/** What names a futex: an address space and an address, or an object and an offset in it (get_futex_key()). */
import { EFAULT, EINVAL } from "../abi/errno.ts";
import { VM_SHARED } from "../mm/vm-flags.ts";
import type { Task } from "./task.ts";

/** Private futexes belong to an address space, shared ones to an object and an offset in it. */
export interface FutexKey {
  readonly object: object;
  readonly offset: number;
}

/** Aligned to 4, readable memory; with `write` writable. -EINVAL, -EFAULT. */
export function futexKey(task: Task, address: number, isPrivate: boolean, write = false): FutexKey | number {
  if (address % 4 !== 0) return -EINVAL;
  if (address < 0 || address >= task.mm.layout.taskSize) return -EFAULT;
  const own = { object: task.mm, offset: address };
  if (isPrivate) return own;
  const word = task.mm.readU32(address);
  if (word < 0 || (write && task.mm.writeU32(address, word) < 0)) return -EFAULT;
  const vma = task.mm.vmas.find(address);
  if (vma === undefined || vma.start > address || !(vma.flags & VM_SHARED)) return own;
  const object = vma.file?.mappable ?? vma.mappable;
  if (object === undefined) return own;
  return { object, offset: vma.pgoff * 4096 + (address - vma.start) };
}

export function sameKey(a: FutexKey, b: FutexKey): boolean {
  return a.object === b.object && a.offset === b.offset;
}
