import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** Three malloc(1): the heap began 0xca000 behind the program. */
export const row17: SlideRow = {
  row: 17,
  title: "malloc() aligns",
  steps: [
    {
      command: "uname -m",
      view: "terminal",
      scene: { ...onUbu64("uname", 24612, 2078, 0x71_2be0), path: "/bin/uname", argv: ["uname", "-m"] },
      shows: "x86_64\n",
      status: 0,
    },
    {
      command: "./malloc-align-test",
      view: "terminal",
      scene: onUbu64("malloc-align-test", 100823, 2079, 0xc_9b30),
      shows: "a: 0x6cc010\nb: 0x6cc030\nc: 0x6cc050\n",
    },
  ],
};
