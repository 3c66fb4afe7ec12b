import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** mmap of anonymous memory. */
export const row18: SlideRow = {
  row: 18,
  title: "anonymous mapping of 512 KiB",
  steps: [
    {
      command: "./mmap-anon",
      view: "terminal",
      scene: onUbu64("mmap-anon", 100824, 2090, 0x33_7c70),
      shows: "mmap: {address}, 0 Bytes ungleich 0, letztes jetzt 'z'\nmmap: Invalid argument\n",
      status: 0,
    },
  ],
};
