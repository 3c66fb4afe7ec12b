/** Small helpers for bytes on their way between guest memory and files. */

/** Up to here a loop is quicker than a view for `set`. */
const SHORT = 64;

/** Copies `count` bytes from `from` at `fromAt` to `to` at `toAt`; overlapping ranges of one buffer are not for it. */
export function copyBytes(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, count: number): void {
  if (count <= SHORT) for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i];
  else if (fromAt === 0 && count === from.length) to.set(from, toAt);
  else to.set(from.subarray(fromAt, fromAt + count), toAt);
}

const SMALL = 1024;

/** Arrays that data passes through: making a typed array costs more than copying a few bytes. */
export class Scratch {
  readonly #buffer = new ArrayBuffer(SMALL);
  readonly #small: (Uint8Array | undefined)[] = [];
  #large = new Uint8Array(0);

  /** An array of `length` bytes with any contents. It is the caller's until the next `take`. */
  take(length: number): Uint8Array {
    if (length <= SMALL) {
      let known = this.#small[length];
      if (known === undefined) this.#small[length] = known = new Uint8Array(this.#buffer, 0, length);
      return known;
    }
    if (this.#large.length !== length) this.#large = new Uint8Array(length);
    return this.#large;
  }
}
