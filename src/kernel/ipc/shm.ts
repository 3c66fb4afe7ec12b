/** System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2) (ipc/shm.c). */
import { EINVAL, ENOMEM, ENOSPC, EPERM } from "../../abi/errno.ts";
import {
  IPC_PRIVATE,
  SHM_DEST,
  SHM_EXEC,
  SHM_HUGETLB,
  SHM_LOCKED,
  SHM_NORESERVE,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
} from "../../abi/ipc.ts";
import { MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { RLIMIT_MEMLOCK } from "../../abi/resource.ts";
import { pageUp } from "../../base/address.ts";
import { Overcommit } from "../../mm/system.ts";
import { isPrivileged } from "../credentials.ts";
import type { Kernel } from "../kernel.ts";
import type { Task } from "../task.ts";
import { IpcIds, IpcPermissions } from "./ids.ts";
import { Attachment, type AttachmentObserver, SharedSegment } from "./shm-segment.ts";

/** SHMMAX and SHMALL stand for ULONG_MAX - 2^24, which no number is exactly. */
export const SHM_UNLIMITED = 2 ** 64 - 2 ** 24;

export class SharedSegments implements AttachmentObserver {
  readonly ids = new IpcIds<SharedSegment>();
  readonly #kernel: Kernel;
  /** kernel.shmmax in bytes, shmall in pages, shmmni. */
  maxBytes = SHM_UNLIMITED;
  maxPages = SHM_UNLIMITED;
  maxSegments = 4096;
  /** kernel.shm_rmid_forced: a segment goes with its last attachment, marked or not. */
  removeUnattached = false;
  /** Pages of all segments. */
  totalPages = 0;
  readonly #charges = new Map<SharedSegment, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get #now(): number {
    return this.#kernel.clock.realtime().sec;
  }

  /** shmget(2): the identifier or -errno. */
  get(task: Task, key: number, size: number, flags: number): number {
    return this.ids.get(
      task,
      key,
      flags,
      () => this.#create(task, key, size, flags),
      (segment) => (segment.size < size ? -EINVAL : 0),
    );
  }

  /** newseg(). */
  #create(task: Task, key: number, size: number, flags: number): SharedSegment | number {
    const pages = Math.ceil(size / 4096);
    if (size < 1 || size > this.maxBytes) return -EINVAL;
    if (this.totalPages + pages > this.maxPages) return -ENOSPC;
    // no huge pages are set aside
    if (flags & SHM_HUGETLB) return -ENOMEM;
    const system = this.#kernel.memorySystem;
    const free = flags & SHM_NORESERVE && system.overcommitMemory !== Overcommit.never;
    const charged = free ? 0 : pages;
    if (charged > 0 && !system.charge(charged, task.mm.totalVm, task.mm.limits)) return -ENOMEM;
    const perm = new IpcPermissions(task, key, flags & 0o777);
    const segment = new SharedSegment(this.#kernel.physical, perm, size, task.pid, this.#now);
    const failed = this.ids.add(segment, this.maxSegments);
    if (failed < 0) {
      system.uncharge(charged);
      return failed;
    }
    this.#charges.set(segment, charged);
    this.totalPages += pages;
    return segment;
  }

  /** shmat(2): the address or -errno. */
  attach(task: Task, id: number, wanted: number, flags: number): number {
    let address = wanted;
    if (id < 0) return -EINVAL;
    if (address !== 0 && address % 4096 !== 0) {
      if (!(flags & SHM_RND)) return -EINVAL;
      address -= address % 4096;
      if (address === 0 && flags & SHM_REMAP) return -EINVAL;
    } else if (address === 0 && flags & SHM_REMAP) return -EINVAL;
    const readOnly = (flags & SHM_RDONLY) !== 0;
    const execute = (flags & SHM_EXEC) !== 0;
    const segment = this.ids.permitted(task, id, (readOnly ? 0o444 : 0o666) | (execute ? 0o111 : 0));
    if (typeof segment === "number") return segment;
    const { mm } = task;
    if (address !== 0 && !(flags & SHM_REMAP)) {
      const end = address + segment.size;
      if (end >= mm.wordLimit || mm.vmas.intersection(address, end)) return -EINVAL;
    }
    const prot = PROT_READ | (readOnly ? 0 : PROT_WRITE) | (execute ? PROT_EXEC : 0);
    const mapFlags = MAP_SHARED | (wanted !== 0 ? MAP_FIXED : 0);
    const file = new Attachment(segment, !readOnly, this);
    return mm.mmap({ addr: address, length: segment.size, prot, flags: mapFlags, file });
  }

  /** shmdt(2): what is left of the attachment that started at `address` goes. 0 or -EINVAL. */
  detach(task: Task, address: number): number {
    const { mm } = task;
    if (address % 4096 !== 0) return -EINVAL;
    let file: Attachment | undefined;
    for (let vma = mm.vmas.find(address); vma !== undefined; ) {
      const { next } = vma;
      if (file !== undefined && vma.end - address > pageUp(file.mappable.size)) break;
      const belongs = vma.file instanceof Attachment && (vma.start - address) / 4096 === vma.pgoff;
      if (belongs && (file === undefined || file === vma.file)) {
        file = vma.file as Attachment;
        mm.munmap(vma.start, vma.end - vma.start);
      }
      vma = next;
    }
    return file === undefined ? -EINVAL : 0;
  }

  /** IPC_RMID. */
  remove(task: Task, id: number): number {
    const segment = this.ids.owned(task, id);
    if (typeof segment === "number") return segment;
    if (segment.attachments === 0) this.#destroy(segment);
    else {
      segment.perm.mode |= SHM_DEST;
      segment.perm.key = IPC_PRIVATE;
    }
    return 0;
  }

  /** IPC_SET. */
  set(task: Task, id: number, change: { readonly uid: number; readonly gid: number; readonly mode: number }): number {
    const segment = this.ids.owned(task, id);
    if (typeof segment === "number") return segment;
    const failed = segment.perm.update(change);
    if (failed === 0) segment.changeTime = this.#now;
    return failed;
  }

  /** SHM_LOCK and SHM_UNLOCK: memory is never paged out, so that only the mark is left. */
  lock(task: Task, id: number, lock: boolean): number {
    const segment = this.ids.byId(id);
    if (typeof segment === "number") return segment;
    if (!isPrivileged(task.creds)) {
      const { euid } = task.creds;
      if (euid !== segment.perm.uid && euid !== segment.perm.cuid) return -EPERM;
      const limit = task.group.rlimits.get(RLIMIT_MEMLOCK).cur;
      if (lock && limit === 0) return -EPERM;
      if (lock && !(segment.perm.mode & SHM_LOCKED) && segment.size > limit) return -ENOMEM;
    }
    segment.perm.mode = lock ? segment.perm.mode | SHM_LOCKED : segment.perm.mode & ~SHM_LOCKED;
    return 0;
  }

  /** Pages of all segments that exist. */
  get residentPages(): number {
    let sum = 0;
    for (const segment of this.ids) sum += segment.residentPages;
    return sum;
  }

  attached(segment: SharedSegment): void {
    segment.attachments++;
    segment.attachTime = this.#now;
    segment.lastPid = this.#kernel.current?.pid ?? segment.lastPid;
  }

  detached(segment: SharedSegment): void {
    segment.attachments--;
    segment.detachTime = this.#now;
    segment.lastPid = this.#kernel.current?.pid ?? segment.lastPid;
    if (segment.attachments === 0 && (this.removeUnattached || segment.perm.mode & SHM_DEST)) this.#destroy(segment);
  }

  /** shm_destroy(). */
  #destroy(segment: SharedSegment): void {
    this.ids.remove(segment);
    this.totalPages -= segment.pageCount;
    this.#kernel.memorySystem.uncharge(this.#charges.get(segment) ?? 0);
    this.#charges.delete(segment);
    segment.release();
  }
}
