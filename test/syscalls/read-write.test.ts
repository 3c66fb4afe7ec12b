/** read, write, pread, lseek, dup: results that a C program with the same calls printed on Linux 6.18. */
import { expect, test } from "vitest";
import { EBADF, EFAULT, EINVAL, EISDIR, EPIPE, ESPIPE } from "../../src/abi/errno.ts";
import { AT_FDCWD, O_APPEND, O_CREAT, O_PATH, O_RDWR, O_WRONLY } from "../../src/abi/fcntl.ts";
import { SIGPIPE } from "../../src/abi/signal.ts";
import { close, dup2, llseek, lseek, openat, pread64, pwrite64, read, write, writev } from "../../syscalls/file.ts";
import { pipe2 } from "../../syscalls/pipe.ts";
import { blocked, guestTask } from "../support/guest-task.ts";

const TREE = { f: "0123456789", d: { dir: {} } };

test("read moves the position, pread does not", () => {
  const guest = guestTask(TREE);
  const fd = guest.call(openat, AT_FDCWD, "/f", O_RDWR, 0);
  const buffer = guest.buffer(100);
  expect(guest.call(read, fd, buffer, 4)).toBe(4);
  expect(guest.call(pread64, fd, buffer, 3, 7)).toBe(3);
  expect(guest.text(buffer, 3)).toBe("789");
  expect(guest.call(read, fd, buffer, 100)).toBe(6);
  expect(guest.call(read, fd, buffer, 100)).toBe(0);
  expect(guest.call(pread64, fd, buffer, 3, -1)).toBe(-EINVAL);
  expect(guest.call(lseek, fd, -1, 0)).toBe(-EINVAL);
  expect(guest.call(lseek, fd, 5, 2)).toBe(15);
});

test("bad buffers and descriptors", () => {
  const guest = guestTask(TREE);
  const fd = guest.call(openat, AT_FDCWD, "/f", O_RDWR, 0);
  expect(guest.call(read, fd, 1, 5)).toBe(-EFAULT);
  expect(guest.call(lseek, fd, 0, 1)).toBe(0);
  expect(guest.call(write, fd, 1, 5)).toBe(-EFAULT);
  expect(guest.call(read, 99, 0, 0)).toBe(-EBADF);
  const directory = guest.call(openat, AT_FDCWD, "/d", 0, 0);
  expect(guest.call(read, directory, guest.buffer(1), 1)).toBe(-EISDIR);
  const path = guest.call(openat, AT_FDCWD, "/f", O_PATH, 0);
  expect(guest.call(read, path, guest.buffer(1), 1)).toBe(-EBADF);
});

test("with O_APPEND pwrite appends too", () => {
  const guest = guestTask(TREE);
  const fd = guest.call(openat, AT_FDCWD, "/f", O_WRONLY | O_APPEND, 0);
  expect(guest.call(pwrite64, fd, guest.put("zz"), 2, 0)).toBe(2);
  expect(guest.call(lseek, fd, 0, 2)).toBe(12);
  expect(guest.call(read, fd, guest.buffer(1), 1)).toBe(-EBADF);
});

test("writev gathers; an i386 iovec has words of four bytes", () => {
  const guest = guestTask(TREE, { abi: "i386" });
  const fd = guest.call(openat, AT_FDCWD, "/new", O_CREAT | O_RDWR, 0o600);
  const iov = guest.buffer(16);
  for (const [i, text] of ["ab", "cde"].entries()) {
    guest.task.mm.writeU32(iov + 8 * i, guest.put(text));
    guest.task.mm.writeU32(iov + 8 * i + 4, text.length);
  }
  expect(guest.call(writev, fd, iov, 2)).toBe(5);
  const result = guest.buffer(8);
  expect(guest.call(llseek, fd, 0, 1, result, 0)).toBe(0);
  expect(guest.bytes(result, 8)[0]).toBe(1);
  const buffer = guest.buffer(8);
  expect(guest.text(buffer, guest.call(read, fd, buffer, 8))).toBe("bcde");
});

test("a write that a pipe cannot take whole goes on when there is room", () => {
  const guest = guestTask();
  const pair = guest.buffer(8);
  expect(guest.call(pipe2, pair, 0)).toBe(0);
  const [reader, writer] = [guest.bytes(pair, 8)[0], guest.bytes(pair, 8)[4]];
  expect(guest.call(lseek, reader, 0, 1)).toBe(-ESPIPE);
  const data = guest.buffer(70_000);
  const sleep = blocked(guest.start(write, writer, data, 70_000));
  expect(sleep.interrupted()).toBe(65536);
  expect(guest.call(read, reader, guest.buffer(65536), 65536)).toBe(65536);
  expect(sleep.resume?.("wake")).toBe(70_000);
});

test("EPIPE comes with SIGPIPE", () => {
  const guest = guestTask();
  const pair = guest.buffer(8);
  guest.call(pipe2, pair, 0);
  guest.call(close, guest.bytes(pair, 8)[0]);
  expect(guest.call(write, guest.bytes(pair, 8)[4], guest.put("x"), 1)).toBe(-EPIPE);
  expect(guest.task.pending.set.has(SIGPIPE)).toBe(true);
});

test("dup2", () => {
  const guest = guestTask(TREE);
  const fd = guest.call(openat, AT_FDCWD, "/f", 0, 0);
  expect(guest.call(dup2, fd, 50)).toBe(50);
  expect(guest.call(lseek, 50, 4, 0)).toBe(4);
  expect(guest.call(lseek, fd, 0, 1)).toBe(4);
  expect(guest.call(dup2, 99, 99)).toBe(-EBADF);
  expect(guest.call(dup2, fd, -1)).toBe(-EBADF);
});
