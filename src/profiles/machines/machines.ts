/** The machines that `--machine` knows. */
import type { MachineProfile } from "../machine-profile.ts";
import { current } from "./current.ts";
import { debian12Amd64, debian12I386 } from "./debian-12.ts";
import { quadamd, ubu64 } from "./lecture.ts";

export const MACHINES: readonly MachineProfile[] = [current, debian12Amd64, debian12I386, ubu64, quadamd];
export const DEFAULT_MACHINE: MachineProfile = current;

export function machineByName(name: string): MachineProfile | undefined {
  return MACHINES.find((machine) => machine.name === name);
}
