/** The terminal ioctls of a host terminal (tty_ioctl(4)). Settings are kept for the guest; the host terminal keeps its own. */
import { EFAULT, EINVAL, ENOTTY } from "../abi/errno.ts";
import {
  FIONREAD,
  STD_TERMIOS,
  TCFLSH,
  TCGETS,
  TCSBRK,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TCXONC,
  TERMIOS_SIZE,
  TIOCGPGRP,
  TIOCGSID,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSPGRP,
  TIOCSWINSZ,
} from "../abi/ioctl.ts";
import type { UserMemory } from "./types.ts";
import { readInt, writeInt } from "./user-memory.ts";

/** What a terminal starts with (tty_std_termios). */
export function stdTermios(): Uint8Array {
  const bytes = new Uint8Array(TERMIOS_SIZE);
  const view = new DataView(bytes.buffer);
  const { c_iflag, c_oflag, c_cflag, c_lflag, c_line, c_cc } = STD_TERMIOS;
  for (const [i, word] of [c_iflag, c_oflag, c_cflag, c_lflag].entries()) view.setUint32(i * 4, word, true);
  bytes[16] = c_line;
  bytes.set(c_cc, 17);
  return bytes;
}

export class Terminal {
  readonly #termios = stdTermios();
  #windowSize: Uint8Array | undefined;
  readonly #hostSize: () => { rows: number; cols: number } | undefined;
  /** Foreground process group and session: the guest's first process leads both. */
  #foreground = 1;

  constructor(hostSize: () => { rows: number; cols: number } | undefined) {
    this.#hostSize = hostSize;
  }

  /** Names the session that owns the terminal: the first guest process. */
  setForeground(pgid: number): void {
    this.#foreground = pgid;
  }

  ioctl(command: number, argument: number, memory: UserMemory): number {
    switch (command) {
      case TCGETS:
        return memory.write(argument, this.#termios);
      case TCSETS:
      case TCSETSW:
      case TCSETSF:
        return memory.read(argument, this.#termios);
      case TCSBRK:
      case TCXONC:
      case TCFLSH:
        return 0;
      case TIOCGWINSZ:
        return memory.write(argument, this.#size());
      case TIOCSWINSZ: {
        const size = new Uint8Array(8);
        const result = memory.read(argument, size);
        if (result === 0) this.#windowSize = size;
        return result;
      }
      case TIOCGPGRP:
      case TIOCGSID:
        return writeInt(memory, argument, this.#foreground);
      case TIOCSPGRP: {
        const pgid = readInt(memory, argument);
        if (pgid === undefined) return -EFAULT;
        if (pgid <= 0) return -EINVAL;
        this.#foreground = pgid;
        return 0;
      }
      case TIOCOUTQ:
      case FIONREAD:
        return writeInt(memory, argument, 0);
      default:
        return -ENOTTY;
    }
  }

  #size(): Uint8Array {
    if (this.#windowSize !== undefined) return this.#windowSize;
    const { rows, cols } = this.#hostSize() ?? { rows: 0, cols: 0 };
    return Uint8Array.of(rows, rows >> 8, cols, cols >> 8, 0, 0, 0, 0);
  }
}
