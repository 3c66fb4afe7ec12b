import type { SlideRow } from "../scene.ts";
import { memtest32 } from "./memtest-32.ts";

/** memtest's memory by pmap, 32 bit, as the terminal showed it (columns as procps and the kernel print them). */
export const row03: SlideRow = {
  row: 3,
  title: "memtest's memory by pmap, 32 bit",
  steps: [
    {
      command: "pmap $(pidof memtest)",
      view: "pmap",
      scene: memtest32,
      shows: `30387:   ./memtest
08048000      4K r-x--  /tmp/memtest
08049000      4K r----  /tmp/memtest
0804a000      4K rw---  /tmp/memtest
b4f22000  40968K rw---    [ anon ]
b7724000   1496K r-x--  /lib/i386-linux-gnu/libc-2.13.so
b789a000      8K r----  /lib/i386-linux-gnu/libc-2.13.so
b789c000      4K rw---  /lib/i386-linux-gnu/libc-2.13.so
b789d000     12K rw---    [ anon ]
b78c5000     12K rw---    [ anon ]
b78c8000      4K r-x--    [ anon ]
b78c9000    120K r-x--  /lib/i386-linux-gnu/ld-2.13.so
b78e7000      4K r----  /lib/i386-linux-gnu/ld-2.13.so
b78e8000      4K rw---  /lib/i386-linux-gnu/ld-2.13.so
bf99a000    132K rw---    [ stack ]
 total    42776K
`,
    },
  ],
};
