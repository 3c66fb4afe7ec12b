/** signalfd(2), signalfd4(2). */
import { EFAULT, EINVAL } from "../src/abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK } from "../src/abi/fcntl.ts";
import { FrameReader } from "../src/kernel/frame-writer.ts";
import { SignalFile } from "../src/kernel/signal-file.ts";
import { SignalSet } from "../src/kernel/signal-set.ts";
import type { Task } from "../src/kernel/task.ts";
import { fd, flagsOf, sizeT } from "./codecs.ts";
import { defineSyscall } from "./define.ts";
import { fileOf, installFile, readBytes } from "./io.ts";
import type { NameTable } from "./strace-text.ts";
import { sigset } from "./struct-text.ts";

const FLAGS: NameTable = [
  [O_CLOEXEC, "SFD_CLOEXEC"],
  [O_NONBLOCK, "SFD_NONBLOCK"],
];

/** do_signalfd4(): a new descriptor for -1, else another mask for an old one. */
function makeSignalfd(task: Task, number: number, address: number, size: number, flags: number): number {
  if (size !== 8) return -EINVAL;
  const bytes = readBytes(task, address, 8);
  if (bytes === undefined) return -EFAULT;
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) return -EINVAL;
  const from = new FrameReader(bytes);
  const mask = new SignalSet(from.i32(0), from.i32(4));
  if (number === -1) {
    return installFile(task, new SignalFile(task.kernel, mask, flags), (flags & O_CLOEXEC) !== 0);
  }
  const file = fileOf(task, number);
  if (typeof file === "number") return file;
  if (!(file instanceof SignalFile)) return -EINVAL;
  file.setMask(mask);
  return number;
}

export const signalfd = defineSyscall(
  "signalfd",
  [fd(), sigset("mask", "entry"), sizeT("sizemask")],
  (task, number, address, size) => makeSignalfd(task, number, address, size, 0),
  { support: "full" },
);

export const signalfd4 = defineSyscall(
  "signalfd4",
  [fd(), sigset("mask", "entry"), sizeT("sizemask"), flagsOf("flags", FLAGS, "SFD_???")],
  makeSignalfd,
  { support: "full" },
);
