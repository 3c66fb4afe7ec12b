/** One file of /proc/sys. */
import { EINVAL } from "../../abi/errno.ts";
import type { Kernel } from "../kernel.ts";

export interface Setting {
  readonly read: (kernel: Kernel) => string | number;
  /** 0 or -errno; without it the file is 0444. */
  readonly write?: (kernel: Kernel, value: number) => number;
  /** Takes several numbers; 0 or -errno. */
  readonly writeList?: (kernel: Kernel, values: readonly number[]) => number;
}

export const fixed = (value: string | number): Setting => ({ read: () => value });

/** A whole number in [min, max] that `store` keeps. */
export function ranged(
  read: (kernel: Kernel) => number,
  min: number,
  max: number,
  store: (kernel: Kernel, value: number) => void,
): Setting {
  return {
    read,
    write(kernel, value) {
      if (value < min || value > max) return -EINVAL;
      store(kernel, value);
      return 0;
    },
  };
}
