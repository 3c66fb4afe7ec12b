/** A place in the tree: mounts are folded into the dentries, so a dentry is all that the kernel's struct path holds. */
import type { Dentry } from "./dentry.ts";

export type Path = Dentry;
