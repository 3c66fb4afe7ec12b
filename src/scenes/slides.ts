/** All rows of the list of slides, in order; the last ones need many processes. */
import { row01 } from "./rows/row-01.ts";
import { row02 } from "./rows/row-02.ts";
import { row03 } from "./rows/row-03.ts";
import { row04 } from "./rows/row-04.ts";
import { row05 } from "./rows/row-05.ts";
import { row06 } from "./rows/row-06.ts";
import { row07 } from "./rows/row-07.ts";
import { row08 } from "./rows/row-08.ts";
import { row09 } from "./rows/row-09.ts";
import { row10 } from "./rows/row-10.ts";
import { row11 } from "./rows/row-11.ts";
import { row12 } from "./rows/row-12.ts";
import { row13 } from "./rows/row-13.ts";
import { row14 } from "./rows/row-14.ts";
import { row15 } from "./rows/row-15.ts";
import { row16 } from "./rows/row-16.ts";
import { row17 } from "./rows/row-17.ts";
import { row18 } from "./rows/row-18.ts";
import { row19 } from "./rows/row-19.ts";
import type { SlideRow } from "./scene.ts";

const MANY = "needs several processes or the OOM killer";

export const SLIDES: readonly SlideRow[] = [
  row01,
  row02,
  row03,
  row04,
  row05,
  row06,
  row07,
  row08,
  row09,
  row10,
  row11,
  row12,
  row13,
  row14,
  row15,
  row16,
  row17,
  row18,
  row19,
  { row: 20, title: "oom2: until the OOM killer comes", steps: [], open: MANY },
  { row: 21, title: "oom_score of every process", steps: [], open: MANY },
  { row: 22, title: "rules of the OOM score", steps: [], open: MANY },
  { row: 23, title: "gcc, a program like any other", steps: [], open: MANY },
  { row: 24, title: "the log on the title page", steps: [], open: MANY },
];
