/** memtest on the 32-bit machine. */
import type { Scene } from "../scene.ts";

export const memtest32: Scene = {
  machine: "quadamd",
  program: "memtest",
  path: "/tmp/memtest",
  inode: 1156248,
  argv: ["./memtest"],
  cwd: "/tmp",
  pid: 30387,
  draws: {
    mmapPages: -232,
    stackTopPages: 0x645,
    stackTopBytes: 0x7d0,
    stackBytes: 0x1e40,
    vdsoPages: 0,
    brkBytes: 0xa9_2c10,
  },
};
