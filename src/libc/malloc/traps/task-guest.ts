/** The guest that Ptmalloc works on: the current task of a machine, its memory and its system calls. */
import { AT_SECURE } from "../../../abi/auxv.ts";
import { AT_FDCWD, O_CLOEXEC } from "../../../abi/fcntl.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE } from "../../../abi/mman.ts";
import { InternalError } from "../../../base/errors.ts";
import { bytesOf, textOf } from "../../../host/text.ts";
import { Gpr } from "../../../kernel/registers.ts";
import { callForTrap } from "../../../kernel/syscall-entry.ts";
import type { Task } from "../../../kernel/task.ts";
import type { MallocAddresses, MallocGuest, MessageStyle } from "../guest.ts";
import type { MallocImage, TlsSlot } from "./image.ts";
import { TaskMemory } from "./task-memory.ts";

/** System call numbers (arch/x86/entry/syscalls). */
export const CALLS = {
  amd64: {
    brk: 12,
    mmap: 9,
    munmap: 11,
    mremap: 25,
    mprotect: 10,
    madvise: 28,
    getrandom: 318,
    open: 2,
    openat: 257,
    read: 0,
    close: 3,
    write: 1,
    writev: 20,
    futex: 202,
    sched_getaffinity: 204,
  },
  i386: {
    brk: 45,
    mmap: 192,
    munmap: 91,
    mremap: 163,
    mprotect: 125,
    madvise: 219,
    getrandom: 355,
    open: 5,
    openat: 295,
    read: 3,
    close: 6,
    write: 4,
    writev: 146,
    futex: 240,
    sched_getaffinity: 242,
  },
} as const;
export type CallName = keyof (typeof CALLS)["amd64"];

const TUNABLES = "GLIBC_TUNABLES=";
const GRND_NONBLOCK = 1;
/** Below the stack pointer and its red zone: where the libc's own functions would have their buffers. */
const SCRATCH = 2048;
const OVERCOMMIT = "/proc/sys/vm/overcommit_memory\0";
const ONLINE = "/sys/devices/system/cpu/online\0";

export class TaskGuest extends TaskMemory implements MallocGuest {
  readonly image: MallocImage;
  readonly addresses: MallocAddresses;
  readonly #bias: number;
  #task: Task;
  #errno: number;
  #mayShrinkHeap: boolean | undefined;

  constructor(task: Task, image: MallocImage, bias: number) {
    super(task);
    this.#task = task;
    this.image = image;
    this.#bias = bias;
    const { tls } = image;
    this.#errno = this.#offset(tls.errno);
    this.addresses = this.#relocated({
      threadArena: this.#offset(tls.threadArena),
      tcache: this.#offset(tls.tcache),
      tcacheShuttingDown: this.#offset(tls.tcacheShuttingDown),
    });
  }

  override begin(task: Task): void {
    super.begin(task);
    this.#task = task;
  }

  /** The image's address `vaddr` in this process; NaN for one that is not known. */
  at(vaddr: number | undefined): number {
    return vaddr === undefined ? Number.NaN : this.#bias + vaddr;
  }

  #relocated(tls: MallocAddresses["tls"]): MallocAddresses {
    const { variables: v } = this.image;
    return {
      mainArena: this.at(v.mainArena),
      mp: this.at(v.mp),
      curbrk: this.at(v.curbrk),
      globalMaxFast: this.at(v.globalMaxFast),
      perturbByte: this.at(v.perturbByte),
      mallocInitialized: this.at(v.mallocInitialized),
      narenas: this.at(v.narenas),
      narenasLimit: this.at(v.narenasLimit),
      freeList: this.at(v.freeList),
      nextToUse: this.at(v.nextToUse),
      alignedHeapArea: this.at(v.alignedHeapArea),
      tcacheKey: this.at(v.tcacheKey),
      tcacheDummy: this.at(v.tcacheDummy),
      checkAction: this.at(v.checkAction),
      usingMallocChecking: this.at(v.usingMallocChecking),
      arenaMem: this.at(v.arenaMem),
      tls,
    };
  }

  /** Offset from the thread pointer: negative (variant II of the TLS ABI). */
  #offset(slot: TlsSlot | undefined): number {
    if (slot === undefined) return Number.NaN;
    if ("offset" in slot) return slot.offset;
    return this.read32(this.at(slot.got)) | 0;
  }

  get #is64(): boolean {
    return this.image.abi === "amd64";
  }

  /** Makes a system call that cannot block. */
  call(name: CallName, ...args: number[]): number {
    let result: number | undefined;
    callForTrap(this.#task, CALLS[this.image.abi][name], args, (value) => {
      result = value;
    });
    if (result === undefined) throw new InternalError(`${name} blocks in malloc`);
    super.begin(this.#task);
    return result;
  }

  brk(address: number): number {
    return this.call("brk", address);
  }

  mmap(address: number, length: number, prot: number, flags: number): number {
    return this.call("mmap", address, length, prot, flags | MAP_PRIVATE | MAP_ANONYMOUS, 0xffff_ffff, 0);
  }

  munmap(address: number, length: number): number {
    return this.call("munmap", address, length);
  }

  mremap(address: number, oldLength: number, newLength: number, flags: number): number {
    return this.call("mremap", address, oldLength, newLength, flags, 0);
  }

  mprotect(address: number, length: number, prot: number): number {
    return this.call("mprotect", address, length, prot);
  }

  madvise(address: number, length: number, advice: number): number {
    return this.call("madvise", address, length, advice);
  }

  /** Into the key itself, as tcache_key_initialize does it. */
  getrandom(length: number): Uint8Array | undefined {
    const { tcacheKey } = this.addresses;
    if (Number.isNaN(tcacheKey)) return undefined;
    const old = this.readBytes(tcacheKey, length);
    const count = this.call("getrandom", tcacheKey, length, GRND_NONBLOCK);
    const bytes = count === length ? this.readBytes(tcacheKey, length) : undefined;
    // The caller writes it through its journal.
    if (old !== undefined) this.writeBytes(tcacheKey, old);
    return bytes;
  }

  randomBits(): number {
    const now = this.#task.kernel.clock.monotonicNs;
    return (now ^ Math.floor(now / 1e9)) >>> 0;
  }

  /** Puts bytes below the stack, where nothing of the program's is; their address. */
  scratch(bytes: Uint8Array, offset = 0): number {
    const at = this.#task.kernel.cpu.state.gpr(Gpr.rsp) - SCRATCH - offset;
    return this.writeBytes(at, bytes) ? at : 0;
  }

  /** Reads the first bytes of a file as libc's own code does: open, read, close. */
  #readFile(path: string, length: number): string {
    const fd = this.call("openat", AT_FDCWD, this.scratch(bytesOf(path)), O_CLOEXEC);
    if (fd < 0) return "";
    const buffer = this.scratch(new Uint8Array(length), 2 * length);
    const count = this.call("read", fd, buffer, length);
    const bytes = count > 0 ? this.readBytes(buffer, count) : undefined;
    this.call("close", fd);
    return bytes === undefined ? "" : textOf(bytes);
  }

  /** check_may_shrink_heap (sysdeps/unix/sysv/linux/malloc-sysdep.h); 2.11 to 2.16 ask only whether the program is setuid. */
  mayShrinkHeap(): boolean {
    if (this.#mayShrinkHeap === undefined) {
      this.#mayShrinkHeap =
        this.secure() || (this.image.version.arenas === "limited" && this.#readFile(OVERCOMMIT, 1) === "2");
    }
    return this.#mayShrinkHeap;
  }

  /** __get_nprocs: the processors in /sys/devices/system/cpu/online (2.36 of Debian and before), else those allowed. */
  nprocs(): number {
    const list = this.#readFile(ONLINE, 1024).trim();
    if (/^[\d,-]+$/.test(list)) {
      let count = 0;
      for (const range of list.split(",")) {
        const [first, last = first] = range.split("-").map(Number);
        count += last - first + 1;
      }
      return count;
    }
    return this.#task.kernel.config.cpuCount;
  }

  programName(): string {
    const { mm } = this.#task;
    const name = mm.readCString(mm.argStart);
    return typeof name === "string" && mm.argEnd > mm.argStart ? name : "<unknown>";
  }

  environment(): readonly string[] {
    const { mm } = this.#task;
    if (this.image.environ !== undefined) return this.#strings(mm.readWord(this.at(this.image.environ)));
    const bytes = this.readBytes(mm.envStart, mm.envEnd - mm.envStart);
    if (bytes === undefined) return [];
    const list = textOf(bytes).split("\0").slice(0, -1);
    const tunables = list.findIndex((entry) => entry.startsWith(TUNABLES));
    if (tunables < 0) return list;
    // Up to 2.38 ld.so ends each value of it with a NUL where it stands, and puts a copy into the vector (parse_tunables).
    const vector = this.#strings(mm.startStack + (this.read32(mm.startStack) + 2) * mm.wordSize);
    list[tunables] = vector.find((entry) => entry.startsWith(TUNABLES)) ?? list[tunables];
    return list;
  }

  /** A vector of pointers to strings, ended by a null pointer. */
  #strings(vector: number): string[] {
    const { mm } = this.#task;
    const list: string[] = [];
    for (let at = vector; ; at += mm.wordSize) {
      const pointer = mm.readWord(at);
      const text = pointer > 0 ? mm.readCString(pointer) : -1;
      if (typeof text !== "string") return list;
      list.push(text);
    }
  }

  secure(): boolean {
    const { auxv, mm } = this.#task;
    const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.length);
    for (let at = 0; at + 2 * mm.wordSize <= auxv.length; at += 2 * mm.wordSize) {
      if (view.getUint32(at, true) === AT_SECURE) return view.getUint32(at + mm.wordSize, true) !== 0;
    }
    return false;
  }

  setErrno(value: number): void {
    this.write32(this.threadPointer() + this.#errno, value);
  }

  threadPointer(): number {
    const { state } = this.#task.kernel.cpu;
    return this.#is64 ? state.fsBase : state.gsBase;
  }

  singleThreaded(): boolean {
    const { singleThreaded } = this.image;
    if (singleThreaded === undefined) return true;
    if ("byte" in singleThreaded) return this.read8(this.at(singleThreaded.byte)) === 1;
    return this.read32(this.threadPointer() + singleThreaded.multipleThreads) === 0;
  }

  /** A message after which the program goes on: __libc_message without do_abort (2.11: sysdeps/unix/sysv/linux/libc_fatal.c). */
  message(text: string, _style: MessageStyle): void {
    const stderr = this.environment().some((entry) => /^LIBC_FATAL_STDERR_=./s.test(entry));
    const O_RDWR_NOCTTY_NONBLOCK = 0o4402;
    const tty = stderr ? -1 : this.call("open", this.scratch(bytesOf("/dev/tty\0")), O_RDWR_NOCTTY_NONBLOCK, 0);
    this.writeVector(tty < 0 ? 2 : tty, [`${text}\n`]);
  }

  /** The top of what `scratch` uses. */
  scratchTop(): number {
    return this.#task.kernel.cpu.state.gpr(Gpr.rsp);
  }

  /** write(2) to standard error. */
  writeText(text: string): void {
    this.call("write", 2, this.scratch(bytesOf(text), text.length), text.length);
  }

  /** writev(2) of these pieces. */
  writeVector(fd: number, pieces: readonly string[]): void {
    const { wordSize } = this.#task.mm;
    const vector = new Uint8Array(2 * wordSize * pieces.length);
    const view = new DataView(vector.buffer);
    const setWord = (at: number, value: number): void => {
      view.setUint32(at, value % 2 ** 32, true);
      if (wordSize === 8) view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
    };
    let offset = 0;
    pieces.forEach((piece, i) => {
      offset += piece.length;
      setWord(2 * wordSize * i, this.scratch(bytesOf(piece), offset));
      setWord(2 * wordSize * i + wordSize, piece.length);
    });
    this.call("writev", fd, this.scratch(vector, offset + vector.length), pieces.length);
  }
}
