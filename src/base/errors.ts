/** The three exception classes of folio. Guest errors are values (`-EINVAL`), never exceptions. */

/** Something the guest asked for that folio lacks. */
export class GuestUnsupported extends Error {
  override readonly name = "GuestUnsupported";
}

/** Text for one line of a terminal: control characters, which file names and a process's name may hold, as `\\xNN`. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The user gave a bad option or file. `status` is folio's own exit status: 125, 126 or 127; the message is one line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly status: 125 | 126 | 127;
  constructor(message: string, status: 125 | 126 | 127 = 125) {
    super(oneLine(message));
    this.status = status;
  }
}

/** A broken invariant: folio's own fault. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}
