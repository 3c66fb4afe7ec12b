// What the images and the objects under them are made from, as one hash each: link.mjs and build.sh write it down beside their
// results, and a test compares it (test/libc/embedded/images.test.ts). Committed images that are older than what they are made
// from would lead traps astray.
//
//   node src/libc/embedded/inputs.mjs sources   the hash of the guest libc's sources, for build.sh
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const guest = resolve(here, "../guest");

/** @param {string} directory @param {(path: string) => boolean} wanted @returns {string[]} */
function filesBelow(directory, wanted) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path, wanted) : wanted(path) ? [path] : [];
  });
}

/** @param {string} base @param {readonly string[]} files */
function hashOf(base, files) {
  const hash = createHash("sha256");
  for (const name of files.map((file) => relative(base, file).replaceAll("\\", "/")).sort()) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(base, name)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Sources of the guest libc's objects, and how they are built. */
export const guestSourcesHash = () =>
  hashOf(
    guest,
    filesBelow(guest, (path) => /\.(c|S|h|ld|py)$|\bbuild\.sh$/.test(path)),
  );

/** The guest libc's objects, and what link.mjs adds to them. */
export const imageInputsHash = () =>
  hashOf(resolve(here, ".."), [
    ...filesBelow(join(guest, "image"), (path) => /\.(o|txt)$/.test(path)),
    ...filesBelow(here, (path) => /\.(c|S)$|\b(link|image-layout)\.mjs$/.test(path)),
  ]);

/** @param {Uint8Array} bytes */
export const contentHash = (bytes) => createHash("sha256").update(bytes).digest("hex");

if (process.argv[2] === "sources") console.log(guestSourcesHash());
