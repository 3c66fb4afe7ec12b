/** sigaltstack(2): do_sigaltstack() of kernel/signal.c. */
import { EINVAL, ENOMEM, EPERM } from "../abi/errno.ts";
import { MINSIGSTKSZ, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from "../abi/signal.ts";
import { onAltStack } from "./signal-delivery.ts";
import type { AltStack, Task } from "./task.ts";

/** Sets the alternate stack; `sp` is the stack pointer of the caller. */
export function setAltStack(task: Task, stack: AltStack, sp: number): number {
  if (onAltStack(task, sp)) return -EPERM;
  const mode = stack.flags & ~SS_AUTODISARM;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return -EINVAL;
  if (mode === SS_DISABLE) {
    task.altStack = { sp: 0, size: 0, flags: stack.flags >>> 0 };
    return 0;
  }
  if (stack.size < MINSIGSTKSZ) return -ENOMEM;
  task.altStack = { sp: stack.sp, size: stack.size, flags: stack.flags >>> 0 };
  return 0;
}
