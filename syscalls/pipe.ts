/** pipe(2), pipe2(2): fs/pipe.c. */
import { EFAULT, EINVAL } from "../src/abi/errno.ts";
import { O_CLOEXEC, O_DIRECT, O_NONBLOCK } from "../src/abi/fcntl.ts";
import type { Task } from "../src/kernel/task.ts";
import { createPipe } from "../src/vfs/pipe.ts";
import { flagsOf, pointerTo } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fdPairText, OPEN_FLAGS } from "./format-file.ts";
import { installFile } from "./io.ts";

function makePipe(task: Task, address: number, flags: number): number {
  if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) return -EINVAL;
  const [reader, writer] = createPipe(task.kernel.vfs.pipes, flags & ~O_CLOEXEC, task.creds);
  const closeOnExec = (flags & O_CLOEXEC) !== 0;
  const readFd = installFile(task, reader, closeOnExec);
  if (readFd < 0) {
    writer.put();
    return readFd;
  }
  const writeFd = installFile(task, writer, closeOnExec);
  if (writeFd < 0) {
    task.files.close(readFd);
    return writeFd;
  }
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, readFd, true);
  view.setInt32(4, writeFd, true);
  if (task.mm.write(address, bytes) === 0) return 0;
  task.files.close(readFd);
  task.files.close(writeFd);
  return -EFAULT;
}

const pair = pointerTo("pipefd", "exit", fdPairText);

export const pipe = defineSyscall("pipe", [pair], (task, address) => makePipe(task, address, 0), { support: "full" });

export const pipe2 = defineSyscall("pipe2", [pair, flagsOf("flags", OPEN_FLAGS, "O_???")], makePipe, {
  support: "partial",
  note: "O_DIRECT (packet mode) is accepted and ignored",
});
