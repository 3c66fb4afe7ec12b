/**
 * Advisory locks of a file (fs/locks.c): record locks of processes (fcntl(2), F_SETLK) and of open file descriptions
 * (F_OFD_SETLK), and the locks of flock(2), which know nothing of those.
 */
import { ENOLCK } from "../abi/errno.ts";
import { F_UNLCK, F_WRLCK, LOCK_EX, LOCK_UN } from "../abi/fcntl.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import type { PhysicalMemory } from "../memory/physical.ts";

/** What a lock takes of the machine's memory (struct file_lock). */
const LOCK_BYTES = 224;
/** MAX_DEADLK_ITERATIONS. */
const MAX_DEADLOCK_STEPS = 10;

/** A record lock; `end` is its last byte, Infinity for "to the end of the file, wherever that comes to be". */
export interface RecordLock {
  /** The descriptor table of a process, or an open file description. */
  readonly owner: object;
  /** Of the process; -1 for open file descriptions. */
  readonly pid: number;
  /** F_RDLCK, F_WRLCK; F_UNLCK in a request. */
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

/** Which process waits for which to give a record lock back; one machine has one. */
export class LockWaits {
  readonly #waits = new Set<{ readonly waiter: object; readonly holder: object }>();

  /** Notes a wait until the returned function is called. */
  add(waiter: object, holder: object): () => void {
    const wait = { waiter, holder };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }

  /** posix_locks_deadlock(): whether `holder` itself waits, over others perhaps, for `waiter`. */
  deadlock(waiter: object, holder: object): boolean {
    let at: object | undefined = holder;
    for (let step = 0; step < MAX_DEADLOCK_STEPS && at !== undefined; step++) {
      if (at === waiter) return true;
      at = this.#holderFor(at);
    }
    return false;
  }

  #holderFor(waiter: object): object | undefined {
    for (const wait of this.#waits) if (wait.waiter === waiter) return wait.holder;
    return undefined;
  }
}

export class FileLocks {
  /** Sleepers for any of the locks; each looks again. */
  readonly queue = new WaitQueue();
  readonly #frames: PhysicalMemory;
  #records: RecordLock[] = [];
  /** LOCK_SH or LOCK_EX by open file description. */
  readonly #flocks = new Map<object, number>();

  constructor(frames: PhysicalMemory) {
    this.#frames = frames;
  }

  /** The first lock in the way of `request` (posix_test_lock). */
  conflict(request: RecordLock): RecordLock | undefined {
    if (request.type === F_UNLCK) return undefined;
    return this.#records.find(
      (lock) =>
        lock.owner !== request.owner && overlap(lock, request) && (lock.type === F_WRLCK || request.type === F_WRLCK),
    );
  }

  /** The first lock of the request's own owner that overlaps it. */
  owned(request: RecordLock): RecordLock | undefined {
    return this.#records.find((lock) => lock.owner === request.owner && overlap(lock, request));
  }

  /** Grants a request that nothing is in the way of: cuts, joins and replaces the owner's locks. 0 or -ENOLCK. */
  set(request: RecordLock): number {
    if (this.#frames.scarce && request.type !== F_UNLCK) return -ENOLCK;
    const others = this.#records.filter((lock) => lock.owner !== request.owner);
    const own: RecordLock[] = request.type === F_UNLCK ? [] : [request];
    for (const lock of this.#records) {
      if (lock.owner !== request.owner) continue;
      if (!overlap(lock, request)) own.push(lock);
      else {
        if (lock.start < request.start) own.push({ ...lock, end: request.start - 1 });
        if (lock.end > request.end) own.push({ ...lock, start: request.end + 1 });
      }
    }
    this.#replace([...others, ...joined(own)]);
    return 0;
  }

  #replace(records: RecordLock[]): void {
    this.#frames.chargeKernel((records.length - this.#records.length) * LOCK_BYTES);
    this.#records = records;
    this.queue.wake();
  }

  /** close(2) by a process, or the end of a description: the record locks of this owner go. */
  releaseRecords(owner: object): void {
    if (this.#records.some((lock) => lock.owner === owner)) {
      this.#replace(this.#records.filter((lock) => lock.owner !== owner));
    }
  }

  /** flock(2): false if another description's lock is in the way. A lock that is to change kind is given up first. */
  flock(owner: object, kind: number): boolean {
    if (this.#flocks.get(owner) === kind) return true;
    this.releaseFlock(owner);
    if (kind === LOCK_UN) return true;
    for (const held of this.#flocks.values()) if (held === LOCK_EX || kind === LOCK_EX) return false;
    this.#flocks.set(owner, kind);
    return true;
  }

  releaseFlock(owner: object): void {
    if (this.#flocks.delete(owner)) this.queue.wake();
  }
}

function overlap(a: RecordLock, b: RecordLock): boolean {
  return a.start <= b.end && b.start <= a.end;
}

/** One owner's locks in order, neighbours of one type as one. */
function joined(locks: readonly RecordLock[]): RecordLock[] {
  const result: RecordLock[] = [];
  for (const lock of [...locks].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last?.type === lock.type && last.end + 1 === lock.start)
      result[result.length - 1] = { ...lock, start: last.start };
    else result.push(lock);
  }
  return result;
}
