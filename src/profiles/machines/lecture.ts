/** The two machines of the lecture's slides. What the slides do not show is as the distributions of the time had it. */
import { i686, x86_64 } from "../cpu-model.ts";
import { linux2632 } from "../generations/linux-2.6.32.ts";
import { linux2638 } from "../generations/linux-2.6.38.ts";
import type { MachineProfile, MachineUser } from "../machine-profile.ts";

const esser: MachineUser = { name: "esser", uid: 1000, gid: 1000, home: "/home/esser", shell: "/bin/bash" };

/** Ubuntu 10.04, 64 bit. */
export const ubu64: MachineProfile = Object.freeze<MachineProfile>({
  name: "ubu64",
  description: "the lecture's 64-bit machine: Linux 2.6.32, glibc 2.11.1 (embedded), Ubuntu 10.04",
  abi: "amd64",
  generation: linux2632,
  glibc: "2.11.1",
  cpu: x86_64,
  uname: {
    sysname: "Linux",
    nodename: "ubu64",
    release: "2.6.32-21-generic",
    version: "#32-Ubuntu SMP Fri Apr 16 08:09:38 UTC 2010",
    machine: "x86_64",
    domainname: "(none)",
  },
  disk: {
    dev: 0x801,
    inodes: {
      "/lib/ld-2.11.1.so": 8718,
      "/lib/libc-2.11.1.so": 8765,
      "/lib/libgcc_s.so.1": 8731,
      "/home/esser/memtest": 100804,
    },
  },
  ldSoCacheSize: 96234,
  user: esser,
  locale: "de_DE.UTF-8",
  pmap: "procps-3.2.8",
  ramBytes: 1024 ** 3,
  pmapAddressDigits: 16,
});

/** 32-bit userland and kernel layout, multiarch paths. */
export const quadamd: MachineProfile = Object.freeze<MachineProfile>({
  name: "quadamd",
  description: "the lecture's 32-bit machine: Linux 2.6.38, glibc 2.13 (embedded)",
  abi: "i386",
  generation: linux2638,
  glibc: "2.13",
  cpu: i686,
  uname: {
    sysname: "Linux",
    nodename: "quadamd",
    release: "2.6.38-8-generic",
    version: "#42-Ubuntu SMP Mon Apr 11 03:31:50 UTC 2011",
    machine: "i686",
    domainname: "(none)",
  },
  disk: {
    dev: 0x804,
    inodes: {
      "/lib/i386-linux-gnu/ld-2.13.so": 9569185,
      "/lib/i386-linux-gnu/libc-2.13.so": 1966089,
      "/lib/i386-linux-gnu/libgcc_s.so.1": 1966114,
      "/tmp/memtest": 1156248,
    },
  },
  ldSoCacheSize: 152940,
  user: esser,
  locale: "de_DE.UTF-8",
  pmap: "procps-3.2.8",
  ramBytes: 1024 ** 3,
  pmapAddressDigits: 8,
});
