/** The outcome of a page fault as a small number: 0, or a signal with its si_code (signal | si_code << 8). */
const SIGBUS = 7;
const SIGKILL = 9;
const SIGSEGV = 11;

/** The fault is repaired: run the instruction again. */
export const FAULT_DONE = 0;
/** SIGSEGV, SEGV_MAPERR: address not mapped to object. */
export const FAULT_MAPERR = SIGSEGV | (1 << 8);
/** SIGSEGV, SEGV_ACCERR: invalid permissions for mapped object. */
export const FAULT_ACCERR = SIGSEGV | (2 << 8);
/** SIGBUS, BUS_ADRERR: behind the end of the file, or stack against a neighbour. */
export const FAULT_ADRERR = SIGBUS | (2 << 8);
/** No frame left: VM_FAULT_OOM. The kernel decides whom to kill; by default SIGKILL to the task. */
export const FAULT_OOM = SIGKILL;

export type FaultResult = number;

export function faultSignal(result: FaultResult): number {
  return result & 0xff;
}

export function faultCode(result: FaultResult): number {
  return result >>> 8;
}
