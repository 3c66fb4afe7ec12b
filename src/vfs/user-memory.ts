/** Copying small values to and from guest memory (put_user, get_user). */
import type { UserMemory } from "./types.ts";

/** Stores an `int`; 0 or -EFAULT. */
export function writeInt(memory: UserMemory, address: number, value: number): number {
  return memory.write(address, Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
}

/** Loads an `int`, or undefined for -EFAULT. */
export function readInt(memory: UserMemory, address: number): number | undefined {
  const bytes = new Uint8Array(4);
  if (memory.read(address, bytes) < 0) return undefined;
  return bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24);
}
