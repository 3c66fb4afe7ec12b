/** Prepares templates (src/exec/templates) from code of folio's own: static fixtures and the images of the embedded C library. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";

const TRAINING = [
  "hello/bin/amd64-static-pie",
  "hello/bin/amd64-static-musl",
  "hello/bin/i386-static-pie",
  "hello/bin/i386-static-musl",
  "oom2/bin/amd64-pie",
  "oom2/bin/i386-pie",
].map((name) => `fixtures/programs/${name}`);
const IMAGES = ["libc-2.36-amd64", "libc-2.36-i386", "libm-2.36-amd64", "libm-2.36-i386"].map(
  (name) => `src/libc/embedded/images/${name}.so.gz`,
);
/** Less often used templates are made when they are needed. */
const USES = 1;
const PT_LOAD = 1;
const PF_X = 1;

/** The executable segments of an ELF file. */
function codeOf(file) {
  const content = readFileSync(file);
  const bytes = file.endsWith(".gz") ? gunzipSync(content) : content;
  const wide = bytes[4] === 2;
  const number = (at) => (wide ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at));
  const start = number(wide ? 0x20 : 0x1c);
  const size = bytes.readUInt16LE(wide ? 0x36 : 0x2a);
  const count = bytes.readUInt16LE(wide ? 0x38 : 0x2c);
  const code = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * size;
    const flags = bytes.readUInt32LE(at + (wide ? 4 : 24));
    if (bytes.readUInt32LE(at) !== PT_LOAD || !(flags & PF_X)) continue;
    const offset = number(at + (wide ? 8 : 4));
    code.push({ bytes: bytes.subarray(offset, offset + number(at + (wide ? 32 : 16))), codeBits: wide ? 64 : 32 });
  }
  return code;
}

/** Writes dist/templates-SET-HASH.bin for each set and returns their names by set. */
export async function buildTemplates(root, dist) {
  const outfile = join(dist, "prepare-templates.mjs");
  await build({
    entryPoints: [join(root, "src/exec/templates/prepare.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    outfile,
    logLevel: "warning",
  });
  const { PREPARE_BYTES, prepareTemplates, SETS } = await import(pathToFileURL(outfile).href);
  rmSync(outfile);
  const module = new WebAssembly.Module(readFileSync(join(dist, "translate.wasm")));
  const workshop = () => {
    const memory = new WebAssembly.Memory({ initial: PREPARE_BYTES / 65536 });
    return { buffer: memory.buffer, module: new WebAssembly.Instance(module, { env: { memory } }).exports };
  };
  const code = [...TRAINING, ...IMAGES].flatMap((name) => codeOf(join(root, name)));
  for (const old of readdirSync(dist)) if (old.startsWith("templates-")) rmSync(join(dist, old));
  const names = {};
  for (const set of SETS) {
    const image = prepareTemplates(set, code, USES, workshop);
    const name = `templates-${set}-${createHash("sha256").update(image).digest("hex").slice(0, 16)}.bin`;
    writeFileSync(join(dist, name), image);
    names[set] = name;
  }
  return names;
}
