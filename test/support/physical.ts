/** Guest memory for tests below the machine. */
import { createNodeHost } from "../../src/host-node/host.ts";
import { HOST_AREA_BYTES, PhysicalMemory } from "../../src/memory/physical.ts";

export function physicalMemory(ramBytes: number): PhysicalMemory {
  const memory = createNodeHost().wasm.createMemory((HOST_AREA_BYTES + ramBytes) / 65536);
  return new PhysicalMemory(memory, ramBytes);
}
