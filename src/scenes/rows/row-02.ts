import type { SlideRow } from "../scene.ts";
import { memtest64 } from "./memtest-64.ts";

/** memtest's own output. */
export const row02: SlideRow = {
  row: 2,
  title: "memtest: text, data, BSS, stack and 40 MiB from malloc",
  steps: [{ command: "./memtest", view: "terminal", scene: memtest64, shows: "Test: 3, 5\nTest: AB\n", status: 0 }],
};
