import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryJson } from "../../src/report/format/json.ts";
import { mapsLine, mapsText } from "../../src/report/format/maps.ts";
import { pmapText } from "../../src/report/format/pmap.ts";
import type { MappingSnapshot, MemorySnapshot } from "../../src/report/model/memory.ts";
import { hasTool, native } from "../support/native.ts";

const NO_PAGES = {
  size: 0,
  rss: 0,
  pss: 0,
  pssDirty: 0,
  pssAnon: 0,
  pssFile: 0,
  pssShmem: 0,
  sharedClean: 0,
  sharedDirty: 0,
  privateClean: 0,
  privateDirty: 0,
  referenced: 0,
  anonymous: 0,
  lazyFree: 0,
  locked: 0,
};

function mapping(
  start: number,
  end: number,
  permissions: string,
  name: string,
  rest: Partial<MappingSnapshot> = {},
): MappingSnapshot {
  return { start, end, permissions, name, offset: 0, major: 0, minor: 0, inode: 0, pages: undefined, ...rest };
}

/** What the real kernel says about a process, in folio's form. */
function realSnapshot(pid: number): MemorySnapshot {
  const smaps = fs.readFileSync(`/proc/${pid}/smaps`, "latin1");
  const mappings: MappingSnapshot[] = [];
  for (const entry of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const [, start, end, permissions, offset, major, minor, inode, name] =
      entry.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)/) ?? [];
    const key = (label: string): number => Number(entry.match(new RegExp(`^${label}: +(\\d+) kB`, "m"))?.[1] ?? 0);
    mappings.push(
      mapping(parseInt(start, 16), parseInt(end, 16), permissions, name, {
        offset: parseInt(offset, 16),
        major: parseInt(major, 16),
        minor: parseInt(minor, 16),
        inode: Number(inode),
        pages: { ...NO_PAGES, rss: key("Rss"), sharedDirty: key("Shared_Dirty"), privateDirty: key("Private_Dirty") },
      }),
    );
  }
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
  const command = fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").slice(0, -1).join(" ");
  const startStack = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[25]);
  return { pid, command, kernelBits: 64, startStack, mappings };
}

describe.skipIf(!fs.existsSync("/proc/self/smaps") || !hasTool("pmap") || !hasTool("sleep"))(
  "against procps-ng",
  () => {
    let child: ChildProcess;
    let pid: number;
    beforeAll(async () => {
      child = spawn("sleep", ["1000"], { stdio: "ignore" });
      pid = child.pid ?? 0;
      // Until ld.so and libc are mapped and it sleeps in its last call (state S, no more faults).
      const faults = (): string => fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(" ").slice(2, 12).join(" ");
      for (let before = "", now = faults(); before !== now || !now.startsWith("S"); before = now, now = faults()) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    afterAll(() => {
      child.kill();
    });

    it("maps", () => {
      expect(mapsText(realSnapshot(pid))).toBe(fs.readFileSync(`/proc/${pid}/maps`, "latin1"));
    });

    it.each([
      [[], {}],
      [["-p"], { showPath: true }],
      [["-x"], { extended: true }],
      [["-x", "-p"], { extended: true, showPath: true }],
      [["-q"], { quiet: true }],
      [["-x", "-q"], { extended: true, quiet: true }],
    ])("pmap %j", (args, options) => {
      const text = pmapText(realSnapshot(pid), { flavour: "procps-ng-4.0.2", addressDigits: 16, ...options });
      expect(text).toBe(native("pmap", ...args, String(pid)));
    });

    it("json", () => {
      const json = JSON.parse(memoryJson(realSnapshot(pid)));
      expect(json.schema).toBe(1);
      expect(`${json.totalKib}`).toBe(native("pmap", String(pid)).match(/total +(\d+)K/)?.[1]);
      expect(json.mappings.at(-1)).toMatchObject({ start: "0xffffffffff600000", name: "[vsyscall]" });
    });
  },
);

describe("procps 3.2.8", () => {
  const snapshot: MemorySnapshot = {
    pid: 1839,
    command: "./memtest",
    kernelBits: 64,
    startStack: 0x7fff5fcaf000,
    mappings: [
      mapping(0x400000, 0x401000, "r-xp", "/home/esser/memtest"),
      mapping(0x7f06b1887000, 0x7f06b4088000, "rw-p", ""),
      mapping(0x7fff5fc9b000, 0x7fff5fcb0000, "rw-p", "[stack]"),
      mapping(0x7fff5fdff000, 0x7fff5fe00000, "r-xp", "[vdso]"),
    ],
  };

  it("prints paths, two blanks and wide addresses", () => {
    expect(pmapText(snapshot, { flavour: "procps-3.2.8", addressDigits: 16 })).toBe(`1839:   ./memtest
0000000000400000      4K r-x--  /home/esser/memtest
00007f06b1887000  40964K rw---    [ anon ]
00007fff5fc9b000     84K rw---    [ stack ]
00007fff5fdff000      4K r-x--    [ anon ]
 total            41056K
`);
  });

  it("prints eight digits on i386", () => {
    const small = { ...snapshot, mappings: snapshot.mappings.slice(0, 1) };
    expect(pmapText(small, { flavour: "procps-3.2.8", addressDigits: 8 })).toBe(
      "1839:   ./memtest\n00400000      4K r-x--  /home/esser/memtest\n total        4K\n",
    );
  });
});

describe("maps lines", () => {
  it("puts names at column 73, or 49 on a 32-bit kernel", () => {
    const line = mapping(0x8048000, 0x8049000, "r-xp", "/tmp/memtest", { major: 8, minor: 4, inode: 1156248 });
    expect(mapsLine(line, 64).indexOf("/tmp")).toBe(73);
    expect(mapsLine(line, 32)).toBe("08048000-08049000 r-xp 00000000 08:04 1156248    /tmp/memtest");
  });

  it("escapes newlines and ends nameless lines with a blank", () => {
    expect(mapsLine(mapping(0x1000, 0x2000, "rw-s", "/a\nb"), 64)).toMatch(/ \/a\\012b$/);
    expect(mapsLine(mapping(0x1000, 0x2000, "---p", ""), 64)).toBe("00001000-00002000 ---p 00000000 00:00 0 ");
  });
});
