/** memtest on the 64-bit machine, as both of its views and its output show it. */
import type { Scene } from "../scene.ts";

export const memtest64: Scene = {
  machine: "ubu64",
  program: "memtest",
  path: "/home/esser/memtest",
  inode: 100804,
  argv: ["./memtest"],
  cwd: "/home/esser",
  pid: 1839,
  draws: {
    mmapPages: 0xf8439d3,
    stackTopPages: 0xa034f,
    stackTopBytes: 0x2c0,
    stackBytes: 0x9f0,
    vdsoPages: 411,
    brkBytes: 0x107_5e30,
  },
};
