import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { parseDynamic } from "../../src/elf/dynamic.ts";
import { parseElf } from "../../src/elf/image.ts";
import { isElfError } from "../../src/elf/reader.ts";
import { dynamicSymbols } from "../../src/elf/symbols.ts";
import { parseVersions } from "../../src/elf/versions.ts";
import { buildVdso, sysvHash } from "../../src/loader/vdso/image.ts";
import { hasTool, native, scratchDirectory } from "../support/native.ts";

/** Names and versions that the kernel's own vdso exports (arch/x86/entry/vdso/vdso.lds.S, vdso32.lds.S). */
const EXPORTS = {
  amd64: {
    "LINUX_2.6": ["clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres"].flatMap((name) => [
      `__vdso_${name}`,
      name,
    ]),
  },
  i386: {
    "LINUX_2.6": ["clock_gettime", "gettimeofday", "time", "clock_getres", "clock_gettime64", "getcpu"].map(
      (name) => `__vdso_${name}`,
    ),
    "LINUX_2.5": ["__kernel_vsyscall", "__kernel_sigreturn", "__kernel_rt_sigreturn"],
  },
} as const;

describe.each(["amd64", "i386"] as const)("vdso of %s", (abi) => {
  const { bytes, symbols } = buildVdso(abi);
  const image = parseElf(bytes);
  if (isElfError(image)) throw new Error(image.error);

  it("exports what the kernel's does, with its versions", () => {
    const versions = parseVersions(image);
    const exported = dynamicSymbols(image);
    if (isElfError(versions) || isElfError(exported)) throw new Error("malformed");
    const found = exported.slice(1).map((s) => `${s.name}@@${versions.symbolVersion(s.index)?.version}`);
    const expected = Object.entries(EXPORTS[abi]).flatMap(([version, names]) =>
      names.map((name) => `${name}@@${version}`),
    );
    expect(found.sort()).toEqual(expected.sort());
    for (const symbol of exported.slice(1)) expect(symbols.get(symbol.name)).toBe(symbol.st_value);
  });

  it("is found through DT_HASH as ld.so does it", () => {
    const dynamic = parseDynamic(image);
    if (isElfError(dynamic)) throw new Error(dynamic.error);
    expect(dynamic.soname).toBe(abi === "amd64" ? "linux-vdso.so.1" : "linux-gate.so.1");
    const hashAt = dynamic.entries.find((entry) => entry.d_tag === 4)?.d_val ?? 0;
    const view = new DataView(bytes.buffer, hashAt);
    const [buckets, chains] = [view.getUint32(0, true), view.getUint32(4, true)];
    const exported = dynamicSymbols(image);
    if (isElfError(exported)) throw new Error(exported.error);
    expect(chains).toBe(exported.length);
    for (const symbol of exported.slice(1)) {
      const seen: number[] = [];
      let at = view.getUint32(8 + 4 * (sysvHash(symbol.name) % buckets), true);
      for (; at !== 0; at = view.getUint32(8 + 4 * (buckets + at), true)) seen.push(at);
      expect(seen).toContain(symbol.index);
    }
  });

  it("fits its page, with code that disassembles to system calls", () => {
    expect(bytes.length).toBeLessThan(4096);
    for (const [name, offset] of symbols) {
      const code = Buffer.from(bytes.subarray(offset, offset + 32)).toString("hex");
      expect(code, name).toMatch(abi === "amd64" ? /^b8..0?.0000 ?0f05c3/ : /cd80/);
    }
  });

  it.skipIf(!hasTool("readelf"))("is accepted by readelf without a warning", () => {
    const file = path.join(scratchDirectory(), "vdso.so");
    fs.writeFileSync(file, bytes);
    const text = native("readelf", "-a", "-W", file);
    expect(text).not.toMatch(/warning|error/i);
    expect(text).toContain(abi === "amd64" ? "[linux-vdso.so.1]" : "[linux-gate.so.1]");
  });
});

describe("i386 signal return", () => {
  it("has the bytes that unwinders look for", () => {
    const { bytes, symbols } = buildVdso("i386");
    const at = (name: string): string =>
      Buffer.from(bytes.subarray(symbols.get(name), (symbols.get(name) ?? 0) + 8)).toString("hex");
    expect(at("__kernel_sigreturn")).toBe("58b877000000cd80");
    expect(at("__kernel_rt_sigreturn").slice(0, 14)).toBe("b8ad000000cd80");
  });
});
