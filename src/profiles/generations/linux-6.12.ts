/** Linux 6.12 (6.12.117). */
import type { KernelGeneration } from "../kernel-generation.ts";
import { linux6 } from "./linux-6.x.ts";

export const linux612 = Object.freeze<KernelGeneration>({ ...linux6, name: "linux-6.12" });
