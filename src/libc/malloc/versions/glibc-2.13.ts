import { type MallocVersion, overlay } from "../version.ts";
import { glibc_2_11_1 } from "./glibc-2.11.1.ts";

/** glibc 2.13: a new fast-chunk limit, one more check, and errors in _int_malloc that return NULL. */
export const glibc_2_13: MallocVersion = overlay(glibc_2_11_1, {
  name: "2.13",
  maxFastFormula: "mask",
  freePerturbWord: "two_words",
  checks: { ...glibc_2_11_1.checks, fastbinEntry: "always", mallocErrorReturnsNull: true },
});
