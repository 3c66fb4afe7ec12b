/** A loaded program that does not run: its task makes the calls that a test asks for. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import type { Abi } from "../../src/abi/abi.ts";
import type { Host } from "../../src/host/host.ts";
import { bytesOf, textOf } from "../../src/host/text.ts";
import { createNodeHost } from "../../src/host-node/host.ts";
import type { SyscallControl, SyscallResult } from "../../src/kernel/control.ts";
import type { Task } from "../../src/kernel/task.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { createMachine } from "../../src/machine/create-machine.ts";
import { current } from "../../src/profiles/machines/current.ts";
import type { SyscallDefinition } from "../../syscalls/define.ts";
import { makeTree, type Tree } from "../vfs/support.ts";

const FIXTURES = fileURLToPath(new URL("../../fixtures/programs/hello/bin/", import.meta.url));

export interface GuestTaskOptions {
  readonly abi?: Abi;
  readonly user?: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] };
  readonly host?: Host;
}

export class GuestTask {
  readonly task: Task;
  /** The temporary directory; the sysroot is `sysroot` below it. */
  readonly outside: string;
  readonly sysroot: string;
  #scratch: number;

  constructor(tree: Tree, options: GuestTaskOptions) {
    this.outside = fs.mkdtempSync(path.join(os.tmpdir(), "folio-task-"));
    this.sysroot = path.join(this.outside, "sysroot");
    fs.mkdirSync(this.sysroot, { mode: 0o755 });
    makeTree(this.sysroot, tree);
    fs.copyFileSync(path.join(FIXTURES, `${options.abi ?? "amd64"}-static-musl`), path.join(this.sysroot, "prog"));
    fs.chmodSync(path.join(this.sysroot, "prog"), 0o755);
    const { kernel, machine } = boot(this.sysroot, options);
    const task = machine.start({ path: "/prog", argv: ["prog", "arg"], envp: ["A=b", "C=d"], cwd: "/" });
    if (isLoadFailure(task)) throw new Error(task.reason);
    this.task = task;
    kernel.scheduler.switchTo(task);
    this.#scratch = task.mm.mmap({ addr: 0, length: 1 << 20, prot: 3, flags: 0x22 });
  }

  /**
   * Makes a call with these argument registers: numbers as they are, strings as addresses of C strings. In i386 a 64-bit
   * argument is two numbers, low half first.
   */
  call(definition: SyscallDefinition, ...values: (number | string | null)[]): number {
    const result = this.start(definition, ...values);
    if (typeof result !== "number") throw new Error(`${definition.name} blocks`);
    return result;
  }

  /** As `call`, for calls that may block. */
  start(definition: SyscallDefinition, ...values: (number | string | null)[]): SyscallResult {
    const words = new Int32Array(12);
    for (const [i, value] of values.entries()) {
      const number = typeof value === "string" ? this.put(`${value}\0`) : (value ?? 0);
      words[2 * i] = number;
      words[2 * i + 1] = Math.floor(number / 0x1_0000_0000);
    }
    return definition.call(this.task, words, this.task.abi);
  }

  /** Room for `length` bytes in guest memory. */
  buffer(length: number): number {
    const at = this.#scratch;
    this.#scratch += (length + 15) & ~15;
    return at;
  }

  /** Puts a text into guest memory. */
  put(text: string): number {
    const at = this.buffer(text.length);
    this.task.mm.write(at, bytesOf(text));
    return at;
  }

  /** Bytes of guest memory. */
  bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (this.task.mm.read(address, bytes) < 0) throw new Error("bad address");
    return bytes;
  }

  text(address: number, length: number): string {
    return textOf(this.bytes(address, length));
  }
}

function boot(sysroot: string, options: GuestTaskOptions) {
  const host = options.host ?? createNodeHost();
  const machine = createMachine({
    profile: current,
    host,
    options: {
      sysroot,
      ramBytes: 32 << 20,
      seed: "test",
      ...(options.user === undefined ? {} : { user: options.user }),
    },
  });
  return { machine, kernel: machine.kernel };
}

export function guestTask(tree: Tree = {}, options: GuestTaskOptions = {}): GuestTask {
  return new GuestTask(tree, options);
}

/** The block that a call ended in. */
export function blocked(result: SyscallResult): Extract<SyscallControl, { kind: "block" }> {
  if (typeof result === "number" || !("kind" in result) || result.kind !== "block") {
    throw new Error("the call does not block");
  }
  return result;
}
