/** Linux 6.1 (Debian 12's 6.1.192). */
import type { KernelGeneration } from "../kernel-generation.ts";
import { linux6 } from "./linux-6.x.ts";

export const linux61 = Object.freeze<KernelGeneration>({
  ...linux6,
  name: "linux-6.1",
  layouts: { ...linux6.layouts, amd64: { ...linux6.layouts.amd64, vdsoPlace: "above-stack" } },
  alignsHugeAnonymous: false,
  hugeAlignKeepsTop: false,
  newMappingMerges: "next-first",
  mapStackSetsNoHugePage: false,
  mprotectDropsAccount: false,
  mmap: { ...linux6.mmap, failedFixedKeepsOld: false, droppable: false },
  membarrierCommands: 0x1ff,
  rssBatch: 64,
  heapLabel: "touches",
  auxv: { ...linux6.auxv, rseq: false },
  procfs: {
    ...linux6.procfs,
    smaps: linux6.procfs.smaps.filter((key) => key !== "KSM"),
    thpEligibleWidth: 0,
    status: linux6.procfs.status.filter((key) => key !== "Kthread" && key !== "untag_mask"),
  },
});
