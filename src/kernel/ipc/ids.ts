/** What the three kinds of System V IPC share: identifiers, keys and permissions (ipc/util.c). */
import { EACCES, EEXIST, EINVAL, ENOENT, ENOSPC, EPERM } from "../../abi/errno.ts";
import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE } from "../../abi/ipc.ts";
import { isPrivileged } from "../credentials.ts";
import type { Task } from "../task.ts";

/** The low bits of an identifier are its index, the others a sequence number. */
const INDEX_BITS = 15;
export const IPC_MAX = 1 << INDEX_BITS;
const MAX_SEQUENCE = 0x7fff_ffff >> INDEX_BITS;
/** Indices go round within at least so many before they are used again (ipc_min_cycle). */
const MIN_CYCLE = 64;

/** struct kern_ipc_perm: what every object starts with. */
export class IpcPermissions {
  /** IPC_PRIVATE once the object is only waiting for its end. */
  key: number;
  id = -1;
  seq = 0;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  mode: number;
  /** Removed: whoever still waits gets EIDRM. */
  deleted = false;

  constructor(task: Task, key: number, mode: number) {
    this.key = key;
    this.mode = mode;
    this.uid = this.cuid = task.creds.euid;
    this.gid = this.cgid = task.creds.egid;
  }

  /** ipcperms(): 0 or -EACCES. `wanted` has the bits of the three classes as a mode has them. */
  check(task: Task, wanted: number): number {
    const { creds } = task;
    const asked = (wanted >> 6) | (wanted >> 3) | wanted;
    let granted = this.mode;
    if (creds.euid === this.cuid || creds.euid === this.uid) granted >>= 6;
    else if (inGroup(task, this.cgid) || inGroup(task, this.gid)) granted >>= 3;
    return asked & ~granted & 7 && !isPrivileged(creds) ? -EACCES : 0;
  }

  /** IPC_SET and IPC_RMID are the owner's, the creator's and root's: 0 or -EPERM. */
  checkOwner(task: Task): number {
    const { euid } = task.creds;
    return euid === this.cuid || euid === this.uid || isPrivileged(task.creds) ? 0 : -EPERM;
  }

  /** ipc_update_perm(): 0, or -EINVAL for ids that are none. */
  update(change: { readonly uid: number; readonly gid: number; readonly mode: number }): number {
    if (change.uid >>> 0 === 0xffff_ffff || change.gid >>> 0 === 0xffff_ffff) return -EINVAL;
    this.uid = change.uid;
    this.gid = change.gid;
    this.mode = (this.mode & ~0o777) | (change.mode & 0o777);
    return 0;
  }
}

function inGroup(task: Task, gid: number): boolean {
  return task.creds.fsgid === gid || task.creds.groups.includes(gid);
}

export interface IpcObject {
  readonly perm: IpcPermissions;
}

/** All objects of one kind. */
export class IpcIds<T extends IpcObject> {
  readonly #objects = new Map<number, T>();
  #next = 0;
  #lastIndex = -1;
  #sequence = 0;

  get inUse(): number {
    return this.#objects.size;
  }

  /** The highest index in use, or -1. */
  get maxIndex(): number {
    return Math.max(-1, ...this.#objects.keys());
  }

  /** By index. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#objects]
      .sort(([a], [b]) => a - b)
      .map(([, object]) => object)
      [Symbol.iterator]();
  }

  /** ipcget(): the identifier, or -errno. `check` looks at an object that is there already. */
  get(task: Task, key: number, flags: number, create: () => T | number, check: (object: T) => number): number {
    const known = key === IPC_PRIVATE ? undefined : this.#byKey(key);
    if (known === undefined) {
      if (key !== IPC_PRIVATE && !(flags & IPC_CREAT)) return -ENOENT;
      const object = create();
      return typeof object === "number" ? object : object.perm.id;
    }
    if (flags & IPC_CREAT && flags & IPC_EXCL) return -EEXIST;
    const failed = check(known) || known.perm.check(task, flags);
    return failed < 0 ? failed : known.perm.id;
  }

  #byKey(key: number): T | undefined {
    for (const object of this.#objects.values()) if (object.perm.key === key) return object;
    return undefined;
  }

  /** ipc_addid(): gives a fresh object its identifier. 0, or -ENOSPC if there are `limit` already. */
  add(object: T, limit: number): number {
    if (this.inUse >= Math.min(limit, IPC_MAX)) return -ENOSPC;
    const end = Math.min(Math.max(Math.floor((this.inUse * 3) / 2), MIN_CYCLE), IPC_MAX);
    const index = this.#freeIndex(this.#next < end ? this.#next : 0, end);
    if (index < 0) return -ENOSPC;
    this.#next = index + 1;
    if (index <= this.#lastIndex && ++this.#sequence >= MAX_SEQUENCE) this.#sequence = 0;
    this.#lastIndex = index;
    object.perm.seq = this.#sequence;
    object.perm.id = (this.#sequence << INDEX_BITS) + index;
    this.#objects.set(index, object);
    return 0;
  }

  /** idr_alloc_cyclic(): the next free index in [start, end), else from 0 on. */
  #freeIndex(start: number, end: number): number {
    for (let index = start; index < end; index++) if (!this.#objects.has(index)) return index;
    for (let index = 0; index < start; index++) if (!this.#objects.has(index)) return index;
    return -1;
  }

  /** ipc_obtain_object_check(): the object of an identifier, or -EINVAL. */
  byId(id: number): T | number {
    const object = this.#objects.get(id & (IPC_MAX - 1));
    return object !== undefined && object.perm.id === id ? object : -EINVAL;
  }

  /** ipc_obtain_object_idr(): the object at an index (SHM_STAT and its kin), or -EINVAL. */
  byIndex(id: number): T | number {
    return this.#objects.get(id & (IPC_MAX - 1)) ?? -EINVAL;
  }

  /** As `byId`, for calls that are the owner's: -EINVAL, -EPERM. */
  owned(task: Task, id: number): T | number {
    const object = this.byId(id);
    if (typeof object === "number") return object;
    const refused = object.perm.checkOwner(task);
    return refused < 0 ? refused : object;
  }

  /** As `byId`, held to permissions. */
  permitted(task: Task, id: number, wanted: number): T | number {
    const object = this.byId(id);
    if (typeof object === "number") return object;
    const refused = object.perm.check(task, wanted);
    return refused < 0 ? refused : object;
  }

  /** What IPC_STAT, *_STAT and *_STAT_ANY look at: the object, or -errno. */
  forStat(task: Task, id: number, how: "id" | "index" | "any"): T | number {
    const object = how === "id" ? this.byId(id) : this.byIndex(id);
    if (typeof object === "number" || how === "any") return object;
    const refused = object.perm.check(task, 0o444);
    return refused < 0 ? refused : object;
  }

  remove(object: T): void {
    this.#objects.delete(object.perm.id & (IPC_MAX - 1));
    object.perm.deleted = true;
  }
}
