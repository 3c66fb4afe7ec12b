import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** memset. */
export const row12: SlideRow = {
  row: 12,
  title: "memset(), and memory that is not initialised",
  steps: [
    {
      command: "./memset",
      view: "terminal",
      scene: onUbu64("memset", 100817, 2040, 0x8c_13d0),
      shows: "4f 68 6d 2d 48 53  0 -- Ohm-HS\n 0  0  0  0  0  0  0 -- \n",
    },
  ],
};
