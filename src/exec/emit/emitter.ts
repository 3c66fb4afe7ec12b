/**
 * What an emitter sees of the tier it emits for. An emitter turns one IR operation into WebAssembly: it pushes the result on
 * the wasm stack; where arguments come from, where the result goes and how control leaves is the tier's matter.
 */
import type { Code } from "../../wasm/code.ts";
import type { ValTypeName } from "../../wasm/opcodes.ts";

/** Formats of SSE floats: scalars in the low element, or all elements of 16 bytes. */
export type FloatFormat = "f64" | "f32" | "f64x2" | "f32x4";

/** What a region knows of floats while it emits. *Plain* is a zero or a normal number. */
export interface FloatFacts {
  /** Whether argument `index` is known to be plain. */
  isPlain(index: number, format: FloatFormat): boolean;
  /** From here on argument `index` is. */
  notePlain(index: number, format: FloatFormat): void;
  /** The result of the operation is. */
  plainResult(format: FloatFormat): void;
  /** Numbers that are not plain have made regions leave at this instruction again and again: the helper shall deal with them. */
  isExact(): boolean;
  /** Pops a condition; if it holds the interpreter executes the instruction. `depth` blocks are open around. */
  leaveIf(depth: number): void;
}

export interface Emit {
  readonly c: Code;
  /** Undefined in the interpreter, which knows nothing of earlier operations. */
  readonly floats?: FloatFacts;
  /** Pushes a vector constant; regions keep it in a local. */
  vectorConst(bytes: readonly number[]): void;
  /** Pushes argument `index` at its declared type (an `imm` as i32). */
  push(index: number): void;
  /** Pushes all arguments in order. */
  pushAll(): void;
  /** The low 32 bits of argument `index` where they are known while emitting (immediates and constants in regions). */
  known(index: number): number | undefined;
  /** A wasm local that holds argument `index`; use it when the argument is needed more than once. */
  local(index: number): number;
  /** A scratch local of the type, valid within this operation. `which` tells several of one type apart. */
  scratch(type: ValTypeName, which?: number): number;
  /** Calls an import by name (a helper). */
  callHelper(name: string): void;

  /**
   * Loads: given the linear address in the i64 local, pushes the i32 host address at which `size` bytes may be read (or, with
   * `forWrite`, written), leaving the operation if they may not.
   */
  hostAddress(address: number, size: number, forWrite: boolean): void;
  /**
   * Stores `size` bytes to the linear address in the i64 local: `opcode` is the wasm store, `values` push what it stores, in
   * steps of 16 bytes if there are several. Leaves the operation if the bytes may not be written.
   */
  store(address: number, size: number, opcode: number, ...values: readonly (() => void)[]): void;
  /** Pops a condition; what `body` emits happens only if it holds. */
  when(body: () => void): void;
  /** Leaves if the `length` bytes from the address (arguments on no stack: i64 local, i32 local) cannot be accessed. */
  probe(address: number, length: number, forWrite: boolean): void;

  /** Pops a condition; if it holds, raises the exception whose vector and error code are arguments `vector`, `errorCode`. */
  trapIf(vector: number, errorCode: number): void;
  trap(vector: number, errorCode: number): void;
  /** Pops a condition; raises `vector` (a constant) if it holds. `depth` counts the blocks the emitter has open around it. */
  trapIfConst(vector: number, depth?: number): void;
  enter(): void;
  enterRegion(): void;
  jump(): void;
  jumpIf(): void;
  jumpTo(): void;
  jumpOutIf(): void;
  leave(): void;
  bulkString(stos: boolean): void;
}

/** One emitter. For `flags` results there are two: of the flag result and of the aux word. */
export type Emitter = (e: Emit) => void;
export interface FlagEmitter {
  /** Pushes the i64 FLAG_RESULT. */
  readonly result: Emitter;
  /** Pushes the i32 FLAG_AUX. */
  readonly aux: Emitter;
  /** Pushes a condition (i32): the flags change only if it holds. Absent: they always do. */
  readonly when?: Emitter;
}
export type EmitterTable = Record<string, Emitter | FlagEmitter>;
