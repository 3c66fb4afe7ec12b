import type { SlideRow } from "../scene.ts";
import { memtest64 } from "./memtest-64.ts";

/** size. */
export const row07: SlideRow = {
  row: 7,
  title: "sizes of memtest's sections",
  steps: [
    {
      command: "size memtest",
      view: "size",
      scene: memtest64,
      shows:
        "   text\t   data\t    bss\t    dec\t    hex\tfilename\n   1538\t    536\t   1056\t   3130\t    c3a\tmemtest\n",
    },
  ],
};
