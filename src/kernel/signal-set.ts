/** A set of signals 1–64 (sigset_t of the kernel): signal n is bit n-1; two int32 halves. */
export class SignalSet {
  lo: number;
  hi: number;

  constructor(lo = 0, hi = 0) {
    this.lo = lo | 0;
    this.hi = hi | 0;
  }

  static of(...signals: number[]): SignalSet {
    const set = new SignalSet();
    for (const signal of signals) set.add(signal);
    return set;
  }

  has(signal: number): boolean {
    return signal <= 32 ? ((this.lo >>> (signal - 1)) & 1) === 1 : ((this.hi >>> (signal - 33)) & 1) === 1;
  }

  add(signal: number): void {
    if (signal <= 32) this.lo |= 1 << (signal - 1);
    else this.hi |= 1 << (signal - 33);
  }

  delete(signal: number): void {
    if (signal <= 32) this.lo &= ~(1 << (signal - 1));
    else this.hi &= ~(1 << (signal - 33));
  }

  get empty(): boolean {
    return this.lo === 0 && this.hi === 0;
  }

  copy(): SignalSet {
    return new SignalSet(this.lo, this.hi);
  }

  union(other: SignalSet): SignalSet {
    return new SignalSet(this.lo | other.lo, this.hi | other.hi);
  }

  intersect(other: SignalSet): SignalSet {
    return new SignalSet(this.lo & other.lo, this.hi & other.hi);
  }

  without(other: SignalSet): SignalSet {
    return new SignalSet(this.lo & ~other.lo, this.hi & ~other.hi);
  }

  complement(): SignalSet {
    return new SignalSet(~this.lo, ~this.hi);
  }

  equals(other: SignalSet): boolean {
    return this.lo === other.lo && this.hi === other.hi;
  }

  /** The signals in ascending order. */
  list(): number[] {
    const signals: number[] = [];
    for (let signal = 1; signal <= 64; signal++) if (this.has(signal)) signals.push(signal);
    return signals;
  }
}
