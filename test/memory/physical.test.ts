import { describe, expect, it } from "vitest";
import { FrameFlag } from "../../src/memory/physical.ts";
import { createPhysical } from "../support/mm-replay.ts";

describe("PhysicalMemory", () => {
  it("gives zeroed frames, also after use", () => {
    const phys = createPhysical(4);
    const frame = phys.allocFrame();
    phys.u8[frame * 4096 + 5] = 7;
    phys.put(frame);
    const again = phys.allocExact(frame);
    expect(again).toBe(frame);
    expect(phys.u8[again * 4096 + 5]).toBe(0);
  });

  it("places a frame behind another if that is free", () => {
    const phys = createPhysical(8);
    const first = phys.allocFrameFor(3);
    expect(first % 512).toBe(3);
    expect(phys.allocFrame(first)).toBe(first + 1);
    expect(phys.allocFrame(first)).not.toBe(first + 1);
  });

  it("returns -1 when memory is used up, and the same number of frames comes back", () => {
    const phys = createPhysical(2);
    const frames: number[] = [];
    for (let frame = phys.allocFrameFor(1); frame >= 0; frame = phys.allocFrame(frame)) frames.push(frame);
    expect(new Set(frames).size).toBe(phys.totalFrames - 1);
    expect(phys.allocFrame()).toBe(-1);
    for (const frame of frames) phys.put(frame);
    expect(phys.freeFrames).toBe(phys.totalFrames - 1);
  });

  it("keeps a frame while it is referenced", () => {
    const phys = createPhysical(2);
    const frame = phys.allocFrame();
    phys.get(frame);
    phys.put(frame);
    expect(phys.refCount(frame)).toBe(1);
    phys.put(frame);
    expect(() => phys.put(frame)).toThrow("freed twice");
  });

  it("tells the cache when code bytes change or go", () => {
    const phys = createPhysical(2);
    const told: number[] = [];
    const ignore = (): void => undefined;
    const cache = { invalidatePage: ignore, invalidateRange: ignore, invalidateSpace: ignore };
    phys.cache = { ...cache, invalidateCode: (frame) => told.push(frame) };
    const frame = phys.allocFrame();
    phys.setCode(frame);
    phys.noteWrite(frame);
    phys.noteWrite(frame);
    phys.setCode(frame);
    phys.put(frame);
    expect(told).toEqual([frame, frame]);
    expect(phys.flags[frame] & FrameFlag.code).toBe(0);
  });
});
