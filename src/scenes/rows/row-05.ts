import type { SlideRow } from "../scene.ts";
import { memtest64 } from "./memtest-64.ts";

/** memtest's memory by pmap, 64 bit, as the terminal showed it (columns as procps and the kernel print them). */
export const row05: SlideRow = {
  row: 5,
  title: "memtest's memory by pmap, 64 bit",
  steps: [
    {
      command: "pmap $(pidof memtest)",
      view: "pmap",
      scene: memtest64,
      shows: `1839:   ./memtest
0000000000400000      4K r-x--  /home/esser/memtest
0000000000600000      4K r----  /home/esser/memtest
0000000000601000      4K rw---  /home/esser/memtest
00007f06b1887000  40964K rw---    [ anon ]
00007f06b4088000   1512K r-x--  /lib/libc-2.11.1.so
00007f06b4202000   2044K -----  /lib/libc-2.11.1.so
00007f06b4401000     16K r----  /lib/libc-2.11.1.so
00007f06b4405000      4K rw---  /lib/libc-2.11.1.so
00007f06b4406000     20K rw---    [ anon ]
00007f06b440b000    128K r-x--  /lib/ld-2.11.1.so
00007f06b460d000     12K rw---    [ anon ]
00007f06b4627000     12K rw---    [ anon ]
00007f06b462a000      4K r----  /lib/ld-2.11.1.so
00007f06b462b000      4K rw---  /lib/ld-2.11.1.so
00007f06b462c000      4K rw---    [ anon ]
00007fff5fc9b000     84K rw---    [ stack ]
00007fff5fdff000      4K r-x--    [ anon ]
ffffffffff600000      4K r-x--    [ anon ]
 total            44828K
`,
    },
  ],
};
