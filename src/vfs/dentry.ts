/**
 * Names in the tree (struct dentry, fs/dcache.c). A mounted root keeps the parent and name of its mount point, so `..`
 * and paths need no table of mounts.
 */
import type { Inode } from "./inode.ts";

export class Dentry {
  name: string;
  parent: Dentry | undefined;
  readonly inode: Inode;
  /** The name is gone, the file lives on while it is open. */
  deleted = false;
  /** The root of a file system mounted here. */
  mounted: Dentry | undefined;
  /** Known children. */
  #children: Map<string, Dentry> | undefined;

  constructor(name: string, parent: Dentry | undefined, inode: Inode) {
    this.name = name;
    this.parent = parent;
    this.inode = inode;
  }

  /** The child of a name, mounts crossed, or -errno. Precondition: this is a directory and the name is neither `.` nor `..`. */
  child(name: string): Dentry | number {
    const known = this.#children?.get(name);
    if (known !== undefined) return known.mounted ?? known;
    const inode = this.inode.lookup(name);
    if (typeof inode === "number") {
      return inode;
    }
    const dentry = new Dentry(name, this, inode);
    if (!this.inode.volatile) this.#remember(name, dentry);
    return dentry;
  }

  #remember(name: string, dentry: Dentry): void {
    this.#children ??= new Map();
    this.#children.set(name, dentry);
  }

  /** Enters a new file under `name`. */
  attach(name: string, inode: Inode): Dentry {
    const dentry = new Dentry(name, this, inode);
    this.#remember(name, dentry);
    return dentry;
  }

  /** The name is gone. */
  detach(name: string): void {
    const dentry = this.#children?.get(name);
    if (dentry !== undefined) dentry.deleted = true;
    this.#children?.delete(name);
  }

  /** rename(2): the dentry itself moves, so that open files print their new path. */
  move(name: string, to: Dentry, newName: string): void {
    const dentry = this.#children?.get(name);
    this.#children?.delete(name);
    to.detach(newName);
    if (dentry === undefined) return;
    dentry.parent = to;
    dentry.name = newName;
    to.#remember(newName, dentry);
  }

  /** RENAME_EXCHANGE. */
  static exchange(a: Dentry, b: Dentry): void {
    const { name, parent } = a;
    a.name = b.name;
    a.parent = b.parent;
    b.name = name;
    b.parent = parent;
    for (const moved of [a, b]) if (moved.parent !== undefined) moved.parent.#remember(moved.name, moved);
  }

  /** True when `this` is `ancestor` or lies below it. */
  isBelow(ancestor: Dentry): boolean {
    for (let at: Dentry | undefined = this; at !== undefined; at = at.parent) if (at === ancestor) return true;
    return false;
  }

  /**
   * The absolute path as seen from `root`, without " (deleted)" (d_path). Files outside the tree (pipes, memfd, streams)
   * have no parent: their name is the whole text. Outside `root`, getcwd(2)'s "(unreachable)" is put in front.
   */
  path(root?: Dentry): string {
    if (this.parent === undefined && this.name !== "") return this.name;
    let text = "";
    let at: Dentry = this;
    while (at !== root && at.parent !== undefined) {
      text = `/${at.name}${text}`;
      at = at.parent;
    }
    const reached = root === undefined || at === root;
    return `${reached ? "" : "(unreachable)"}${text === "" ? "/" : text}`;
  }

  /** The path with " (deleted)" where the kernel appends it: /proc/PID/maps and the links of /proc/PID/fd. */
  displayPath(root?: Dentry): string {
    return this.deleted ? `${this.path(root)} (deleted)` : this.path(root);
  }
}
