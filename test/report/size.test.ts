import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { parseElf } from "../../src/elf/image.ts";
import { isElfError } from "../../src/elf/reader.ts";
import { SIZE_HEADER, sizeRow } from "../../src/report/format/size.ts";
import { sectionSizes } from "../../src/report/model/section-sizes.ts";
import { hasTool, native } from "../support/native.ts";

function ours(file: string): string {
  const image = parseElf(fs.readFileSync(file));
  if (isElfError(image)) return `${file}: ${image.error}`;
  const sizes = sectionSizes(image);
  return isElfError(sizes) ? `${file}: ${sizes.error}` : sizeRow(sizes, file);
}

function isElf(file: string): boolean {
  if (!fs.statSync(file).isFile()) return false;
  const head = Buffer.alloc(4);
  const fd = fs.openSync(file, "r");
  fs.readSync(fd, head, 0, 4, 0);
  fs.closeSync(fd);
  return head.toString("latin1") === "\x7fELF";
}

describe.skipIf(!hasTool("size"))("against GNU size", () => {
  it.each(["/bin", "/lib/x86_64-linux-gnu", "/usr/lib32"].filter((dir) => fs.existsSync(dir)))("files of %s", (dir) => {
    const files = fs
      .readdirSync(dir)
      .map((name) => path.join(dir, name))
      .filter((file) => fs.existsSync(file) && isElf(file))
      .slice(0, 150);
    expect(files.length).toBeGreaterThan(5);
    expect([SIZE_HEADER, ...files.map(ours), ""].join("\n")).toBe(native("size", ...files));
  });
});
