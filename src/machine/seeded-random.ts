/** A machine's random numbers: from the host, or repeatable from a seed. */
import type { HostRandom } from "../host/host.ts";

/** FNV-1a over the characters of a seed, started at `basis`. */
function hash(seed: string, basis: number): number {
  let state = basis;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return state | 0;
}

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state; not for cryptography. */
export function seededRandom(seed: string): HostRandom {
  let a = hash(seed, 0x811c9dc5);
  let b = hash(seed, a ^ 0x5bd1e995);
  let c = hash(seed, b ^ 0x27d4eb2d);
  let counter = 1;
  const next = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return {
    fill(into) {
      for (let i = 0; i < into.length; i++) into[i] = next() >>> 24;
    },
  };
}
