/**
 * The one seam between folio's core and where it runs. Files, clock, randomness, stdio and WebAssembly come in here and
 * nowhere else; record/replay and the browser plug in at this interface. Failures are `-errno` values (src/abi/errno.ts).
 */

/** stat(2) of a host file; times as seconds and nanoseconds. */
export interface HostStat {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  size: number;
  blksize: number;
  blocks: number;
  atime: HostTime;
  mtime: HostTime;
  ctime: HostTime;
  /** When the file was made, where the host's file system tells. */
  btime?: HostTime;
}

export interface HostTime {
  sec: number;
  nsec: number;
}

/** An open host file, read-only. */
export interface HostFile {
  /** Reads up to `into.length` bytes at `offset`; returns the count (0 at the end) or -errno. */
  pread(into: Uint8Array, offset: number): number;
  close(): void;
}

/** Host files, read-only. Paths are absolute host paths; no call follows a symlink in the last component. */
export interface HostFs {
  lstat(path: string): HostStat | number;
  readlink(path: string): string | number;
  /** Names without `.` and `..`, in the host's order. */
  readdir(path: string): string[] | number;
  openRead(path: string): HostFile | number;
}

/** The standard streams 0, 1, 2 of the folio process. */
export interface HostStdio {
  /** Blocking read; the count (0 at end of file) or -errno. */
  read(fd: number, into: Uint8Array): number;
  /**
   * As `read`, but -EAGAIN if there is nothing yet. Undefined where the host cannot tell for this descriptor, or where a read
   * never waits (a regular file); so is the method where it can tell for none.
   */
  readNow?(fd: number, into: Uint8Array): number | undefined;
  /** Writes everything or returns -errno (EPIPE when the reader is gone). The bytes change once the call is over. */
  write(fd: number, from: Uint8Array): number;
  isTerminal(fd: number): boolean;
  /** fstat of the stream (a pipe, a file or a terminal). */
  stat(fd: number): HostStat | number;
  /** Rows and columns if the stream is a terminal. */
  windowSize(fd: number): { rows: number; cols: number } | undefined;
}

export interface HostClock {
  /** CLOCK_REALTIME. */
  realtime(): HostTime;
  /** Nanoseconds of an arbitrary monotonic clock. */
  monotonicNs(): number;
  /** Blocks for so many nanoseconds (`--clock real`). */
  sleepNs(ns: number): void;
}

export interface HostRandom {
  fill(into: Uint8Array): void;
}

/** The few members of WebAssembly that the core uses. */
export interface HostWasm {
  /** A memory of `pages` 64 KiB pages, initial = maximum. */
  createMemory(pages: number): WasmMemory;
  /** A table of functions, all empty. */
  createTable(size: number): WasmTable;
  /** Compiles and instantiates `bytes` synchronously; returns the exports. */
  instantiate(bytes: Uint8Array, imports: WasmImports): WasmExports;
  /** The build's prepared modules by name (`interp`, `helpers`). */
  loadModule(name: string): Uint8Array;
  /** Much memory is no longer needed: it may be given back now. */
  collectGarbage?(): void;
  /** A set of templates that the build prepared for this very build of folio, if there is one. */
  loadTemplates?(set: string): Uint8Array | undefined;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export interface WasmTable {
  /** Sets an entry to an exported function, or empties it with null. */
  set(index: number, value: unknown): void;
}
export type WasmImports = Record<string, Record<string, unknown>>;
// biome-ignore lint/complexity/noBannedTypes: a wasm export is a function of unknown signature until its user narrows it
export type WasmExports = Record<string, Function | WasmMemory | unknown>;

/** folio's own messages (warnings, `--strace`, `--stats`): one line each, without a newline; goes to stderr or a file. */
export interface HostLog {
  line(text: string): void;
}

export interface Host {
  /** Path, for `fs`, of a data file of the build (images of the embedded C library); undefined if it is not there. */
  readonly assetPath?: (name: string) => string | undefined;
  readonly fs: HostFs;
  readonly stdio: HostStdio;
  readonly clock: HostClock;
  readonly random: HostRandom;
  readonly wasm: HostWasm;
  readonly log: HostLog;
}
