/** What instructions ask of the dispatcher: identification, time, random numbers, segment registers. */
import { FCW, FPR, FSW, FTW, RIP, YMM, YMM_STRIDE } from "../isa/cpu-block.ts";
import { HOST_ARGUMENT, HOST_FLAGS, HOST_RSP, HOST_SS, HOST_VALUE, HostCall } from "../isa/lift/host-call.ts";
import {
  accessRights,
  checkCode,
  checkLoad,
  type DescriptorTable,
  isAccessible,
  type Refusal,
  segmentLimit,
} from "./segments.ts";

/** What a processor says about itself. Registers are int32. */
export interface CpuIdentity {
  /** Feature names as in /proc/cpuinfo; decides which instructions exist. */
  readonly features: readonly string[];
  /** CPUID: [eax, ebx, ecx, edx]. */
  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number];
  /** XCR0 (SDM volume 1, section 13.3), or undefined without XSAVE: XGETBV raises #UD. */
  readonly xcr0: number | undefined;
  /** A random 32-bit number, for RDRAND and RDSEED. */
  random(): number;
}

interface Processor {
  readonly state: {
    codeBits: 32 | 64;
    gprLo(index: number): number;
    gprHi(index: number): number;
    setGpr(index: number, lo: number, hi: number): void;
    setSelector(segment: number, selector: number): void;
    eflags: number;
    fsBase: number;
    gsBase: number;
  };
  readonly fault: { vector: number; errorCode: number; address: number; unsupported: string };
  readonly descriptor: DescriptorTable | undefined;
  readonly instructions: number;
}

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const FS = 4;
const GS = 5;
const SS = 2;
const CS = 1;
const RSP = 4;
const ZF = 0x40;
/** Kinds of HostCall.far. */
const FAR_RET = 2;
const FAR_IRET = 3;
/** EFLAGS that IRET loads in user mode: CF PF AF ZF SF TF DF OF NT RF AC ID. */
const IRET_FLAGS = 0x25_4dd5;
const TF = 0x100;
const RF = 0x1_0000;
const GENERAL_PROTECTION = 13;
/** FCW after FNINIT. */
const INITIAL_FCW = 0x37f;

/** Whether the request loads SS. */
export function isStackSegmentLoad(request: number): boolean {
  return (request & 0xffff) === (HostCall.loadSegment | (SS << 8));
}

export class HostCalls {
  readonly #cpu: Processor;
  readonly #identity: CpuIdentity;
  readonly #view: DataView;

  constructor(cpu: Processor, identity: CpuIdentity, buffer: ArrayBuffer) {
    this.#cpu = cpu;
    this.#identity = identity;
    this.#view = new DataView(buffer);
  }

  /** Serves one request (HostCall); false if it raised an exception, which is then noted in `cpu.fault`. */
  serve(request: number): boolean {
    const { state } = this.#cpu;
    switch (request & 0xff) {
      case HostCall.cpuid: {
        const [eax, ebx, ecx, edx] = this.#identity.cpuid(state.gprLo(RAX) >>> 0, state.gprLo(RCX) >>> 0);
        state.setGpr(RAX, eax, 0);
        state.setGpr(RBX, ebx, 0);
        state.setGpr(RCX, ecx, 0);
        state.setGpr(RDX, edx, 0);
        return true;
      }
      case HostCall.rdtsc:
      case HostCall.rdtscp:
        // One tick an instruction, as the virtual clock counts.
        state.setGpr(RAX, this.#cpu.instructions | 0, 0);
        state.setGpr(RDX, Math.floor(this.#cpu.instructions / 0x1_0000_0000) | 0, 0);
        if ((request & 0xff) === HostCall.rdtscp) state.setGpr(RCX, 0, 0);
        return true;
      case HostCall.rdpid:
        state.setGpr((request >> 8) & 15, 0, 0);
        return true;
      case HostCall.xgetbv:
        return this.#xgetbv(request >> 16);
      case HostCall.rdrand:
      case HostCall.rdseed:
        this.#random((request >> 8) & 15, request >> 16);
        return true;
      case HostCall.loadSegment:
        return this.#loadSegment(request);
      case HostCall.lar:
      case HostCall.lsl:
      case HostCall.verr:
      case HostCall.verw:
        return this.#inspect(request);
      case HostCall.far:
        return this.#far(request);
      default:
        return true;
    }
  }

  #xgetbv(length: number): boolean {
    const { state } = this.#cpu;
    const { xcr0 } = this.#identity;
    if (xcr0 === undefined) return this.#refuse(6, 0, length);
    const which = state.gprLo(RCX);
    const supported = which === 0 || (which === 1 && this.#identity.features.includes("xgetbv1"));
    if (!supported) return this.#refuse(GENERAL_PROTECTION, 0, length);
    state.setGpr(RAX, which === 0 ? xcr0 : xcr0 & this.#stateInUse(), 0);
    state.setGpr(RDX, 0, 0);
    return true;
  }

  /** XINUSE, as the XSAVE instructions have it (src/isa/lift/xsave.ts). */
  #stateInUse(): number {
    const words = new Int32Array(this.#view.buffer);
    const any = (from: number, count: number, stride = 4) => {
      for (let i = 0; i < count; i++) if (words[(from + stride * i) >> 2] !== 0) return true;
      return false;
    };
    const registers = this.#cpu.state.codeBits === 64 ? 16 : 8;
    const half = (offset: number) => [0, 4, 8, 12].some((at) => any(YMM + offset + at, registers, YMM_STRIDE));
    const x87 = words[FCW >> 2] !== INITIAL_FCW || words[FSW >> 2] !== 0 || words[FTW >> 2] !== 0 || any(FPR, 32);
    return (x87 ? 1 : 0) | (half(0) ? 2 : 0) | (half(16) ? 4 : 0);
  }

  /** CF = 1, the other arithmetic flags 0. */
  #random(reg: number, size: number): void {
    const { state } = this.#cpu;
    const lo = this.#identity.random();
    if (size === 2)
      state.setGpr(reg, (state.gprLo(reg) & ~0xffff) | (lo & 0xffff), this.#view.getInt32(0x1000 + 8 * reg + 4, true));
    else state.setGpr(reg, lo, size === 8 ? this.#identity.random() : 0);
    state.eflags = (state.eflags & ~0x8d5) | 1;
  }

  #loadSegment(request: number): boolean {
    const { state } = this.#cpu;
    const segment = (request >> 8) & 0xff;
    const selector = this.#view.getUint16(HOST_ARGUMENT, true);
    const base = checkLoad(this.#table, segment, selector, state.codeBits === 64);
    if (typeof base !== "number") return this.#refuseWith(base, request);
    state.setSelector(segment, selector);
    if (segment === FS) state.fsBase = base;
    if (segment === GS) state.gsBase = base;
    if (request & (1 << 21)) this.#setRegister((request >> 22) & 15, (request >> 26) & 15, HOST_VALUE);
    return true;
  }

  get #table(): DescriptorTable {
    return this.#cpu.descriptor ?? (() => undefined);
  }

  /** Writes the low `size` bytes of a register; 4 clear the upper half. */
  #setRegister(reg: number, size: number, from: number): void {
    const { state } = this.#cpu;
    const [lo, hi] = [this.#view.getInt32(from, true), this.#view.getInt32(from + 4, true)];
    if (size === 8) state.setGpr(reg, lo, hi);
    else if (size === 4) state.setGpr(reg, lo, 0);
    else state.setGpr(reg, (state.gprLo(reg) & ~0xffff) | (lo & 0xffff), state.gprHi(reg));
  }

  /** LAR, LSL, VERR, VERW: ZF says whether the segment may be seen, and only ZF changes. */
  #inspect(request: number): boolean {
    const { state } = this.#cpu;
    const selector = this.#view.getUint16(HOST_ARGUMENT, true);
    const what = request & 0xff;
    let good: boolean;
    if (what === HostCall.verr || what === HostCall.verw) {
      good = isAccessible(this.#table, selector, what === HostCall.verw);
    } else {
      const value = (what === HostCall.lar ? accessRights : segmentLimit)(this.#table, selector);
      good = value !== undefined;
      if (value !== undefined) {
        this.#view.setInt32(HOST_VALUE, value, true);
        this.#view.setInt32(HOST_VALUE + 4, 0, true);
        this.#setRegister((request >> 8) & 0xff, (request >> 16) & 15, HOST_VALUE);
      }
    }
    state.eflags = (state.eflags & ~ZF) | (good ? ZF : 0);
    return true;
  }

  #far(request: number): boolean {
    const { state } = this.#cpu;
    const view = this.#view;
    const kind = (request >> 8) & 0xff;
    const selector = view.getUint16(HOST_ARGUMENT, true);
    const codeBits = checkCode(this.#table, selector, kind >= FAR_RET);
    if (typeof codeBits !== "number") return this.#refuseWith(codeBits, request);
    const [lo, hi] = [view.getInt32(HOST_VALUE, true), view.getInt32(HOST_VALUE + 4, true)];
    if (codeBits === 64 && (hi << 16) >> 16 !== hi) return this.#refuseWith({ vector: 13, errorCode: 0 }, request);
    if (kind === FAR_IRET) {
      if (state.codeBits === 64) {
        const stack = view.getUint16(HOST_SS, true);
        const base = checkLoad(this.#table, SS, stack, true);
        if (typeof base !== "number") return this.#refuseWith(base, request);
        state.setSelector(SS, stack);
      }
      const mask = (request >> 22) & 15 ? IRET_FLAGS : IRET_FLAGS & 0xffff;
      const flags = view.getInt32(HOST_FLAGS, true);
      // RF only counts while a REP is stepped: else it is gone with the next instruction.
      state.eflags = (state.eflags & ~mask) | (flags & mask & (flags & TF ? mask : ~RF));
    }
    state.setGpr(RSP, view.getInt32(HOST_RSP, true), codeBits === 64 ? view.getInt32(HOST_RSP + 4, true) : 0);
    state.setSelector(CS, selector | 3);
    state.codeBits = codeBits;
    view.setInt32(RIP, lo, true);
    view.setInt32(RIP + 4, codeBits === 64 ? hi : 0, true);
    return true;
  }

  #refuseWith({ vector, errorCode, unsupported }: Refusal, request: number): boolean {
    this.#refuse(vector, errorCode, (request >> 16) & 31);
    this.#cpu.fault.unsupported = unsupported ?? "";
    return false;
  }

  /** Raises an exception at the instruction, which is `length` bytes back. */
  #refuse(vector: number, errorCode: number, length: number): boolean {
    const { fault } = this.#cpu;
    fault.vector = vector;
    fault.errorCode = errorCode;
    fault.address = 0;
    fault.unsupported = "";
    const rip = this.#view.getUint32(RIP, true) + this.#view.getUint32(RIP + 4, true) * 0x1_0000_0000 - length;
    this.#view.setInt32(RIP, rip | 0, true);
    this.#view.setInt32(RIP + 4, Math.floor(rip / 0x1_0000_0000) | 0, true);
    return false;
  }
}
