/**
 * membarrier(2) (kernel/sched/membarrier.c). Tasks run one at a time and memory is coherent, so every barrier holds
 * already; what remains is the protocol of commands and registrations.
 */
import { EINVAL, ENOSYS, EPERM } from "../abi/errno.ts";
import type { AddressSpace } from "./address-space.ts";

export const MEMBARRIER_CMD_QUERY = 0;
export const MEMBARRIER_CMD_GLOBAL = 1;
export const MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2;
export const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 128;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256;
export const MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
export const MEMBARRIER_CMD_FLAG_CPU = 1;

export function membarrierCommand(mm: AddressSpace, command: number, flags: number): number {
  const known = mm.generation.membarrierCommands;
  if (known === 0) return -ENOSYS;
  const allowed = command === MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ ? MEMBARRIER_CMD_FLAG_CPU : 0;
  if (flags & ~allowed) return -EINVAL;
  if (command === MEMBARRIER_CMD_QUERY) return known;
  if ((command & known) !== command || (command & (command - 1)) !== 0) return -EINVAL;
  switch (command) {
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
      mm.membarrierRegistered |= command;
      return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
      return mm.membarrierRegistered & (command << 1) ? 0 : -EPERM;
    case MEMBARRIER_CMD_GET_REGISTRATIONS:
      return mm.membarrierRegistered;
    default:
      return 0;
  }
}
