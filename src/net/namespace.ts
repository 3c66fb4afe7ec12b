/** The sockets of one machine (struct net). */
import { EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from "../abi/errno.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
} from "../abi/socket.ts";
import type { Vfs } from "../vfs/vfs.ts";
import { InetPorts, InetSocket } from "./inet.ts";
import type { SocketFile, SocketHost, SocketUser } from "./socket.ts";
import { UnixNames, UnixSocket } from "./unix.ts";

const SOCK_RAW = 3;
/** Types of sockets lie below. */
export const SOCK_MAX = 11;
const AF_MAX = 46;

export class NetNamespace implements SocketHost {
  readonly unix = new UnixNames();
  readonly ports = new InetPorts();
  readonly vfs: Vfs;
  /** The kernel puts it in: the running task. */
  writer: () => SocketUser | undefined = () => undefined;

  constructor(vfs: Vfs) {
    this.vfs = vfs;
  }

  /** socket(2); `flags` may hold O_NONBLOCK. */
  create(domain: number, type: number, protocol: number, flags: number, privileged: boolean): SocketFile | number {
    if (domain < 0 || domain >= AF_MAX) return -EAFNOSUPPORT;
    if (type < 0 || type >= SOCK_MAX) return -EINVAL;
    if (domain === AF_UNIX) {
      const checked = checkUnix(type, protocol);
      return checked < 0 ? checked : new UnixSocket(this, this.unix, checked, flags);
    }
    if (domain !== AF_INET && domain !== AF_INET6) return -EAFNOSUPPORT;
    if (type === SOCK_RAW && !privileged) return -EPERM;
    if (protocol < 0 || protocol >= 256) return -EINVAL;
    if (type !== SOCK_STREAM && type !== SOCK_DGRAM) return -ESOCKTNOSUPPORT;
    const own = type === SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (protocol !== 0 && protocol !== own) return -EPROTONOSUPPORT;
    return new InetSocket(this, this.ports, domain, type, flags);
  }
}

/** unix_create(): the type (SOCK_RAW means SOCK_DGRAM), or -errno. */
export function checkUnix(type: number, protocol: number): number {
  if (protocol !== 0 && protocol !== AF_UNIX) return -EPROTONOSUPPORT;
  if (type === SOCK_RAW) return SOCK_DGRAM;
  return type === SOCK_STREAM || type === SOCK_DGRAM || type === SOCK_SEQPACKET ? type : -ESOCKTNOSUPPORT;
}
