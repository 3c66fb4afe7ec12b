/** The three exception classes of folio. Guest errors are values (`-EINVAL`), never exceptions. */

/** Something the guest asked for that folio lacks. */
export class GuestUnsupported extends Error {
  override readonly name = "GuestUnsupported";
}

/** The user gave a bad option or file. `status` is folio's own exit status: 125, 126 or 127. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly status: 125 | 126 | 127;
  constructor(message: string, status: 125 | 126 | 127 = 125) {
    super(message);
    this.status = status;
  }
}

/** A broken invariant: folio's own fault. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}
