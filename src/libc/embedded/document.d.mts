/** The text of docs/libc.md. */
export function libcDocument(): string;
