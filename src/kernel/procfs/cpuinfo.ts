/** /proc/cpuinfo (arch/x86/kernel/cpu/proc.c) from what a machine says of its processor. */

/** What show_cpuinfo() prints. */
export interface CpuIdentity {
  readonly vendor: string;
  readonly brand: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  /** The words of the line `flags`. */
  readonly flags: readonly string[];
}

export function cpuinfoText(cpu: CpuIdentity, count: number, kernelBits: 32 | 64): string {
  let text = "";
  for (let index = 0; index < count; index++) {
    const lines: [key: string, value: string | number][] = [
      ["processor\t", index],
      ["vendor_id\t", cpu.vendor],
      ["cpu family\t", cpu.family],
      ["model\t\t", cpu.model],
      ["model name\t", cpu.brand],
      ["stepping\t", cpu.stepping],
      ["cpu MHz\t\t", "1000.000"],
      ["cache size\t", "512 KB"],
      ["physical id\t", 0],
      ["siblings\t", count],
      ["core id\t\t", index],
      ["cpu cores\t", count],
      ["apicid\t\t", index],
      ["initial apicid\t", index],
      ["fpu\t\t", "yes"],
      ["fpu_exception\t", "yes"],
      ["cpuid level\t", 1],
      ["wp\t\t", "yes"],
      ["flags\t\t", cpu.flags.join(" ")],
      ["bogomips\t", "2000.00"],
      ["clflush size\t", 64],
      ["cache_alignment\t", 64],
      [
        "address sizes\t",
        kernelBits === 64 ? "40 bits physical, 48 bits virtual" : "32 bits physical, 32 bits virtual",
      ],
      ["power management", ""],
    ];
    for (const [key, value] of lines) text += `${key}:${value === "" ? "" : ` ${value}`}\n`;
    text += "\n";
  }
  return text;
}
