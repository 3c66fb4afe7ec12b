/** What happens to files, told to whoever watches them (fs/notify/fsnotify.c, include/linux/fsnotify.h). */
import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_ISDIR,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "../abi/inotify.ts";
import type { Dentry } from "./dentry.ts";
import type { Inode } from "./inode.ts";

/** One who watches an inode (struct fsnotify_mark). */
export interface Watch {
  /** `name` is that of the directory's entry that the event is about; "" for the watched inode itself. */
  event(mask: number, cookie: number, name: string, unlinked: boolean): void;
  /** The inode is no more. */
  ended(): void;
}

function tell(inode: Inode, mask: number, cookie: number, name: string, unlinked = false): void {
  for (const watch of [...(inode.watches ?? [])]) watch.event(mask, cookie, name, unlinked);
}

function typed(inode: Inode, mask: number): number {
  return inode.isDirectory ? mask | IN_ISDIR : mask;
}

/** fsnotify_inode(): an event of the inode itself. */
export function notifyInode(inode: Inode, mask: number): void {
  if (inode.watches === undefined) return;
  // these two never say that it is a directory
  tell(inode, mask & (IN_DELETE_SELF | IN_MOVE_SELF) ? mask : typed(inode, mask), 0, "");
}

/** fsnotify_dentry(), fsnotify_file(): an event of the inode, which watchers of its directory see by name, first. */
export function notifyFile(dentry: Dentry, mask: number): void {
  const { inode, parent } = dentry;
  if (inode.watches === undefined && parent?.inode.watches === undefined) return;
  const wide = typed(inode, mask);
  if (parent?.inode.watches !== undefined) tell(parent.inode, wide, 0, dentry.name, dentry.deleted);
  if (inode.watches !== undefined) tell(inode, wide, 0, "");
}

/** A name came: fsnotify_create(), fsnotify_mkdir(). */
export function notifyCreated(directory: Inode, name: string, inode: Inode): void {
  if (directory.watches !== undefined) tell(directory, typed(inode, IN_CREATE), 0, name);
}

/** link(2): fsnotify_link(). */
export function notifyLinked(directory: Inode, name: string, inode: Inode): void {
  notifyInode(inode, IN_ATTRIB);
  notifyCreated(directory, name, inode);
}

/** A name went, and with it perhaps the file: fsnotify_link_count(), d_delete_notify(). */
export function notifyRemoved(directory: Inode, name: string, inode: Inode): void {
  if (!inode.isDirectory) notifyInode(inode, IN_ATTRIB);
  notifyIfGone(inode);
  if (directory.watches !== undefined) tell(directory, typed(inode, IN_DELETE), 0, name);
}

/** rename(2): fsnotify_move(). `replaced` lost its name to the file that moved. */
export function notifyMoved(
  from: { readonly directory: Inode; readonly name: string },
  to: { readonly directory: Inode; readonly name: string },
  inode: Inode,
  replaced?: Inode,
): void {
  const { context } = inode.sb;
  context.lastCookie = (context.lastCookie + 1) % 0x1_0000_0000;
  const cookie = context.lastCookie;
  if (from.directory.watches !== undefined) tell(from.directory, typed(inode, IN_MOVED_FROM), cookie, from.name);
  if (to.directory.watches !== undefined) tell(to.directory, typed(inode, IN_MOVED_TO), cookie, to.name);
  if (replaced !== undefined) notifyInode(replaced, IN_ATTRIB);
  notifyInode(inode, IN_MOVE_SELF);
  if (replaced !== undefined) notifyIfGone(replaced);
}

/** fsnotify_inoderemove(): the last name and the last open description are gone. */
export function notifyIfGone(inode: Inode): void {
  if (inode.watches === undefined || inode.nlink > 0 || inode.openFiles > 0) return;
  notifyInode(inode, IN_DELETE_SELF);
  for (const watch of [...inode.watches]) watch.ended();
}
