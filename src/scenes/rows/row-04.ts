import type { SlideRow } from "../scene.ts";
import { memtest32 } from "./memtest-32.ts";

/** memtest's memory by maps, 32 bit, as the terminal showed it (columns as procps and the kernel print them). */
export const row04: SlideRow = {
  row: 4,
  title: "memtest's memory by maps, 32 bit",
  steps: [
    {
      command: "cat /proc/$(pidof memtest)/maps",
      view: "maps",
      scene: memtest32,
      shows: `08048000-08049000 r-xp 00000000 08:04 1156248    /tmp/memtest
08049000-0804a000 r--p 00000000 08:04 1156248    /tmp/memtest
0804a000-0804b000 rw-p 00001000 08:04 1156248    /tmp/memtest
b4f22000-b7724000 rw-p 00000000 00:00 0 
b7724000-b789a000 r-xp 00000000 08:04 1966089    /lib/i386-linux-gnu/libc-2.13.so
b789a000-b789c000 r--p 00176000 08:04 1966089    /lib/i386-linux-gnu/libc-2.13.so
b789c000-b789d000 rw-p 00178000 08:04 1966089    /lib/i386-linux-gnu/libc-2.13.so
b789d000-b78a0000 rw-p 00000000 00:00 0 
b78c5000-b78c8000 rw-p 00000000 00:00 0 
b78c8000-b78c9000 r-xp 00000000 00:00 0          [vdso]
b78c9000-b78e7000 r-xp 00000000 08:04 9569185    /lib/i386-linux-gnu/ld-2.13.so
b78e7000-b78e8000 r--p 0001d000 08:04 9569185    /lib/i386-linux-gnu/ld-2.13.so
b78e8000-b78e9000 rw-p 0001e000 08:04 9569185    /lib/i386-linux-gnu/ld-2.13.so
bf99a000-bf9bb000 rw-p 00000000 00:00 0          [stack]
`,
    },
  ],
};
