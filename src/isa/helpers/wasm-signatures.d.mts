/** One export of the helper module; the types are WebAssembly's names, `result` is undefined where there is none. */
export interface HelperSignature {
  readonly name: string;
  readonly params: readonly string[];
  readonly result: string | undefined;
}

export function signaturesOf(bytes: Uint8Array): HelperSignature[];
