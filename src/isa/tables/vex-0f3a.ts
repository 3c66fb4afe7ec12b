import type { Row } from "./row.ts";

export const VEX_0F3A: readonly Row[] = [];
