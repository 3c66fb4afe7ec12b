/** The files of /proc that tell of the whole machine (fs/proc/{meminfo,stat,uptime,loadavg,version,cpuinfo}.c). */
import type { Kernel } from "../kernel.ts";
import type { ProcContent } from "./nodes.ts";

function kb(key: string, kilobytes: number): string {
  return `${`${key}:`.padEnd(16)}${String(kilobytes).padStart(8)} kB\n`;
}

/** Page-cache pages and anonymous pages that are in use: all frames that no address space counts as anonymous. */
function memoryUse(kernel: Kernel): { anon: number; shmem: number; mapped: number; tables: number } {
  let anon = 0;
  let shmem = 0;
  let mapped = 0;
  let tables = 0;
  const seen = new Set();
  for (const task of kernel.tasks.values()) {
    if (seen.has(task.mm) || task.state === "dead") continue;
    seen.add(task.mm);
    anon += task.mm.anonPages;
    shmem += task.mm.shmemPages;
    mapped += task.mm.filePages;
    tables += task.mm.pteBytes / 4096;
  }
  return { anon, shmem, mapped, tables };
}

function meminfo(kernel: Kernel): string {
  const { physical, memorySystem } = kernel;
  const total = physical.totalFrames * 4;
  const free = physical.freeFrames * 4;
  const use = memoryUse(kernel);
  const cached = Math.max(0, total - free - (use.anon + use.tables) * 4);
  const modern = kernel.generation.procfs.statFields === 52;
  const lines: [key: string, kilobytes: number][] = [
    ["MemTotal", total],
    ["MemFree", free],
    ...(modern ? ([["MemAvailable", free + cached]] as [string, number][]) : []),
    ["Buffers", 0],
    ["Cached", cached],
    ["SwapCached", 0],
    ["Active", Math.floor(cached / 2)],
    ["Inactive", use.anon * 4 + Math.ceil(cached / 2)],
    ["Active(anon)", 0],
    ["Inactive(anon)", use.anon * 4],
    ["Active(file)", Math.floor(cached / 2)],
    ["Inactive(file)", Math.ceil(cached / 2)],
    ["Unevictable", 0],
    ["Mlocked", 0],
    ["SwapTotal", 0],
    ["SwapFree", 0],
    ["Dirty", 0],
    ["Writeback", 0],
    ["AnonPages", use.anon * 4],
    ["Mapped", use.mapped * 4],
    ["Shmem", use.shmem * 4],
    ...(modern ? ([["KReclaimable", 0]] as [string, number][]) : []),
    ["Slab", 0],
    ["SReclaimable", 0],
    ["SUnreclaim", 0],
    ["KernelStack", kernel.tasks.size * 16],
    ["PageTables", use.tables * 4],
    ["NFS_Unstable", 0],
    ["Bounce", 0],
    ["WritebackTmp", 0],
    ["CommitLimit", memorySystem.commitLimit * 4],
    ["Committed_AS", memorySystem.committed * 4],
    ["VmallocTotal", kernel.generation.kernelBits === 64 ? 34359738367 : 122880],
    ["VmallocUsed", 0],
    ["VmallocChunk", 0],
  ];
  let text = lines.map(([key, value]) => kb(key, value)).join("");
  for (const key of ["HugePages_Total", "HugePages_Free", "HugePages_Rsvd", "HugePages_Surp"]) {
    text += `${`${key}:`.padEnd(16)}${"0".padStart(8)}\n`;
  }
  return text + kb("Hugepagesize", 2048);
}

function seconds(ns: number): string {
  const hundredths = Math.floor(ns / 10_000_000);
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")}`;
}

function busyNs(kernel: Kernel): number {
  let sum = 0;
  for (const group of kernel.groups.values()) sum += group.userNs;
  return sum;
}

function uptime(kernel: Kernel): string {
  const up = kernel.clock.monotonicNs;
  return `${seconds(up)} ${seconds(Math.max(0, up * kernel.config.cpuCount - busyNs(kernel)))}\n`;
}

function running(kernel: Kernel): number {
  return [...kernel.tasks.values()].filter((task) => task.state === "runnable").length;
}

function loadavg(kernel: Kernel): string {
  const last = Math.max(0, ...kernel.tasks.keys());
  return `0.00 0.00 0.00 ${running(kernel)}/${kernel.tasks.size} ${last}\n`;
}

function stat(kernel: Kernel): string {
  const ticks = (ns: number) => Math.floor(ns / 10_000_000);
  const user = ticks(busyNs(kernel));
  const idle = Math.max(0, ticks(kernel.clock.monotonicNs) * kernel.config.cpuCount - user);
  let text = `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0\n`;
  const { cpuCount } = kernel.config;
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    const own = cpu === 0 ? user : 0;
    text += `cpu${cpu} ${own} 0 0 ${Math.max(0, ticks(kernel.clock.monotonicNs) - own)} 0 0 0 0 0 0\n`;
  }
  const boot = kernel.clock.realtimeAt(0).sec;
  return (
    `${text}intr 0\nctxt 0\nbtime ${boot}\nprocesses ${kernel.forks}\nprocs_running ${running(kernel)}\n` +
    "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n"
  );
}

function version(kernel: Kernel): string {
  const { sysname, release, version: build } = kernel.uts;
  return `${sysname} version ${release} (folio) ${build}\n`;
}

const DEVICES = "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n";

const FILESYSTEMS =
  "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tsockfs\nnodev\tpipefs\nnodev\tdevpts\n\text4\n";

/** Name and text of each file; all are 0444. */
export const SYSTEM_FILES: Readonly<Record<string, (kernel: Kernel) => ProcContent>> = {
  cmdline: () => "\n",
  devices: () => DEVICES,
  filesystems: () => FILESYSTEMS,
  loadavg,
  meminfo,
  stat,
  swaps: () => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
  uptime,
  version,
};
