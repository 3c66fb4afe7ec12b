/** Builds the helper module with the AssemblyScript compiler, and prints or writes the signatures of its exports. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { signaturesOf } from "./wasm-signatures.mjs";

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

/** Compiles src/exec/templates/translate.as.ts into `outFile`. It has no static data. */
export async function buildTranslate(outFile) {
  const entry = "src/exec/templates/translate.as.ts";
  const { error, stderr } = await asc.main([entry, "--baseDir", root, ...OPTIONS, "-o", relative(root, outFile)]);
  if (error) throw new Error(`${stderr.toString()}\n${error.message}`);
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
