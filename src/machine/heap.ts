/** A process's heap at a moment: finds its libc's malloc, folio's or a real one, and walks what that keeps in memory. */
import { AT_PHDR } from "../abi/auxv.ts";
import { SegmentRegister } from "../kernel/registers.ts";
import type { Task } from "../kernel/task.ts";
import { MANIFEST } from "../libc/embedded/manifest.generated.ts";
import type { ImageManifest } from "../libc/embedded/manifest.ts";
import { findMalloc, glibcVersion, mallocOfGlibc } from "../libc/malloc/traps/glibc-image.ts";
import type { MallocImage } from "../libc/malloc/traps/image.ts";
import { symbolMallocImage } from "../libc/malloc/traps/symbol-image.ts";
import { TaskGuest } from "../libc/malloc/traps/task-guest.ts";
import { type HeapReader, walkHeap } from "../libc/malloc/walk.ts";
import { Access } from "../memory/translation.ts";
import type { VmaView } from "../mm/address-space.ts";
import { VM_MAYSHARE, VM_WRITE } from "../mm/vm-flags.ts";
import type { HeapSnapshot } from "../report/model/heap.ts";
import type { File } from "../vfs/file.ts";
import { mallocImageOf } from "./embedded.ts";

const PAGE = 4096;
/** `libc.so.6`, `libc-2.31.so`. */
const LIBC_NAME = /\/(libc(?:-[\d.]+)?\.so(?:\.6)?)$/;

interface Located {
  readonly image: MallocImage;
  /** Where the image is loaded, less its own addresses. */
  readonly bias: number;
  readonly path: string;
}

/** The heap of the current task's process, or the reason why there is none to see. */
export function snapshotHeap(task: Task): HeapSnapshot | { readonly error: string } {
  const located = locateMalloc(task);
  if ("error" in located) return located;
  const { image, bias, path } = located;
  const guest = new TaskGuest(task, image, bias);
  const mappings = anonymousMappings(task);
  const threads = threadPointers(task);
  const walk = walkHeap(quietReader(task, guest), image.version, task.mm.wordSize, guest.addresses, {
    threads,
    mappings,
  });
  return { pid: task.pid, version: image.version.name, libc: path, threads, walk };
}

function locateMalloc(task: Task): Located | { readonly error: string } {
  let libc: { view: VmaView; name: string } | undefined;
  task.mm.forEachMapping((view) => {
    const name = LIBC_NAME.exec(view.name)?.[1];
    if (libc === undefined && name !== undefined && view.offset === 0) libc = { view, name };
  });
  if (libc === undefined) return locateStatic(task);
  const { view, name } = libc as { view: VmaView; name: string };
  const bytes = fileBytes(task, view.name);
  if (bytes === undefined) return { error: `${view.name} cannot be read` };
  const manifest: ImageManifest | undefined = MANIFEST[name];
  if (manifest !== undefined && manifest.size === bytes.length) {
    return { image: mallocImageOf(manifest), bias: view.start, path: view.name };
  }
  const release = glibcVersion(bytes);
  if (release === undefined) return { error: `${view.name} is no glibc` };
  const version = mallocOfGlibc(release);
  if (version === undefined) return { error: `${view.name} is glibc ${release}, whose malloc folio does not know` };
  const found = findMalloc(bytes, version);
  if ("error" in found) return { error: `${view.name}: ${found.error}` };
  return { image: found.image, bias: view.start, path: view.name };
}

function locateStatic(task: Task): Located | { readonly error: string } {
  const exe = task.kernel.exeOf(task.mm);
  const bytes = exe === undefined ? undefined : wholeFile(exe);
  const image = bytes === undefined ? undefined : symbolMallocImage(bytes);
  if (exe === undefined || bytes === undefined || image === undefined) {
    return { error: "there is no glibc in this process, or it is linked statically and has no symbols" };
  }
  return { image, bias: programBias(task, bytes), path: exe.dentry.displayPath() };
}

/** Where a program lies, less the addresses in its file: AT_PHDR tells (static-pie). */
function programBias(task: Task, bytes: Uint8Array): number {
  const { auxv, mm } = task;
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.length);
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const is64 = mm.wordSize === 8;
  const ET_DYN = 3;
  if (file.getUint16(16, true) !== ET_DYN) return 0;
  const phoff = file.getUint32(is64 ? 32 : 28, true);
  for (let at = 0; at + 2 * mm.wordSize <= auxv.length; at += 2 * mm.wordSize) {
    if (view.getUint32(at, true) !== AT_PHDR) continue;
    const low = view.getUint32(at + mm.wordSize, true);
    const high = is64 ? view.getUint32(at + mm.wordSize + 4, true) : 0;
    return high * 2 ** 32 + low - phoff;
  }
  return 0;
}

function fileBytes(task: Task, path: string): Uint8Array | undefined {
  const { vfs } = task.kernel;
  const file = vfs.openExecutable(vfs.superuser(), path);
  if (typeof file === "number") return undefined;
  const bytes = wholeFile(file);
  file.put();
  return bytes;
}

function wholeFile(file: File): Uint8Array | undefined {
  const bytes = new Uint8Array(file.inode.size);
  const count = file.pread(bytes, 0);
  return typeof count === "number" && count === bytes.length ? bytes : undefined;
}

/** Private writable memory without a name: where mmap of malloc may have put chunks. */
function anonymousMappings(task: Task): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  task.mm.forEachMapping(({ start, end, flags, ino, name }) => {
    const isPrivate = (flags & VM_WRITE) !== 0 && (flags & VM_MAYSHARE) === 0;
    if (isPrivate && ino === 0 && name === "") found.push({ start, end });
  });
  return found;
}

/** Thread pointers of all threads of the process. */
function threadPointers(task: Task): number[] {
  const { kernel, group } = task;
  const { state } = kernel.cpu;
  const pointers: number[] = [];
  const own = state.save();
  for (const thread of group.tasks.values()) {
    if (thread !== task && thread.saved === undefined) continue;
    if (thread !== task && thread.saved !== undefined) state.restore(thread.saved);
    if (thread.programAbi === "amd64") pointers.push(state.fsBase);
    else if (thread === task) pointers.push(state.gsBase);
    else {
      // The descriptor of another thread is loaded at the switch to it.
      const first = kernel.generation.kernelBits === 64 ? 12 : 6;
      const entry = (state.selector(SegmentRegister.gs) >> 3) - first;
      pointers.push(thread.tls[entry]?.base ?? 0);
    }
  }
  state.restore(own);
  return pointers.filter((pointer) => pointer !== 0);
}

/** Reads without changing what is resident: anonymous pages that were never touched are zero. */
function quietReader(task: Task, guest: TaskGuest): HeapReader {
  const { mm } = task;
  const anonymous = anonymousMappings(task);
  const isAbsent = (address: number): boolean =>
    anonymous.some(({ start, end }) => address >= start && address < end) &&
    mm.walk(Math.floor(address / PAGE), Access.read) < 0;
  const quiet = (read: (address: number) => number) => (address: number) => (isAbsent(address) ? 0 : read(address));
  return {
    read16: quiet((address) => guest.read16(address)),
    read32: quiet((address) => guest.read32(address)),
    read64: quiet((address) => guest.read64(address)),
  };
}
