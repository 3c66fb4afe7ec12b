/** Terminal and file ioctls: Linux include/uapi/asm-generic/{ioctls,termbits}.h (x86 uses them unchanged). */
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
export const TCSBRK = 0x5409;
export const TCXONC = 0x540a;
export const TCFLSH = 0x540b;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCOUTQ = 0x5411;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const TIOCSCTTY = 0x540e;
export const TIOCPKT = 0x5420;
export const TIOCNOTTY = 0x5422;
export const TIOCGPTN = 0x80045430;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGPTLCK = 0x80045439;
export const TIOCGPTPEER = 0x5441;
export const FIONREAD = 0x541b;
export const FIONBIO = 0x5421;
export const TIOCGSID = 0x5429;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;
export const FIOASYNC = 0x5452;
export const FIOQSIZE = 0x5460;
export const FICLONE = 0x40049409;
export const FIGETBSZ = 2;
export const FS_IOC_GETFLAGS = 0x80086601;

/** struct termios (kernel form, NCCS 19): 36 bytes. */
export const TERMIOS_SIZE = 36;
export const NCCS = 19;

/** c_iflag, c_oflag, c_cflag, c_lflag of a fresh terminal (drivers/tty/tty_io.c tty_std_termios, B38400). */
export const STD_TERMIOS = {
  c_iflag: 0o2400,
  c_oflag: 0o5,
  c_cflag: 0o277,
  c_lflag: 0o105073,
  c_line: 0,
  c_cc: [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0],
} as const;
