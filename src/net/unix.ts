/** Sockets of the local machine (unix(7), net/unix/af_unix.c). */
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPIPE,
  EPROTOTYPE,
} from "../abi/errno.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../abi/poll.ts";
import { AF_UNIX, MAX_DGRAM_QUEUE, MSG_DONTWAIT, MSG_OOB, SOCK_DGRAM, SOMAXCONN, UNIX_ADDRESS } from "../abi/socket.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import { textOf } from "../host/text.ts";
import { bindSocket, mayBind } from "../vfs/names.ts";
import { inodePermission, MAY_WRITE } from "../vfs/permission.ts";
import type { IoResult } from "../vfs/types.ts";
import {
  type PeerCredentials,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  type SendRequest,
  SocketFile,
  type SocketHost,
  type SocketUser,
  truesize,
} from "./socket.ts";

const NOBODY: PeerCredentials = { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };
const UNNAMED = Uint8Array.of(AF_UNIX, 0);

/** The sockets of a machine that have names: by inode for paths, by their bytes in the abstract namespace. */
export class UnixNames {
  readonly byInode = new WeakMap<object, UnixSocket>();
  readonly abstract = new Map<string, UnixSocket>();
  #nextAuto = 0;

  /** unix_autobind(): five hexadecimal digits. */
  nextAuto(): string {
    return `\0${(this.#nextAuto++).toString(16).padStart(5, "0")}`;
  }
}

function nameOf(address: Uint8Array): string {
  return textOf(address.subarray(2));
}

/** The path without what follows its NUL. */
function pathOf(address: Uint8Array): string {
  const name = nameOf(address);
  const end = name.indexOf("\0");
  return end < 0 ? name : name.slice(0, end);
}

export class UnixSocket extends SocketFile {
  readonly #names: UnixNames;
  #address: Uint8Array | undefined;
  #state: "new" | "listening" | "connected" = "new";
  /** Where a datagram socket sends to; the other end of a stream. */
  #peer: UnixSocket | undefined;
  #pending: UnixSocket[] = [];
  #backlog = 0;
  #credentials: PeerCredentials = NOBODY;
  #peerCredentials: PeerCredentials = NOBODY;

  constructor(net: SocketHost, names: UnixNames, type: number, flags: number) {
    super(net, AF_UNIX, type, 0, flags);
    this.#names = names;
  }

  /** socketpair(2). */
  static pair(
    net: SocketHost,
    names: UnixNames,
    type: number,
    flags: number,
    by: PeerCredentials,
  ): [UnixSocket, UnixSocket] {
    const a = new UnixSocket(net, names, type, flags);
    const b = new UnixSocket(net, names, type, flags);
    a.#join(b, by);
    b.#join(a, by);
    return [a, b];
  }

  #join(peer: UnixSocket, peerCredentials: PeerCredentials): void {
    this.#peer = peer;
    this.#state = "connected";
    this.#peerCredentials = peerCredentials;
  }

  override get listening(): boolean {
    return this.#state === "listening";
  }

  /** unix_seqpacket_sendmsg(). */
  override get sendBlocked(): number {
    if (this.isStream || this.type === SOCK_DGRAM || this.#state === "connected") return 0;
    return this.pendingError !== 0 ? this.takeError() : -ENOTCONN;
  }

  override get localAddress(): Uint8Array {
    return this.#address ?? UNNAMED;
  }

  override get peerAddress(): Uint8Array | undefined {
    return this.#peer?.localAddress;
  }

  override get peerCredentials(): PeerCredentials {
    return this.listening ? this.#credentials : this.#peerCredentials;
  }

  override bind(address: Uint8Array, by: SocketUser): number {
    if (address.length > UNIX_ADDRESS || (address.length >= 2 && (address[0] | (address[1] << 8)) !== AF_UNIX)) {
      return -EINVAL;
    }
    if (address.length < 2) return -EINVAL;
    if (address.length === 2) return this.#autobind();
    if (address[2] === 0) {
      if (this.#address !== undefined) return -EINVAL;
      const name = nameOf(address);
      if (this.#names.abstract.has(this.#key(name))) return -EADDRINUSE;
      this.#names.abstract.set(this.#key(name), this);
      this.#address = address;
      return 0;
    }
    const path = pathOf(address);
    if (this.#address !== undefined) {
      const taken = mayBind(by.user, path);
      return taken < 0 ? taken : -EINVAL;
    }
    const inode = bindSocket(this.net.vfs, by.user, path, this.inode.mode);
    if (typeof inode === "number") return inode;
    this.#names.byInode.set(inode, this);
    // the kernel keeps the path with its NUL
    const kept = new Uint8Array(3 + path.length);
    kept.set(address.subarray(0, 2 + path.length));
    this.#address = kept;
    return 0;
  }

  /** The abstract namespace has each name once for each type. */
  #key(name: string): string {
    return `${this.type}${name}`;
  }

  #autobind(): number {
    if (this.#address !== undefined) return 0;
    let name = this.#names.nextAuto();
    while (this.#names.abstract.has(this.#key(name))) name = this.#names.nextAuto();
    this.#names.abstract.set(this.#key(name), this);
    this.#address = Uint8Array.of(AF_UNIX, 0, ...[...name].map((char) => char.charCodeAt(0)));
    return 0;
  }

  /** unix_find_other(): the socket of an address, or -errno. */
  #find(address: Uint8Array, by: SocketUser): UnixSocket | number {
    if (address.length <= 2 || address.length > UNIX_ADDRESS || (address[0] | (address[1] << 8)) !== AF_UNIX) {
      return -EINVAL;
    }
    let found: UnixSocket | undefined;
    if (address[2] === 0) found = this.#names.abstract.get(this.#key(nameOf(address)));
    else {
      const dentry = this.net.vfs.walk(by.user, pathOf(address));
      if (typeof dentry === "number") return dentry;
      if (inodePermission(dentry.inode, MAY_WRITE, by.user.creds) < 0) return -EACCES;
      found = this.#names.byInode.get(dentry.inode);
    }
    if (found === undefined || found.closed) return -ECONNREFUSED;
    return found.type === this.type ? found : -EPROTOTYPE;
  }

  override connect(address: Uint8Array, by: SocketUser): IoResult {
    if (address.length < 2) return -EINVAL;
    if (this.type === SOCK_DGRAM) return this.#connectDatagram(address, by);
    const other = this.#find(address, by);
    if (typeof other === "number") return other;
    if (!other.listening || other.shutdownMask & RCV_SHUTDOWN) return -ECONNREFUSED;
    if (this.#state === "connected") return -EISCONN;
    if (this.#state === "listening") return -EINVAL;
    if (other.#pending.length > other.#backlog) return this.nonBlocking ? -EAGAIN : other.queue;
    const { pid, uid, gid } = by;
    const end = new UnixSocket(this.net, this.#names, this.type, 0);
    end.#join(this, { pid, uid, gid });
    end.#address = other.#address;
    this.#join(end, other.#credentials);
    other.#pending.push(end);
    other.queue.wake();
    this.queue.wake();
    return 0;
  }

  #connectDatagram(address: Uint8Array, by: SocketUser): number {
    if ((address[0] | (address[1] << 8)) === 0) {
      this.#peer = undefined;
      this.#state = "new";
      return 0;
    }
    const other = this.#find(address, by);
    if (typeof other === "number") return other;
    if (other.#peer !== undefined && other.#peer !== this) return -EPERM;
    this.#peer = other;
    this.#state = "connected";
    return 0;
  }

  override listen(backlog: number, by: SocketUser): number {
    if (this.type === SOCK_DGRAM) return -EOPNOTSUPP;
    if (this.#address === undefined) return -EINVAL;
    if (this.#state === "connected") return -EINVAL;
    this.#state = "listening";
    this.#backlog = Math.min(backlog >>> 0, SOMAXCONN);
    const { pid, uid, gid } = by;
    this.#credentials = { pid, uid, gid };
    this.queue.wake();
    return 0;
  }

  override accept(flags: number): SocketFile | number | WaitQueue {
    if (this.type === SOCK_DGRAM) return -EOPNOTSUPP;
    if (!this.listening) return -EINVAL;
    const next = this.#pending.shift();
    if (next === undefined) {
      if (this.shutdownMask & RCV_SHUTDOWN) return -EINVAL;
      return this.nonBlocking ? -EAGAIN : this.queue;
    }
    next.flags |= flags;
    this.queue.wake();
    return next;
  }

  override send(request: SendRequest): IoResult {
    if (request.flags & MSG_OOB) return -EOPNOTSUPP;
    return this.type === SOCK_DGRAM ? this.#sendDatagram(request) : this.#sendConnected(request);
  }

  #sendConnected(request: SendRequest): IoResult {
    const { bytes, flags, address } = request;
    const other = this.#peer;
    if (this.isStream && address !== undefined) return this.#state === "connected" ? -EISCONN : -EOPNOTSUPP;
    if (!this.isStream) {
      if (this.pendingError !== 0) return this.takeError();
      if (this.#state !== "connected") return -ENOTCONN;
      if (bytes.length > this.sendBuffer - 32) return -EMSGSIZE;
    }
    if (this.isStream && other === undefined) return -ENOTCONN;
    if (other === undefined || this.shutdownMask & SEND_SHUTDOWN) return -EPIPE;
    if (other.closed || other.shutdownMask & RCV_SHUTDOWN) return -EPIPE;
    if (!this.isStream) return this.#put(other, request);
    if (bytes.length === 0) return 0;
    let done = 0;
    while (done < bytes.length) {
      if (this.sentSize >= this.sendBuffer) break;
      const most = Math.min(Math.floor(this.sendBuffer / 2) - 64, 36864);
      const part = bytes.slice(done, done + most);
      this.#deliver(other, part, done === 0 ? request : { ...request, files: [] });
      done += part.length;
    }
    if (done > 0) return done;
    return this.nonBlocking || flags & MSG_DONTWAIT ? -EAGAIN : this.queue;
  }

  #deliver(other: UnixSocket, bytes: Uint8Array, request: SendRequest): void {
    const { pid, uid, gid } = request.by;
    other.enqueue({
      bytes,
      start: 0,
      truesize: truesize(bytes.length),
      sender: this,
      from: this.localAddress,
      files: request.files,
      credentials: request.credentials ?? { pid, uid, gid },
    });
  }

  #put(other: UnixSocket, request: SendRequest): IoResult {
    const { bytes, flags } = request;
    if (bytes.length > this.sendBuffer - 32) return -EMSGSIZE;
    const full = this.sentSize >= this.sendBuffer || (other.#peer !== this && other.packets.length > MAX_DGRAM_QUEUE);
    if (full)
      return this.nonBlocking || flags & MSG_DONTWAIT
        ? -EAGAIN
        : this.sentSize >= this.sendBuffer
          ? this.queue
          : other.queue;
    this.#deliver(other, bytes.slice(), request);
    return bytes.length;
  }

  #sendDatagram(request: SendRequest): IoResult {
    if (request.bytes.length > this.sendBuffer - 32) return -EMSGSIZE;
    if (this.shutdownMask & SEND_SHUTDOWN) return -EPIPE;
    let other = this.#peer;
    if (request.address !== undefined) {
      const found = this.#find(request.address, request.by);
      if (typeof found === "number") return found;
      other = found;
    } else if (other === undefined) return -ENOTCONN;
    if (other.closed) {
      if (other === this.#peer) {
        this.#peer = undefined;
        this.#state = "new";
      }
      return -ECONNREFUSED;
    }
    if (other.#peer !== undefined && other.#peer !== this) return -EPERM;
    if (other.shutdownMask & RCV_SHUTDOWN) return -EPIPE;
    return this.#put(other, request);
  }

  protected override emptyResult(nonBlocking: boolean): number | undefined {
    if (this.isStream && this.#state !== "connected") return -EINVAL;
    if (!this.isStream && this.type !== SOCK_DGRAM && this.#state !== "connected") return -ENOTCONN;
    if (!(this.shutdownMask & RCV_SHUTDOWN)) return undefined;
    return this.type === SOCK_DGRAM && nonBlocking ? -EAGAIN : 0;
  }

  override shutdown(how: number): number {
    const mask = this.markShutdown(how);
    if (mask < 0) return mask;
    const other = this.#peer;
    if (other !== undefined && this.type !== SOCK_DGRAM) {
      if (mask & RCV_SHUTDOWN) other.shutdownMask |= SEND_SHUTDOWN;
      if (mask & SEND_SHUTDOWN) other.shutdownMask |= RCV_SHUTDOWN;
      other.queue.wake();
    }
    return 0;
  }

  protected override release(): void {
    this.closed = true;
    if (this.#address?.[2] === 0 && this.#names.abstract.get(this.#key(nameOf(this.#address))) === this) {
      this.#names.abstract.delete(this.#key(nameOf(this.#address)));
    }
    const other = this.#peer;
    if (other !== undefined && this.type !== SOCK_DGRAM) {
      other.shutdownMask |= RCV_SHUTDOWN | SEND_SHUTDOWN;
      if (this.hasUnread) other.pendingError = ECONNRESET;
      other.queue.wake();
    }
    for (const end of this.#pending.splice(0)) {
      end.#peer?.refuse();
      end.put();
    }
    this.dropPackets();
    this.queue.wake();
  }

  /** The listening socket was closed before it accepted this one. */
  refuse(): void {
    this.pendingError = ECONNRESET;
  }

  get #writable(): boolean {
    return !this.listening && this.sentSize * 4 <= this.sendBuffer;
  }

  /** unix_poll(), unix_dgram_poll(). */
  override poll(): number {
    let events = this.pendingError !== 0 ? POLLERR : 0;
    if (this.shutdownMask === (RCV_SHUTDOWN | SEND_SHUTDOWN)) events |= POLLHUP;
    if (this.shutdownMask & RCV_SHUTDOWN) events |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.packets.length > 0 || this.#pending.length > 0) events |= POLLIN | POLLRDNORM;
    if (this.type !== SOCK_DGRAM && this.#state === "new") events |= POLLHUP;
    const other = this.#peer;
    const full =
      other !== undefined && !this.isStream && other.#peer !== this && other.packets.length > MAX_DGRAM_QUEUE;
    if (this.#writable && !full) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
  }
}
