/** The machine's vdso pages, shared by all processes, and their place in an address space (arch/x86/entry/vdso/vma.c). */
import type { Abi } from "../../abi/abi.ts";
import { ENOMEM } from "../../abi/errno.ts";
import { PROT_EXEC, PROT_READ } from "../../abi/mman.ts";
import { type FrameNumber, PAGE_SIZE, pageDown, pageUp } from "../../base/address.ts";
import type { PhysicalMemory } from "../../memory/physical.ts";
import type { AddressSpace } from "../../mm/address-space.ts";
import { unmappedArea } from "../../mm/placement.ts";
import type { KernelGeneration } from "../../profiles/kernel-generation.ts";
import { buildVdso, type VdsoImage } from "./image.ts";

const PMD_SIZE = 2 * 1024 * 1024;

interface SpecialSpan {
  readonly name: string;
  readonly frames: readonly FrameNumber[];
}

export interface Vdso {
  readonly image: VdsoImage;
  readonly code: SpecialSpan;
  /** [vvar] and its kin, lowest first; their pages are zero, as folio's vdso asks the kernel instead. */
  readonly below: readonly SpecialSpan[];
}

/** Makes the pages of each ABI's vdso when they are first wanted. */
export class VdsoPages {
  readonly #phys: PhysicalMemory;
  readonly #generation: KernelGeneration;
  readonly #made = new Map<Abi, Vdso>();

  constructor(phys: PhysicalMemory, generation: KernelGeneration) {
    this.#phys = phys;
    this.#generation = generation;
  }

  /** The vdso of the ABI, or -ENOMEM. */
  get(abi: Abi): Vdso | number {
    const known = this.#made.get(abi);
    if (known !== undefined) return known;
    const image = buildVdso(abi);
    const frames = this.#frames(Math.max(this.#generation.vdso.pages, pageUp(image.bytes.length) / PAGE_SIZE));
    if (frames === undefined) return -ENOMEM;
    frames.forEach((frame, i) => {
      this.#phys.u8.set(image.bytes.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE), frame * PAGE_SIZE);
    });
    const below: SpecialSpan[] = [];
    for (const { name, pages } of this.#generation.vdso.below) {
      const span = this.#frames(pages);
      if (span === undefined) return -ENOMEM;
      below.push({ name, frames: span });
    }
    const vdso = { image, code: { name: "[vdso]", frames }, below };
    this.#made.set(abi, vdso);
    return vdso;
  }

  #frames(count: number): FrameNumber[] | undefined {
    const frames: FrameNumber[] = [];
    for (let i = 0; i < count; i++) {
      const frame = this.#phys.allocFrame(frames.at(-1));
      if (frame < 0) return undefined;
      frames.push(frame);
    }
    return frames;
  }
}

/** vdso_addr(): a place above the stack, up to the end of its 2 MiB. */
function hintAboveStack(mm: AddressSpace, length: number, draw: number): number {
  const start = pageUp(mm.startStack);
  const end = Math.min(Math.ceil((start + length) / PMD_SIZE) * PMD_SIZE, mm.layout.taskSize) - length;
  if (end <= start) return start;
  if (mm.generation.vdso.aboveStackDraw === "capped") return Math.min(start + draw * PAGE_SIZE, end);
  return start + (draw % ((end - start) / PAGE_SIZE + 1)) * PAGE_SIZE;
}

/** Maps vvar and vdso side by side; the address of [vdso] or -errno. */
export function mapVdso(mm: AddressSpace, vdso: Vdso, draw: number): number {
  const belowPages = vdso.below.reduce((pages, span) => pages + span.frames.length, 0);
  const length = (belowPages + vdso.code.frames.length) * PAGE_SIZE;
  const hint = mm.layout.vdsoPlace === "above-stack" ? hintAboveStack(mm, length, draw) : 0;
  const slot = unmappedArea(mm, pageDown(hint), length, 0, 0, "anonymous");
  if (slot < 0) return slot;
  let at = slot;
  for (const { name, frames } of vdso.below) {
    const error = mm.mapSpecial(at, name, frames, PROT_READ, false);
    if (error < 0) return error;
    at += frames.length * PAGE_SIZE;
  }
  return mm.mapSpecial(at, vdso.code.name, vdso.code.frames, PROT_READ | PROT_EXEC);
}
