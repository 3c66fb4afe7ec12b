import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** free(NULL). */
export const row11: SlideRow = {
  row: 11,
  title: "free(NULL) has no effect",
  steps: [
    {
      command: "./free-null",
      view: "terminal",
      scene: onUbu64("free-null", 100816, 2031, 0x3e_0990),
      shows: "free(NULL): ohne Wirkung\n",
      status: 0,
    },
  ],
};
