import { type MallocVersion, overlay } from "../version.ts";
import { glibc_2_36 } from "./glibc-2.36.ts";

/** glibc 2.41 as Debian 13 has it: realloc's early return and memalign from the tcache (2.38, 2.39), calloc from it (2.41). */
export const glibc_2_41: MallocVersion = overlay(glibc_2_36, {
  name: "2.41",
  maxFastBytes: "byte",
  messages: {
    report: "plain",
    assertion: "fatal",
    lines: {
      oldTop: 2601,
      binSize: 4434,
      largeMain: [4237, 4250, 4254],
      mremap: 0,
      malloc: [3407, 3429],
      calloc: [3846, 3846],
      realloc: [3587, 3598],
      memalign: [3717, 3735],
    },
  },
  heapNoReserve: false,
  fallbackMmap: "minimum_mib",
  freeToSmallbin: true,
  reallocEarly: "mmapped",
  callocTcache: "takes",
  memalign: "merge_lead",
  memalignTcache: true,
  alignedAllocPowerOf2: true,
  tunablesStrict: true,
});
