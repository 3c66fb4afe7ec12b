/**
 * The initial stack (fs/exec.c, fs/binfmt_elf.c create_elf_tables). From high to low addresses: a zero word of the kernel,
 * the file name, environment strings, argument strings, a random gap, the platform name, 16 random bytes, padding, auxv,
 * envp[], argv[], argc.
 */
import { type Abi, WORD_SIZE } from "../abi/abi.ts";
import { PAGE_SIZE, pageDown, pageUp } from "../base/address.ts";
import type { KernelGeneration, TaskLayout } from "../profiles/kernel-generation.ts";
import type { AuxEntry } from "./auxv.ts";
import type { ExecPlan } from "./plan.ts";
import type { RandomDraws } from "./random-draws.ts";

const RANDOM_BYTES = 16;

function alignDown16(addr: number): number {
  return addr - (addr % 16);
}

/** The end of the stack VMA: randomize_stack_top(), then setup_arg_pages(). */
export function stackEnd(layout: TaskLayout, draws: RandomDraws): number {
  const top = layout.taskSize - draws.stackTopPages * PAGE_SIZE;
  return pageUp(alignDown16(top - draws.stackTopBytes));
}

/** A piece of memory to be written. */
export interface Chunk {
  readonly addr: number;
  readonly bytes: Uint8Array;
}

/** The strings at the top of the stack, placed. Field names of mm_struct. */
export interface StackStrings extends Chunk {
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
  readonly execfn: number;
  readonly argv: readonly number[];
  readonly envp: readonly number[];
}

/** Places file name, environment and arguments below `end`, as copy_strings() does. */
export function placeStrings(plan: ExecPlan, end: number, kernelBits: 32 | 64): StackStrings {
  const texts = [...plan.argv, ...plan.envp, plan.filename];
  let size = 0;
  for (const text of texts) size += text.length + 1;
  const addr = end - kernelBits / 8 - size;
  const bytes = new Uint8Array(size);
  const addresses: number[] = [];
  let at = 0;
  for (const text of texts) {
    addresses.push(addr + at);
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    at++;
  }
  const argc = plan.argv.length;
  const execfn = addresses[addresses.length - 1];
  const envStart = addresses[argc];
  return {
    addr,
    bytes,
    argStart: addr,
    argEnd: envStart,
    envStart,
    envEnd: execfn,
    execfn,
    argv: addresses.slice(0, argc),
    envp: addresses.slice(argc, -1),
  };
}

/** First address of the stack VMA behind setup_arg_pages(): whole string pages plus the extension, at most RLIMIT_STACK. */
export function stackStart(end: number, stringsAddr: number, generation: KernelGeneration, stackLimit: number): number {
  const stringPages = end - pageDown(stringsAddr);
  const wanted = stringPages + generation.stack.initialExtension;
  const size = wanted < stackLimit ? wanted : pageDown(stackLimit);
  return end - Math.max(size, stringPages);
}

/** Where create_elf_tables() puts what lies between strings and auxv. */
export interface TablePlaces {
  readonly platformAddress: number;
  readonly randomAddress: number;
}

export function placeTables(stringsAddr: number, platform: string, draws: RandomDraws): TablePlaces {
  const platformAddress = alignDown16(stringsAddr - draws.stackBytes) - (platform.length + 1);
  return { platformAddress, randomAddress: platformAddress - RANDOM_BYTES };
}

/** argc, argv[], envp[] and auxv as one chunk whose address is the initial stack pointer. */
export function buildTables(abi: Abi, strings: StackStrings, places: TablePlaces, auxv: readonly AuxEntry[]): Chunk {
  const wordSize = WORD_SIZE[abi];
  const words: number[] = [strings.argv.length, ...strings.argv, 0, ...strings.envp, 0];
  const auxvSize = auxv.length * 2 * wordSize;
  const addr = alignDown16(places.randomAddress - auxvSize - words.length * wordSize);
  for (const [tag, value] of auxv) words.push(tag, value);
  const bytes = new Uint8Array(words.length * wordSize);
  const view = new DataView(bytes.buffer);
  words.forEach((value, i) => {
    view.setUint32(i * wordSize, value >>> 0, true);
    if (wordSize === 8) view.setUint32(i * wordSize + 4, Math.floor(value / 0x1_0000_0000), true);
  });
  return { addr, bytes };
}
