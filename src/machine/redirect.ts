/** Hosts with other standard streams. */
import type { Host, HostStdio } from "../host/host.ts";

/** The guest's stdout goes to stderr, but still looks like what it was (terminal, pipe or file). */
export function stdoutToStderr(host: Host): Host {
  const { stdio } = host;
  const redirected: HostStdio = {
    read: (fd, into) => stdio.read(fd, into),
    readNow: (fd, into) => stdio.readNow?.(fd, into),
    write: (fd, from) => stdio.write(fd === 1 ? 2 : fd, from),
    isTerminal: (fd) => stdio.isTerminal(fd),
    stat: (fd) => stdio.stat(fd),
    windowSize: (fd) => stdio.windowSize(fd),
  };
  return { ...host, stdio: redirected };
}
