// The committed images, and the objects under them, are those that the sources beside them make: by hash everywhere, and made
// anew where the tools are the same.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { libcDocument } from "../../../src/libc/embedded/document.mjs";
import { contentHash, guestSourcesHash, imageInputsHash } from "../../../src/libc/embedded/inputs.mjs";
import { INPUTS, MANIFEST, TOOLS } from "../../../src/libc/embedded/manifest.generated.ts";
import { hasTool } from "../../support/native.ts";

const libc = join(import.meta.dirname, "../../../src/libc");

function toolsHere(): (string | undefined)[] {
  if (process.platform !== "linux") return [];
  return ["gcc", "ld"].map((tool) => (hasTool(tool) ? execFileSync(tool, ["--version"], { encoding: "utf8" }) : ""));
}

describe("images of the embedded libc", () => {
  it("were linked from the committed objects", () => {
    expect(INPUTS, "run src/libc/embedded/link.mjs").toBe(imageInputsHash());
  });

  it.each(Object.entries(MANIFEST))("%s is the file that the manifest describes", (name, { size, sha256 }) => {
    const bytes = gunzipSync(readFileSync(join(libc, `embedded/images/${name}.gz`)));
    expect([bytes.length, contentHash(bytes)]).toEqual([size, sha256]);
  });

  const sameTools = toolsHere().length > 0 && toolsHere().every((text, i) => text?.split("\n")[0] === TOOLS[i]);
  it.skipIf(!sameTools)("are made again, byte for byte, by the tools that made them", { timeout: 60_000 }, () => {
    const { status, stdout } = spawnSync(process.execPath, [join(libc, "embedded/link.mjs"), "--check"]);
    expect([status, String(stdout)]).toEqual([0, ""]);
  });
});

describe("docs/libc.md", () => {
  it("is what src/libc/embedded/document.mjs writes", () => {
    expect(readFileSync(join(libc, "../../docs/libc.md"), "utf8")).toBe(libcDocument());
  });
});

describe("objects of the guest libc", () => {
  it("were built from the committed sources", () => {
    const built = readFileSync(join(libc, "guest/image/sources.sha256"), "utf8").trim();
    expect(built, "run src/libc/guest/build.sh").toBe(guestSourcesHash());
  });
});
