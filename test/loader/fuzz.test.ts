/** Mutated headers through planning and loading: each ends quickly, without an exception, and gives its frames back. */
import * as fs from "node:fs";
import { expect, it } from "vitest";
import { checkSegments } from "../../src/loader/check.ts";
import { isLoadFailure } from "../../src/loader/exec-file.ts";
import { loadProgram } from "../../src/loader/load.ts";
import { planExec } from "../../src/loader/plan.ts";
import { drawRandom } from "../../src/loader/random-draws.ts";
import { VdsoPages } from "../../src/loader/vdso/vdso.ts";
import { AddressSpace } from "../../src/mm/address-space.ts";
import { linux618 } from "../../src/profiles/generations/linux-6.18.ts";
import { execFileOf } from "../support/exec-file.ts";
import { fixture } from "../support/folio.ts";
import { physicalMemory } from "../support/physical.ts";
import { seededBytes, seededRandom } from "../support/random.ts";

/** FOLIO_FUZZ_ROUNDS raises the number; FOLIO_TEST_SEED changes the seed. */
const ROUNDS = Number(process.env.FOLIO_FUZZ_ROUNDS ?? 2000);
const SEED = process.env.FOLIO_TEST_SEED ?? "1";
const VALUES = [0, 1, 2, 3, 4, 6, 7, 0x10, 0x20, 0x38, 0x40, 0x7f, 0x80, 0xff];

it.each(["amd64-static-musl", "i386-static-musl", "amd64-static-pie-musl"])(
  `${ROUNDS} mutations of hello %s, seed ${SEED}`,
  (build) => {
    const good = fs.readFileSync(fixture("hello", build));
    const random = seededRandom(`headers ${build}`);
    const phys = physicalMemory(64 * 1024 * 1024);
    const vdso = new VdsoPages(phys, linux618);
    vdso.get("amd64");
    vdso.get("i386");
    const free = phys.freeFrames;
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = good.subarray(0, random(10) === 0 ? random(good.length) : good.length).slice();
      const headerBytes = Math.min(bytes.length, 64 + 56 * 8);
      for (let i = random(6); i >= 0 && headerBytes > 0; i--) {
        bytes[random(headerBytes)] = random(3) === 0 ? random(256) : VALUES[random(VALUES.length)];
      }
      const frames: number[] = [];
      const file = execFileOf(phys, "/fuzz", bytes);
      const getPage = file.mapped.mappable?.getPage;
      const page = (index: number): number => {
        const before = phys.freeFrames;
        const frame = getPage?.(index) ?? -5;
        if (phys.freeFrames < before) frames.push(frame);
        return frame;
      };
      if (file.mapped.mappable !== undefined) Object.assign(file.mapped.mappable, { getPage: page, cachedPage: page });
      const started = performance.now();
      const plan = planExec({
        open: (path) => (path === "/fuzz" ? file : -2),
        filename: "/fuzz",
        argv: ["fuzz"],
        envp: [],
        generation: linux618,
        stackLimit: 8 << 20,
      });
      let outcome = "refused by the plan";
      if (!isLoadFailure(plan)) {
        checkSegments(plan.program);
        const mm = new AddressSpace(phys, linux618, plan.abi);
        const loaded = loadProgram(mm, plan, {
          draws: drawRandom(seededBytes("fuzz"), mm.layout, random(2) === 0),
          identity: { uid: 0, euid: 0, gid: 0, egid: 0, secure: false },
          cpu: { hwcap: 1, hwcap2: 0, minSigStackSize: 2048 },
          vdso,
        });
        outcome = isLoadFailure(loaded) ? "refused by the loader" : "loaded";
        if (isLoadFailure(loaded)) expect(loaded.reason).toMatch(/^[^\n]+$/);
        mm.destroy();
      } else expect(plan.reason).toMatch(/^[^\n]+$/);
      for (const frame of frames) phys.put(frame);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      expect(performance.now() - started, `round ${round}`).toBeLessThan(1000);
      expect(phys.freeFrames, `frames after round ${round}`).toBe(free);
    }
    // All three ways are taken, so the mutations reach the loader and pass it.
    expect([...outcomes.keys()].sort()).toEqual(["loaded", "refused by the loader", "refused by the plan"]);
  },
  600_000,
);
