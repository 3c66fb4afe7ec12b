/** Symbolic links with a text. */
import { Inode, type InodeInit, type SuperBlock } from "./inode.ts";

export class SymlinkInode extends Inode {
  readonly #target: string;

  constructor(sb: SuperBlock, target: string, init: InodeInit = {}) {
    super(sb, 0o120777, init);
    this.#target = target;
  }

  protected override get textBytes(): number {
    return this.#target.length;
  }

  override get size(): number {
    return this.#target.length;
  }

  override readlink(): string {
    return this.#target;
  }
}
