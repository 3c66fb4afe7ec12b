/** Linux 2.6.32 (2.6.32.9), amd64: the `ubu64` of the slides. */
import type { KernelGeneration } from "../kernel-generation.ts";
import { linux2638 } from "./linux-2.6.38.ts";

export const linux2632 = Object.freeze<KernelGeneration>({
  ...linux2638,
  name: "linux-2.6.32",
  kernelBits: 64,
  stack: { ...linux2638.stack, initialExtension: 20 * 4096, hiddenGuardPage: false },
  munmapChecksEverySplit: true,
  madvise: { ...linux2638.madvise, kinds: [0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 100] },
  rssBatch: 0,
  zeroPageInSmapsRss: true,
  smapsDirtyFromPage: false,
  procfs: {
    ...linux2638.procfs,
    smaps: linux2638.procfs.smaps.filter((key) => key !== "Anonymous" && key !== "Locked"),
    status: linux2638.procfs.status.filter((key) => key !== "VmSwap"),
    oomScore: "badness",
  },
});
