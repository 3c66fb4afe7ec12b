import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** free2: a block is freed twice. The heap of these runs began at the same place. */
const free2 = onUbu64("free2", 100815, 2011, 0x117_d3b0);

export const row10: SlideRow = {
  row: 10,
  title: "free() twice, and MALLOC_CHECK_",
  steps: [
    {
      command: "./free2",
      view: "terminal",
      scene: free2,
      shows:
        "*** glibc detected *** ./free2: double free or corruption (top): 0x0000000001780010 ***\n" +
        "======= Backtrace: =========\n{lines}======= Memory map: ========\n{lines}Abgebrochen\n",
      status: 134,
    },
    {
      command: "MALLOC_CHECK_=0 ./free2",
      view: "terminal",
      scene: { ...free2, pid: 2012, env: { MALLOC_CHECK_: "0" } },
      shows: "nach 2x free\n",
    },
    {
      command: "MALLOC_CHECK_=1 ./free2",
      view: "terminal",
      scene: { ...free2, pid: 2013, env: { MALLOC_CHECK_: "1" } },
      shows: "*** glibc detected *** ./free2: free(): invalid pointer: 0x0000000001780010 ***\nnach 2x free\n",
    },
    {
      command: "MALLOC_CHECK_=2 ./free2",
      view: "terminal",
      scene: { ...free2, pid: 2014, env: { MALLOC_CHECK_: "2" } },
      shows: "Abgebrochen\n",
      status: 134,
    },
  ],
};
