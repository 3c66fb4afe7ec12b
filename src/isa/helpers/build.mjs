/** Builds the helper module with the AssemblyScript compiler, and prints or writes the signatures of its exports. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");

/** Static data of the module begins here and must end below 0x40000 (HELPER_DATA in src/isa/cpu-block.ts). */
const OPTIONS = [
  "--importMemory",
  "--initialMemory",
  "4",
  "--noExportMemory",
  "--memoryBase",
  "65536",
  "--runtime",
  "stub",
  "--enable",
  "simd",
  "--enable",
  "bulk-memory",
  "--use",
  "abort=",
  "-O3",
];

/** Compiles src/isa/helpers/helpers.as.ts into `outFile`. Throws with the compiler's messages. */
export async function buildHelpers(outFile) {
  const entry = relative(root, join(here, "helpers.as.ts"));
  const { error, stderr } = await asc.main([entry, "--baseDir", root, ...OPTIONS, "-o", relative(root, outFile)]);
  if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
}

const TYPE_NAMES = { 127: "i32", 126: "i64", 125: "f32", 124: "f64", 123: "v128" };

/** The exported functions of a wasm binary: name, parameter types, result type. */
export function signaturesOf(bytes) {
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const list = (read) => Array.from({ length: leb() }, read);
  const name = () => {
    const n = leb();
    at += n;
    return new TextDecoder().decode(bytes.subarray(at - n, at));
  };
  const valueType = () => TYPE_NAMES[bytes[at++]];
  let types = [];
  let functions = [];
  let imported = 0;
  let exports = [];
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = leb() + at;
    if (id === 1)
      types = list(() => {
        at++;
        return { params: list(valueType), results: list(valueType) };
      });
    if (id === 2)
      list(() => {
        name();
        name();
        const kind = bytes[at++];
        if (kind === 0) {
          leb();
          imported++;
        } else if (kind === 2) {
          const flags = leb();
          leb();
          if (flags & 1) leb();
        } else throw new Error(`import kind ${kind}`);
      });
    if (id === 3) functions = list(leb);
    if (id === 7) exports = list(() => ({ name: name(), kind: bytes[at++], index: leb() }));
    at = end;
  }
  return exports
    .filter((e) => e.kind === 0)
    .map((e) => {
      const type = types[functions[e.index - imported]];
      return { name: e.name, params: type.params, result: type.results[0] };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function signaturesText(bytes) {
  const rows = signaturesOf(bytes).map((s) => {
    const params = s.params.map((p) => `"${p}"`).join(", ");
    return `  ${s.name}: { params: [${params}], result: ${s.result ? `"${s.result}"` : "undefined"} },\n`;
  });
  return `/**
 * Parameter and result types of the helper module's exports; what each does is said at its definition in the *.as.ts files.
 * Written by \`node src/isa/helpers/build.mjs OUT.wasm --signatures\`; a test compares it with the module.
 */
export const HELPERS = {
${rows.join("")}} as const;
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = process.argv[2] ?? join(root, "dist/helpers.wasm");
  await buildHelpers(out);
  if (process.argv.includes("--signatures")) {
    writeFileSync(join(here, "signatures.ts"), signaturesText(readFileSync(out)));
  }
}
