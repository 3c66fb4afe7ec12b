/** memfd_create(2) (mm/memfd.c): a nameless file of the kernel's own tmpfs. */
import { F_SEAL_EXEC, F_SEAL_SEAL, MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL, O_LARGEFILE, O_RDWR } from "../abi/fcntl.ts";
import { Dentry } from "./dentry.ts";
import type { File } from "./file.ts";
import type { SuperBlock } from "./inode.ts";
import { RegularInode } from "./regular.ts";

export function createMemfd(
  sb: SuperBlock,
  name: string,
  flags: number,
  owner: { fsuid: number; fsgid: number },
): File | number {
  const mode = flags & MFD_NOEXEC_SEAL ? 0o100666 : 0o100777;
  const inode = new RegularInode(sb, mode, { shmem: true, nlink: 0, uid: owner.fsuid, gid: owner.fsgid });
  inode.seals = flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
  const dentry = new Dentry(`/memfd:${name}`, undefined, inode);
  dentry.deleted = true;
  return inode.open(dentry, O_RDWR | O_LARGEFILE);
}
