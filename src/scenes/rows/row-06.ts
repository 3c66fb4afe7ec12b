import type { SlideRow } from "../scene.ts";
import { memtest64 } from "./memtest-64.ts";

/** memtest's memory by maps, 64 bit, as the terminal showed it (columns as procps and the kernel print them). */
export const row06: SlideRow = {
  row: 6,
  title: "memtest's memory by maps, 64 bit",
  steps: [
    {
      command: "cat /proc/$(pidof memtest)/maps",
      view: "maps",
      scene: memtest64,
      shows: `00400000-00401000 r-xp 00000000 08:01 100804                             /home/esser/memtest
00600000-00601000 r--p 00000000 08:01 100804                             /home/esser/memtest
00601000-00602000 rw-p 00001000 08:01 100804                             /home/esser/memtest
7f06b1887000-7f06b4088000 rw-p 00000000 00:00 0 
7f06b4088000-7f06b4202000 r-xp 00000000 08:01 8765                       /lib/libc-2.11.1.so
7f06b4202000-7f06b4401000 ---p 0017a000 08:01 8765                       /lib/libc-2.11.1.so
7f06b4401000-7f06b4405000 r--p 00179000 08:01 8765                       /lib/libc-2.11.1.so
7f06b4405000-7f06b4406000 rw-p 0017d000 08:01 8765                       /lib/libc-2.11.1.so
7f06b4406000-7f06b440b000 rw-p 00000000 00:00 0 
7f06b440b000-7f06b442b000 r-xp 00000000 08:01 8718                       /lib/ld-2.11.1.so
7f06b460d000-7f06b4610000 rw-p 00000000 00:00 0 
7f06b4627000-7f06b462a000 rw-p 00000000 00:00 0 
7f06b462a000-7f06b462b000 r--p 0001f000 08:01 8718                       /lib/ld-2.11.1.so
7f06b462b000-7f06b462c000 rw-p 00020000 08:01 8718                       /lib/ld-2.11.1.so
7f06b462c000-7f06b462d000 rw-p 00000000 00:00 0 
7fff5fc9b000-7fff5fcb0000 rw-p 00000000 00:00 0                          [stack]
7fff5fdff000-7fff5fe00000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 r-xp 00000000 00:00 0                  [vsyscall]
`,
    },
  ],
};
