/** The committed corpus: this many records a group, only the processor's results, as differences from the inputs, compressed. */
import { gunzipSync, gzipSync } from "node:zlib";

export const CORPUS_COUNT = 60;

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number));
}

export function packCorpus(groups: readonly { input: Uint8Array; output: Uint8Array }[]): Uint8Array {
  return gzipSync(Buffer.concat(groups.map(({ input, output }) => xor(input, output))), { level: 9 });
}

/** Results of the group at `index`, whose records all are `input.length` bytes. */
export function unpackCorpus(packed: Uint8Array): (index: number, input: Uint8Array) => Uint8Array {
  const bytes = gunzipSync(packed);
  return (index, input) => xor(input, bytes.subarray(index * input.length, (index + 1) * input.length));
}
