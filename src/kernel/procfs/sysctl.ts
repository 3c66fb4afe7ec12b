/** /proc/sys: the settings that programs look at (Documentation/admin-guide/sysctl). Numbers that folio obeys can be set. */
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { DEFAULT_BUFFER, MAX_BUFFER, MAX_DGRAM_QUEUE, SOMAXCONN } from "../../abi/socket.ts";
import { FIRST_LOCAL_PORT, LAST_LOCAL_PORT } from "../../net/inet.ts";
import { isPrivileged } from "../credentials.ts";
import type { Kernel } from "../kernel.ts";
import { MQUEUE_SETTINGS } from "./mqueue.ts";
import { type ProcTextOptions, parseInteger } from "./nodes.ts";
import { fixed, ranged, type Setting } from "./setting.ts";
import { IPC_SETTINGS } from "./sysvipc.ts";

/** A fresh random UUID of version 4 (drivers/char/random.c, proc_do_uuid()). */
function uuid(kernel: Kernel): string {
  const bytes = new Uint8Array(16);
  kernel.random.fill(bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function inotifySetting(name: "queuedEvents" | "instances" | "watches"): Setting {
  return ranged(
    (kernel) => kernel.inotify[name],
    0,
    0x7fff_ffff,
    (kernel, value) => {
      kernel.inotify[name] = value;
    },
  );
}

/** Whether addresses are randomised at all is the personality of the first process; the sysctl tells the default. */
const RANDOMIZE = 2;

/** By path below /proc/sys. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  "fs/epoll/max_user_watches": fixed(1 << 20),
  "fs/file-max": fixed("9223372036854775807"),
  "fs/file-nr": fixed("0\t0\t9223372036854775807"),
  "fs/inotify/max_queued_events": inotifySetting("queuedEvents"),
  "fs/inotify/max_user_instances": inotifySetting("instances"),
  "fs/inotify/max_user_watches": inotifySetting("watches"),
  ...MQUEUE_SETTINGS,
  "fs/nr_open": fixed(1048576),
  "fs/pipe-max-size": fixed(1048576),
  "fs/pipe-user-pages-hard": fixed(0),
  "fs/pipe-user-pages-soft": fixed(16384),
  "fs/protected_hardlinks": fixed(1),
  "fs/protected_symlinks": fixed(1),
  "kernel/cap_last_cap": fixed(40),
  "kernel/core_pattern": fixed("core"),
  "kernel/domainname": { read: (kernel) => kernel.uts.domainname },
  "kernel/hostname": { read: (kernel) => kernel.uts.nodename },
  ...IPC_SETTINGS,
  "kernel/ngroups_max": fixed(65536),
  "kernel/osrelease": { read: (kernel) => kernel.uts.release },
  "kernel/ostype": { read: (kernel) => kernel.uts.sysname },
  "kernel/overflowgid": fixed(65534),
  "kernel/overflowuid": fixed(65534),
  "kernel/panic": fixed(0),
  "kernel/pid_max": { read: (kernel) => kernel.config.pidMax },
  "kernel/random/boot_id": fixed("00000000-0000-4000-8000-000000000000"),
  "kernel/random/entropy_avail": fixed(256),
  "kernel/random/poolsize": fixed(256),
  "kernel/random/uuid": { read: uuid },
  "kernel/randomize_va_space": fixed(RANDOMIZE),
  "kernel/pty/max": fixed(4096),
  "kernel/pty/nr": { read: (kernel) => kernel.ptys.indices.length },
  "kernel/rtsig-max": fixed(1024),
  "kernel/tainted": fixed(0),
  "kernel/threads-max": { read: (kernel) => kernel.maxThreads },
  "kernel/version": { read: (kernel) => kernel.uts.version },
  "kernel/yama/ptrace_scope": fixed(1),
  "net/core/rmem_default": fixed(DEFAULT_BUFFER),
  "net/core/rmem_max": fixed(MAX_BUFFER),
  "net/core/somaxconn": fixed(SOMAXCONN),
  "net/core/wmem_default": fixed(DEFAULT_BUFFER),
  "net/core/wmem_max": fixed(MAX_BUFFER),
  "net/ipv4/ip_local_port_range": fixed(`${FIRST_LOCAL_PORT}\t${LAST_LOCAL_PORT}`),
  "net/unix/max_dgram_qlen": fixed(MAX_DGRAM_QUEUE),
  "vm/dirty_ratio": fixed(20),
  "vm/legacy_va_layout": fixed(0),
  "vm/max_map_count": ranged(
    (kernel) => kernel.memorySystem.maxMapCount,
    0,
    0x7fffffff,
    (kernel, value) => {
      kernel.memorySystem.maxMapCount = value;
    },
  ),
  "vm/mmap_min_addr": { read: (kernel) => kernel.memorySystem.mmapMinAddr },
  "vm/mmap_rnd_bits": fixed(28),
  "vm/mmap_rnd_compat_bits": fixed(8),
  "vm/nr_hugepages": fixed(0),
  "vm/oom_dump_tasks": fixed(1),
  "vm/oom_kill_allocating_task": fixed(0),
  "vm/overcommit_kbytes": fixed(0),
  "vm/overcommit_memory": ranged(
    (kernel) => kernel.memorySystem.overcommitMemory,
    0,
    2,
    (kernel, value) => {
      kernel.memorySystem.overcommitMemory = value;
    },
  ),
  "vm/overcommit_ratio": ranged(
    (kernel) => kernel.memorySystem.overcommitRatio,
    0,
    0x7fffffff,
    (kernel, value) => {
      kernel.memorySystem.overcommitRatio = value;
    },
  ),
  "vm/panic_on_oom": fixed(0),
  "vm/swappiness": fixed(60),
};

export function settingMode(setting: Setting): number {
  return setting.write === undefined && setting.writeList === undefined ? 0o444 : 0o644;
}

export function settingOptions(kernel: Kernel, setting: Setting): ProcTextOptions {
  const { read, write, writeList } = setting;
  const options = { read: () => `${read(kernel)}\n` };
  if (write === undefined && writeList === undefined) return options;
  return {
    ...options,
    write: (text) => {
      const { current } = kernel;
      if (current !== undefined && !isPrivileged(current.creds)) return -EPERM;
      const values = text.trim().split(/\s+/).map(parseInteger);
      if (values.includes(undefined)) return -EINVAL;
      const numbers = values as number[];
      return writeList?.(kernel, numbers) ?? write?.(kernel, numbers[0]) ?? -EINVAL;
    },
  };
}
