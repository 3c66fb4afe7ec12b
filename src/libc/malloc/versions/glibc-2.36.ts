import { MALLOC_PAR_2_35 } from "../layout.ts";
import { type MallocVersion, NO_LINES, overlay } from "../version.ts";
import { glibc_2_31 } from "./glibc-2.31.ts";

/** glibc 2.36 as Debian 12 has it: safe-linking (2.32), a random tcache key and no hooks (2.34), huge-page fields (2.35). */
export const glibc_2_36: MallocVersion = overlay(glibc_2_31, {
  name: "2.36",
  par: MALLOC_PAR_2_35,
  heapPagesize: true,
  maxFastZero: "small",
  safeLinking: true,
  tcache: { counter: "counts", bins: 64, smallBins: 64, fill: 7, lazy: false, key: "random", verify: "bin_counted" },
  messages: {
    report: "plain",
    assertion: "nameless",
    lines: NO_LINES,
  },
  hookIni: false,
  fallbackMmap: "swapped",
  sysmallocAgain: false,
  memalignPtrdiff: true,
  mmapThresholdLimit: "no",
  checking: "debug_library",
});
