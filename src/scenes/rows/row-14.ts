import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** strncpy. */
export const row14: SlideRow = {
  row: 14,
  title: "strncpy()",
  steps: [
    {
      command: "./strncpy",
      view: "terminal",
      scene: onUbu64("strncpy", 100819, 2052, 0x20_4b80),
      shows: "1. Versuch: VierZZZZ\n2. Versuch: Vier\n",
    },
  ],
};
