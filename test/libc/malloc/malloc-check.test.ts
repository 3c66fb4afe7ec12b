import { describe, expect, it } from "vitest";
import { Program } from "./damage.ts";
import { type Abi, newProcess, readJson } from "./support.ts";

type Row = readonly [
  version: string,
  abi: Abi,
  preloaded: boolean,
  check: string | null,
  program: string,
  output: string,
  signal: string | null,
];

const MIB = 1 << 20;

const PROGRAMS: Readonly<Record<string, (p: Program) => void>> = {
  "malloc(200); free; free": (p) => {
    const a = p.m(200);
    p.f(a);
    p.f(a);
  },
  "malloc(200); free(p+16)": (p) => p.f(p.m(200) + 16),
  "malloc(200); p[200]=1; free": (p) => {
    const a = p.m(200);
    p.guest.write8(a + 200, 1);
    p.f(a);
  },
  "malloc(200); p[200]=1; realloc(p,300)": (p) => {
    const a = p.m(200);
    p.guest.write8(a + 200, 1);
    p.r(a, 300);
  },
  "malloc(200); free(p); realloc(p,300)": (p) => {
    const a = p.m(200);
    p.f(a);
    p.r(a, 300);
  },
  "malloc(1 MiB); p[1 MiB]=1; free": (p) => {
    const a = p.m(MIB);
    p.guest.write8(a + MIB, 1);
    p.f(a);
  },
  "malloc(2000); memset(p,65,4000); malloc(3000)": (p) => {
    p.fill(p.m(2000), 65, 4000);
    p.m(3000);
  },
  "malloc(24); p[24]=0; free": (p) => {
    const a = p.m(24);
    p.guest.write8(a + 24, 0);
    p.f(a);
  },
};

/**
 * Up to 2.21 a distance byte may happen to equal the magic byte, which depends on the address: a mapping at FakeGuest's usual
 * place would hide the overrun of the 1 MiB block in 2.11.1.
 */
const MMAP_BASE = { x86_64: 0x7ffff7a05000, i386: 0xf7a05000 };

const ROWS = readJson("malloc-check.json.gz") as readonly Row[];

describe("MALLOC_CHECK_", () => {
  it.each(ROWS)("%s %s preloaded=%s MALLOC_CHECK_=%s %s", (version, abi, preloaded, check, program, output, signal) => {
    const environment = check === null ? [] : [`MALLOC_CHECK_=${check}`];
    // Preloaded without a check, the debug library passes every call on to libc's own malloc.
    const debugLibrary = preloaded && (check === "1" || check === "2" || check === "3");
    const mmapBase = MMAP_BASE[abi];
    const { guest, malloc } = newProcess(
      version,
      abi,
      { environment, programName: "$PROG", mmapBase },
      { debugLibrary },
    );
    const got = new Program(guest, malloc).run((p) => {
      PROGRAMS[program](p);
      p.say("survived");
    });
    if (!output.includes("deadlocks")) expect(got).toEqual({ output, signal });
    else {
      // The message routine asks for memory while the arena is still locked, and waits for good.
      expect(got.output).toContain("malloc: top chunk is corrupt");
      malloc.malloc(100);
      expect(malloc.exit?.kind).toBe("blocked");
    }
  });
});
