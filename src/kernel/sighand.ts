/** Signal dispositions, shared by the threads of a group (struct sighand_struct). */
import { NSIG, SIG_DFL, SIG_IGN } from "../abi/signal.ts";
import { SignalSet } from "./signal-set.ts";

/** struct k_sigaction. */
export interface SigAction {
  readonly handler: number;
  /** sa_flags as an unsigned 32-bit number. */
  readonly flags: number;
  readonly restorer: number;
  readonly mask: SignalSet;
}

export const DEFAULT_ACTION: SigAction = { handler: SIG_DFL, flags: 0, restorer: 0, mask: new SignalSet() };

export class SigHand {
  readonly #actions: SigAction[];

  constructor(actions?: readonly SigAction[]) {
    this.#actions = actions ? [...actions] : new Array<SigAction>(NSIG + 1).fill(DEFAULT_ACTION);
  }

  get(signal: number): SigAction {
    return this.#actions[signal];
  }

  set(signal: number, action: SigAction): void {
    this.#actions[signal] = action;
  }

  copy(): SigHand {
    return new SigHand(this.#actions);
  }

  /** flush_signal_handlers(): execve sets handlers to SIG_DFL and keeps SIG_IGN; all flags and masks go. */
  flush(): void {
    for (let signal = 1; signal <= NSIG; signal++) {
      const ignored = this.#actions[signal].handler === SIG_IGN;
      this.#actions[signal] = ignored ? { ...DEFAULT_ACTION, handler: SIG_IGN } : DEFAULT_ACTION;
    }
  }

  /** Signals with SIG_IGN and signals with a handler, as /proc/PID/status prints SigIgn and SigCgt. */
  summary(): { ignored: SignalSet; caught: SignalSet } {
    const ignored = new SignalSet();
    const caught = new SignalSet();
    for (let signal = 1; signal <= NSIG; signal++) {
      const handler = this.#actions[signal].handler;
      if (handler === SIG_IGN) ignored.add(signal);
      else if (handler !== SIG_DFL) caught.add(signal);
    }
    return { ignored, caught };
  }
}
