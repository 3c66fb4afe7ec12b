/**
 * The random numbers of one execve. They are the kernel's random offsets, never final addresses, so a scene can pin them
 * as a recorder would have noted them: shift a draw by a page, and the layout shifts as the kernel's rules say.
 */
import type { TaskLayout } from "../profiles/kernel-generation.ts";

export interface RandomDraws {
  /** kernel.randomize_va_space of the exec: 0 also stands for the personality ADDR_NO_RANDOMIZE. */
  readonly randomizeVaSpace: 0 | 1 | 2;
  /** arch_mmap_rnd() for mmap_base, in pages. */
  readonly mmapPages: number;
  /** randomize_stack_top(), in pages. */
  readonly stackTopPages: number;
  /** arch_align_stack() in setup_arg_pages, in bytes: 0–8191. */
  readonly stackTopBytes: number;
  /** arch_align_stack() in create_elf_tables, in bytes: 0–8191. */
  readonly stackBytes: number;
  /** arch_mmap_rnd() for a position-independent executable, in pages. */
  readonly etDynPages: number;
  /** The vdso above the stack (vdso_addr()), in pages: 0–511. */
  readonly vdsoPages: number;
  /** arch_randomize_brk(), in bytes. */
  readonly brkBytes: number;
  /** AT_RANDOM. */
  readonly atRandom: Uint8Array;
}

/** Source of random bytes (Host.random, or a seeded generator). */
export interface RandomSource {
  fill(into: Uint8Array): void;
}

/** Draws for one exec under `layout`; with `randomize` false all offsets are 0 and only AT_RANDOM is drawn. */
export function drawRandom(source: RandomSource, layout: TaskLayout, randomize: boolean): RandomDraws {
  const below = (count: number): number => {
    const bytes = new Uint8Array(8);
    source.fill(bytes);
    let value = 0;
    for (let i = 0; i < 6; i++) value = value * 256 + bytes[i];
    return value % count;
  };
  const atRandom = new Uint8Array(16);
  const { min, max } = layout.mmapRandomPages;
  const mmapRandom = (): number => min + below(max - min + 1);
  const offset = (draw: () => number): number => {
    const value = draw();
    return randomize ? value : 0;
  };
  const draws = {
    randomizeVaSpace: randomize ? 2 : 0,
    mmapPages: offset(mmapRandom),
    stackTopPages: offset(() => below(layout.stackRandomPages)),
    stackTopBytes: offset(() => below(8192)),
    stackBytes: offset(() => below(8192)),
    etDynPages: offset(mmapRandom),
    vdsoPages: offset(() => below(512)),
    brkBytes: offset(() => below(layout.brkRandomBytes)),
    atRandom,
  } as const;
  source.fill(atRandom);
  return draws;
}
