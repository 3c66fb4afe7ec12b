import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** getpagesize. */
export const row01: SlideRow = {
  row: 1,
  title: "the page size",
  steps: [
    {
      command: "./getpagesize",
      view: "terminal",
      scene: onUbu64("getpagesize", 100790, 1702, 0x4f_1d20),
      shows: "page size: 4096\n",
    },
    {
      command: "uname -m",
      view: "terminal",
      scene: {
        ...onUbu64("uname", 24612, 1703, 0xb2_9010),
        path: "/bin/uname",
        argv: ["uname", "-m"],
      },
      shows: "x86_64\n",
      status: 0,
    },
  ],
};
