/** Debian 12 (bookworm): kernel 6.1, glibc 2.36, procps-ng 4.0.2. */
import { i686, x86_64 } from "../cpu-model.ts";
import { linux61 } from "../generations/linux-6.1.ts";
import type { KernelGeneration } from "../kernel-generation.ts";
import type { MachineProfile } from "../machine-profile.ts";

/** The 686-pae kernel: page tables with execute-disable bits, no vsyscall page. */
const linux61Native: KernelGeneration = Object.freeze<KernelGeneration>({
  ...linux61,
  name: "linux-6.1-686-pae",
  kernelBits: 32,
  nativeNx: true,
  vdso: { ...linux61.vdso, legacyVsyscall: "none" },
});

export const debian12Amd64: MachineProfile = Object.freeze<MachineProfile>({
  name: "debian-12-amd64",
  description: "Debian 12: Linux 6.1, x86-64 and i386 programs, glibc 2.36",
  abi: undefined,
  generation: linux61,
  glibc: "2.36",
  cpu: x86_64,
  uname: {
    sysname: "Linux",
    nodename: "debian",
    release: "6.1.0-56-amd64",
    version: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2",
    machine: "x86_64",
    domainname: "(none)",
  },
  disk: undefined,
  ldSoCacheSize: undefined,
  user: undefined,
  locale: "C.UTF-8",
  pmap: "procps-ng-4.0.2",
  ramBytes: 2 * 1024 ** 3,
  pmapAddressDigits: 16,
});

export const debian12I386: MachineProfile = Object.freeze<MachineProfile>({
  ...debian12Amd64,
  name: "debian-12-i386",
  description: "Debian 12 on a 32-bit processor: Linux 6.1 686-pae, i386 programs, glibc 2.36",
  abi: "i386",
  generation: linux61Native,
  cpu: i686,
  uname: {
    ...debian12Amd64.uname,
    release: "6.1.0-56-686-pae",
    machine: "i686",
  },
  pmapAddressDigits: 8,
});
