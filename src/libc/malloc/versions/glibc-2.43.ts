import { MALLOC_PAR_2_43, mallocState } from "../layout.ts";
import { type MallocVersion, overlay } from "../version.ts";
import { glibc_2_41 } from "./glibc-2.41.ts";

/**
 * glibc 2.43 as Debian 2.43-7 has it: no fastbins, a larger tcache that the first free creates, mapped sizes without
 * their header. Assertion lines other than that of the old top are those of the upstream file less the same 15 lines.
 */
export const glibc_2_43: MallocVersion = overlay(glibc_2_41, {
  name: "2.43",
  state: () => mallocState("no_fastbins", 0),
  par: MALLOC_PAR_2_43,
  fastbins: false,
  tcache: {
    counter: "num_slots",
    bins: 76,
    smallBins: 64,
    fill: 16,
    lazy: true,
    key: "random_checked",
    verify: "all_bins",
  },
  checks: { ...glibc_2_41.checks, largebin: "insert_smallest" },
  messages: {
    report: "plain",
    assertion: "fatal",
    lines: { oldTop: 2371, binSize: 4244, largeMain: [4044, 4060, 4064], mremap: 0 },
  },
  initAtStart: true,
  fallbackMmap: "whole",
  mmapSizeWithoutHeader: true,
  innerFree: "chunk",
  reallocEarly: "yes",
  reallocInitsTcache: false,
  memalign: "align_up",
  pvallocMask: "pagesize",
});
