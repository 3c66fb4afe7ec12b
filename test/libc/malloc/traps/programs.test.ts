/**
 * `--malloc ts` against the real libc's malloc in whole programs: sqlite3 and python3 print and call the same, addresses included; and
 * random operations under what the environment says to malloc.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { glibcVersion, mallocOfGlibc } from "../../../../src/libc/malloc/traps/glibc-image.ts";
import { FIXTURES, folio } from "../../../support/folio.ts";
import { scratchDirectory } from "../../../support/native.ts";
import { FULL } from "../../../support/recordings.ts";

const folder = scratchDirectory();
const LIBCS = { amd64: "/lib/x86_64-linux-gnu/libc.so.6", i386: "/lib/i386-linux-gnu/libc.so.6" };

/** Whether this machine's libc is one that folio's malloc stands for. */
function comparable(abi: keyof typeof LIBCS): boolean {
  if (!existsSync(LIBCS[abi])) return false;
  const version = glibcVersion(readFileSync(LIBCS[abi]));
  return version !== undefined && mallocOfGlibc(version) !== undefined;
}

function run(program: readonly string[], options: readonly string[], input = "") {
  const trace = join(folder, "trace");
  const common = ["-i", "--aslr", "off", "--seed", "m", "--strace", "-o", trace];
  const { status, stdout, stderr } = folio(["run", ...common, ...options, ...program], { input });
  return { status, stdout, stderr, trace: readFileSync(trace, "latin1").split("\n") };
}

const SQL = `create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i+1 from n where i<1500)
  insert into t select i, printf('row %d %s', i, hex(i*7919)), i*1.5 from n;
create index ti on t(b);
select substr(b,1,6) g, count(*), sum(c) from t group by g order by 2 desc, 1 limit 5;
delete from t where a%3=0; vacuum; select count(*), max(b) from t;
`;
const PYTHON = `import json, re
d = {"key%d" % i: list(range(i % 50)) + ["x" * (i % 700)] for i in range(1500)}
s = json.dumps(d)
e = json.loads(s)
for k in list(e)[::3]: del e[k]
b = bytearray(300000); b += bytes(b); del b
print(len(s), len(e), len(re.findall("x+", s)))
`;

describe.skipIf(!comparable("amd64"))("whole programs with --malloc ts", () => {
  const sqlite = "/usr/bin/sqlite3";
  test.skipIf(!existsSync(sqlite))("sqlite3", { timeout: 120_000 }, () => {
    const own = run([sqlite, "-batch", ":memory:"], [], SQL);
    expect([own.status, own.stderr]).toEqual([0, ""]);
    expect(run([sqlite, "-batch", ":memory:"], ["--malloc", "ts"], SQL)).toEqual(own);
  });

  const python = "/usr/bin/python3";
  test.skipIf(!FULL || !existsSync(python))("python3", { timeout: 120_000 }, () => {
    writeFileSync(join(folder, "program.py"), PYTHON);
    const program = [python, "-I", "-S", join(folder, "program.py")];
    const own = run(program, []);
    expect([own.status, own.stderr]).toEqual([0, ""]);
    expect(run(program, ["--malloc", "ts"])).toEqual(own);
  });
});

const tunables = (...items: string[]): string =>
  `GLIBC_TUNABLES=${items.map((item) => `glibc.malloc.${item}`).join(":")}`;

const ENVIRONMENTS: readonly (readonly [abi: keyof typeof LIBCS, setting: string, threads: string])[] = [
  ["amd64", "MALLOC_PERTURB_=165", "0"],
  ["i386", "MALLOC_TOP_PAD_=300000", "0"],
  ["amd64", "MALLOC_MMAP_THRESHOLD_=3000", "0"],
  ["i386", "MALLOC_MMAP_THRESHOLD_=bad", "0"],
  ["amd64", "MALLOC_ARENA_MAX=1", "2"],
  ["i386", tunables("tcache_count=3", "tcache_max=200"), "0"],
  ["amd64", tunables("perturb=85", "top_pad=65536", "mxfast=0x50"), "0"],
  ["amd64", tunables("mmap_threshold=5000", "mmap_max=3"), "0"],
  ["i386", tunables("arena_max=2", "arena_test=1"), "2"],
];

describe("what the environment says to malloc", () => {
  const built = new Map<string, boolean>();
  const canRun = (abi: keyof typeof LIBCS): boolean => {
    const known = built.get(abi);
    if (known !== undefined) return known;
    const flags = ["-O1", "-fno-builtin", "-pthread", abi === "i386" ? "-m32" : "-m64", "-o", join(folder, abi)];
    const source = join(FIXTURES, "native/malloc/random-ops.c");
    const able = comparable(abi) && spawnSync("gcc", [...flags, source]).status === 0;
    built.set(abi, able);
    return able;
  };
  for (const [abi, setting, threads] of ENVIRONMENTS) {
    test.skipIf(!canRun(abi))(`${abi}: ${setting}`, { timeout: 60_000 }, () => {
      const program = [join(folder, abi), "5", "600", "1", threads];
      const own = run(program, ["-E", setting]);
      expect(own.status).toBe(0);
      expect(run(program, ["-E", setting, "--malloc", "ts"])).toEqual(own);
    });
  }
});
