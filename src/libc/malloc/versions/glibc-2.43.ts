import { MALLOC_PAR_2_43, mallocState } from "../layout.ts";
import { type MallocVersion, overlay } from "../version.ts";
import { glibc_2_41 } from "./glibc-2.41.ts";

/**
 * glibc 2.43 as Debian 2.43-7 has it: no fastbins, a larger tcache that the first free creates, mapped sizes without
 * their header. Assertion lines are measured for the old top and the bin size, others follow from the upstream file.
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
    lines: {
      oldTop: 2371,
      binSize: 4241,
      largeMain: [4041, 4057, 4061],
      mremap: 0,
      malloc: [3257, 3279],
      calloc: [3689, 3689],
      realloc: [3475, 3486],
      memalign: [3600, 3618],
    },
  },
  arenaAssertNames: { ...glibc_2_41.arenaAssertNames, malloc: "__libc_malloc2", calloc: "__libc_calloc2" },
  initAtStart: true,
  fallbackMmap: "whole",
  mmapSizeWithoutHeader: true,
  innerFree: "chunk",
  reallocEarly: "yes",
  reallocInitsTcache: false,
  memalign: "align_up",
  pvallocMask: "pagesize",
});
