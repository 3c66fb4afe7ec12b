/** The line discipline of terminals (drivers/tty/n_tty.c): what is typed becomes lines, echo and signals. */
import { SIGINT, SIGQUIT, SIGTSTP } from "../../abi/signal.ts";

/** include/uapi/asm-generic/termbits.h. */
const INLCR = 0o100;
const IGNCR = 0o200;
const ICRNL = 0o400;
const OPOST = 1;
const ONLCR = 4;
const ISIG = 1;
const ICANON = 2;
const ECHO = 0o10;
const ECHOE = 0o20;
const ECHOK = 0o40;
const ECHONL = 0o100;
const NOFLSH = 0o200;
const ECHOCTL = 0o1000;
const IEXTEN = 0o100000;

/** Indices into c_cc. */
const VINTR = 0;
const VQUIT = 1;
const VERASE = 2;
const VKILL = 3;
const VEOF = 4;
const VMIN = 6;
const VSUSP = 10;
const VEOL = 11;
const VWERASE = 14;
const VLNEXT = 15;
const VEOL2 = 16;

const NEWLINE = 10;
const RETURN = 13;
/** What the input queue holds (N_TTY_BUF_SIZE). */
const INPUT_LIMIT = 4095;

export interface LineEffects {
  /** Puts bytes on the output side (echo). */
  echo(bytes: number[]): void;
  /** Sends a signal to the foreground process group. */
  signal(signo: number): void;
}

export class LineDiscipline {
  readonly termios: Uint8Array;
  readonly #effects: LineEffects;
  /** Complete input; in canonical mode whole lines, each an array. An empty one is an end of file. */
  #lines: number[][] = [];
  #typing: number[] = [];
  #literal = false;

  constructor(termios: Uint8Array, effects: LineEffects) {
    this.termios = termios;
    this.#effects = effects;
  }

  #flags(index: number): number {
    return new DataView(this.termios.buffer).getUint32(4 * index, true);
  }

  #is(char: number, index: number): boolean {
    const wanted = this.termios[17 + index];
    return wanted !== 0 && char === wanted;
  }

  get canonical(): boolean {
    return (this.#flags(3) & ICANON) !== 0;
  }

  /** Bytes that can be read now. */
  get available(): number {
    return this.#lines.reduce((sum, line) => sum + line.length, 0);
  }

  get readable(): boolean {
    if (this.canonical) return this.#lines.length > 0;
    return this.available >= Math.max(1, this.termios[17 + VMIN]);
  }

  /** VMIN is 0: a read does not wait. */
  get impatient(): boolean {
    return !this.canonical && this.termios[17 + VMIN] === 0;
  }

  get full(): boolean {
    return this.available + this.#typing.length >= INPUT_LIMIT;
  }

  /** The settings changed: what was typed so far can be read when lines no longer count. */
  settingsChanged(): void {
    if (this.canonical || this.#typing.length === 0) return;
    this.#lines.push(this.#typing.splice(0));
  }

  flush(): void {
    this.#lines = [];
    this.#typing = [];
  }

  /** Output processing: OPOST with ONLCR. */
  output(bytes: ArrayLike<number>): number[] {
    const flags = this.#flags(1);
    const out: number[] = [];
    for (let i = 0; i < bytes.length; i++) {
      if (flags & OPOST && flags & ONLCR && bytes[i] === NEWLINE) out.push(RETURN);
      out.push(bytes[i]);
    }
    return out;
  }

  /** Takes one typed character. */
  input(typed: number): void {
    const iflag = this.#flags(0);
    const lflag = this.#flags(3);
    let char = typed;
    if (this.#literal) {
      this.#literal = false;
      return this.#add(char, lflag);
    }
    if (char === RETURN) {
      if (iflag & IGNCR) return;
      if (iflag & ICRNL) char = NEWLINE;
    } else if (char === NEWLINE && iflag & INLCR) char = RETURN;
    const signo = lflag & ISIG ? this.#signalOf(char) : 0;
    if (signo !== 0) {
      if (!(lflag & NOFLSH)) this.flush();
      if (lflag & ECHO) this.#effects.echo(this.#shown(char, lflag));
      return this.#effects.signal(signo);
    }
    if (lflag & ICANON) this.#edit(char, lflag);
    else {
      this.#lines.push([char]);
      if (lflag & ECHO) this.#effects.echo(this.#shown(char, lflag));
    }
  }

  #signalOf(char: number): number {
    if (this.#is(char, VINTR)) return SIGINT;
    if (this.#is(char, VQUIT)) return SIGQUIT;
    return this.#is(char, VSUSP) ? SIGTSTP : 0;
  }

  #edit(char: number, lflag: number): void {
    if (this.#is(char, VERASE)) return this.#erase(1, lflag);
    if (lflag & IEXTEN && this.#is(char, VWERASE)) return this.#erase(this.#wordLength(), lflag);
    if (this.#is(char, VKILL)) {
      this.#erase(this.#typing.length, lflag);
      if (lflag & ECHOK && !(lflag & ECHOE)) this.#effects.echo([NEWLINE]);
      return;
    }
    if (lflag & IEXTEN && this.#is(char, VLNEXT)) {
      this.#literal = true;
      if (lflag & ECHO) this.#effects.echo([0x5e, 8]);
      return;
    }
    if (this.#is(char, VEOF)) return this.#endLine();
    if (char === NEWLINE || this.#is(char, VEOL) || this.#is(char, VEOL2)) {
      if (lflag & ECHO || (lflag & ECHONL && char === NEWLINE)) this.#effects.echo(this.#shown(char, lflag));
      this.#typing.push(char);
      return this.#endLine();
    }
    this.#add(char, lflag);
  }

  #endLine(): void {
    this.#lines.push(this.#typing.splice(0));
  }

  #add(char: number, lflag: number): void {
    if (this.#typing.length >= INPUT_LIMIT) return;
    this.#typing.push(char);
    if (lflag & ECHO) this.#effects.echo(this.#shown(char, lflag));
  }

  #wordLength(): number {
    let at = this.#typing.length;
    while (at > 0 && this.#typing[at - 1] === 0x20) at--;
    while (at > 0 && this.#typing[at - 1] !== 0x20) at--;
    return this.#typing.length - at;
  }

  #erase(count: number, lflag: number): void {
    for (const char of this.#typing.splice(this.#typing.length - Math.min(count, this.#typing.length)).reverse()) {
      if (!(lflag & ECHO)) continue;
      const width = lflag & ECHOE ? this.#shown(char, lflag).length : 0;
      for (let i = 0; i < width; i++) this.#effects.echo([8, 0x20, 8]);
    }
  }

  /** Control characters as `^C` (ECHOCTL). */
  #shown(char: number, lflag: number): number[] {
    if (!(lflag & ECHOCTL) || char === NEWLINE || char === 9 || (char >= 0x20 && char !== 0x7f))
      return this.output([char]);
    return [0x5e, char ^ 0x40];
  }

  /** Takes what a read gets: at most a line in canonical mode; of a longer one the rest stays. */
  take(most: number): number[] {
    if (this.canonical) {
      const line = this.#lines.shift() ?? [];
      if (line.length > most) this.#lines.unshift(line.splice(most));
      return line;
    }
    const all = this.#lines.flat();
    const taken = all.splice(0, most);
    this.#lines = all.length > 0 ? [all] : [];
    return taken;
  }
}
