/** What users hand in by mistake: one clear line on stderr, nothing on stdout, status 125, 126 or 127. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { command, FOLIO, fixture, folio } from "../support/folio.ts";
import { scratchDirectory } from "../support/native.ts";

// Whole processes on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const directory = scratchDirectory();
const GOOD = fs.readFileSync(fixture("hello", "amd64-static-musl"));
const GOOD_I386 = fs.readFileSync(fixture("hello", "i386-static-musl"));

function write(name: string, bytes: Uint8Array | string, mode = 0o755): string {
  const file = path.join(directory, name);
  fs.writeFileSync(file, bytes);
  fs.chmodSync(file, mode);
  return file;
}

function patched(change: (view: DataView, bytes: Buffer) => void, base = GOOD): Buffer {
  const bytes = Buffer.from(base);
  change(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes);
  return bytes;
}

/** Offsets of the program headers of type PT_LOAD. */
function loadHeaders(bytes: Buffer): number[] {
  const at: number[] = [];
  const is64 = bytes[4] === 2;
  const count = bytes.readUInt16LE(is64 ? 56 : 44);
  for (let i = 0; i < count; i++) {
    const header = is64 ? Number(bytes.readBigUInt64LE(32)) + 56 * i : bytes.readUInt32LE(28) + 32 * i;
    if (bytes.readUInt32LE(header) === 1) at.push(header);
  }
  return at;
}

function expectRefusal(args: readonly string[], status: number, message: RegExp): void {
  const result = folio(["run", ...args]);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatch(/^folio: [^\n]+\n$/);
  expect(result.stderr).toMatch(message);
  expect(result.status).toBe(status);
}

describe("folio run refuses", () => {
  it("what does not exist", () => {
    expectRefusal([path.join(directory, "nothing")], 127, /nothing: .*(no such file|cannot be opened)/i);
    expectRefusal(["no-such-program-on-the-path"], 127, /not found on the PATH/);
    expectRefusal([path.join(write("file", ""), "below")], 126, /not a directory/i);
    expectRefusal([""], 127, /name is empty/);
  });

  it("a directory", () => {
    expectRefusal([directory], 126, /directory/);
  });

  it("a symbolic link to itself", () => {
    fs.symlinkSync("circle", path.join(directory, "circle"));
    expectRefusal([path.join(directory, "circle")], 126, /symbolic links/);
  });

  it.each<[string, Uint8Array | string, RegExp]>([
    ["empty", "", /the file is empty/],
    ["text", "Just a text.\n", /neither an ELF program nor a script/],
    ["arm", patched((v) => v.setUint16(18, 40, true)), /built for ARM/],
    ["aarch64", patched((v) => v.setUint16(18, 183, true)), /built for AArch64/],
    ["object", patched((v) => v.setUint16(16, 1, true)), /not linked/],
    ["core", patched((v) => v.setUint16(16, 4, true)), /ELF type 4 is not a program/],
    ["no-phdrs", patched((v) => v.setUint16(56, 0, true)), /program headers/],
    ["phoff", patched((v) => v.setUint32(36, 0x7fffffff, true)), /program headers/],
    ["beyond", patched((v, b) => v.setUint32(loadHeaders(b)[1] + 32, 0x100000, true)), /segment|bytes/],
    ["cut-in-segment", GOOD.subarray(0, Math.floor(GOOD.length / 3)), /the segment at 0x[0-9a-f]+ ends at/],
    ["overlap", patched((v, b) => v.setUint32(loadHeaders(b)[0] + 40, 0x10000, true)), /overlap/],
    ["4gib", patched((v, b) => v.setUint32(loadHeaders(b).at(-1)! + 44, 1, true)), /memory|address space/],
    [
      "4gib-i386",
      patched((v, b) => v.setUint32(loadHeaders(b).at(-1)! + 20, 0xffffffff, true), GOOD_I386),
      /address space/,
    ],
    ["no-interpreter-script", "#!/no/such/interpreter\n", /its interpreter \/no\/such\/interpreter/],
    ["empty-script", "#!\n", /names no interpreter/],
  ])("%s", (name, bytes, message) => {
    expectRefusal([write(name, bytes)], 126, message);
  });

  it("an ELF file that is cut off (test/loader/plan.test.ts has all places)", () => {
    for (const size of [15, 63, 64 + 56])
      expectRefusal([write("cut", GOOD.subarray(0, size))], 126, /cut off|ends at|header/);
  });

  it("a program whose interpreter is not there, and says what to do", () => {
    const bytes = fs.readFileSync(fixture("hello", "amd64"));
    const at = bytes.indexOf("/lib64/ld-linux-x86-64.so.2");
    bytes.write("/lib65", at);
    expectRefusal(
      [write("lost", bytes)],
      126,
      /its interpreter \/lib65\/ld-linux-x86-64\.so\.2 cannot be opened: install libc6 .*--sysroot/,
    );
    // A mutation that the fuzz test met: the name held a line break.
    bytes.write("\n\x1b[H", at + 1);
    expectRefusal([write("lost", bytes)], 126, /its interpreter \/\\x0a\\x1b\[H5?.* cannot be opened/);
    const i386 = fs.readFileSync(fixture("hello", "i386"));
    fs.mkdirSync(path.join(directory, "root", "tmp"), { recursive: true });
    expectRefusal(
      ["-L", path.join(directory, "root"), write("i386", i386)],
      126,
      /ld-linux\.so\.2 cannot be opened: install libc6:i386/,
    );
  });

  it.skipIf(process.getuid?.() !== 0)("a file without permission, as a user", () => {
    const unreadable = write("unreadable", GOOD, 0o711);
    const unexecutable = write("unexecutable", GOOD, 0o644);
    fs.chmodSync(directory, 0o755);
    for (const file of [unreadable, unexecutable]) {
      const result = command(process.execPath, [FOLIO, "run", file], { uid: 65534, gid: 65534 });
      expect(result.stdout).toBe("");
      expect(result.stderr).toMatch(/^folio: [^\n]*(permission|cannot be)[^\n]*\n$/i);
      expect(result.status).toBe(126);
    }
  });

  it.each([
    [["--no-such-option", "x"], /unknown option/],
    [["--ram", "much", "x"], /size/],
    [["--ram", "1M", fixture("hello", "amd64")], /RAM/],
    [["--machine", "pdp11", "x"], /Allowed choices/],
    [["--ulimit", "bogus=1", "x"], /NAME=SOFT/],
    [["--ulimit", "constructor=1", "x"], /NAME=SOFT/],
    [["--ulimit", "as=1M:2M:3M", "x"], /NAME=SOFT/],
    [["--ulimit", "nofile=5:3", "x"], /soft limit is above/],
    [["--cwd", "/no/such/dir", fixture("hello", "amd64-static")], /no such directory/],
    [["--cwd", fixture("hello", "amd64"), fixture("hello", "amd64-static")], /not a directory/],
    [["-o", "/no/such/dir/file", fixture("hello", "amd64-static")], /no such file/],
    [["--max-instructions", "0", "x"], /positive number/],
    [["--sysroot", "/no/such/dir", "x"], /no such directory/],
    [["--env", "=x", "x"], /name is missing/],
    [[], /missing required argument/],
  ])("options %j", (args, message) => {
    expectRefusal(args, 125, message);
  });
});

describe("the commands that only look", () => {
  it.each(["size", "disasm"])("%s", (name) => {
    const text = write("text", "Just a text.\n");
    for (const [args, status] of [
      [[text], 126],
      [[directory], 126],
      [[path.join(directory, "nothing")], 127],
    ] as const) {
      const result = folio([name, ...args]);
      expect(result.stdout).toBe("");
      expect(result.stderr).toMatch(/^folio: [^\n]+\n$/);
      expect(result.status).toBe(status);
    }
  });

  it("disasm of a symbol that is not there", () => {
    const result = folio(["disasm", fixture("hello", "amd64"), "no_such_function"]);
    expect(result).toMatchObject({ status: 125, stdout: "" });
    expect(result.stderr).toMatch(/no symbol no_such_function/);
  });
});

/** `folio ARGS…` with stdout on the file `to`. */
function folioTo(to: string, ...args: string[]): { readonly status: number | null; readonly stderr: string } {
  const fd = fs.openSync(to, "w");
  try {
    return folio(args, { stdio: ["ignore", fd, "pipe"] });
  } finally {
    fs.closeSync(fd);
  }
}

describe.skipIf(!fs.existsSync("/dev/full"))("output that cannot be written", () => {
  it.each([
    ["size", fixture("hello", "amd64")],
    ["disasm", fixture("hello", "amd64")],
    ["maps", "-i", fixture("hello", "amd64-static")],
  ])("%s", (...args) => {
    const { status, stderr } = folioTo("/dev/full", ...args);
    expect(stderr.split("\n").filter((line) => line.startsWith("folio:"))).toEqual([
      "folio: cannot write the output: ENOSPC",
    ]);
    expect(status).toBe(125);
  });
});

/** A program that jumps to itself at its entry point. */
function endlessLoop(name: string): string {
  const at = GOOD.readUInt32LE(24) - GOOD.readUInt32LE(loadHeaders(GOOD)[0] + 16);
  return write(
    name,
    patched((view) => view.setUint16(at, 0xfeeb, true)),
  );
}

describe("a program that never ends", () => {
  it.each([
    ["--max-instructions", "1e6", 125],
    ["--ulimit", "cpu=1", 128 + 9],
    ["--ulimit", "cpu=1:2", 128 + 24],
  ])("%s %s", (option, value, status) => {
    expect(folio(["run", option, value, endlessLoop("endless")])).toMatchObject({ status, stdout: "" });
  });
});

describe.skipIf(process.platform === "win32")("a signal from outside", () => {
  it.each(["interp", "auto"])("ends folio at once while the program loops, tier %s", async (tier) => {
    const loop = endlessLoop(`loop-${tier}`);
    const child = spawn(process.execPath, [FOLIO, "run", "--tier", tier, loop], { stdio: "ignore" });
    const ended = once(child, "exit");
    await delay(1500);
    const sent = performance.now();
    child.kill("SIGINT");
    expect(await ended).toEqual([null, "SIGINT"]);
    expect(performance.now() - sent).toBeLessThan(5000);
  });
});
