/**
 * Follows the code of malloc's functions in a libc without debug information and notes what they do with libc's own variables: enough
 * to tell the variables apart (glibc-image.ts). Registers are tracked as far as addresses need it: constants (the GOT pointer of
 * i386, `lea` of x86-64) and words loaded from known places.
 */
import { bytesAtAddress, type ElfImage } from "../../../elf/image.ts";
import { decode, newInstruction } from "../../../isa/decode.ts";
import { BASE_RIP, DecodeStatus, type Instruction, NO_REG, OperandKind, Segment } from "../../../isa/instruction.ts";

/** What is known of a register: an address, the word loaded from one, a field loaded off some pointer, an offset of that kind. */
export type Known =
  | { readonly kind: "address"; readonly value: number }
  | { readonly kind: "loaded"; readonly from: number }
  | { readonly kind: "field"; readonly offset: number }
  | undefined;

/** One use of a variable at a known address. */
export interface Reference {
  /** Address of the instruction. */
  readonly at: number;
  readonly mnemonic: string;
  readonly variable: number;
  readonly size: number;
  /** `lea`, or the address itself as a constant operand. */
  readonly use: "address" | "read" | "write" | "both";
  readonly lock: boolean;
  /** Writes: the immediate, or what is known of the register that is stored. */
  readonly immediate: number | undefined;
  readonly source: Known;
}

/** An access through FS or GS with an offset that was loaded from a GOT entry. */
export interface TlsReference {
  readonly at: number;
  readonly got: number;
  readonly size: number;
  readonly write: boolean;
  readonly immediate: number | undefined;
}

/** An access at a constant offset of the thread's control block (`fs:0x18`). */
export interface ControlBlockReference {
  readonly offset: number;
  readonly mnemonic: string;
}

export interface CodeFacts {
  readonly references: readonly Reference[];
  readonly tls: readonly TlsReference[];
  readonly controlBlock: readonly ControlBlockReference[];
}

export interface ScanInit {
  readonly image: ElfImage;
  /** Functions to begin with: address and size (0: only what is reached). */
  readonly roots: readonly { readonly start: number; readonly size: number }[];
  /** Calls are followed into functions from `low` to `high`. */
  readonly low: number;
  readonly high: number;
}

const MAX_FUNCTION = 0x4000;
const READS_ONLY = new Set(["cmp", "test", "push", "call", "jmp", "bt"]);
const STACK_POINTER = 4;
/** RAX, RCX, RDX, RSI, RDI, R8–R11 (i386: EAX, ECX, EDX) do not survive calls. */
const CALL_CLOBBERED: Readonly<Record<32 | 64, readonly number[]>> = {
  64: [0, 1, 2, 6, 7, 8, 9, 10, 11],
  32: [0, 1, 2],
};

class Scan {
  readonly references: Reference[] = [];
  readonly tls: TlsReference[] = [];
  readonly controlBlock: ControlBlockReference[] = [];
  readonly #init: ScanInit;
  readonly #codeBits: 32 | 64;
  readonly #insn: Instruction = newInstruction();
  readonly #visited = new Set<number>();
  readonly #work: { at: number; state: Known[] }[] = [];

  constructor(init: ScanInit) {
    this.#init = init;
    this.#codeBits = init.image.header.is64 ? 64 : 32;
  }

  run(): void {
    for (const { start } of this.#init.roots) this.#push(start, []);
    this.#drain();
    // Parts that only jump tables reach.
    for (const { start, size } of this.#init.roots) {
      let state: Known[] = [];
      for (let at = start; at < start + size; ) {
        if (this.#visited.has(at)) {
          at += this.#decodeAt(at) ?? 1;
          continue;
        }
        state = this.#gotState(start);
        this.#push(at, state);
        this.#drain();
      }
    }
  }

  /** The registers that hold constants all through a function: those its first instructions set. */
  #gotState(start: number): Known[] {
    const state: Known[] = [];
    if (this.#codeBits === 64) return state;
    let at = start;
    for (let i = 0; i < 24; i++) {
      const length = this.#decodeAt(at);
      if (length === undefined) break;
      const target = this.#insn.form.mnemonic === "call" ? at + length + this.#insn.immLo : undefined;
      if (target !== undefined) this.#call(at + length, target, state);
      else this.#step(at, length, state, false);
      at += length;
    }
    return state.map((known, register) => (known?.kind === "address" && register !== 0 ? known : undefined));
  }

  #push(at: number, state: readonly Known[]): void {
    if (!this.#visited.has(at)) this.#work.push({ at, state: state.slice() });
  }

  #drain(): void {
    for (let item = this.#work.pop(); item !== undefined; item = this.#work.pop()) this.#path(item.at, item.state);
  }

  #decodeAt(at: number): number | undefined {
    const bytes = bytesAtAddress(this.#init.image, at);
    if (bytes === undefined) return undefined;
    const status = decode(bytes, 0, Math.min(bytes.length, 16), this.#codeBits, this.#insn);
    return status === DecodeStatus.ok ? this.#insn.length : undefined;
  }

  #path(start: number, state: Known[]): void {
    let at = start;
    while (!this.#visited.has(at) && at - start < MAX_FUNCTION) {
      const length = this.#decodeAt(at);
      if (length === undefined) return;
      this.#visited.add(at);
      const next = at + length;
      const { mnemonic } = this.#insn.form;
      const target = this.#insn.operands[0].kind === OperandKind.rel ? next + this.#insn.immLo : undefined;
      if (mnemonic === "ret" || mnemonic === "hlt" || mnemonic === "ud2") return;
      if (mnemonic === "jmp") {
        if (target === undefined) return;
        at = target;
        continue;
      }
      if (mnemonic === "call") {
        this.#step(at, length, state, true);
        this.#call(next, target, state);
      } else if (target !== undefined) this.#push(target, state);
      else this.#step(at, length, state, true);
      at = next;
    }
  }

  #call(next: number, target: number | undefined, state: Known[]): void {
    const { low, high } = this.#init;
    const thunk = target === undefined ? undefined : this.#thunkRegister(target);
    if (thunk !== undefined) {
      state[thunk] = { kind: "address", value: next };
      return;
    }
    if (target !== undefined && target >= low && target < high) this.#push(target, []);
    for (const register of CALL_CLOBBERED[this.#codeBits]) state[register] = undefined;
  }

  /** __x86.get_pc_thunk.REG: mov reg, [esp]; ret. */
  #thunkRegister(at: number): number | undefined {
    const bytes = this.#codeBits === 32 ? bytesAtAddress(this.#init.image, at) : undefined;
    if (bytes === undefined || bytes[0] !== 0x8b || bytes[2] !== 0x24 || bytes[3] !== 0xc3) return undefined;
    return (bytes[1] & 0xc7) === 0x04 ? bytes[1] >> 3 : undefined;
  }

  /** Address of the instruction's memory operand, if it is known. */
  #memory(next: number, state: readonly Known[]): number | undefined {
    const { base, index, dispLo } = this.#insn;
    if (base === BASE_RIP) return next + dispLo;
    if (base === NO_REG || index !== NO_REG || base === STACK_POINTER) return undefined;
    const known = state[base];
    return known?.kind === "address" ? known.value + dispLo : undefined;
  }

  /** Notes what the decoded instruction does and what it leaves in registers. */
  #step(at: number, length: number, state: Known[], note: boolean): void {
    const insn = this.#insn;
    const { mnemonic } = insn.form;
    const [first, second] = insn.operands;
    const memoryFirst = first.kind === OperandKind.mem;
    const memory = memoryFirst ? first : second.kind === OperandKind.mem ? second : undefined;
    const address = memory === undefined ? undefined : this.#memory(at + length, state);
    if (note && memory !== undefined) {
      const other = memoryFirst ? second : first;
      const immediate = other.kind === OperandKind.imm ? insn.immLo : undefined;
      const write = memoryFirst && !READS_ONLY.has(mnemonic);
      if (insn.segment === Segment.fs || insn.segment === Segment.gs) {
        this.#noteTls(at, memory.size, write, immediate, state);
      } else if (address !== undefined) {
        const read = !write || mnemonic !== "mov";
        const use = mnemonic === "lea" ? "address" : write && read ? "both" : write ? "write" : "read";
        const source = write && other.kind === OperandKind.gpr ? state[other.reg] : undefined;
        const lock = insn.lock || mnemonic === "xchg";
        this.references.push({ at, mnemonic, variable: address, size: memory.size, use, lock, immediate, source });
      }
    }
    this.#setRegister(address, state);
  }

  #noteTls(at: number, size: number, write: boolean, immediate: number | undefined, state: readonly Known[]): void {
    const { base, index, dispLo, form } = this.#insn;
    if (base === NO_REG && index === NO_REG) {
      this.controlBlock.push({ offset: dispLo, mnemonic: form.mnemonic });
      return;
    }
    const known = base === NO_REG ? undefined : state[base];
    if (known?.kind === "loaded") this.tls.push({ at, got: known.from, size, write, immediate });
  }

  #setRegister(address: number | undefined, state: Known[]): void {
    const insn = this.#insn;
    const { mnemonic } = insn.form;
    const [first, second] = insn.operands;
    if (mnemonic === "xchg" || mnemonic === "cmpxchg" || mnemonic === "xadd") {
      for (const operand of [first, second]) if (operand.kind === OperandKind.gpr) state[operand.reg] = undefined;
      if (mnemonic === "cmpxchg") state[0] = undefined;
      return;
    }
    if (first.kind !== OperandKind.gpr || READS_ONLY.has(mnemonic)) return;
    const old = state[first.reg];
    state[first.reg] = undefined;
    if (mnemonic === "lea" && address !== undefined) state[first.reg] = { kind: "address", value: address };
    else if (mnemonic === "add" && second.kind === OperandKind.imm && old?.kind === "address") {
      state[first.reg] = { kind: "address", value: old.value + insn.immLo };
    } else if (mnemonic === "mov" && second.kind === OperandKind.gpr) state[first.reg] = state[second.reg];
    else if (mnemonic === "mov" && second.kind === OperandKind.mem && insn.segment === Segment.none) {
      if (address !== undefined) state[first.reg] = { kind: "loaded", from: address };
      else if (insn.index === NO_REG) state[first.reg] = { kind: "field", offset: insn.dispLo };
    } else if (mnemonic.startsWith("cmov"))
      state[first.reg] = second.kind === OperandKind.gpr ? (state[second.reg] ?? old) : old;
  }
}

/** What the functions and those they call do with variables. */
export function scanCode(init: ScanInit): CodeFacts {
  const scan = new Scan(init);
  scan.run();
  return scan;
}
