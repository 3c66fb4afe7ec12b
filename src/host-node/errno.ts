/** Errors of Node's fs as `-errno` values. On Linux libuv's `errno` is the kernel's, negated; elsewhere names are mapped. */
import * as errno from "../abi/errno.ts";

const BY_NAME = errno as unknown as Record<string, number | undefined>;

/** The `-errno` of an exception thrown by `node:fs`; anything that is not such an error is thrown on. */
export function errnoOf(error: unknown): number {
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string") {
    const number = BY_NAME[code];
    if (number !== undefined) return -number;
    if (code === "ERR_FS_FILE_TOO_LARGE") return -errno.EFBIG;
    if (code === "ERR_INVALID_ARG_VALUE") return -errno.ENOENT;
    if (code === "EOF") return 0;
  }
  const number = (error as { errno?: unknown }).errno;
  if (typeof number === "number" && number < 0 && number >= -133) return number;
  throw error;
}
