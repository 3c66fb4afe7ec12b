/** TCP and UDP over the loopback interface, the only one of the machine (net/ipv4, net/ipv6). */
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EDESTADDRREQ,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from "../abi/errno.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from "../abi/poll.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_DONTWAIT,
  SOCK_STREAM,
  SOMAXCONN,
} from "../abi/socket.ts";
import type { WaitQueue } from "../base/wait-queue.ts";
import type { IoResult } from "../vfs/types.ts";
import {
  type PeerCredentials,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  type SendRequest,
  SocketFile,
  type SocketHost,
  type SocketUser,
} from "./socket.ts";

/** net.ipv4.ip_local_port_range. */
export const FIRST_LOCAL_PORT = 32768;
export const LAST_LOCAL_PORT = 60999;
/** The largest payload of a UDP packet over IPv4. */
const MAX_DATAGRAM = 65507;
const NOBODY: PeerCredentials = { pid: 0, uid: 0xffff_ffff, gid: 0xffff_ffff };

interface Endpoint {
  /** IPv4 in host order; IPv6 has `::` (0) and `::1` (LOOPBACK) only, and the mapped IPv4 ones. */
  readonly host: number;
  readonly port: number;
}

const LOOPBACK = 0x7f00_0001;

/** The bound sockets of a machine. */
export class InetPorts {
  readonly tcp = new Map<number, Set<InetSocket>>();
  readonly udp = new Map<number, Set<InetSocket>>();
  #next = FIRST_LOCAL_PORT;

  table(type: number): Map<number, Set<InetSocket>> {
    return type === SOCK_STREAM ? this.tcp : this.udp;
  }

  /** A port that nobody holds, or -EADDRINUSE. */
  free(type: number): number {
    for (let tries = FIRST_LOCAL_PORT; tries <= LAST_LOCAL_PORT; tries++) {
      const port = this.#next;
      this.#next = port === LAST_LOCAL_PORT ? FIRST_LOCAL_PORT : port + 1;
      if (!this.table(type).has(port)) return port;
    }
    return -EADDRINUSE;
  }
}

export class InetSocket extends SocketFile {
  readonly #ports: InetPorts;
  #local: Endpoint | undefined;
  /** The port was asked for, or drawn: in both cases it is in the table. */
  #held = false;
  #remote: Endpoint | undefined;
  #peer: InetSocket | undefined;
  #state: "new" | "listening" | "connected" | "gone" = "new";
  #pending: InetSocket[] = [];
  #backlog = 0;

  constructor(net: SocketHost, ports: InetPorts, domain: number, type: number, flags: number) {
    super(net, domain, type, type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP, flags);
    this.#ports = ports;
  }

  override get listening(): boolean {
    return this.#state === "listening";
  }

  override get peerCredentials(): PeerCredentials {
    return NOBODY;
  }

  override get localAddress(): Uint8Array {
    return this.#encode(this.#local ?? { host: 0, port: 0 });
  }

  override get peerAddress(): Uint8Array | undefined {
    return this.#remote && this.#encode(this.#remote);
  }

  /** struct sockaddr_in or sockaddr_in6. */
  #encode({ host, port }: Endpoint): Uint8Array {
    const v6 = this.domain === AF_INET6;
    const bytes = new Uint8Array(v6 ? 28 : 16);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.domain, true);
    view.setUint16(2, port);
    if (!v6) view.setUint32(4, host);
    else if (host === LOOPBACK && !this.#mapped) bytes[23] = 1;
    else if (host !== 0) {
      bytes.fill(0xff, 18, 20);
      view.setUint32(20, host);
    }
    return bytes;
  }

  /** An IPv6 socket that speaks IPv4 with its peer. */
  #mapped = false;

  #decode(address: Uint8Array): Endpoint | number {
    const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
    if (address.length < 2) return -EINVAL;
    const family = view.getUint16(0, true);
    if (this.domain === AF_INET) {
      if (address.length < 16) return -EINVAL;
      return family === AF_INET ? { host: view.getUint32(4), port: view.getUint16(2) } : -EAFNOSUPPORT;
    }
    if (address.length < 24) return -EINVAL;
    if (family !== AF_INET6) return -EAFNOSUPPORT;
    const port = view.getUint16(2);
    const high = [8, 12].every((at) => view.getUint32(at) === 0);
    const third = view.getUint32(16);
    const last = view.getUint32(20);
    if (high && third === 0xffff) {
      this.#mapped = true;
      return { host: last, port };
    }
    if (high && third === 0 && last <= 1) return { host: last === 1 ? LOOPBACK : 0, port };
    return -ENETUNREACH;
  }

  override bind(address: Uint8Array, by: SocketUser): number {
    if (this.domain === AF_INET && address.length >= 16 && address[0] === AF_UNSPEC && address[1] === 0) {
      if ([4, 5, 6, 7].every((at) => address[at] === 0))
        return this.bind(Uint8Array.of(AF_INET, 0, ...address.subarray(2)), by);
    }
    const wanted = this.#decode(address);
    if (wanted === -ENETUNREACH) return -EADDRNOTAVAIL;
    if (typeof wanted === "number") return wanted;
    if (wanted.host !== 0 && wanted.host >>> 24 !== 127) return -EADDRNOTAVAIL;
    if (this.#local !== undefined) return -EINVAL;
    return this.#hold(wanted);
  }

  #hold({ host, port }: Endpoint): number {
    const table = this.#ports.table(this.type);
    const chosen = port === 0 ? this.#ports.free(this.type) : port;
    if (chosen < 0) return chosen;
    const holders = table.get(chosen) ?? new Set();
    for (const other of holders) if (this.#conflicts(other, host)) return -EADDRINUSE;
    holders.add(this);
    table.set(chosen, holders);
    this.#held = true;
    this.#local = { host, port: chosen };
    return 0;
  }

  /** inet_csk_bind_conflict(): SO_REUSEPORT on both, or SO_REUSEADDR on both and nobody listens (UDP: always). */
  #conflicts(other: InetSocket, host: number): boolean {
    const otherHost = other.#local?.host ?? 0;
    if (host !== 0 && otherHost !== 0 && host !== otherHost) return false;
    if (this.#flag(15) && other.#flag(15)) return false;
    return !(this.#flag(2) && other.#flag(2) && !(this.isStream && other.listening));
  }

  /** A boolean option of SOL_SOCKET. */
  #flag(name: number): boolean {
    return (this.options.get(`1 ${name}`)?.[0] ?? 0) !== 0;
  }

  #letGo(): void {
    if (!this.#held || this.#local === undefined) return;
    const table = this.#ports.table(this.type);
    const holders = table.get(this.#local.port);
    holders?.delete(this);
    if (holders?.size === 0) table.delete(this.#local.port);
    this.#held = false;
  }

  override listen(backlog: number): number {
    if (!this.isStream) return -EOPNOTSUPP;
    if (this.#state !== "new" && this.#state !== "listening") return -EINVAL;
    if (this.#local === undefined) {
      const failed = this.#hold({ host: 0, port: 0 });
      if (failed < 0) return failed;
    }
    this.#state = "listening";
    this.#backlog = Math.min(backlog >>> 0, SOMAXCONN);
    return 0;
  }

  /** The socket that `to` reaches. */
  #find(to: Endpoint): InetSocket | undefined {
    for (const socket of this.#ports.table(this.type).get(to.port) ?? []) {
      const host = socket.#local?.host ?? 0;
      if (host !== 0 && host !== to.host) continue;
      if (this.isStream ? socket.listening : socket.#accepts(this)) return socket;
    }
    return undefined;
  }

  /** A connected UDP socket hears its peer only. */
  #accepts(from: InetSocket): boolean {
    return this.#remote === undefined || this.#remote.port === from.#local?.port;
  }

  #target(address: Uint8Array): Endpoint | number {
    const to = this.#decode(address);
    if (typeof to === "number") return to;
    const host = to.host === 0 ? LOOPBACK : to.host;
    return host >>> 24 === 127 ? { host, port: to.port } : -ENETUNREACH;
  }

  #bindForSending(host: number): number {
    if (this.#local !== undefined) return 0;
    const failed = this.#hold({ host: 0, port: 0 });
    if (failed === 0 && this.#local !== undefined && this.isStream) this.#local = { host, port: this.#localPort };
    return failed;
  }

  get #localPort(): number {
    return this.#local?.port ?? 0;
  }

  override connect(address: Uint8Array, _by: SocketUser): IoResult {
    if (address.length >= 2 && address[0] === AF_UNSPEC && address[1] === 0) return this.#disconnect();
    if (this.isStream && this.#state === "connected") return -EISCONN;
    if (this.isStream && this.#state === "listening") return -EISCONN;
    const to = this.#target(address);
    if (typeof to === "number") return to;
    const failed = this.#bindForSending(to.host);
    if (failed < 0) return failed;
    if (!this.isStream) {
      this.#remote = to;
      this.#local = { host: this.#local?.host || LOOPBACK, port: this.#localPort };
      this.#state = "connected";
      return 0;
    }
    const other = this.#find(to);
    if (other === undefined) {
      if (!this.nonBlocking) return -ECONNREFUSED;
      this.pendingError = ECONNREFUSED;
      return -EINPROGRESS;
    }
    if (other.#pending.length > other.#backlog) return this.nonBlocking ? -EAGAIN : other.queue;
    const end = new InetSocket(this.net, this.#ports, other.domain, this.type, 0);
    this.#local = { host: this.#local?.host || to.host, port: this.#localPort };
    end.#mapped = other.domain === AF_INET6 && (this.domain === AF_INET || this.#mapped);
    end.#join(this, { host: to.host, port: to.port }, this.#local);
    this.#join(end, this.#local, to);
    for (const [name, value] of other.options) end.options.set(name, value);
    other.#pending.push(end);
    other.queue.wake();
    this.queue.wake();
    return this.nonBlocking ? -EINPROGRESS : 0;
  }

  #disconnect(): number {
    if (this.isStream) {
      if (this.#state === "connected") this.#close();
      this.#state = "new";
    } else this.#state = "new";
    this.#remote = undefined;
    return 0;
  }

  #join(peer: InetSocket, local: Endpoint, remote: Endpoint): void {
    this.#peer = peer;
    this.#local = local;
    this.#remote = remote;
    this.#state = "connected";
  }

  override accept(flags: number): SocketFile | number | WaitQueue {
    if (!this.isStream) return -EOPNOTSUPP;
    if (!this.listening) return -EINVAL;
    const next = this.#pending.shift();
    if (next === undefined) return this.nonBlocking ? -EAGAIN : this.queue;
    next.flags |= flags;
    return next;
  }

  override send(request: SendRequest): IoResult {
    for (const file of request.files) file.put();
    return this.isStream ? this.#sendStream(request) : this.#sendDatagram(request);
  }

  #sendStream({ bytes, flags }: SendRequest): IoResult {
    if (this.pendingError !== 0) return this.takeError();
    if (this.shutdownMask & SEND_SHUTDOWN) return -EPIPE;
    const other = this.#peer;
    if (this.#state !== "connected" || other === undefined) return this.#state === "gone" ? -EPIPE : -EPIPE;
    if (other.closed) {
      // what is sent now comes back as a reset
      this.pendingError = EPIPE;
      this.shutdownMask |= SEND_SHUTDOWN | RCV_SHUTDOWN;
      this.queue.wake();
      return bytes.length;
    }
    const room = this.#room;
    if (room <= 0) return this.nonBlocking || flags & MSG_DONTWAIT ? -EAGAIN : this.queue;
    const part = bytes.slice(0, room);
    if (part.length > 0) this.#deliver(other, part);
    return part.length;
  }

  /** What the buffers of both ends take. */
  get #room(): number {
    return this.sendBuffer + (this.#peer?.receiveBuffer ?? 0) - this.sentSize;
  }

  #deliver(other: InetSocket, bytes: Uint8Array): void {
    other.enqueue({
      bytes,
      start: 0,
      truesize: bytes.length,
      sender: this,
      from: other.#encode(this.#source(other)),
      files: [],
      credentials: undefined,
    });
  }

  #source(other: InetSocket): Endpoint {
    other.#mapped ||= other.domain === AF_INET6 && this.domain === AF_INET;
    return { host: this.#local?.host || LOOPBACK, port: this.#localPort };
  }

  #sendDatagram({ bytes, address, flags }: SendRequest): IoResult {
    if (bytes.length > MAX_DATAGRAM) return -EMSGSIZE;
    const to = address === undefined ? this.#remote : this.#target(address);
    if (to === undefined) return -EDESTADDRREQ;
    if (typeof to === "number") return to;
    if (to.port === 0) return -EINVAL;
    if (this.pendingError !== 0) return this.takeError();
    if (this.shutdownMask & SEND_SHUTDOWN) return -EPIPE;
    const failed = this.#bindForSending(to.host);
    if (failed < 0) return failed;
    const other = this.#find(to);
    if (other === undefined) {
      // ICMP tells connected sockets only
      if (this.#remote !== undefined) this.pendingError = ECONNREFUSED;
      this.queue.wake();
      return bytes.length;
    }
    if (this.sentSize >= this.sendBuffer) return this.nonBlocking || flags & MSG_DONTWAIT ? -EAGAIN : this.queue;
    if (other.queuedBytes + bytes.length <= other.receiveBuffer) this.#deliver(other, bytes.slice());
    return bytes.length;
  }

  protected override get mayNotRead(): boolean {
    return this.#state === "new" || this.listening;
  }

  protected override emptyResult(nonBlocking: boolean): number | undefined {
    if (this.isStream && this.#state !== "connected" && this.#state !== "gone") return -ENOTCONN;
    if (this.shutdownMask & RCV_SHUTDOWN) return this.isStream || !nonBlocking ? 0 : -EAGAIN;
    return undefined;
  }

  override shutdown(how: number): number {
    if (this.#state !== "connected" && !(this.listening && how !== 1)) {
      return how < 0 || how > 2 ? -EINVAL : -ENOTCONN;
    }
    const mask = this.markShutdown(how);
    if (mask < 0) return mask;
    if (this.listening) {
      this.#refusePending();
      this.#state = "new";
    } else if (this.isStream && mask & SEND_SHUTDOWN && this.#peer !== undefined) {
      this.#peer.shutdownMask |= RCV_SHUTDOWN;
      this.#peer.queue.wake();
    }
    return 0;
  }

  #refusePending(): void {
    for (const end of this.#pending.splice(0)) {
      if (end.#peer !== undefined) end.#peer.pendingError = ECONNRESET;
      end.put();
    }
  }

  #close(): void {
    const other = this.#peer;
    if (other === undefined) return;
    if (this.hasUnread) {
      other.pendingError = ECONNRESET;
      other.shutdownMask |= RCV_SHUTDOWN | SEND_SHUTDOWN;
    } else other.shutdownMask |= RCV_SHUTDOWN;
    other.queue.wake();
    this.#peer = undefined;
  }

  protected override release(): void {
    this.closed = true;
    this.#letGo();
    if (this.isStream) this.#close();
    this.#refusePending();
    this.dropPackets();
    this.queue.wake();
  }

  /** tcp_poll(), udp_poll(). */
  override poll(): number {
    let events = this.pendingError !== 0 ? POLLERR : 0;
    if (this.listening) return this.#pending.length > 0 ? POLLIN | POLLRDNORM : 0;
    const both = this.shutdownMask === (RCV_SHUTDOWN | SEND_SHUTDOWN);
    if (both || (this.isStream && this.#state === "new")) events |= POLLHUP;
    if (this.shutdownMask & RCV_SHUTDOWN) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.packets.length > 0) events |= POLLIN | POLLRDNORM;
    const writable = this.isStream
      ? this.shutdownMask & SEND_SHUTDOWN || this.#room > 0
      : this.sentSize < this.sendBuffer;
    if (writable) events |= POLLOUT | POLLWRNORM;
    if (this.pendingError !== 0) events |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
    return events;
  }
}
