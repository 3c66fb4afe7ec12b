/** What pipe(7) says; each case was first made with a C program on Linux 6.18, which gave the same numbers. */
import { expect, test } from "vitest";
import { EAGAIN, EBUSY, EPERM, EPIPE } from "../../src/abi/errno.ts";
import { O_NONBLOCK } from "../../src/abi/fcntl.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../src/abi/poll.ts";
import { WaitQueue } from "../../src/base/wait-queue.ts";
import { createPipe, type PipeFile } from "../../src/vfs/pipe.ts";
import { makeVfs, readText, writeText } from "./support.ts";

function pipe(flags = 0) {
  const { vfs } = makeVfs();
  return createPipe(vfs.pipes, flags, { fsuid: 0, fsgid: 0 });
}

test("bytes come out as they went in", () => {
  const [reader, writer] = pipe();
  writeText(writer, "one ");
  writeText(writer, "two");
  expect(readText(reader)).toBe("one two");
});

test("an empty pipe blocks, or gives EAGAIN; without writers it ends", () => {
  const [reader, writer] = pipe();
  expect(reader.read(new Uint8Array(1))).toBeInstanceOf(WaitQueue);
  reader.flags |= O_NONBLOCK;
  expect(reader.read(new Uint8Array(1))).toBe(-EAGAIN);
  writer.put();
  expect(reader.read(new Uint8Array(1))).toBe(0);
});

test("a writer without readers gets EPIPE", () => {
  const [reader, writer] = pipe();
  reader.put();
  expect(writeText(writer, "x")).toBe(-EPIPE);
  expect(writer.poll() & POLLERR).toBe(POLLERR);
});

test("a full pipe takes what fits of a large write and nothing of a small one", () => {
  const [reader, writer] = pipe(O_NONBLOCK);
  expect(writer.write(new Uint8Array(100_000))).toBe(65536);
  expect(writer.write(new Uint8Array(1))).toBe(-EAGAIN);
  // One byte read frees no page.
  expect(reader.read(new Uint8Array(1))).toBe(1);
  expect(writer.write(new Uint8Array(1))).toBe(-EAGAIN);
  expect(reader.read(new Uint8Array(4095))).toBe(4095);
  expect(writer.write(new Uint8Array(4096))).toBe(4096);
});

test("capacity is a power of two of pages, not below what is used", () => {
  const [, writer] = pipe(O_NONBLOCK);
  const end = writer as PipeFile;
  expect(end.capacity).toBe(65536);
  expect(end.setCapacity(5000, false)).toBe(8192);
  writer.write(new Uint8Array(8192));
  expect(end.setCapacity(4096, false)).toBe(-EBUSY);
  expect(end.setCapacity(1 << 21, false)).toBe(-EPERM);
});

test("poll", () => {
  const [reader, writer] = pipe();
  expect(reader.poll()).toBe(0);
  expect(writer.poll()).toBe(POLLOUT | POLLWRNORM);
  writeText(writer, "x");
  expect(reader.poll()).toBe(POLLIN | POLLRDNORM);
  writer.put();
  expect(reader.poll()).toBe(POLLIN | POLLRDNORM | POLLHUP);
});

test("readers are woken by a write", () => {
  const [reader, writer] = pipe();
  let woken = 0;
  reader.waitQueue?.add(() => woken++);
  writeText(writer, "x");
  expect(woken).toBe(1);
});
