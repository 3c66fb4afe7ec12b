// Links the images of the embedded C library: src/libc/embedded/images/*.gz and manifest.generated.ts.
//
//   node src/libc/embedded/link.mjs [--check]
//
// Wants gcc, ld, readelf, nm of Debian 12 (gcc-multilib); the objects of src/libc/guest/image. With --check nothing is
// written and the images compared. Sizes and places of segments are those of the libraries that the machine profiles have
// (the memory maps in the lecture; for the rest the packages of the distributions); what our code does not fill is zero.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { IMAGES } from "./image-layout.mjs";
import { contentHash, imageInputsHash } from "./inputs.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const guest = join(here, "../guest/image");
const check = process.argv.includes("--check");
const work = mkdtempSync(join(tmpdir(), "folio-link-"));
const run = (command, ...args) =>
  execFileSync(command, args, { encoding: "utf8", cwd: work, env: { ...process.env, LC_ALL: "C" } });

const ABI = {
  amd64: {
    gcc: "-m64",
    ld: "elf_x86_64",
    format: "elf64-x86-64",
    arch: "i386:x86-64",
    page: 0x200000,
    base: "GLIBC_2.2.5",
    is64: true,
  },
  i386: {
    gcc: "-m32",
    ld: "elf_i386",
    format: "elf32-i386",
    arch: "i386",
    page: 0x1000,
    base: "GLIBC_2.0",
    is64: false,
  },
};

const number = (version) => version.replace(/^\w+_/, "").split(".").map(Number);
function compareVersions(a, b) {
  const [x, y] = [number(a), number(b)];
  for (let i = 0; i < 3; i++) if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) - (y[i] ?? 0);
  return 0;
}

/** Exported symbols of a library as its version knows them: [name, versions], the default version first. */
function exportsOf(abi, library, glibc) {
  const lines = readFileSync(join(guest, `exports.${abi}.txt`), "utf8").split("\n");
  const found = [];
  for (const line of lines) {
    const [from, name, type, size, ...marks] = line.split(" ");
    if (from !== library) continue;
    const versions = marks.map((mark) => mark.replace(/^@+/, ""));
    const known = versions
      .filter((version) => compareVersions(version, `GLIBC_${glibc}`) <= 0)
      .sort(compareVersions)
      .reverse();
    if (known.length === 0) continue;
    // A default that is younger than the library: what was the default then is the newest of the others.
    found.push({
      name,
      type,
      size: Number(size),
      versions: known,
      hiddenOnly: !marks.some((mark) => mark.startsWith("@@")) && known[0] !== ABI[abi].base,
    });
  }
  return found;
}

/** A version script, and the versions that are not the default. */
function versionScript(abi, exported, privates) {
  const nodes = new Map();
  const older = [];
  const add = (version, name) => nodes.set(version, [...(nodes.get(version) ?? []), name]);
  for (const { name, type, versions } of exported) {
    add(versions[0], name);
    // Data with several versions is rare, and a copy of it in the program can be of one only.
    if (versions.length === 1 || type !== "FUNC") continue;
    older.push({ name, versions });
    for (const version of versions.slice(1)) add(version, name);
  }
  const ordered = [...nodes.keys()].sort(compareVersions);
  let before = "";
  let text = "";
  for (const version of ordered) {
    const names = nodes.get(version);
    text += `${version} {${names.length === 0 ? "" : ` global: ${names.map((name) => `${name};`).join(" ")}`} } ${before};\n`;
    before = version;
  }
  if (privates.length > 0)
    text += `GLIBC_PRIVATE { global: ${privates.map((name) => `${name};`).join(" ")} } ${before};\n`;
  if (text === "") text = `${ABI[abi].base} { };\n`;
  // Everything else stays inside.
  text = text.replace(" }", " local: *; }").replace("{ local", "{ local");
  return { text, older };
}

const hex = (value) => `0x${value.toString(16)}`;

function linkerScript(abi, image) {
  const { format, arch, is64 } = ABI[abi];
  const { textEnd, data, relroEnd, dataEnd, end } = image;
  const rel = is64 ? "rela" : "rel";
  return `OUTPUT_FORMAT("${format}")
OUTPUT_ARCH(${arch})
ENTRY(_start)
PHDRS {
  text PT_LOAD FILEHDR PHDRS FLAGS(5);
  data PT_LOAD FLAGS(6);
  dynamic PT_DYNAMIC FLAGS(6);
  tls PT_TLS FLAGS(4);
  eh PT_GNU_EH_FRAME FLAGS(4);
  stack PT_GNU_STACK FLAGS(6);
  relro 0x6474e5f0 FLAGS(4);
}
SECTIONS {
  . = SIZEOF_HEADERS;
  .note.gnu.build-id : { *(.note.gnu.build-id) } :text
  .gnu.hash : { *(.gnu.hash) } :text
  .hash : { *(.hash) } :text
  .dynsym : { *(.dynsym) } :text
  .dynstr : { *(.dynstr) } :text
  .gnu.version : { *(.gnu.version) } :text
  .gnu.version_d : { *(.gnu.version_d) } :text
  .gnu.version_r : { *(.gnu.version_r) } :text
  .${rel}.plt : { *(.${rel}.plt) } :text
  .${rel}.dyn : { *(.${rel}.*) } :text
  .plt : { *(.plt) *(.plt.got) *(.plt.sec) } :text
  .text : { *(.text .text.*) } :text
  .rodata : { *(.rodata .rodata.*) } :text
  .eh_frame_hdr : { *(.eh_frame_hdr) } :text :eh
  .eh_frame : { KEEP(*(.eh_frame)) } :text
  . = ${hex(textEnd - 1)};
  .fill : { BYTE(0) } :text
  . = ${hex(data)};
  .tdata : { *(.tdata .tdata.*) } :data :relro :tls
  .tbss : { *(.tbss .tbss.*) } :data :relro :tls
  .init_array : { KEEP(*(.init_array .init_array.*)) } :data :relro
  .fini_array : { KEEP(*(.fini_array .fini_array.*)) } :data :relro
  .data.rel.ro : { *(.data.rel.ro .data.rel.ro.*) } :data :relro
  .dynamic : { *(.dynamic) } :data :relro :dynamic
  .got : { *(.got) } :data :relro
  . = ${hex(relroEnd - 1)};
  .relro.fill : { BYTE(0) } :data :relro
  .got.plt : { *(.got.plt) } :data
  .data : { *(.data .data.*) } :data
  . = ${hex(dataEnd - 1)};
  .data.fill : { BYTE(0) } :data
  .bss : { *(.bss .bss.* COMMON) } :data
  ${image.exactEnd ? "" : `. = ${hex(end - 1)};\n  .bss.fill (NOLOAD) : { . += 1; } :data`}
  _end = .;
  /DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.note.gnu.property) *(.gnu.attributes) }
}
`;
}

function link(name, image) {
  const { abi, soname, objects, library, glibc, privates = [], needs = [], versions } = image;
  const tools = ABI[abi];
  const files = objects(abi).map((object, i) => {
    if (object.endsWith(".o")) return join(guest, object);
    const out = join(work, `${name}-${i}.o`);
    // libc's own functions keep frame pointers and have no unwind tables (see src/libc/guest/build.sh).
    const unwind = image.library !== undefined ? ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"] : [];
    run(
      "gcc",
      tools.gcc,
      "-c",
      "-fPIC",
      "-O2",
      "-fno-omit-frame-pointer",
      "-fno-builtin",
      "-fno-stack-protector",
      "-fcf-protection=none",
      ...unwind,
      `-DGLIBC_MINOR=${number(glibc)[1]}`,
      `-DGLIBC_VERSION="${glibc}"`,
      join(here, object),
      "-o",
      out,
    );
    return out;
  });
  const exported = [...(library === undefined ? [] : exportsOf(abi, library, glibc)), ...(versions ?? [])];
  const script = versionScript(abi, exported, privates);
  const own = script.text.includes("local:") ? script.text : script.text.replace("};", "local: *; };");
  writeFileSync(join(work, `${name}.map`), own);
  for (const [i, file] of files.entries()) files[i] = withOlderVersions(file, `${name}-${i}.v.o`, script.older);
  const out = join(work, name);
  const build = (end) => {
    writeFileSync(join(work, `${name}.ld`), linkerScript(abi, { ...image, end }));
    run(
      "ld",
      "-m",
      tools.ld,
      "-shared",
      "-soname",
      soname,
      "-T",
      `${name}.ld`,
      "--version-script",
      `${name}.map`,
      "--hash-style=both",
      "--build-id=sha1",
      "--eh-frame-hdr",
      "-z",
      "relro",
      "-z",
      "noexecstack",
      "-z",
      "noseparate-code",
      "-z",
      `max-page-size=${hex(image.page ?? tools.page)}`,
      "-z",
      "common-page-size=0x1000",
      ...dynamicList(exported, name),
      "-z",
      "now".replace("now", "lazy"),
      "-o",
      name,
      ...files,
      ...needs.map((other) => join(work, other)),
    );
  };
  build(image.end);
  const symbols = new Map();
  for (const line of run("nm", name).split("\n")) {
    const match = line.match(/^([0-9a-f]+) \S (\S+)$/);
    if (match) symbols.set(match[2], Number.parseInt(match[1], 16));
  }
  run("strip", "-s", "-R", ".fill-none", name);
  return {
    symbols,
    bytes: finishHeaders(restoreSizes(readFileSync(out), name, tools.is64, exported), tools.is64, image.relroEnd),
  };
}

/**
 * The object as `.symver` makes it of functions with several versions: symbols `name@@DEFAULT` and `name@OLDER`, all at the same
 * place, and another name for the library's own use.
 */
function withOlderVersions(file, to, older) {
  const symbols = new Map();
  const sections = new Map();
  for (const line of run("readelf", "-SW", file).split("\n")) {
    const match = line.match(/^\s*\[\s*(\d+)\] (\S+)/);
    if (match) sections.set(match[1], match[2]);
  }
  for (const line of run("readelf", "-sW", file).split("\n")) {
    const match = line.match(/^\s*\d+: ([0-9a-f]+)\s+\d+ (\S+)\s+(?:GLOBAL|WEAK)\s+DEFAULT\s+(\d+) (\S+)/);
    if (match) symbols.set(match[4], { value: match[1], type: match[2], section: sections.get(match[3]) });
  }
  const flags = older
    .filter(({ name }) => symbols.has(name))
    .flatMap(({ name, versions }) => {
      const { value, section } = symbols.get(name);
      const marks = versions.map((version, i) => `${i === 0 ? "@@" : "@"}${version}`);
      const added = marks.flatMap((mark) => ["--add-symbol", `${name}${mark}=${section}:0x${value},global,function`]);
      return ["--redefine-sym", `${name}=__folio_own_${name}`, ...added];
    });
  if (flags.length === 0) return file;
  run("objcopy", ...flags, file, to);
  return join(work, to);
}

/** What libc itself takes from whoever defines it first: malloc may be the program's own, and data may be copies in the program. */
const INTERPOSABLE = ["malloc", "calloc", "realloc", "free", "memalign"];

/** All other references inside a library are to the library itself. */
function dynamicList(exported, name) {
  const names = exported.filter(({ name: symbol, type }) => type === "OBJECT" || INTERPOSABLE.includes(symbol));
  if (names.length === 0) return ["-Bsymbolic-functions"];
  writeFileSync(join(work, `${name}.list`), `{ ${names.map(({ name: symbol }) => `${symbol};`).join(" ")} };\n`);
  return [`--dynamic-list=${name}.list`];
}

/** Symbols that objcopy added have no size: backtraces want one. */
function restoreSizes(bytes, file, is64, exported) {
  const sizes = new Map(exported.map(({ name, size }) => [name, size ?? 0]));
  const line = run("readelf", "-SW", file)
    .split("\n")
    .find((text) => text.includes(" .dynsym "));
  const table = Number.parseInt(line.match(/DYNSYM\s+[0-9a-f]+ ([0-9a-f]+)/)[1], 16);
  for (const text of run("readelf", "--dyn-syms", "-W", file).split("\n")) {
    const match = text.match(/^\s*(\d+): [0-9a-f]+\s+0 FUNC\s+GLOBAL DEFAULT\s+\d+ ([^@\s]+)@/);
    const size = match === null ? 0 : (sizes.get(match[2]) ?? 0);
    if (size === 0) continue;
    const at = table + Number(match[1]) * (is64 ? 24 : 16);
    if (is64) bytes.writeBigUInt64LE(BigInt(size), at + 16);
    else bytes.writeUInt32LE(size, at + 8);
  }
  return bytes;
}

/** ld keeps PT_GNU_RELRO to itself: the script names the segment otherwise, and empty segments are taken out. */
function finishHeaders(bytes, is64, relroEnd) {
  const phoff = is64 ? Number(bytes.readBigUInt64LE(32)) : bytes.readUInt32LE(28);
  const [size, count] = is64 ? [56, bytes.readUInt16LE(56)] : [32, bytes.readUInt16LE(44)];
  const read = (at) => (is64 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at));
  const write = (at, value) => (is64 ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeUInt32LE(value, at));
  const [vaddr, filesz, memsz] = is64 ? [16, 32, 40] : [8, 16, 20];
  for (let at = phoff; at < phoff + size * count; at += size) {
    const type = bytes.readUInt32LE(at);
    if (type === 0x6474e5f0) {
      bytes.writeUInt32LE(0x6474e552, at);
      write(at + filesz, relroEnd - read(at + vaddr));
      write(at + memsz, relroEnd - read(at + vaddr));
    } else if ((type === 7 || type === 0x6474e550) && read(at + memsz) === 0) bytes.writeUInt32LE(0, at);
  }
  return bytes;
}

/** File offset of an address of the text segment, which begins with the file. */
const manifest = {};
const outputs = new Map();
for (const [name, image] of Object.entries(IMAGES)) {
  const { symbols, bytes } = link(name, image);
  const size = Math.max(bytes.length, image.fileSize ?? 0);
  const whole = Buffer.alloc(size);
  bytes.copy(whole);
  outputs.set(join(here, "images", `${name}.gz`), whole);
  const traps = {};
  const wanted = {};
  for (const [symbol, address] of [...symbols].sort()) {
    if (symbol.startsWith("__folio_trap_")) traps[symbol.slice("__folio_trap_".length)] = address;
    else if (image.keep?.(symbol)) wanted[symbol] = address;
  }
  const slots = symbols.get("__folio_tls_offsets");
  if (slots !== undefined) {
    delete wanted.__folio_tls_offsets;
    ["thread_arena", "tcache", "tcache_shutting_down", "errno"].forEach((variable, i) => {
      // movq disp32(%rip), %rax: 7 bytes. Text starts at 0 in the file.
      const at = slots + 7 * i;
      const slot = image.abi === "amd64" ? at + 7 + whole.readInt32LE(at + 3) : slots + 4 * i;
      wanted[`tls_${variable}`] = slot;
    });
  }
  const sha256 = contentHash(whole);
  manifest[name] = { abi: image.abi, soname: image.soname, glibc: image.glibc, size, sha256, traps, symbols: wanted };
}
const toolVersion = (tool) => run(tool, "--version").split("\n")[0];
const text = `/** Made by src/libc/embedded/link.mjs: the images of the embedded C library, their trap sites and symbols. */
import type { ImageManifest } from "./manifest.ts";

/** Hash of what the images were made from (inputs.mjs). */
export const INPUTS = "${imageInputsHash()}";
/** The tools that made them: others make other code of the C files. */
export const TOOLS = ${JSON.stringify([toolVersion("gcc"), toolVersion("ld")])};

export const MANIFEST: Readonly<Record<string, ImageManifest>> = ${JSON.stringify(manifest, undefined, 2).replace(/"([A-Za-z_]\w*)":/g, "$1:")};
`;
outputs.set(join(here, "manifest.generated.ts"), Buffer.from(text));
let differ = false;
for (const [file, bytes] of outputs) {
  if (!check) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, file.endsWith(".gz") ? gzipSync(bytes, { level: 9 }) : bytes);
  } else if (file.endsWith(".gz") && Buffer.compare(gunzipSync(readFileSync(file)), bytes) !== 0) {
    differ = true;
    console.log(`${file} differs`);
  }
}
rmSync(work, { recursive: true });
if (!check)
  execFileSync("npx", ["biome", "format", "--write", join(here, "manifest.generated.ts")], { stdio: "ignore" });
process.exit(differ ? 1 : 0);
