/** pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2) (kernel/pid.c, kernel/signal.c). */
import { EBADF, EFAULT, EINVAL, EPERM, ESRCH } from "../src/abi/errno.ts";
import { O_NONBLOCK } from "../src/abi/fcntl.ts";
import { SI_TKILL, SI_USER } from "../src/abi/signal.ts";
import { isPrivileged } from "../src/kernel/credentials.ts";
import { PidFile } from "../src/kernel/pid-file.ts";
import { sigInfo } from "../src/kernel/siginfo.ts";
import { decodeSigInfo, SIGINFO_SIZE } from "../src/kernel/siginfo-layout.ts";
import type { Task } from "../src/kernel/task.ts";
import { checkKillPermission, sendToGroup } from "../src/kernel/task-signals.ts";
import { fd, flagsOf, int, intAs, pointer, uint } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, installFile, readBytes } from "./io.ts";
import { signalText } from "./struct-text.ts";

export const pidfdOpen = defineSyscall(
  "pidfd_open",
  [int("pid"), flagsOf("flags", [[O_NONBLOCK, "PIDFD_NONBLOCK"]], "PIDFD_???")],
  (task, pid, flags) => {
    if (flags & ~O_NONBLOCK || pid <= 0) return -EINVAL;
    const group = task.kernel.groups.get(pid);
    // a thread that leads no process
    if (group === undefined) return task.kernel.tasks.has(pid) ? -EINVAL : -ESRCH;
    return installFile(task, new PidFile(task.kernel, group, flags), true);
  },
  { support: "partial", note: "no PIDFD_THREAD" },
);

function pidFile(task: Task, number: number): PidFile | number {
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  return file instanceof PidFile ? file : -EBADF;
}

export const pidfdSendSignal = defineSyscall(
  "pidfd_send_signal",
  [fd("pidfd"), intAs("sig", (value) => signalText(value)), pointer("info"), uint("flags")],
  (task, number, signo, address, flags) => {
    if (flags !== 0) return -EINVAL;
    const file = pidFile(task, number);
    if (typeof file === "number") return file;
    let info = sigInfo({ signo, code: SI_USER, layout: "kill", pid: task.pid, uid: task.creds.uid });
    if (address !== 0) {
      const bytes = readBytes(task, address, SIGINFO_SIZE);
      if (bytes === undefined) return -EFAULT;
      info = decodeSigInfo(bytes, task.abi);
      if (info.signo !== signo) return -EINVAL;
      if (file.group !== task.group && (info.code >= 0 || info.code === SI_TKILL)) return -EPERM;
    }
    if (file.reaped) return -ESRCH;
    const denied = checkKillPermission(task, file.group.leader, signo);
    if (denied < 0) return denied;
    return signo === 0 ? 0 : sendToGroup(file.group, info);
  },
  { support: "partial", note: "no flags" },
);

export const pidfdGetfd = defineSyscall(
  "pidfd_getfd",
  [fd("pidfd"), fd("targetfd"), uint("flags")],
  (task, number, target, flags) => {
    if (flags !== 0) return -EINVAL;
    const pid = pidFile(task, number);
    if (typeof pid === "number") return pid;
    if (pid.reaped || pid.group.zombie) return -ESRCH;
    const owner = pid.group.leader;
    if (!isPrivileged(task.creds) && owner.creds.uid !== task.creds.euid) return -EPERM;
    const file = owner.files.get(target);
    return file === undefined ? -EBADF : installFile(task, file.get(), true);
  },
  { support: "full" },
);
