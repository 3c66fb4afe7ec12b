import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** mmap of /dev/zero. */
export const row19: SlideRow = {
  row: 19,
  title: "one page of /dev/zero, used after close",
  steps: [
    {
      command: "./mmap-zero",
      view: "terminal",
      scene: onUbu64("mmap-zero", 100825, 2095, 0x1e4_0110),
      shows: "/dev/zero: {address}, 0 Bytes ungleich 0, p[42] jetzt 'z'\n",
      status: 0,
    },
  ],
};
