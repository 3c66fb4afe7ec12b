import { describe, expect, it } from "vitest";
import { MEASURED, newProcess } from "./support.ts";

type Process = ReturnType<typeof newProcess>;
type Step = (process: Process, slots: number[]) => number;

/** A fixed mixture of calls that reaches fastbins, bins, tcache, brk, mmap, mremap and trimming. */
function steps(): Step[] {
  let x = 99;
  const random = (n: number): number => {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    return (x >>> 8) % n;
  };
  const live = new Set<number>();
  return Array.from({ length: 160 }, (): Step => {
    const slot = random(40);
    const bytes = random(12) === 0 ? 100000 + random(200000) : random(3) === 0 ? random(4000) : random(200);
    const kind = random(10);
    if (!live.has(slot)) {
      live.add(slot);
      const alignment = 64 << random(3);
      if (kind === 0) return ({ malloc }, s) => (s[slot] = malloc.memalign(alignment, bytes));
      if (kind < 3) return ({ malloc }, s) => (s[slot] = malloc.calloc(bytes, 1));
      return ({ malloc }, s) => (s[slot] = malloc.malloc(bytes));
    }
    if (kind < 4) return ({ malloc }, s) => keep(s, slot, malloc.realloc(s[slot], bytes + 1));
    if (kind === 4) return ({ malloc }) => malloc.mallocTrim(0);
    live.delete(slot);
    return ({ malloc }, s) => malloc.free(s[slot]);
  });
}

function keep(slots: number[], slot: number, result: number): number {
  if (result > 0) slots[slot] = result;
  return result;
}

describe.each(MEASURED)("a call that faults, %s %s", (version, abi) => {
  it("leaves memory as it was, and made again does what it would have done", () => {
    const environment = ["MALLOC_PERTURB_=165"];
    const plain = newProcess(version, abi, { environment });
    const faulty = newProcess(version, abi, { environment });
    const plainSlots: number[] = [];
    const slots: number[] = [];
    let faults = 0;
    for (const step of steps()) {
      let writes = 0;
      plain.guest.faultAt = () => writes++ < 0;
      const firstCall = plain.guest.calls.length;
      const want = step(plain, plainSlots);
      // What a call has given back to the kernel before it faults is gone; everything else must be as before.
      const gaveBack = plain.guest.calls.slice(firstCall).some(([name]) => name !== "brk" && name !== "mmap");
      const before = faulty.guest.digest();
      const saved = [...slots];
      for (const at of new Set([0, 1, 2, 5, writes >> 1, writes - 2, writes - 1])) {
        if (at < 0 || at >= writes) continue;
        let left = at;
        faulty.guest.faultAt = () => left-- === 0;
        step(faulty, slots);
        faulty.guest.faultAt = undefined;
        expect(faulty.malloc.exit).toEqual({ kind: "fault" });
        if (!gaveBack) expect(faulty.guest.digest()).toBe(before);
        slots.length = 0;
        slots.push(...saved);
        faults++;
      }
      expect(step(faulty, slots)).toBe(want);
      expect(faulty.guest.digest()).toBe(plain.guest.digest());
      expect(faulty.guest.calls).toEqual(plain.guest.calls);
    }
    expect(faults).toBeGreaterThan(400);
  });
});
