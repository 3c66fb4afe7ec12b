/** Trap sites: functions of folio in place of guest code, on both tiers. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { WaitQueue } from "../../src/base/wait-queue.ts";
import type { TierPolicy } from "../../src/exec/hot-code.ts";
import { createNodeHost } from "../../src/host-node/host.ts";
import { block } from "../../src/kernel/control.ts";
import { Gpr } from "../../src/kernel/registers.ts";
import type { Task } from "../../src/kernel/task.ts";
import { NATIVE, type Trap } from "../../src/kernel/traps.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { createMachine } from "../../src/machine/create-machine.ts";
import { current } from "../../src/profiles/machines/current.ts";
import { SMALL_ELF_BASE, SMALL_ELF_CODE, smallElf } from "../support/small-elf.ts";

const LOOPS = 20_000;
/**
 *   mov ebp, LOOPS; xor ebx, ebx
 * 1: call f; add ebx, eax; dec ebp; jnz 1b
 *   mov edi, ebx; shr edi, 10; mov eax, 231 (exit_group); syscall
 * f: mov eax, 1; ret
 */
const COUNT = [
  ...[0xbd, LOOPS & 0xff, LOOPS >> 8, 0, 0, 0x31, 0xdb],
  ...[0xe8, 0x14, 0, 0, 0, 0x01, 0xc3, 0xff, 0xcd, 0x75, 0xf5],
  ...[0x89, 0xdf, 0xc1, 0xef, 0x0a, 0xb8, 231, 0, 0, 0, 0x0f, 0x05, 0x90, 0x90],
  ...[0xb8, 1, 0, 0, 0, 0xc3],
];
const FUNCTION = SMALL_ELF_CODE + COUNT.length - 6;
/** Instructions besides those of the function: two to begin with, four a loop, four at the end. */
const OUTSIDE = 2 + 4 * LOOPS + 4;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "folio-traps-"));
fs.writeFileSync(path.join(folder, "prog"), smallElf(COUNT, 64), { mode: 0o755 });
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface Outcome {
  status: number | undefined;
  instructions: number;
  calls: string[];
}

function run(tiers: TierPolicy, trap: Trap, sites: readonly number[] = [FUNCTION]): Outcome {
  const machine = createMachine({
    profile: current,
    host: createNodeHost(),
    options: { sysroot: folder, ramBytes: 32 << 20, seed: "traps", tiers },
  });
  const { kernel } = machine;
  const calls: string[] = [];
  kernel.observers.add({ syscallExit: (_, call, result) => calls.push(`${call.number}=${result}`) });
  const id = kernel.traps.add(trap);
  kernel.vfs.context.findTraps = () => new Map(sites.map((at) => [at, id]));
  const task = machine.start({ path: "/prog", argv: ["prog"], envp: [], cwd: "/" });
  if (isLoadFailure(task)) throw new Error(task.reason);
  const { status } = machine.run();
  return { status, instructions: machine.cpu.instructions, calls };
}

/** Returns from the function with `value`. */
function returnWith(task: Task, value: number): void {
  const { state } = task.kernel.cpu;
  const sp = state.gpr(Gpr.rsp);
  state.rip = task.mm.readWord(sp);
  state.setGprNumber(Gpr.rsp, sp + 8);
  state.setGprNumber(Gpr.rax, value);
}

const exited = (code: number): number => code << 8;

describe.each<[string, TierPolicy]>([
  ["interpreter", { tier: "interp", threshold: 0 }],
  ["regions", { tier: "jit", threshold: 0 }],
  ["hot regions", { tier: "auto", threshold: 50 }],
])("%s", (_, tiers) => {
  test("without a site the guest's function runs", () => {
    const outcome = run(tiers, () => undefined, []);
    expect(outcome.status).toBe(exited((LOOPS >> 10) & 0xff));
    expect(outcome.instructions).toBe(OUTSIDE + 2 * LOOPS);
  });

  test("a hot loop calls the trap each time, and it counts as no instruction", () => {
    let count = 0;
    const outcome = run(tiers, (task) => {
      expect(task.kernel.cpu.state.rip).toBe(SMALL_ELF_BASE + FUNCTION);
      count++;
      return void returnWith(task, 3);
    });
    expect(count).toBe(LOOPS);
    expect(outcome.status).toBe(exited(((3 * LOOPS) >> 10) & 0xff));
    expect(outcome.instructions).toBe(OUTSIDE);
  });

  test("a site in the middle of the loop is met before its instruction", () => {
    // At `dec ebp`: the trap does it and goes on behind it.
    const dec = SMALL_ELF_CODE + 14;
    const outcome = run(
      tiers,
      (task) => {
        const { state } = task.kernel.cpu;
        const left = state.gprLo(Gpr.rbp) - 1;
        state.setGpr(Gpr.rbp, left, 0);
        state.eflags = (state.eflags & ~0x40) | (left === 0 ? 0x40 : 0);
        state.rip += 2;
        return undefined;
      },
      [dec],
    );
    expect(outcome.status).toBe(exited((LOOPS >> 10) & 0xff));
    expect(outcome.instructions).toBe(OUTSIDE + 2 * LOOPS - LOOPS);
  });

  test("a trap that sleeps is entered again, with nothing changed", () => {
    let entered = 0;
    const queue = new WaitQueue();
    const outcome = run(tiers, (task) => {
      entered++;
      const deadlineNs = task.kernel.clock.monotonicNs + 1000;
      if (entered === 5) return block({ queues: [queue], deadlineNs });
      return void returnWith(task, 1);
    });
    expect(entered).toBe(LOOPS + 1);
    expect(outcome.status).toBe(exited((LOOPS >> 10) & 0xff));
    expect(outcome.instructions).toBe(OUTSIDE);
  });

  test("a fault in a trap is the guest's SIGSEGV", () => {
    let entered = 0;
    const outcome = run(tiers, (task) => {
      if (++entered === 7) return { kind: "fault", address: 0x1234, write: true };
      return void returnWith(task, 1);
    });
    expect(outcome.status).toBe(11);
    expect(entered).toBe(7);
  });

  test("system calls of a trap are seen, and their results come back", () => {
    const GETPID = 39;
    const pids = new Set<number>();
    let left = 2;
    const outcome = run(tiers, (task) => {
      if (left-- <= 0) return void returnWith(task, 1);
      return {
        kind: "syscall",
        number: GETPID,
        args: [],
        resume: (pid) => {
          pids.add(pid);
          return void returnWith(task, 1);
        },
      };
    });
    expect(outcome.calls).toEqual(["39=1000", "39=1000"]);
    expect([...pids]).toEqual([1000]);
    expect(outcome.status).toBe(exited((LOOPS >> 10) & 0xff));
  });
  test("a trap may let the guest's own code run", () => {
    let entered = 0;
    const outcome = run(tiers, (task) => (++entered % 2 === 0 ? NATIVE : void returnWith(task, 3)));
    expect(entered).toBe(LOOPS);
    expect(outcome.status).toBe(exited(((2 * LOOPS) >> 10) & 0xff));
    expect(outcome.instructions).toBe(OUTSIDE + LOOPS);
  });
});
