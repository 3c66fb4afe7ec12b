import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** Pointers that are not aligned. */
export const row16: SlideRow = {
  row: 16,
  title: "wrong alignment",
  steps: [
    {
      command: "./wrong-alignment",
      view: "terminal",
      scene: onUbu64("wrong-alignment", 100822, 2071, 0x1b3_9ae0),
      shows:
        "B\nPointer c: 0x40072d\nPointer u1: 0x40072c\nInhalt u1: 4847464544434241\nPointer u2: 0x40072d\nInhalt u2: 4948474645444342\n",
    },
  ],
};
