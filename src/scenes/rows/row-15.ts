import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** memcmp, and why not for structs. */
export const row15: SlideRow = {
  row: 15,
  title: "memcmp()",
  steps: [
    {
      command: "./memcmp",
      view: "terminal",
      scene: onUbu64("memcmp", 100820, 2060, 0xfa_6610),
      shows: "p, s verschieden\n",
    },
    {
      command: "./struct-padding",
      view: "terminal",
      scene: onUbu64("struct-padding", 100821, 2064, 0x5b_d020),
      shows: "sizeof(struct xy): 12\nalle Felder gleich\na, b verschieden\nnach memset: a, b gleich\n",
      status: 0,
    },
  ],
};
