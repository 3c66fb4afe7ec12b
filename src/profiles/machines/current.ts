/** The default machine: the one that folio's recordings were made on. */
import { x86_64_v3 } from "../cpu-model.ts";
import { linux618 } from "../generations/linux-6.18.ts";
import type { MachineProfile } from "../machine-profile.ts";

export const current: MachineProfile = Object.freeze<MachineProfile>({
  name: "current",
  description: "Linux 6.18, x86-64 and i386 programs, the sysroot's C library",
  abi: undefined,
  generation: linux618,
  glibc: undefined,
  cpu: x86_64_v3,
  uname: {
    sysname: "Linux",
    nodename: "vm",
    release: "6.18.44-fc-v595",
    version: "#1 SMP PREEMPT_DYNAMIC @0",
    machine: "x86_64",
    domainname: "(none)",
  },
  disk: undefined,
  ldSoCacheSize: undefined,
  user: undefined,
  locale: "C",
  pmap: "procps-ng-4.0.2",
  ramBytes: 2 * 1024 ** 3,
  pmapAddressDigits: 16,
});
