/**
 * Recorded CPU test cases: a gzip stream of what makes each case and of what the processor changed. Numbers are little-endian.
 * A case: code bits u8, seed u32, rip u32, code (length u8, or 0 and u16; bytes), overrides (count u8, each u16 offset and u32 value), changes
 * (count u16, each u16 word index and u32 value) of the result record against `resultBase`.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { CASE_BYTES, type CpuCase, Field, writeInput } from "./cpu-case.ts";

export interface RecordedCase {
  readonly test: CpuCase;
  /** The input and the processor's result record. */
  readonly input: DataView;
  readonly native: DataView;
}

const TRAP_PF = 14;

/** The result record if nothing happened: the input's state, nothing in the fields that only results have. */
function resultBase(input: DataView): DataView {
  const bytes = new Uint8Array(CASE_BYTES);
  bytes.set(new Uint8Array(input.buffer, input.byteOffset, CASE_BYTES));
  bytes.fill(0, Field.codeLength, Field.fx);
  return new DataView(bytes.buffer);
}

/** Clears what is not compared: signal details, the x87 pointers, the reserved parts of the FXSAVE image. */
export function normalize(result: DataView): void {
  const bytes = new Uint8Array(result.buffer, result.byteOffset, CASE_BYTES);
  bytes.fill(0, Field.signalCode, Field.trap);
  if (result.getUint32(Field.trap, true) !== TRAP_PF) bytes.fill(0, Field.cr2, Field.cr2 + 8);
  bytes.fill(0, Field.fx + 5, Field.fx + 24);
  bytes.fill(0, Field.fx + 28, Field.fx + 32);
  for (let i = 0; i < 8; i++) bytes.fill(0, Field.fx + 42 + 16 * i, Field.fx + 48 + 16 * i);
  bytes.fill(0, Field.fx + 416, Field.fx + 512);
}

class Writer {
  #bytes = new Uint8Array(1 << 20);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #room(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  uint(size: 1 | 2 | 4, value: number): void {
    this.#room(4);
    if (size === 1) this.#view.setUint8(this.length, value);
    else if (size === 2) this.#view.setUint16(this.length, value, true);
    else this.#view.setUint32(this.length, value, true);
    this.length += size;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Appends the cases to corpora that `encodeCorpus` gave earlier, if any. */
export function encodeCorpus(cases: readonly RecordedCase[], earlier?: Uint8Array): Uint8Array {
  const out = new Writer();
  for (const { test, input, native } of cases) {
    normalize(native);
    const base = resultBase(input);
    normalize(base);
    out.uint(1, test.codeBits);
    out.uint(4, test.seed);
    out.uint(4, test.rip);
    if (test.code.length < 256) out.uint(1, test.code.length);
    else {
      out.uint(1, 0);
      out.uint(2, test.code.length);
    }
    for (const byte of test.code) out.uint(1, byte);
    out.uint(1, test.overrides.length);
    for (const [at, value] of test.overrides) {
      out.uint(2, at);
      out.uint(4, value);
    }
    const changed: number[] = [];
    for (let i = 0; i < CASE_BYTES / 4; i++) {
      if (native.getUint32(4 * i, true) !== base.getUint32(4 * i, true)) changed.push(i);
    }
    out.uint(2, changed.length);
    for (const i of changed) {
      out.uint(2, i);
      out.uint(4, native.getUint32(4 * i, true));
    }
  }
  const old = earlier === undefined ? new Uint8Array(0) : gunzipSync(earlier);
  const all = new Uint8Array(old.length + out.length);
  all.set(old);
  all.set(out.bytes(), old.length);
  return gzipSync(all, { level: 9 });
}

/** The cases of a corpus one by one; the views are overwritten by the next. */
export function* decodeCorpus(corpus: Uint8Array): Generator<RecordedCase> {
  const bytes = gunzipSync(corpus);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const input = new DataView(new ArrayBuffer(CASE_BYTES));
  let at = 0;
  const uint = (size: 1 | 2 | 4) => {
    const value = size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
    at += size;
    return value;
  };
  while (at < bytes.length) {
    const codeBits = uint(1) === 64 ? 64 : 32;
    const seed = uint(4);
    const rip = uint(4);
    const length = uint(1) || uint(2);
    const code = bytes.subarray(at, at + length);
    at += length;
    const overrides: [number, number][] = [];
    for (let n = uint(1); n > 0; n--) overrides.push([uint(2), uint(4)]);
    const test: CpuCase = { codeBits, seed, rip, code, overrides };
    new Uint8Array(input.buffer).fill(0);
    writeInput(test, input);
    const native = resultBase(input);
    normalize(native);
    for (let n = uint(2); n > 0; n--) {
      const index = uint(2);
      native.setUint32(4 * index, uint(4), true);
    }
    yield { test, input, native };
  }
}
