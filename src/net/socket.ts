/** What the sockets of all families share (net/socket.c, net/core/sock.c): the file, the receive queue, options. */
import { EAGAIN, EINVAL, EOPNOTSUPP, EPIPE } from "../abi/errno.ts";
import { O_NONBLOCK, O_RDWR } from "../abi/fcntl.ts";
import { FIONREAD, TIOCOUTQ } from "../abi/ioctl.ts";
import {
  DEFAULT_BUFFER,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../abi/socket.ts";
import { S_IFSOCK } from "../abi/stat.ts";
import { WaitQueue } from "../base/wait-queue.ts";
import { Dentry } from "../vfs/dentry.ts";
import { File } from "../vfs/file.ts";
import { Inode } from "../vfs/inode.ts";
import type { FsUser } from "../vfs/namei.ts";
import type { IoResult, UserMemory } from "../vfs/types.ts";
import { writeInt } from "../vfs/user-memory.ts";
import type { Vfs } from "../vfs/vfs.ts";

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;

/** struct ucred. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who asks. */
export interface SocketUser extends PeerCredentials {
  readonly user: FsUser;
  readonly vfs: Vfs;
}

/** The machine around the sockets. */
export interface SocketHost {
  readonly vfs: Vfs;
  /** Who calls write(2). */
  writer(): SocketUser | undefined;
}

/** What one send put into a queue (struct sk_buff). */
export interface Packet {
  readonly bytes: Uint8Array;
  start: number;
  readonly truesize: number;
  readonly sender: SocketFile;
  /** The sender's address, as recvfrom(2) gives it. */
  readonly from: Uint8Array;
  /** SCM_RIGHTS; each with a reference. */
  files: readonly File[];
  readonly credentials: PeerCredentials | undefined;
}

export interface SendRequest {
  readonly bytes: Uint8Array;
  readonly flags: number;
  readonly address: Uint8Array | undefined;
  readonly files: readonly File[];
  readonly credentials: PeerCredentials | undefined;
  readonly by: SocketUser;
}

export interface Received {
  readonly bytes: Uint8Array;
  /** The length to report: with MSG_TRUNC that of the whole packet. */
  readonly length: number;
  readonly truncated: boolean;
  readonly from: Uint8Array | undefined;
  readonly files: readonly File[];
  readonly credentials: PeerCredentials | undefined;
}

export class SocketInode extends Inode {}

/** SKB_TRUESIZE of what sock_alloc_send_pskb() allocates for `length` bytes: a head from kmalloc, and pages for the rest. */
export function truesize(length: number): number {
  const headMax = 3776;
  const paged = length > headMax ? Math.min(length, Math.ceil((length - headMax) / 4096) * 4096) : 0;
  const head = Math.ceil((length - paged) / 64) * 64 + 320;
  let slab = 512;
  while (slab < head) slab *= 2;
  return 256 + slab + Math.ceil(paged / 4096) * 4096;
}

export abstract class SocketFile extends File {
  protected readonly net: SocketHost;
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  /** All sleepers; each looks again. */
  readonly queue = new WaitQueue();
  protected packets: Packet[] = [];
  /** truesize of what this socket sent and nobody has received. */
  sentSize = 0;
  shutdownMask = 0;
  /** SO_ERROR. */
  pendingError = 0;
  sendBuffer = DEFAULT_BUFFER;
  receiveBuffer = DEFAULT_BUFFER;
  /** SO_RCVTIMEO, SO_SNDTIMEO; Infinity without. */
  receiveTimeoutNs = Number.POSITIVE_INFINITY;
  sendTimeoutNs = Number.POSITIVE_INFINITY;
  passCredentials = false;
  /** Other options, by level and name: what was set is given back. */
  readonly options = new Map<string, Uint8Array>();
  closed = false;

  constructor(net: SocketHost, domain: number, type: number, protocol: number, flags: number) {
    const inode = new SocketInode(net.vfs.sockets, S_IFSOCK | 0o777, {});
    super(new Dentry(`socket:[${inode.ino}]`, undefined, inode), O_RDWR | (flags & O_NONBLOCK));
    this.net = net;
    this.domain = domain;
    this.type = type;
    this.protocol = protocol;
  }

  abstract bind(address: Uint8Array, by: SocketUser): number;
  abstract connect(address: Uint8Array, by: SocketUser): IoResult;
  abstract listen(backlog: number, by: SocketUser): number;
  abstract accept(flags: number): SocketFile | number | WaitQueue;
  abstract send(request: SendRequest): IoResult;
  /** Why nothing can be sent, whatever it is: 0 or -errno. */
  get sendBlocked(): number {
    return 0;
  }

  abstract get localAddress(): Uint8Array;
  /** Undefined: not connected. */
  abstract get peerAddress(): Uint8Array | undefined;
  abstract get listening(): boolean;
  abstract get peerCredentials(): PeerCredentials;
  /** The result of receiving when nothing is there: 0, -errno, or undefined to wait. */
  protected abstract emptyResult(nonBlocking: boolean): number | undefined;

  override get seekable(): boolean {
    return false;
  }

  override get readsWhole(): boolean {
    return true;
  }

  override get waitQueue(): WaitQueue {
    return this.queue;
  }

  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }

  /** sock_error(): the pending error, once. */
  takeError(): number {
    const error = this.pendingError;
    this.pendingError = 0;
    return -error;
  }

  /** Puts a packet into this socket's queue. */
  enqueue(packet: Packet): void {
    packet.sender.sentSize += packet.truesize;
    this.inode.sb.context.frames.chargeKernel(packet.truesize);
    this.packets.push(packet);
    this.queue.wake();
  }

  #consume(packet: Packet): void {
    this.packets.shift();
    this.#free(packet);
  }

  #free(packet: Packet): void {
    this.inode.sb.context.frames.chargeKernel(-packet.truesize);
    packet.sender.sentSize -= packet.truesize;
    packet.sender.queue.wake();
  }

  protected get hasUnread(): boolean {
    return this.packets.length > 0;
  }

  /** Throws away what was not received. */
  protected dropPackets(): void {
    for (const packet of this.packets.splice(0)) {
      this.#free(packet);
      for (const file of packet.files) file.put();
    }
  }

  get queuedBytes(): number {
    let sum = 0;
    for (const { bytes, start } of this.packets) sum += bytes.length - start;
    return sum;
  }

  /** recvmsg(): up to `length` bytes; MSG_PEEK, MSG_TRUNC, MSG_WAITALL and MSG_DONTWAIT count. */
  receive(length: number, flags: number): Received | number | WaitQueue {
    const nonBlocking = this.nonBlocking || (flags & MSG_DONTWAIT) !== 0;
    if (this.packets.length === 0 || (this.isStream && this.mayNotRead)) {
      if (this.pendingError !== 0) return this.takeError();
      const empty = this.emptyResult(nonBlocking);
      if (empty !== undefined) return empty;
      return nonBlocking ? -EAGAIN : this.queue;
    }
    if (!this.isStream) return this.#receivePacket(length, flags);
    const waits = (flags & MSG_WAITALL) !== 0 && !nonBlocking && !(flags & MSG_PEEK);
    if (waits && this.queuedBytes < length && this.emptyResult(false) === undefined && !this.#hasFiles)
      return this.queue;
    return this.#receiveStream(length, flags);
  }

  /** A stream that cannot be read whatever is queued (a listening one). */
  protected get mayNotRead(): boolean {
    return this.listening;
  }

  get #hasFiles(): boolean {
    return this.packets.some(({ files }) => files.length > 0);
  }

  #receivePacket(length: number, flags: number): Received {
    const packet = this.packets[0];
    const whole = packet.bytes.length;
    const bytes = packet.bytes.subarray(0, Math.min(length, whole));
    const truncated = length < whole;
    const reported = flags & MSG_TRUNC ? whole : bytes.length;
    const peek = (flags & MSG_PEEK) !== 0;
    const files = peek ? packet.files.map((file) => file.get()) : packet.files;
    if (!peek) this.#consume(packet);
    return { bytes, length: reported, truncated, from: packet.from, files, credentials: packet.credentials };
  }

  /** Bytes of one packet after the other; descriptors end the read, and so do other credentials where those are asked for. */
  #receiveStream(length: number, flags: number): Received {
    const peek = (flags & MSG_PEEK) !== 0;
    const into = new Uint8Array(Math.min(length, this.queuedBytes));
    let done = 0;
    let files: readonly File[] = [];
    const first = this.packets[0];
    for (let index = 0; done < into.length && index < this.packets.length; ) {
      const packet = this.packets[index];
      if (this.passCredentials && !sameCredentials(packet.credentials, first.credentials)) break;
      const count = Math.min(into.length - done, packet.bytes.length - packet.start);
      into.set(packet.bytes.subarray(packet.start, packet.start + count), done);
      done += count;
      files = peek ? packet.files.map((file) => file.get()) : packet.files;
      if (peek) index++;
      else {
        packet.files = [];
        packet.start += count;
        if (packet.start === packet.bytes.length) this.#consume(packet);
      }
      if (files.length > 0) break;
    }
    const { credentials, from } = first;
    return { bytes: into.subarray(0, done), length: done, truncated: false, from, files, credentials };
  }

  override read(into: Uint8Array): IoResult {
    const got = this.receive(into.length, 0);
    if (typeof got === "number" || got instanceof WaitQueue) return got;
    into.set(got.bytes);
    for (const file of got.files) file.put();
    return got.bytes.length;
  }

  override write(from: Uint8Array): IoResult {
    const by = this.net.writer();
    if (by === undefined) return -EPIPE;
    return this.send({ bytes: from, flags: 0, address: undefined, files: [], credentials: undefined, by });
  }

  /** shutdown(2) of this end; the family tells the other. */
  protected markShutdown(how: number): number {
    if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
    const mask = how === SHUT_RD ? RCV_SHUTDOWN : how === SHUT_WR ? SEND_SHUTDOWN : RCV_SHUTDOWN | SEND_SHUTDOWN;
    this.shutdownMask |= mask;
    this.queue.wake();
    return mask;
  }

  abstract shutdown(how: number): number;

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    if (command === FIONREAD) {
      if (this.listening) return -EINVAL;
      const first = this.packets[0];
      return writeInt(memory, argument, this.type === SOCK_DGRAM ? (first?.bytes.length ?? 0) : this.queuedBytes);
    }
    if (command === TIOCOUTQ) return writeInt(memory, argument, this.sentSize);
    return super.ioctl(command, argument, memory);
  }

  override get available(): number {
    return this.queuedBytes;
  }

  protected notSupported(): number {
    return -EOPNOTSUPP;
  }
}

function sameCredentials(a: PeerCredentials | undefined, b: PeerCredentials | undefined): boolean {
  return a?.pid === b?.pid && a?.uid === b?.uid && a?.gid === b?.gid;
}
