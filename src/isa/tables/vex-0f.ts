import type { Row } from "./row.ts";

export const VEX_0F: readonly Row[] = [];
