import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** xmalloc(): the second request fails. */
export const row08: SlideRow = {
  row: 8,
  title: "xmalloc(): malloc, or perror and exit",
  steps: [
    {
      command: "./xmalloc",
      view: "terminal",
      scene: onUbu64("xmalloc", 100811, 1866, 0x13a_0c40),
      shows: "2000 Bytes: xy\nxmalloc: Cannot allocate memory\n",
      status: 1,
    },
  ],
};
