/** The `Host` of Node 20 and later: the only folder, with the CLI, that knows `node:` modules. */
import * as fs from "node:fs";
import * as path from "node:path";
import { oneLine } from "../base/errors.ts";
import type { Host, HostClock, HostLog, HostRandom } from "../host/host.ts";
import { NodeFs } from "./fs.ts";
import { NodeStdio } from "./stdio.ts";
import { NodeWasm } from "./wasm.ts";

export interface NodeHostOptions {
  /** Descriptor that folio's own messages go to; default 2. */
  readonly logFd?: number;
  /** Where `<name>.wasm` files lie; default: beside the running bundle, then `dist/` of the repository. */
  readonly moduleDirectories?: readonly string[];
}

/** Milliseconds since the epoch at process.hrtime's zero. `performance` would tell, but takes long to load. */
let epochMs: number | undefined;

const clock: HostClock = {
  realtime() {
    const monotonic = process.hrtime.bigint();
    epochMs ??= Date.now() - Number(monotonic / 1_000_000n);
    const ns = BigInt(epochMs) * 1_000_000n + monotonic;
    return { sec: Number(ns / 1_000_000_000n), nsec: Number(ns % 1_000_000_000n) };
  },
  monotonicNs: () => Number(process.hrtime.bigint()),
  sleepNs(ns) {
    if (ns > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ns / 1e6);
  },
};

/** Reads /dev/urandom: loading node:crypto takes longer than the rest of the start. */
function readUrandom(into: Uint8Array): boolean {
  try {
    const fd = fs.openSync("/dev/urandom", "r");
    try {
      return fs.readSync(fd, into) === into.length;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return false;
  }
}

const random: HostRandom = {
  fill(into) {
    if (!readUrandom(into)) globalThis.crypto.getRandomValues(into as Uint8Array<ArrayBuffer>);
  },
};

/** The directory of the running script, then every `dist/` in or above it: a bundle in dist/, or sources in src/. */
function defaultModuleDirectories(): string[] {
  const script = process.argv[1];
  const start = script === undefined ? process.cwd() : path.dirname(fs.realpathSync(script));
  const directories = [start];
  for (const from of [start, process.cwd()]) {
    for (let at = from; ; at = path.dirname(at)) {
      directories.push(path.join(at, "dist"));
      if (path.dirname(at) === at) break;
    }
  }
  return directories;
}

/** A host on this Node process; see `NodeHostOptions`. */
export function createNodeHost(options: NodeHostOptions = {}): Host {
  const stdio = new NodeStdio();
  const logFd = options.logFd ?? 2;
  const log: HostLog = {
    line(text) {
      stdio.write(logFd, Buffer.from(`${oneLine(text)}\n`, "utf8"));
    },
  };
  const directories = options.moduleDirectories ?? defaultModuleDirectories();
  return {
    fs: new NodeFs(),
    stdio,
    clock,
    random,
    wasm: new NodeWasm(directories),
    log,
    assetPath: (name) => directories.map((at) => path.join(at, "embedded", name)).find((file) => fs.existsSync(file)),
  };
}
