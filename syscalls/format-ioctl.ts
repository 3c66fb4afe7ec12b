/** strace 6.1's texts of ioctl requests and terminal structs. */
import * as I from "../src/abi/ioctl.ts";
import type { CallView } from "./define.ts";
import { flagsText, type NameTable, peek } from "./strace-text.ts";

/** Numbers that several subsystems use are printed with all their names. */
export const IOCTL_NAMES: ReadonlyMap<number, string> = new Map([
  [I.TCGETS, "TCGETS"],
  [I.TCSETS, "SNDCTL_TMR_START or TCSETS"],
  [I.TCSETSW, "SNDCTL_TMR_STOP or TCSETSW"],
  [I.TCSETSF, "SNDCTL_TMR_CONTINUE or TCSETSF"],
  [I.TCSBRK, "TCSBRK"],
  [I.TCXONC, "TCXONC"],
  [I.TCFLSH, "TCFLSH"],
  [I.TIOCGPGRP, "TIOCGPGRP"],
  [I.TIOCSPGRP, "TIOCSPGRP"],
  [I.TIOCOUTQ, "TIOCOUTQ"],
  [I.TIOCGWINSZ, "TIOCGWINSZ"],
  [I.TIOCSWINSZ, "TIOCSWINSZ"],
  [I.TIOCGSID, "TIOCGSID"],
  [I.FIONREAD, "FIONREAD"],
  [I.FIONBIO, "FIONBIO"],
  [I.FIOASYNC, "FIOASYNC"],
  [I.FIOCLEX, "FIOCLEX"],
  [I.FIONCLEX, "FIONCLEX"],
  [I.FIOQSIZE, "FIOQSIZE"],
  [I.FIGETBSZ, "FIGETBSZ"],
  [I.FICLONE, "BTRFS_IOC_CLONE or FICLONE"],
  [I.FS_IOC_GETFLAGS, "FS_IOC_GETFLAGS"],
]);

const DIRECTIONS = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"] as const;

/** A request that strace does not know: `_IOC(_IOC_NONE, 0x12, 0x34, 0)`. */
export function ioctlCodeText(code: number): string {
  const direction = DIRECTIONS[code >>> 30];
  const size = (code >>> 16) & 0x3fff;
  const part = (value: number) => `0x${value.toString(16)}`;
  return `_IOC(${direction}, ${part((code >>> 8) & 0xff)}, ${part(code & 0xff)}, ${size === 0 ? "0" : part(size)})`;
}

const IFLAGS: NameTable = [
  [0o1, "IGNBRK"],
  [0o2, "BRKINT"],
  [0o4, "IGNPAR"],
  [0o10, "PARMRK"],
  [0o20, "INPCK"],
  [0o40, "ISTRIP"],
  [0o100, "INLCR"],
  [0o200, "IGNCR"],
  [0o400, "ICRNL"],
  [0o1000, "IUCLC"],
  [0o2000, "IXON"],
  [0o4000, "IXANY"],
  [0o10000, "IXOFF"],
  [0o20000, "IMAXBEL"],
  [0o40000, "IUTF8"],
];

const OFLAGS: NameTable = [
  [0o1, "OPOST"],
  [0o2, "OLCUC"],
  [0o4, "ONLCR"],
  [0o10, "OCRNL"],
  [0o20, "ONOCR"],
  [0o40, "ONLRET"],
  [0o100, "OFILL"],
  [0o200, "OFDEL"],
];

const CFLAGS: NameTable = [
  [0o100, "CSTOPB"],
  [0o200, "CREAD"],
  [0o400, "PARENB"],
  [0o1000, "PARODD"],
  [0o2000, "HUPCL"],
  [0o4000, "CLOCAL"],
];

const LFLAGS: NameTable = [
  [0o1, "ISIG"],
  [0o2, "ICANON"],
  [0o4, "XCASE"],
  [0o10, "ECHO"],
  [0o20, "ECHOE"],
  [0o40, "ECHOK"],
  [0o100, "ECHONL"],
  [0o200, "NOFLSH"],
  [0o100000, "IEXTEN"],
  [0o1000, "ECHOCTL"],
  [0o2000, "ECHOPRT"],
  [0o4000, "ECHOKE"],
  [0o400, "TOSTOP"],
];

const BAUDS = [
  "B0",
  "B50",
  "B75",
  "B110",
  "B134",
  "B150",
  "B200",
  "B300",
  "B600",
  "B1200",
  "B1800",
  "B2400",
  "B4800",
  "B9600",
  "B19200",
  "B38400",
];

/** Names of the bits, or "" when none is set. */
function bitsText(value: number, names: NameTable): string {
  return value === 0 ? "" : flagsText(value, names, "???");
}

function termios(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer);
  const [iflag, oflag, cflag, lflag] = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  const delays = `NL${(oflag >> 8) & 1}|CR${(oflag >> 9) & 3}|TAB${(oflag >> 11) & 3}|BS${(oflag >> 13) & 1}|VT${(oflag >> 14) & 1}|FF${(oflag >> 15) & 1}`;
  const baud = BAUDS[cflag & 0o17];
  const control = [baud, `CS${5 + ((cflag >> 4) & 3)}`, bitsText(cflag & 0o7700, CFLAGS)].filter((part) => part !== "");
  return (
    `{c_iflag=${bitsText(iflag, IFLAGS)}, c_oflag=${delays}|${bitsText(oflag & 0o377, OFLAGS)}, ` +
    `c_cflag=${control.join("|")}, c_lflag=${bitsText(lflag, LFLAGS)}, ...}`
  );
}

function windowSize(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer);
  const [row, col, x, y] = [0, 2, 4, 6].map((at) => view.getUint16(at, true));
  return `{ws_row=${row}, ws_col=${col}, ws_xpixel=${x}, ws_ypixel=${y}}`;
}

const QUEUES = ["TCIFLUSH", "TCOFLUSH", "TCIOFLUSH"];
const FLOWS = ["TCOOFF", "TCOON", "TCIOFF", "TCION"];

/** The argument of a terminal request, or undefined if it has no such text. */
export function termiosText(command: number, argument: number, call: CallView): string | undefined {
  switch (command) {
    case I.TCGETS:
    case I.TCSETS:
    case I.TCSETSW:
    case I.TCSETSF: {
      const bytes = peek(call.task, argument, I.TERMIOS_SIZE);
      return bytes && termios(bytes);
    }
    case I.TIOCGWINSZ:
    case I.TIOCSWINSZ: {
      const bytes = peek(call.task, argument, 8);
      return bytes && windowSize(bytes);
    }
    case I.TCFLSH:
      return QUEUES[argument];
    case I.TCXONC:
      return FLOWS[argument];
    default:
      return undefined;
  }
}
