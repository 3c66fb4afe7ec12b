/** Hash of the sources of the guest libc's objects, and of how they are built. */
export function guestSourcesHash(): string;
/** Hash of the guest libc's objects and of what link.mjs adds to them. */
export function imageInputsHash(): string;
export function contentHash(bytes: Uint8Array): string;
