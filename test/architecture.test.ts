/** The direction of imports: a folder may import folders of lower rank, and those it is expressly allowed. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Rank by folder, lowest first (docs/architecture.md, "Import ranks"). */
const RANKS: Record<string, number> = {
  base: 0,
  abi: 1,
  host: 1,
  observe: 1,
  wasm: 1,
  profiles: 2,
  elf: 2,
  isa: 2,
  memory: 2,
  exec: 3,
  mm: 3,
  vfs: 3,
  loader: 4,
  net: 4,
  kernel: 5,
  syscalls: 6,
  libc: 6,
  dynlink: 6,
  report: 7,
  debug: 7,
  scenes: 7,
  machine: 8,
  "host-node": 9,
  cli: 9,
};
/** Imports within one rank, or upwards, that are agreed on, each with its reason. */
const ALLOWED: Record<string, readonly string[]> = {
  // inodes and shmem implement mm's Mappable
  vfs: ["mm"],
  // the CLI runs on the Node host
  cli: ["host-node"],
  // events name the ABI they were seen under
  observe: ["abi"],
  // the host interfaces speak of wasm values
  host: ["base"],
};
/** What no other rank-2 folder may see, whatever its rank. */
const FORBIDDEN: Record<string, readonly string[]> = {
  isa: ["memory", "profiles", "elf"],
  memory: ["isa", "profiles", "elf"],
  exec: ["mm", "vfs", "kernel", "profiles"],
};

function sources(dir: string): string[] {
  return readdirSync(join(root, dir), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".as.ts") && !name.endsWith(".d.ts"))
    .map((name) => join(dir, name));
}

function folderOf(path: string): string {
  const parts = path.split("/");
  return parts[0] === "src" ? (parts[1] as string) : (parts[0] as string);
}

const files = [...sources("src"), ...sources("syscalls")];

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) =>
    relative(root, resolve(root, dirname(file), match[1] as string)),
  );
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  if (FORBIDDEN[from]?.includes(to)) return false;
  if (ALLOWED[from]?.includes(to)) return true;
  return (RANKS[from] as number) > (RANKS[to] as number);
}

describe("imports", () => {
  it("every folder has a rank", () => {
    const unknown = new Set(files.map(folderOf).filter((folder) => !(folder in RANKS) && folder !== "build"));
    expect([...unknown]).toEqual([]);
  });

  it("point downwards", () => {
    const wrong: string[] = [];
    for (const file of files) {
      const from = folderOf(file);
      if (!(from in RANKS)) continue;
      for (const target of imports(file)) {
        const to = folderOf(target);
        if (!mayImport(from, to)) {
          const allowed = Object.keys(RANKS).filter((folder) => mayImport(from, folder));
          wrong.push(`${file} imports ${target}; ${from} may import: ${allowed.join(", ")}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});
