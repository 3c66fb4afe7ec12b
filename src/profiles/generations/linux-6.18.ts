/** Linux 6.18 (6.18.44): the kernel that folio's recordings were made on, and the default. */
import type { KernelGeneration } from "../kernel-generation.ts";
import { linux6 } from "./linux-6.x.ts";

export const linux618 = Object.freeze<KernelGeneration>({
  ...linux6,
  name: "linux-6.18",
  dacMmapMinAddr: 4096,
  tailPageNeedsTable: true,
  madvise: { ...linux6.madvise, kinds: [...linux6.madvise.kinds, 102, 103] },
  mremap: { ...linux6.mremap, movesSeveralVmas: true },
  vdso: {
    pages: 2,
    below: [
      { name: "[vvar]", pages: 4 },
      { name: "[vvar_vclock]", pages: 2 },
    ],
    legacyVsyscall: "--xp",
    aboveStackDraw: "remainder",
  },
});
