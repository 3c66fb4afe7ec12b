/** The processor of a CPU model, as src/exec wants it. */
import type { CpuIdentity } from "../exec/host-calls.ts";
import type { HostRandom } from "../host/host.ts";
import { type CpuModel, xsaveState } from "../profiles/cpu-model.ts";
import { cpuid } from "../profiles/cpuid.ts";

/** What the processor of this model is and says. */
export function cpuIdentity(model: CpuModel, random: HostRandom): CpuIdentity {
  const word = new Uint8Array(4);
  return {
    features: [...model.features, ...(model.features.includes("lm") ? ["x64"] : [])],
    cpuid: (leaf, subleaf) => cpuid(model, leaf, subleaf),
    xcr0: xsaveState(model)?.features,
    random() {
      random.fill(word);
      return word[0] | (word[1] << 8) | (word[2] << 16) | (word[3] << 24);
    },
  };
}
