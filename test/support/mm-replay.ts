/**
 * Replays what fixtures/native/mm/mmfuzz.c recorded on the real kernel: the same calls and touches on an AddressSpace, every
 * result, fault count, maps and smaps compared. `#` lines number the operations; state lines (`D`) hold hashes.
 */
import type { Abi } from "../../src/abi/abi.ts";
import type { FrameNumber } from "../../src/base/address.ts";
import { NodeWasm } from "../../src/host-node/wasm.ts";
import { FrameFlag, HOST_AREA_BYTES, PhysicalMemory } from "../../src/memory/physical.ts";
import { Access } from "../../src/memory/translation.ts";
import { AddressSpace } from "../../src/mm/address-space.ts";
import { faultCode, faultSignal } from "../../src/mm/fault-result.ts";
import { DEFAULT_LIMITS, type MmLimits } from "../../src/mm/limits.ts";
import type { Mappable, MappedFile } from "../../src/mm/mappable.ts";
import { brkArea } from "../../src/mm/mmap.ts";
import { vmFlagsText } from "../../src/mm/stats.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import { type KernelGeneration, mmapBase } from "../../src/profiles/kernel-generation.ts";

const PAGE = 4096;

/** Physical memory of `mib` MiB in a wasm memory of its own. */
export function createPhysical(mib: number): PhysicalMemory {
  const bytes = mib * 1024 * 1024;
  const pages = (HOST_AREA_BYTES + bytes) / 65536;
  return new PhysicalMemory(new NodeWasm([]).createMemory(pages), bytes);
}

/** A fresh address space with the layout of a task without address randomisation. */
export function createSpace(
  options: { generation?: KernelGeneration; abi?: Abi; limits?: Partial<MmLimits>; phys?: PhysicalMemory } = {},
): AddressSpace {
  const phys = options.phys ?? createPhysical(64);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const mm = new AddressSpace(phys, options.generation ?? linux618, options.abi ?? "amd64", limits);
  mm.setMmapLayout(mmapBase(mm.layout, limits.stack, undefined), true);
  return mm;
}

let nextInode = 1;

/** The page cache of a file with known bytes: hot, as after a read(2) of all of it, or empty (shmem). */
export class PageCache implements Mappable {
  readonly mapName: string;
  readonly dev = 1;
  readonly ino: number;
  readonly kind: "file" | "shmem" | "zero";
  size: number;
  readonly #phys: PhysicalMemory;
  readonly #byteAt: (offset: number) => number;
  readonly #frames = new Map<number, FrameNumber>();

  constructor(
    phys: PhysicalMemory,
    name: string,
    size: number,
    kind: "file" | "shmem" | "zero",
    byteAt: (offset: number) => number = () => 0,
  ) {
    this.#phys = phys;
    this.mapName = name;
    this.size = size;
    this.kind = kind;
    this.ino = nextInode++;
    this.#byteAt = byteAt;
  }

  getPage(index: number): FrameNumber {
    const known = this.#frames.get(index);
    if (known !== undefined) return known;
    const frame = this.#phys.allocFrame();
    if (frame < 0) return -12;
    if (this.kind === "shmem") this.#phys.flags[frame] |= FrameFlag.shmem;
    for (let i = 0; i < PAGE && index * PAGE + i < this.size; i++) {
      this.#phys.u8[frame * PAGE + i] = this.#byteAt(index * PAGE + i);
    }
    // read(2) has marked the pages of the file
    if (this.kind === "file") this.#phys.flags[frame] |= FrameFlag.referenced;
    this.#frames.set(index, frame);
    return frame;
  }

  cachedPage(index: number): FrameNumber {
    if (this.kind === "shmem") return this.#frames.get(index) ?? -1;
    return index * PAGE < this.size ? this.getPage(index) : -1;
  }

  punchHole(start: number, end: number): number {
    for (const [index, frame] of this.#frames) {
      if (index * PAGE < start || (index + 1) * PAGE > end) continue;
      this.#frames.delete(index);
      this.#phys.put(frame);
    }
    return 0;
  }
}

/** An open file description of a `PageCache`. */
export class OpenFile implements MappedFile {
  readonly mappable: Mappable | undefined;
  readonly readable: boolean;
  readonly writable: boolean;
  hidesResidence = false;
  mappings = 0;

  constructor(mappable: Mappable | undefined, access: "r" | "w" | "rw") {
    this.mappable = mappable;
    this.readable = access !== "w";
    this.writable = access !== "r";
  }

  openForMap(): void {
    this.mappings++;
  }

  closeForMap(): void {
    this.mappings--;
  }
}

/** A touch of user code: 0 and the byte, or the signal as `sig.code`. */
export function touch(mm: AddressSpace, addr: number, write: boolean, value = 0): { text: string; byte: number } {
  const access = write ? Access.write : Access.read;
  for (;;) {
    const frame = mm.walk(Math.floor(addr / PAGE), access);
    if (frame >= 0) {
      const at = frame * PAGE + (addr % PAGE);
      if (write) mm.phys.u8[at] = value;
      return { text: "0", byte: mm.phys.u8[at] };
    }
    const result = mm.handleFault(addr, -frame - 1, 0);
    if (result !== 0) return { text: `${faultSignal(result)}.${faultCode(result)}`, byte: 0 };
  }
}

function hashOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash >>> 0;
}

/** start-end perms offset of every VMA, a line each. */
export function mapsText(mm: AddressSpace): string {
  let text = "";
  mm.forEachMapping((view) => {
    const bit = (mask: number, letter: string): string => (view.flags & mask ? letter : "-");
    const perms = bit(1, "r") + bit(2, "w") + bit(4, "x") + (view.flags & 0x80 ? "s" : "p");
    text += `${view.start.toString(16)}-${view.end.toString(16)} ${perms} ${view.offset.toString(16)}\n`;
  });
  return text;
}

function smapsText(mm: AddressSpace, skip: ReadonlySet<number>): string {
  let text = "";
  mm.forEachMapping((view) => {
    if (skip.has(view.start)) return;
    const s = mm.pageStats(view.vma);
    text +=
      `${view.start.toString(16)} Rss ${s.rss} Pss ${s.pss} PD ${s.pssDirty} SC ${s.sharedClean} SD ${s.sharedDirty} ` +
      `PC ${s.privateClean} PrD ${s.privateDirty} Ref ${s.referenced} An ${s.anonymous} Lo ${s.locked} ` +
      `VmFlags: ${vmFlagsText(view.flags)}\n`;
  });
  return text;
}

function statusValues(mm: AddressSpace): number[] {
  const pages = [mm.totalVm, mm.lockedVm, mm.anonPages, mm.filePages, mm.shmemPages, mm.vmData, mm.stackVm];
  return [...pages.map((count) => count * 4), mm.pteBytes / 1024];
}

const STATUS_KEYS = ["VmSize:", "VmLck:", "RssAnon:", "RssFile:", "RssShmem:", "VmData:", "VmStk:", "VmPTE:"];

function statusText(mm: AddressSpace, base: readonly number[]): string {
  const values = statusValues(mm);
  return STATUS_KEYS.map((key, i) => `${key} ${values[i] - base[i]}\n`).join("");
}

export interface Mismatch {
  readonly line: number;
  readonly operation: string;
  readonly text: string;
  readonly expected: string;
  readonly actual: string;
  /** The state as text, for a state line. */
  readonly state: string;
}

/** Replays a recording; undefined if everything agrees. */
export function replay(lines: readonly string[], abi: Abi = "amd64", phys = createPhysical(256)): Mismatch | undefined {
  const replayer = new Replayer(phys, abi);
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line === "") continue;
    const wrong = replayer.step(line);
    if (wrong === undefined) continue;
    return { line: i + 1, operation: replayer.operation, text: line, ...wrong };
  }
  replayer.mm.destroy();
  return undefined;
}

/** mmap2 and mremap of a 32-bit task take and give 32-bit words. */
class Replayer {
  mm: AddressSpace;
  operation = "";
  readonly #parents: AddressSpace[] = [];
  readonly #initial = new Set<number>();
  readonly #files: OpenFile[];
  readonly #wrap: bigint;
  #base: number[] = [];
  #scratch = 0;

  constructor(phys: PhysicalMemory, abi: Abi) {
    this.mm = createSpace({ phys, abi });
    this.#wrap = abi === "amd64" ? 1n << 64n : 1n << 32n;
    const file = new PageCache(phys, "file", 30 * PAGE + 100, "file", (i) => (i * 7 + (i >> 12) * 13) & 255);
    const memfd = new PageCache(phys, "memfd", 20 * PAGE + 5, "shmem");
    this.#files = [
      new OpenFile(file, "r"),
      new OpenFile(file, "rw"),
      new OpenFile(file, "r"),
      new OpenFile(memfd, "rw"),
      new OpenFile(file, "w"),
    ];
  }

  step(line: string): { expected: string; actual: string; state: string } | undefined {
    const [left, expected] = line.split(" = ");
    const [kind, ...args] = left.split(" ");
    const actual = this.#run(kind, args, expected);
    if (actual === undefined || actual.text === expected) return undefined;
    return { expected: expected ?? "", actual: actual.text, state: actual.state ?? "" };
  }

  /** Undefined: nothing to compare. */
  #run(kind: string, args: string[], expected: string): { text: string; state?: string } | undefined {
    const { mm } = this;
    const hex = (i: number): number => Number(`0x${args[i]}`);
    const before = mm.minorFaults;
    const call = (result: number): { text: string } => {
      const word = result < 0 ? (this.#wrap + BigInt(result)).toString(16) : result.toString(16);
      return { text: `${word} ${mm.minorFaults - before}` };
    };
    switch (kind) {
      case "I":
        this.#initialMapping(args.filter((arg) => arg !== ""));
        return undefined;
      case "G":
        this.#start(hex(0), Number(args[1]));
        return undefined;
      case "#":
        this.operation = args[0];
        return undefined;
      case "M":
        return call(this.#mmap(hex(0), hex(1), hex(2), hex(3), Number(args[4]), hex(5)));
      case "U":
        return call(mm.munmap(hex(0), hex(1)));
      case "P":
        return call(mm.mprotect(hex(0), hex(1), hex(2)));
      case "R":
        return call(mm.mremap(hex(0), hex(1), hex(2), hex(3), hex(4)));
      case "A":
        return call(mm.madvise(hex(0), hex(1), Number(args[2])));
      case "B":
        return call(mm.sysBrk(hex(0)));
      case "K":
        if (args[2] === "1") return call(mm.munlock(hex(0), hex(1)));
        return call(mm.mlock(hex(0), hex(1), args[2] === "2"));
      case "S":
        return { text: call(mm.msync(hex(0), hex(1), hex(2))).text.split(" ")[0] };
      case "C":
        return this.#mincore(hex(0), hex(1), call);
      case "W": {
        const { text } = touch(mm, hex(0), true, Number(args[1]));
        return { text: `${signalText(text, expected)} ${mm.minorFaults - before}` };
      }
      case "L": {
        const { text, byte } = touch(mm, hex(0), false);
        return { text: `${text === "0" ? byte : signalText(text, expected)} ${mm.minorFaults - before}` };
      }
      case "D":
        return this.#state(args);
      case "F":
        this.#fork();
        return undefined;
      case "f":
        this.mm.destroy();
        this.mm = this.#parents.pop() as AddressSpace;
        this.#base = statusValues(this.mm);
        return undefined;
      default:
        throw new Error(`unknown line kind ${kind}`);
    }
  }

  #initialMapping([range, perms, offset, , , name]: string[]): void {
    const { mm } = this;
    const [start, end] = range.split("-").map((text) => Number(`0x${text}`));
    const prot = (perms[0] === "r" ? 1 : 0) | (perms[1] === "w" ? 2 : 0) | (perms[2] === "x" ? 4 : 0);
    this.#initial.add(start);
    if (name === "[stack]") {
      mm.setupStack(start, end, prot);
      mm.startStack = end - 4096;
    } else if (name?.startsWith("[v")) {
      const frames = Array.from({ length: (end - start) / PAGE }, () => mm.phys.allocFrame());
      mm.mapSpecial(start, name, frames, prot, name === "[vdso]");
    } else if (name === undefined) {
      brkArea(mm, start, end - start, false, "none");
      this.#scratch = start;
      touch(mm, start, true);
    } else {
      const file = new OpenFile(new PageCache(mm.phys, name, end - start, "file"), "r");
      mm.mmap({ addr: start, length: end - start, prot, flags: 0x12, file, offset: Number(`0x${offset}`) });
    }
    if (!name?.startsWith("[v")) touch(mm, start, false);
  }

  #start(brk: number, mode: number): void {
    this.mm.startBrk = this.mm.brk = brk;
    if (mode & 1) {
      // the file belongs to root and the task does not
      for (const file of this.#files) file.hidesResidence = file.mappable?.kind === "file";
      const caps = { capIpcLock: false, capSysRawio: false, capSysAdmin: false };
      this.mm.limits = { as: 40 << 20, data: 6 << 20, memlock: 64 * PAGE, stack: 8 << 20, ...caps };
    }
    this.#base = statusValues(this.mm);
  }

  #mmap(addr: number, length: number, prot: number, flags: number, fd: number, offset: number): number {
    if (this.mm.abi === "amd64" && offset % PAGE !== 0) return -22;
    const pages = Math.floor(offset / PAGE) * PAGE;
    if (flags & 0x20) return this.mm.mmap({ addr, length, prot, flags, offset: pages });
    const file = this.#files[fd];
    if (file === undefined) return -9;
    return this.mm.mmap({ addr, length, prot, flags, file, offset: pages });
  }

  #mincore(addr: number, length: number, call: (result: number) => { text: string }): { text: string } {
    const count = Math.min(256, Math.ceil(length / PAGE));
    const faults = this.mm.minorFaults;
    this.mm.write(this.#scratch, new Uint8Array(4096).fill(0x55));
    this.mm.minorFaults = faults;
    const { text } = call(this.mm.mincore(addr, length, this.#scratch));
    const bytes = new Uint8Array(count);
    this.mm.read(this.#scratch, bytes);
    return { text: `${text} ${hashOf(String.fromCharCode(...bytes))}` };
  }

  #state(args: string[]): { text: string; state: string } {
    const maps = mapsText(this.mm);
    let state = maps;
    let text = `D ${hashOf(maps)}`;
    if (args.length > 1) {
      const smaps = smapsText(this.mm, this.#initial);
      const status = statusText(this.mm, this.#base);
      state += smaps + status;
      text += ` ${hashOf(smaps)} ${hashOf(status)}`;
    }
    return text === `D ${args.join(" ")}` ? (undefined as never) : { text, state };
  }

  #fork(): void {
    const child = this.mm.fork();
    if (typeof child === "number") throw new Error(`fork gave ${child}`);
    this.#parents.push(this.mm);
    this.mm = child;
    // the recorder touches what is its own
    for (const vma of child.vmas) {
      const own = vma.end <= child.startBrk || (vma.start <= child.startStack && vma.end > child.startStack);
      if (own && this.#initial.has(vma.start)) touch(child, vma.start, false);
    }
    this.#base = statusValues(child);
  }
}

/** The recorder adds whether si_addr was the touched address; a general protection fault has none. */
function signalText(text: string, expected: string): string {
  return text === "0" ? "0" : `${text}.${expected.split(" ")[0].split(".")[2]}`;
}
