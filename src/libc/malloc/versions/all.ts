import type { MallocVersion } from "../version.ts";
import { glibc_2_11_1 } from "./glibc-2.11.1.ts";
import { glibc_2_13 } from "./glibc-2.13.ts";
import { glibc_2_31 } from "./glibc-2.31.ts";
import { glibc_2_36 } from "./glibc-2.36.ts";
import { glibc_2_41 } from "./glibc-2.41.ts";
import { glibc_2_43 } from "./glibc-2.43.ts";

/** Every version there is, oldest first. */
export const MALLOC_VERSIONS: readonly MallocVersion[] = Object.freeze([
  glibc_2_11_1,
  glibc_2_13,
  glibc_2_31,
  glibc_2_36,
  glibc_2_41,
  glibc_2_43,
]);

/** The version of that name, or undefined. */
export function mallocVersion(name: string): MallocVersion | undefined {
  return MALLOC_VERSIONS.find((version) => version.name === name);
}
