import { onUbu64 } from "../machines.ts";
import type { SlideRow } from "../scene.ts";

/** malloc, calloc and realloc. The slide has no session: what it says is what the programs find. */
export const row09: SlideRow = {
  row: 9,
  title: "malloc, calloc, realloc: what is cleared, what moves",
  steps: [
    {
      command: "./malloc",
      view: "terminal",
      scene: onUbu64("malloc", 100812, 1870, 0x92_4400),
      shows: "nicht initialisiert: 2000 von 2000 Bytes alt\nAnon-Map: 0 Bytes ungleich 0\n",
      status: 0,
    },
    {
      command: "./calloc",
      view: "terminal",
      scene: onUbu64("calloc", 100813, 1871, 0x1d0_77f0),
      shows: 'calloc: 0 Bytes ungleich 0\nEintrag 199: 0 ""\ncalloc: Cannot allocate memory\n',
      status: 0,
    },
    {
      command: "./realloc",
      view: "terminal",
      scene: onUbu64("realloc", 100814, 1872, 0x65_8a60),
      shows:
        "p: {address}\nq: {address}\nr: {address}, verschoben, 10 von 10 erhalten\n40: {address}\n5: {address}\n" +
        "200K: {address}, 4.0 2.0\n400K: {address}, 4.0 2.0\nrealloc: Cannot allocate memory\np noch intakt: 3.0 1.5\n",
      status: 0,
    },
  ],
};
