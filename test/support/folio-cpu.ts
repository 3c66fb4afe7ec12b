/** Runs CPU test cases on folio's processor, in an address space like that of fixtures/native/cpu/runner.c. */
import * as path from "node:path";
import { type Cpu, createCpu } from "../../src/exec/cpu.ts";
import { NodeWasm } from "../../src/host-node/wasm.ts";
import { RIP } from "../../src/isa/cpu-block.ts";
import { PageTables, PTE_P, PTE_RW, PTE_US } from "../../src/memory/page-tables.ts";
import { HOST_AREA_BYTES, PhysicalMemory } from "../../src/memory/physical.ts";
import { CASE_BYTES, CODE_BASE, DATA_BASE, Field, READ_ONLY, setQword, WINDOWS } from "./cpu-case.ts";

const RAM = 8 * 1024 * 1024;
const PAGE = 4096;
const INT3 = 0xcc;
/** A case that takes more instructions than this loops for ever. */
const BUDGET = 20_000;
const EXIT_EXCEPTION = 4;
export const SIGALRM = 14;
export const SIGTRAP = 5;

/** Every instruction that the decoder knows, so that what folio lacks shows. */
export const FEATURES =
  "x64 cmov cx8 cx16 fpu mmx fxsr sse sse2 sse3 ssse3 sse4_1 sse4_2 popcnt lzcnt bmi1 bmi2 adx movbe aes pclmulqdq sha f16c fma " +
  "avx avx2 xsave rdrand rdseed fsgsbase rdtscp lahf_lm clflush prefetchw clflushopt clwb rdpid xsaveopt xsavec";

const nodeWasm = new NodeWasm([path.join(import.meta.dirname, "../../dist")]);

/** The answer of folio for one case besides the record. */
export interface FolioAnswer {
  /** folio said that it lacks an instruction (bytes and mnemonic), or "". */
  unsupported: string;
}

export class FolioCpu {
  readonly cpu: Cpu;
  readonly #phys: PhysicalMemory;
  readonly #code: number[];
  readonly #data: number[];

  /** `jit` compiles every block before it runs, or after `threshold` executions. */
  constructor(tier: "interp" | "jit" = "interp", threshold = 0, features: readonly string[] = FEATURES.split(" ")) {
    const memory = nodeWasm.createMemory((HOST_AREA_BYTES + RAM) / 65536);
    this.#phys = new PhysicalMemory(memory, RAM);
    this.cpu = createCpu({
      phys: this.#phys,
      wasm: nodeWasm,
      tiers: { tier, threshold },
      identity: { features, cpuid: () => [0, 0, 0, 0], xcr0: 7, random: () => 0 },
    });
    const tables = new PageTables(this.#phys, { levels: 4, nx: true });
    // The windows cross from one data page to the other: their frames must be neighbours.
    const first = this.#phys.allocFrame();
    const second = this.#phys.allocFrame(first);
    const map = (address: number, bits: number, nx: boolean, frame = this.#phys.allocFrame()): number => {
      tables.setPte(tables.makePte(address / PAGE), frame, PTE_P | PTE_US | bits, nx);
      return frame * PAGE;
    };
    this.#data = [map(DATA_BASE, PTE_RW, true, first), map(DATA_BASE + PAGE, PTE_RW, true, second)];
    map(READ_ONLY, 0, true);
    this.#code = [map(CODE_BASE, PTE_RW, false), map(CODE_BASE + PAGE, PTE_RW, false)];
    for (const page of this.#code) this.#phys.u8.fill(INT3, page, page + PAGE);
    this.cpu.activate(tables);
  }

  #codeBytes(address: number, bytes: Uint8Array): void {
    for (const [i, byte] of bytes.entries()) {
      const at = address - CODE_BASE + i;
      this.#phys.u8[(this.#code[at >> 12] as number) + (at & 4095)] = byte;
    }
    for (const page of this.#code) this.#phys.noteWrite(page / PAGE);
  }

  #readCode(address: number, into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) {
      const at = address - CODE_BASE + i;
      into[i] = this.#phys.u8[(this.#code[at >> 12] as number) + (at & 4095)] as number;
    }
  }

  /** Runs the case of the input record and writes the result record. */
  run(codeBits: 32 | 64, input: DataView, output: DataView): FolioAnswer {
    const { state } = this.cpu;
    const bytes = (view: DataView, at: number, length: number) =>
      new Uint8Array(view.buffer, view.byteOffset + at, length);
    state.reset(codeBits);
    state.fxrstor(bytes(input, Field.fx, 512));
    state.setYmmHigh(bytes(input, Field.ymmHigh, 256));
    for (let i = 0; i < 16; i++) {
      state.setGpr(i, input.getInt32(Field.gpr + 8 * i, true), input.getInt32(Field.gpr + 8 * i + 4, true));
    }
    state.eflags = input.getUint32(Field.eflags, true);
    const rip = input.getUint32(Field.rip, true);
    state.rip = rip;
    const length = input.getUint32(Field.codeLength, true);
    this.#codeBytes(rip, bytes(input, Field.code, length));
    for (const { offset, length: size, at } of WINDOWS) {
      this.#phys.u8.set(bytes(input, Field.memory + at, size), (this.#data[offset >> 12] as number) + (offset & 4095));
    }

    // A run may end early (POPF sets TF): go on while there is budget.
    const end = this.cpu.instructions + BUDGET;
    let reason = this.cpu.run(BUDGET);
    while (reason === 0 && this.cpu.instructions < end) reason = this.cpu.run(end - this.cpu.instructions);

    bytes(output, 0, CASE_BYTES).fill(0);
    const count = codeBits === 64 ? 16 : 8;
    for (let i = 0; i < count; i++) {
      output.setInt32(Field.gpr + 8 * i, state.gprLo(i), true);
      output.setInt32(Field.gpr + 8 * i + 4, codeBits === 64 ? state.gprHi(i) : 0, true);
    }
    output.setInt32(Field.rip, this.#phys.i32[RIP / 4] as number, true);
    output.setInt32(Field.rip + 4, this.#phys.i32[RIP / 4 + 1] as number, true);
    output.setUint32(Field.eflags, state.eflags, true);
    const { fault } = this.cpu;
    if (reason === EXIT_EXCEPTION) {
      output.setUint32(Field.signo, SIGTRAP, true);
      output.setUint32(Field.trap, fault.vector, true);
      output.setUint32(Field.error, fault.errorCode, true);
      setQword(output, Field.cr2, fault.address);
    } else output.setUint32(Field.signo, reason === 0 ? SIGALRM : 0, true);
    state.fxsave(bytes(output, Field.fx, 512));
    const high = new Uint8Array(256);
    state.ymmHigh(high);
    bytes(output, Field.ymmHigh, 256).set(high.subarray(0, 16 * count));
    let any = false;
    for (const { offset, length: size, at } of WINDOWS) {
      const from = (this.#data[offset >> 12] as number) + (offset & 4095);
      bytes(output, Field.memory + at, size).set(this.#phys.u8.subarray(from, from + size));
      this.#phys.u8.fill(0, from, from + size);
    }
    for (const page of this.#data) {
      const words = this.#phys.i32.subarray(page / 4, page / 4 + 1024);
      if (words.some((word) => word !== 0)) {
        any = true;
        words.fill(0);
      }
    }
    output.setUint32(Field.outside, any ? 1 : 0, true);
    this.#readCode(rip, bytes(output, Field.code, length));
    for (const page of this.#code) {
      this.#phys.u8.fill(INT3, page, page + PAGE);
      this.#phys.noteWrite(page / PAGE);
    }
    return { unsupported: reason === EXIT_EXCEPTION ? fault.unsupported : "" };
  }
}
