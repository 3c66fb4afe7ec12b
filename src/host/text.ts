/**
 * Text and bytes without TextEncoder: guest strings are bytes of no particular encoding, so folio's own strings of guest
 * origin hold one byte per code unit (latin1, "binary strings"); only the rim converts to UTF-8.
 */

/** Bytes of a binary string (code units 0–255). */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The binary string of `bytes[start, end)`. */
export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let at = start; at < end; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 4096)));
  }
  return text;
}
