// Programs that are on no slide, on the lecture's two machines. Every expected address is derived by hand in the comments, from
// the rules of the kernel (free_area_cache), of ld.so's own pages, and of malloc: see the end of slides/README.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createNodeHost } from "../../src/host-node/host.ts";
import { runScene, type SceneRun } from "../../src/machine/scene-run.ts";
import { profileOf } from "../../src/machine/slides.ts";
import { quadamd, ubu64 } from "../../src/profiles/machines/lecture.ts";
import type { Scene } from "../../src/scenes/scene.ts";

const host = createNodeHost();
const bin = (abi: string, name: string): string =>
  fileURLToPath(new URL(`programs/bin/${abi}/${name}`, import.meta.url));

/**
 * mmap_base is 0x7f0000000000 on ubu64 (0x7ffef8000000 - 0xfef8000 pages), 0xb7800000 on quadamd (0xb7801000 - 1 page). No draw
 * for stack and heap: the heap begins behind bss, at 0x602000 and 0x804b000.
 */
const DRAWS = { stackTopPages: 1, stackTopBytes: 0, stackBytes: 0, vdsoPages: 0, brkBytes: 0 };

function play(machine: Scene["machine"], program: string, env: Scene["env"] = {}): SceneRun {
  const abi = machine === "ubu64" ? "amd64" : "i386";
  const mmapPages = machine === "ubu64" ? 0xfef_8000 : 1;
  const scene: Scene = {
    machine,
    program,
    path: `/home/esser/${program}`,
    inode: 7,
    argv: [`./${program}`],
    env,
    cwd: "/home/esser",
    pid: 500,
    draws: { ...DRAWS, mmapPages },
  };
  const files = { "/home/esser/libeins.so": bin(abi, "libeins.so"), "/home/esser/libzwei.so": bin(abi, "libzwei.so") };
  return runScene(scene, profileOf(scene), host, bin(abi, program), files);
}

/** Start, end, permissions and base name of all mappings between program and stack. */
function mappings(run: SceneRun): string[] {
  return (run.memory?.mappings ?? [])
    .filter(({ start, name }) => start > 0x1000_0000 && start < 0x8000_0000_0000 && !/stack|vdso/.test(name))
    .map(({ start, end, permissions, name }) =>
      `${start.toString(16)}-${end.toString(16)} ${permissions} ${name.replace(/.*\//, "")}`.trimEnd(),
    );
}

function heap(run: SceneRun): string | undefined {
  const found = run.memory?.mappings.find(({ name }) => name === "[heap]");
  return found && `${found.start.toString(16)}-${found.end.toString(16)}`;
}

/*
 * ubu64, the same for every program with libc alone. ld.so's span 0x222000 ends at mmap_base: 7effffdde000. Its text reaches to
 * 7effffdfe000, its data begin at 7effffffd000. 8 KiB: 7effffffb000. Cache of 24 pages: 7effffe3000 + … = 7efffffe3000. libc's
 * span 0x383000 does not fit into the hole: 7effffa5b000. Three pages: 7efffffe2000, e1000, e0000. The cache goes.
 */
const LIBC_64 = [
  "7effffa5b000-7effffbd5000 r-xp libc-2.11.1.so",
  "7effffbd5000-7effffdd4000 ---p libc-2.11.1.so",
  "7effffdd4000-7effffdd8000 r--p libc-2.11.1.so",
  "7effffdd8000-7effffdd9000 rw-p libc-2.11.1.so",
  "7effffdd9000-7effffdde000 rw-p",
  "7effffdde000-7effffdfe000 r-xp ld-2.11.1.so",
];
const LD_DATA_64 = [
  "7effffffd000-7effffffe000 r--p ld-2.11.1.so",
  "7effffffe000-7efffffff000 rw-p ld-2.11.1.so",
  "7efffffff000-7f0000000000 rw-p",
];

/*
 * quadamd. ld.so's span 0x20000: b77e0000. vdso: b77df000. 8 KiB: b77dd000. Cache of 38 pages: b77b7000. libc's span 0x17c000:
 * b763b000. One page below it: b763a000. The cache goes.
 */
const LIBC_32 = [
  "b763b000-b77b1000 r-xp libc-2.13.so",
  "b77b1000-b77b3000 r--p libc-2.13.so",
  "b77b3000-b77b4000 rw-p libc-2.13.so",
  "b77b4000-b77b7000 rw-p",
];
const LD_32 = [
  "b77e0000-b77fe000 r-xp ld-2.13.so",
  "b77fe000-b77ff000 r--p ld-2.13.so",
  "b77ff000-b7800000 rw-p ld-2.13.so",
];

describe("three mallocs of 1 MiB", () => {
  it("on ubu64", () => {
    const run = play("ubu64", "drei-malloc");
    // 1 MiB + 16 becomes 0x101000. The first fits into the hole, from the three pages down: 7effffedf000. What is left of the hole,
    // 0xe1000, is too small: the others lie below libc, 7effff95a000 and 7effff859000, one below the other.
    expect(run.terminal).toBe("0x7effffedf010 0x7effff95a010 0x7effff859010\n");
    // The searches passed by holes and noted the largest (cached_hole_size). A stdio page is smaller: the search starts at the top
    // again and takes the page below the 8 KiB.
    expect(mappings(run)).toEqual([
      "7effff859000-7effffa5b000 rw-p",
      ...LIBC_64,
      "7effffedf000-7efffffe3000 rw-p",
      "7effffffa000-7effffffd000 rw-p",
      ...LD_DATA_64,
    ]);
    expect(heap(run)).toBeUndefined();
  });

  it("on quadamd", () => {
    const run = play("quadamd", "drei-malloc");
    // No hole is large enough: below the page below libc, b763a000, one after the other. User memory is 8 bytes behind.
    expect(run.terminal).toBe("0xb7539008 0xb7438008 0xb7337008\n");
    // They merge with the page above. The stdio page: as above, below the 8 KiB.
    expect(mappings(run)).toEqual(["b7337000-b763b000 rw-p", ...LIBC_32, "b77dc000-b77df000 rw-p", ...LD_32]);
    expect(heap(run)).toBeUndefined();
  });
});

describe("free, then malloc", () => {
  it("on ubu64", () => {
    const run = play("ubu64", "free-malloc");
    // The first as above; when it is freed the threshold becomes its 0x101000 bytes. The second comes from the heap, which grows by
    // 1 MiB + 16 + 128 KiB (top_pad), to a page: 0x602000 + 0x121000.
    expect(run.terminal).toBe("0x7effffedf010 0x602010\n");
    expect(heap(run)).toBe("602000-723000");
    // The first one's search passed by holes, so the stdio page is looked for from the top: below the 8 KiB.
    expect(mappings(run)).toEqual([
      ...LIBC_64,
      "7efffffe0000-7efffffe3000 rw-p",
      "7effffffa000-7effffffd000 rw-p",
      ...LD_DATA_64,
    ]);
  });

  it("on quadamd", () => {
    const run = play("quadamd", "free-malloc");
    // The threshold of 32 bit never rises above 512 KiB: a mapping again, and where the first one was, as munmap has moved
    // free_area_cache up to b763a000.
    expect(run.terminal).toBe("0xb7539008 0xb7539008\n");
    expect(heap(run)).toBeUndefined();
    expect(mappings(run)).toEqual(["b7539000-b763b000 rw-p", ...LIBC_32, "b77dc000-b77df000 rw-p", ...LD_32]);
  });
});

describe("brk behind a mapping", () => {
  it("on ubu64", () => {
    const run = play("ubu64", "brk-mmap");
    // Five pages below ld.so's 8 KiB, where the cache was: 7effffff6000. The break moves by 10000 bytes, the heap by 3 pages.
    expect(run.terminal).toBe("0x7effffff6000 0x602000 0x602000 0x604710\n");
    expect(heap(run)).toBe("602000-605000");
    // stdio: the page below the five.
    expect(mappings(run)).toEqual([
      ...LIBC_64,
      "7efffffe0000-7efffffe3000 rw-p",
      "7effffff5000-7effffffd000 rw-p",
      ...LD_DATA_64,
    ]);
  });

  it("on quadamd", () => {
    const run = play("quadamd", "brk-mmap");
    expect(run.terminal).toBe("0xb77d8000 0x804b000 0x804b000 0x804d710\n");
    expect(heap(run)).toBe("804b000-804e000");
    expect(mappings(run)).toEqual(["b763a000-b763b000 rw-p", ...LIBC_32, "b77d7000-b77df000 rw-p", ...LD_32]);
  });
});

describe("printf before malloc", () => {
  it("on ubu64", () => {
    const run = play("ubu64", "printf-malloc");
    // The stdio page is a mapping: the heap begins with the first block, 0x20 bytes long.
    expect(run.terminal).toBe("zuerst\n0x602010 0x602030\n");
    expect(heap(run)).toBe("602000-623000");
    expect(mappings(run)).toContain("7effffffa000-7effffffd000 rw-p");
  });

  it("on quadamd", () => {
    const run = play("quadamd", "printf-malloc");
    // 24 bytes and 4 of header: 0x20 (8-byte alignment: 28 rounds to 32).
    expect(run.terminal).toBe("zuerst\n0x804b008 0x804b028\n");
    expect(heap(run)).toBe("804b000-806c000");
    expect(mappings(run)).toContain("b77dc000-b77df000 rw-p");
  });

  it.each(["ubu64", "quadamd"] as const)("alone makes no heap on %s", (machine) => {
    const run = play(machine, "nur-printf");
    expect(run.terminal).toBe("kein Heap\n");
    expect(heap(run)).toBeUndefined();
  });
});

describe("two libraries", () => {
  const env = { LD_LIBRARY_PATH: "/home/esser" };

  it("on ubu64", () => {
    const run = play("ubu64", "zwei-bibliotheken", env);
    expect(run.status).toBe(0);
    // They come before libc, by LD_LIBRARY_PATH, when no cache is mapped yet. libeins' span is 0x204000 (text 1 page, data of 0x3240 bytes
    // at 0x200000), the hole below the 8 KiB 0x1fd000: below ld.so, 7effffbda000. libzwei's span is 0x214000: 7effff9c6000.
    // The cache of 24 pages is smaller than the hole that was passed by: from the top, below the 8 KiB, as ever. libc: below libzwei,
    // 7effff643000.
    const names = mappings(run).filter((line) => /lib|ld-/.test(line));
    expect(names.filter((line) => !/ld-/.test(line))).toEqual([
      "7effff643000-7effff7bd000 r-xp libc-2.11.1.so",
      "7effff7bd000-7effff9bc000 ---p libc-2.11.1.so",
      "7effff9bc000-7effff9c0000 r--p libc-2.11.1.so",
      "7effff9c0000-7effff9c1000 rw-p libc-2.11.1.so",
      "7effff9c6000-7effff9c7000 r-xp libzwei.so",
      "7effff9c7000-7effffbc6000 ---p libzwei.so",
      "7effffbc6000-7effffbc7000 rw-p libzwei.so",
      "7effffbda000-7effffbdb000 r-xp libeins.so",
      "7effffbdb000-7effffdda000 ---p libeins.so",
      "7effffdda000-7effffdde000 rw-p libeins.so",
    ]);
  });

  it("on quadamd", () => {
    const run = play("quadamd", "zwei-bibliotheken", env);
    expect(run.status).toBe(0);
    // Below the 8 KiB at b77dd000: libeins, 4 pages to 0x3f80: b77d9000. libzwei, to 0x14bc0, 21 pages: b77c4000. The cache: b779e000.
    // libc: b7622000.
    expect(mappings(run).filter((line) => /lib/.test(line))).toEqual([
      "b7622000-b7798000 r-xp libc-2.13.so",
      "b7798000-b779a000 r--p libc-2.13.so",
      "b779a000-b779b000 rw-p libc-2.13.so",
      "b77c4000-b77c5000 r-xp libzwei.so",
      "b77c5000-b77c6000 rw-p libzwei.so",
      "b77d9000-b77da000 r-xp libeins.so",
      "b77da000-b77dd000 rw-p libeins.so",
    ]);
  });
});

describe("the machines", () => {
  it("have caches of 24 and 38 pages", () => {
    expect([ubu64, quadamd].map(({ ldSoCacheSize = 0 }) => Math.ceil(ldSoCacheSize / 4096))).toEqual([24, 38]);
  });
});
