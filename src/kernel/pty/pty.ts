/** Pseudo-terminals (pty(7), drivers/tty/pty.c, tty_jobctrl.c): a master and the terminal that it stands behind. */
import { EAGAIN, EFAULT, EINVAL, EIO, ENOTTY, EPERM, ESRCH } from "../../abi/errno.ts";
import * as T from "../../abi/ioctl.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.ts";
import { SI_KERNEL, SIGCONT, SIGHUP, SIGTTIN, SIGWINCH } from "../../abi/signal.ts";
import { WaitQueue } from "../../base/wait-queue.ts";
import type { Dentry } from "../../vfs/dentry.ts";
import { File } from "../../vfs/file.ts";
import { stdTermios } from "../../vfs/terminal.ts";
import type { IoResult, UserMemory } from "../../vfs/types.ts";
import { readInt, writeInt } from "../../vfs/user-memory.ts";
import { ERESTARTSYS } from "../control.ts";
import type { Kernel } from "../kernel.ts";
import { isOrphanedPgrp } from "../sessions.ts";
import { sigInfo } from "../siginfo.ts";
import { isIgnored, sendToGroup } from "../task-signals.ts";
import { LineDiscipline } from "./line.ts";

/** Output that the master has not read. */
const OUTPUT_LIMIT = 4096;

export class Pty {
  readonly kernel: Kernel;
  readonly index: number;
  readonly queue = new WaitQueue();
  readonly line: LineDiscipline;
  /** What the terminal's side has written. */
  output: number[] = [];
  windowSize = new Uint8Array(8);
  /** TIOCSPTLCK: the terminal cannot be opened. */
  locked = true;
  masterOpen = true;
  terminals = 0;
  /** It was open once: the master then sees a hang-up when it is closed. */
  wasOpened = false;
  /** Session whose controlling terminal this is, and its foreground process group; 0 for none. */
  session = 0;
  foreground = 0;

  constructor(kernel: Kernel, index: number) {
    this.kernel = kernel;
    this.index = index;
    this.line = new LineDiscipline(stdTermios(), {
      echo: (bytes) => {
        this.output.push(...bytes);
        this.queue.wake();
      },
      signal: (signo) => this.signalGroup(this.foreground, signo),
    });
  }

  /** Sends a signal of the terminal's to a process group. */
  signalGroup(pgid: number, signo: number): void {
    if (pgid === 0) return;
    for (const group of [...this.kernel.groups.values()]) {
      if (group.pgid === pgid) sendToGroup(group, sigInfo({ signo, code: SI_KERNEL }));
    }
  }

  /** The calling process's session takes the terminal as its own (TIOCSCTTY, open without O_NOCTTY). 0 or -EPERM. */
  makeControlling(steal: boolean): number {
    const group = this.kernel.current?.group;
    if (group === undefined || group.sid !== group.pid) return -EPERM;
    if (this.session === group.sid) return 0;
    if (this.kernel.ptys.ofSession(group.sid) !== undefined) return -EPERM;
    if (this.session !== 0 && !steal) return -EPERM;
    this.session = group.sid;
    this.foreground = group.pgid;
    return 0;
  }

  /** The master is closed: the session is told (__tty_hangup). */
  hangUp(): void {
    this.masterOpen = false;
    const leader = this.kernel.groups.get(this.session);
    if (leader !== undefined) {
      for (const signo of [SIGHUP, SIGCONT]) sendToGroup(leader, sigInfo({ signo, code: SI_KERNEL }));
    }
    if (this.foreground !== this.session) this.signalGroup(this.foreground, SIGHUP);
    this.session = this.foreground = 0;
    this.queue.wake();
  }

  /** What both ends answer alike. */
  control(command: number, argument: number, memory: UserMemory): number {
    switch (command) {
      case T.TCGETS:
        return memory.write(argument, this.line.termios);
      case T.TCSETSF:
      case T.TCSETS:
      case T.TCSETSW: {
        const result = memory.read(argument, this.line.termios);
        if (command === T.TCSETSF) this.line.flush();
        this.line.settingsChanged();
        this.queue.wake();
        return result;
      }
      case T.TIOCGWINSZ:
        return memory.write(argument, this.windowSize);
      case T.TIOCSWINSZ:
        return this.#resize(argument, memory);
      case T.TCFLSH:
        if (argument > 2) return -EINVAL;
        if (argument !== 1) this.line.flush();
        if (argument !== 0) this.output = [];
        this.queue.wake();
        return 0;
      case T.TCSBRK:
      case T.TCXONC:
        return 0;
      default:
        return -ENOTTY;
    }
  }

  #resize(argument: number, memory: UserMemory): number {
    const size = new Uint8Array(8);
    const result = memory.read(argument, size);
    if (result < 0 || size.every((byte, at) => byte === this.windowSize[at])) return result;
    this.windowSize = size;
    this.signalGroup(this.foreground, SIGWINCH);
    return 0;
  }
}

abstract class PtyFile extends File {
  readonly pty: Pty;

  constructor(dentry: Dentry, flags: number, pty: Pty) {
    super(dentry, flags);
    this.pty = pty;
  }

  override get seekable(): boolean {
    return false;
  }

  override get waitQueue(): WaitQueue {
    return this.pty.queue;
  }

  protected wait(): IoResult {
    return this.nonBlocking ? -EAGAIN : this.pty.queue;
  }
}

export class PtyMaster extends PtyFile {
  protected override release(): void {
    this.pty.kernel.ptys.remove(this.pty);
    this.pty.hangUp();
  }

  get #hungUp(): boolean {
    return this.pty.wasOpened && this.pty.terminals === 0;
  }

  override read(into: Uint8Array): IoResult {
    const { output, queue } = this.pty;
    if (into.length === 0) return 0;
    if (output.length === 0) return this.#hungUp ? -EIO : this.wait();
    const taken = output.splice(0, into.length);
    into.set(taken);
    queue.wake();
    return taken.length;
  }

  override write(from: Uint8Array): IoResult {
    const { line, queue } = this.pty;
    let done = 0;
    while (done < from.length && (!line.full || line.canonical)) line.input(from[done++]);
    queue.wake();
    return done > 0 || from.length === 0 ? done : this.wait();
  }

  override poll(): number {
    const readable = this.pty.output.length > 0 ? POLLIN | POLLRDNORM : 0;
    return readable | (this.#hungUp ? POLLHUP : 0) | POLLOUT | POLLWRNORM;
  }

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    const { pty } = this;
    switch (command) {
      case T.TIOCGPTN:
        return writeInt(memory, argument, pty.index);
      case T.TIOCSPTLCK: {
        const value = readInt(memory, argument);
        if (value === undefined) return -EFAULT;
        pty.locked = value !== 0;
        return 0;
      }
      case T.TIOCGPTLCK:
        return writeInt(memory, argument, pty.locked ? 1 : 0);
      case T.TIOCPKT:
        return readInt(memory, argument) === 0 ? 0 : -EINVAL;
      case T.FIONREAD:
        return writeInt(memory, argument, pty.output.length);
      case T.TIOCGPGRP:
        return writeInt(memory, argument, pty.foreground);
      case T.TIOCGSID:
        return pty.session === 0 ? -ENOTTY : writeInt(memory, argument, pty.session);
      default:
        return pty.control(command, argument, memory);
    }
  }
}

export class PtyTerminal extends PtyFile {
  constructor(dentry: Dentry, flags: number, pty: Pty) {
    super(dentry, flags, pty);
    pty.terminals++;
    pty.wasOpened = true;
  }

  protected override release(): void {
    this.pty.terminals--;
    this.pty.queue.wake();
  }

  /** job_control(): a background process that reads stops; 0 if it may read. */
  #jobControl(): number {
    const { pty } = this;
    const task = pty.kernel.current;
    if (task === undefined || pty.session !== task.group.sid || pty.foreground === 0) return 0;
    if (task.group.pgid === pty.foreground) return 0;
    if (task.blocked.has(SIGTTIN) || isIgnored(task, SIGTTIN) || isOrphanedPgrp(task)) return -EIO;
    pty.signalGroup(task.group.pgid, SIGTTIN);
    return -ERESTARTSYS;
  }

  override read(into: Uint8Array): IoResult {
    const { pty } = this;
    if (!pty.masterOpen) return 0;
    const stopped = this.#jobControl();
    if (stopped < 0) return stopped;
    if (into.length === 0) return 0;
    if (!pty.line.readable) return pty.line.impatient ? 0 : this.wait();
    const taken = pty.line.take(into.length);
    into.set(taken);
    pty.queue.wake();
    return taken.length;
  }

  override write(from: Uint8Array): IoResult {
    const { pty } = this;
    if (!pty.masterOpen) return -EIO;
    const room = OUTPUT_LIMIT - pty.output.length;
    if (room <= 0 && from.length > 0) return this.wait();
    const part = from.subarray(0, room);
    pty.output.push(...pty.line.output(part));
    pty.queue.wake();
    return part.length;
  }

  override poll(): number {
    const { line, masterOpen, output } = this.pty;
    if (!masterOpen) return POLLIN | POLLOUT | POLLHUP | POLLRDNORM | POLLWRNORM;
    return (line.readable ? POLLIN | POLLRDNORM : 0) | (output.length < OUTPUT_LIMIT ? POLLOUT | POLLWRNORM : 0);
  }

  override ioctl(command: number, argument: number, memory: UserMemory): IoResult {
    const { pty } = this;
    if (!pty.masterOpen) return -EIO;
    const group = pty.kernel.current?.group;
    const own = group !== undefined && pty.session === group.sid && pty.session !== 0;
    switch (command) {
      case T.TIOCSCTTY:
        return pty.makeControlling(argument === 1);
      case T.TIOCNOTTY:
        if (!own) return -ENOTTY;
        if (group.pid === group.sid) pty.kernel.ptys.leaderGone(group.sid);
        return 0;
      case T.TIOCGPGRP:
        return own ? writeInt(memory, argument, pty.foreground) : -ENOTTY;
      case T.TIOCGSID:
        return own ? writeInt(memory, argument, pty.session) : -ENOTTY;
      case T.TIOCSPGRP:
        return own ? this.#setForeground(argument, memory) : -ENOTTY;
      case T.FIONREAD:
        return writeInt(memory, argument, pty.line.available);
      case T.TIOCOUTQ:
        return writeInt(memory, argument, pty.output.length);
      default:
        return pty.control(command, argument, memory);
    }
  }

  #setForeground(argument: number, memory: UserMemory): number {
    const { pty } = this;
    const pgid = readInt(memory, argument);
    if (pgid === undefined) return -EFAULT;
    if (pgid < 0) return -EINVAL;
    const member = [...pty.kernel.groups.values()].find((group) => group.pgid === pgid);
    if (member === undefined) return -ESRCH;
    if (member.sid !== pty.session) return -EPERM;
    pty.foreground = pgid;
    return 0;
  }
}
