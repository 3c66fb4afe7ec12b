// Writes docs/libc.md: what the embedded C library offers, with the list of its exported functions.
//
//   node src/libc/embedded/document.mjs
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** @param {string} abi @returns {Map<string, { library: string, type: string, first: string }>} */
function exportsOf(abi) {
  const found = new Map();
  for (const line of readFileSync(join(here, `../guest/image/exports.${abi}.txt`), "utf8")
    .trim()
    .split("\n")) {
    const [library, name, type, , ...marks] = line.split(" ");
    const versions = marks.map((mark) => mark.replace(/^@+GLIBC_/, ""));
    const oldest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true }))[0];
    if (!found.has(`${library} ${name}`)) found.set(`${library} ${name}`, { library, name, type, first: oldest });
  }
  return found;
}

/** @param {string} version @param {string} than */
const isNewer = (version, than) => version.localeCompare(than, "en", { numeric: true }) > 0;

export function libcDocument() {
  const [amd64, i386] = ["amd64", "i386"].map(exportsOf);
  const all = [...new Map([...i386, ...amd64])]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => ({ key, ...entry }));
  const note = ({ key, first }) => {
    const notes = [];
    if (!i386.has(key)) notes.push("amd64");
    if (!amd64.has(key)) notes.push("i386");
    if (isNewer(first, "2.13")) notes.push(`from ${first}`);
    return notes.length === 0 ? "" : ` (${notes.join(", ")})`;
  };
  const list = (library, type) =>
    all
      .filter((entry) => entry.library === library && (entry.type === "OBJECT") === (type === "OBJECT"))
      .map((entry) => `${entry.name}${note(entry)}`)
      .join(", ");
  const count = all.filter(({ type }) => type !== "OBJECT").length;
  return `${readFileSync(join(here, "libc.md"), "utf8")}
## Exported functions

${count} names. *from 2.x*: libraries of older versions do not export it. Made by \`src/libc/embedded/document.mjs\`; a test
calls each (\`test/libc/embedded/functions.test.ts\`).

**libc**: ${list("libc", "FUNC")}.

**libm**: ${list("libm", "FUNC")}.

**libdl** (libc from 2.34 on): dladdr, dlclose, dlerror, dlopen, dlsym, dlvsym.

**Variables**: ${list("libc", "OBJECT")}, ${list("libm", "OBJECT")}.
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(here, "../../../docs/libc.md"), libcDocument());
}
