/** The names of POSIX message queues and their limits (ipc/mqueue.c, ipc/mq_sysctl.c). */
import { EACCES, EEXIST, EINVAL, EMFILE, ENAMETOOLONG, ENOENT, ENOSPC, EOVERFLOW } from "../../abi/errno.ts";
import { O_ACCMODE, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from "../../abi/fcntl.ts";
import { HARD_MSGMAX, HARD_MSGSIZEMAX, MQ_PRIO_MAX, MQUEUE_MAGIC } from "../../abi/mqueue.ts";
import { RLIMIT_MSGQUEUE } from "../../abi/resource.ts";
import { makeDev, S_IFDIR, S_IFREG } from "../../abi/stat.ts";
import type { WaitQueue } from "../../base/wait-queue.ts";
import { bytesOf } from "../../host/text.ts";
import { Dentry } from "../../vfs/dentry.ts";
import { DirectoryInode } from "../../vfs/directory.ts";
import type { File } from "../../vfs/file.ts";
import { SuperBlock } from "../../vfs/inode.ts";
import { inodePermission, MAY_READ, MAY_WRITE, mayDelete } from "../../vfs/permission.ts";
import type { Vfs } from "../../vfs/vfs.ts";
import { isPrivileged } from "../credentials.ts";
import type { Task } from "../task.ts";
import { MessageQueueInode } from "./queue.ts";

const NAME_MAX = 255;
/** sizeof(struct msg_msg) and sizeof(struct posix_msg_tree_node): a queue is charged for them. */
const HEAD_BYTES = 48;
const NODE_BYTES = 48;

export interface QueueAttributes {
  readonly maxmsg: number;
  readonly msgsize: number;
}

export class PosixQueues {
  /** fs.mqueue: queues_max, msg_max, msg_default, msgsize_max, msgsize_default. */
  limits = { queues: 256, messages: 10, messagesDefault: 10, size: 8192, sizeDefault: 8192 };
  readonly #root: DirectoryInode;
  /** By name; the file system is mounted nowhere, so that they have no parent. */
  readonly #dentries = new Map<string, Dentry>();
  readonly #sb: SuperBlock;
  /** Bytes that a user's queues are charged for (RLIMIT_MSGQUEUE). */
  readonly #charged = new Map<number, number>();
  #count = 0;

  constructor(vfs: Vfs) {
    this.#sb = new SuperBlock(vfs.context, "mqueue", makeDev(0, 20), MQUEUE_MAGIC);
    this.#root = new DirectoryInode(this.#sb, S_IFDIR | 0o1777);
  }

  /** lookup_noperm(): names are those of files in one directory. */
  #lookup(name: string): Dentry | number {
    if (name === "") return -ENOENT;
    if (name === "." || name === ".." || name.includes("/")) return -EACCES;
    return bytesOf(name).length > NAME_MAX ? -ENAMETOOLONG : (this.#dentries.get(name) ?? -ENOENT);
  }

  /** mq_open(2): the description, or -errno. */
  open(
    task: Task,
    name: string,
    flags: number,
    mode: number,
    attributes: QueueAttributes | undefined,
  ): File | WaitQueue | number {
    const known = this.#lookup(name);
    if (typeof known === "number") {
      if (known !== -ENOENT || name === "") return known;
      if (!(flags & O_CREAT)) return -ENOENT;
      const made = this.#create(task, name, mode & ~task.fs.umask, attributes);
      return typeof made === "number" ? made : made.inode.open(made, flags);
    }
    if (flags & O_CREAT && flags & O_EXCL) return -EEXIST;
    const access = flags & O_ACCMODE;
    if (access === (O_RDWR | O_WRONLY)) return -EINVAL;
    const wanted = (access !== O_WRONLY ? MAY_READ : 0) | (access !== O_RDONLY ? MAY_WRITE : 0);
    const denied = inodePermission(known.inode, wanted, task.creds);
    return denied < 0 ? denied : known.inode.open(known, flags);
  }

  /** mqueue_create_attr() and mqueue_get_inode(). */
  #create(task: Task, name: string, mode: number, attributes: QueueAttributes | undefined): Dentry | number {
    const { limits } = this;
    const privileged = isPrivileged(task.creds);
    if (this.#count >= limits.queues && !privileged) return -ENOSPC;
    const maxMessages = attributes?.maxmsg ?? Math.min(limits.messages, limits.messagesDefault);
    const messageSize = attributes?.msgsize ?? Math.min(limits.size, limits.sizeDefault);
    if (maxMessages <= 0 || messageSize <= 0) return -EINVAL;
    if (maxMessages > (privileged ? HARD_MSGMAX : limits.messages)) return -EINVAL;
    if (messageSize > (privileged ? HARD_MSGSIZEMAX : limits.size)) return -EINVAL;
    const bytes = maxMessages * (HEAD_BYTES + messageSize) + Math.min(maxMessages, MQ_PRIO_MAX) * NODE_BYTES;
    if (!Number.isSafeInteger(bytes)) return -EOVERFLOW;
    const { uid, fsuid, fsgid } = task.creds;
    const before = this.#charged.get(uid) ?? 0;
    if (before + bytes > task.group.rlimits.get(RLIMIT_MSGQUEUE).cur) return -EMFILE;
    this.#charged.set(uid, before + bytes);
    this.#count++;
    const ended = (): void => {
      this.#charged.set(uid, (this.#charged.get(uid) ?? 0) - bytes);
      this.#count--;
    };
    const owner = { uid: fsuid, gid: fsgid };
    const limit = { maxMessages, messageSize };
    const inode = new MessageQueueInode(this.#sb, S_IFREG | (mode & 0o7777), limit, owner, ended);
    const dentry = new Dentry(`/${name}`, undefined, inode);
    this.#dentries.set(name, dentry);
    return dentry;
  }

  /** mq_unlink(2). */
  unlink(task: Task, name: string): number {
    const known = this.#lookup(name);
    if (typeof known === "number") return known;
    const denied = mayDelete(this.#root, known.inode, task.creds);
    if (denied < 0) return denied;
    this.#dentries.delete(name);
    known.deleted = true;
    known.inode.nlink = 0;
    known.inode.evict();
    return 0;
  }
}
