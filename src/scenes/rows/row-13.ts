import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** memcpy. */
export const row13: SlideRow = {
  row: 13,
  title: "memcpy()",
  steps: [
    {
      command: "./memcpy",
      view: "terminal",
      scene: onUbu64("memcpy", 100818, 2046, 0x151_f200),
      shows: "q: 4f 68 6d 2d 48 53  0 -- Ohm-HS\n",
    },
  ],
};
