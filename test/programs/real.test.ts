// Real programs of this machine, unmodified: native's output and status in the same run. Only with FOLIO_FULL=1.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command, folio } from "../support/folio.ts";
import { scratchDirectory } from "../support/native.ts";
import { FULL } from "../support/recordings.ts";

const MINUTES = 60_000;
const LINES = 100_000;
const SHA_BYTES = 10_000_000;
const INSERTS = 10_000;

/** Numbers below 2^32 that are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

function lines(count: number): string {
  const next = sequence(1);
  let text = "";
  for (let i = 0; i < count; i++) text += `${(next() >>> 4).toString(36)} ${(next() >>> 8) % 1000}\n`;
  return text;
}

function bytes(count: number): Uint8Array {
  const next = sequence(2);
  return Uint8Array.from({ length: count }, () => next() >>> 24);
}

function inserts(): string {
  const next = sequence(3);
  let text = "create table item(id integer primary key, name text); create table price(item int, value real); begin;\n";
  for (let i = 0; i < INSERTS; i++) {
    text += `insert into item values(${i}, 'name ${next() % 977}');\n`;
    if (i % 3 === 0) text += `insert into price values(${i}, ${(next() % 1000) / 7});\n`;
  }
  return `${text}commit;
select count(*), sum(value), max(name) from item join price on item.id = price.item;
select name, count(*) n, avg(value) from item join price on id = item group by name order by n desc, name limit 20;
`;
}

const PYTHON = `import json, re, decimal, hashlib, zlib, random
random.seed(7)
numbers = [random.random() for _ in range(1000)]
print(sum(numbers), random.randrange(10**9), random.sample(range(100), 5))
decimal.getcontext().prec = 50
print(decimal.Decimal(2).sqrt(), decimal.Decimal(1) / 7)
text = json.dumps({"n": numbers[:3], "s": "Grüße"}, sort_keys=True)
print(json.loads(text)["s"].encode(), re.findall(r"0\\.(\\d{3})", text))
packed = zlib.compress(text.encode() * 100)
print(len(packed), hashlib.sha256(zlib.decompress(packed)).hexdigest())
`;

interface Case {
  readonly name: string;
  /** Absolute path; the shell's PATH plays no part. */
  readonly program: string;
  readonly args?: readonly string[];
  /** A file of the scratch directory; else stdin is empty. */
  readonly stdin?: string;
}

const AWK =
  "{ sum += $2; count[substr($1, 1, 1)]++ } END { print sum, sum / NR; print count[1], count[2], length(count) }";
const GAWK =
  'END { n = split("c a b", list); asort(list); print list[1], n, strtonum("0x1f"), sqrt(2), tolower("ÄB") }';

const CASES: readonly Case[] = [
  { name: "true", program: "/bin/true" },
  { name: "false", program: "/bin/false" },
  { name: "echo", program: "/bin/echo", args: ["eins", "zwei  drei"] },
  { name: "cat", program: "/bin/cat", args: ["-n", "tree/file", "-"], stdin: "text" },
  { name: "cat of a missing file", program: "/bin/cat", args: ["missing"] },
  { name: "ls -l", program: "/bin/ls", args: ["-l", "--time-style=full-iso", "tree"] },
  { name: "ls -lR", program: "/bin/ls", args: ["-lRi", "--time-style=full-iso", "tree"] },
  { name: "sha256sum of 10 MB", program: "/usr/bin/sha256sum", args: ["bytes"] },
  { name: "sort of 100,000 lines", program: "/usr/bin/sort", args: ["--parallel=1", "lines"] },
  { name: "sort by number", program: "/usr/bin/sort", args: ["--parallel=1", "-k2n", "-k1r", "lines"] },
  { name: "grep -E", program: "/bin/grep", args: ["-nE", "^(a|b)[0-9]+z|9{2,}$", "lines"] },
  { name: "grep -E without a match", program: "/bin/grep", args: ["-E", "no such (line|word)", "lines"] },
  { name: "mawk", program: "/usr/bin/mawk", args: [AWK, "lines"] },
  { name: "gawk", program: "/usr/bin/gawk", args: [AWK + GAWK, "lines"] },
  { name: "sed", program: "/bin/sed", args: ["-En", "s/^([a-z]+)([0-9]+) (.*)$/\\3 \\2-\\1/p", "lines"] },
  { name: "bzip2", program: "/bin/bzip2", args: ["-c"], stdin: "text" },
  { name: "bzip2 -d", program: "/bin/bzip2", args: ["-dc"], stdin: "text.bz2" },
  { name: "gzip", program: "/bin/gzip", args: ["-nc9"], stdin: "text" },
  { name: "gzip -d", program: "/bin/gzip", args: ["-dc"], stdin: "text.gz" },
  { name: "sqlite3", program: "/usr/bin/sqlite3", args: ["-batch", ":memory:"], stdin: "inserts" },
  { name: "busybox ls", program: "/bin/busybox", args: ["ls", "-ln", "tree"] },
  { name: "busybox sha1sum", program: "/bin/busybox", args: ["sha1sum", "lines"] },
  { name: "busybox wc", program: "/bin/busybox", args: ["wc", "lines", "text"] },
  { name: "busybox awk", program: "/bin/busybox", args: ["awk", AWK, "text"] },
  { name: "busybox sed", program: "/bin/busybox", args: ["sed", "-n", "/^[a-c]/p"], stdin: "text" },
  { name: "busybox sort", program: "/bin/busybox", args: ["sort", "-r"], stdin: "text" },
  { name: "busybox gzip", program: "/bin/busybox", args: ["gzip", "-c"], stdin: "text" },
  { name: "busybox expr", program: "/bin/busybox", args: ["expr", "6", "*", "7"] },
  { name: "python3", program: "/usr/bin/python3", args: ["program.py"] },
];

/** The same for both: no user's or locale's settings. */
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8", TZ: "UTC", HOME: "/nonexistent" };

describe.skipIf(!FULL)("real programs", () => {
  let cwd: string;

  beforeAll(() => {
    cwd = scratchDirectory();
    const put = (name: string, contents: string | Uint8Array) => fs.writeFileSync(path.join(cwd, name), contents);
    fs.mkdirSync(path.join(cwd, "tree/directory"), { recursive: true });
    put("tree/file", "first\nsecond");
    put("tree/empty", "");
    fs.chmodSync(path.join(cwd, "tree/file"), 0o640);
    fs.chmodSync(path.join(cwd, "tree/empty"), 0o4755);
    fs.symlinkSync("file", path.join(cwd, "tree/link"));
    fs.symlinkSync("nowhere", path.join(cwd, "tree/dangling"));
    put("tree/directory/inner", "x");
    put("lines", lines(LINES));
    put("text", lines(5000));
    put("bytes", bytes(SHA_BYTES));
    put("inserts", inserts());
    put("program.py", PYTHON);
    for (const [tool, name] of [
      ["bzip2", "text.bz2"],
      ["gzip", "text.gz"],
    ]) {
      const { stdout } = command(tool, ["-c", "text"], { cwd });
      put(name, Buffer.from(stdout, "latin1"));
    }
  });

  afterAll(() => fs.rmSync(cwd, { recursive: true, force: true }));

  for (const { name, program, args = [], stdin } of CASES) {
    test(name, { timeout: 10 * MINUTES }, () => {
      const input = stdin === undefined ? "" : fs.readFileSync(path.join(cwd, stdin));
      const options = { cwd, input, env: ENVIRONMENT };
      const native = command(program, args, options);
      expect(native.status, `${program} runs natively`).not.toBeNull();
      expect(folio(["run", program, ...args], options)).toEqual(native);
    });
  }
});
