/**
 * Path resolution (path_resolution(7), fs/namei.c): component by component, symlinks inside the task's root. Nothing is
 * ever asked of the host but a name in a directory that was reached this way, so no path leaves the sysroot.
 */
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from "../abi/errno.ts";
import {
  NAME_MAX,
  PATH_MAX,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../abi/fcntl.ts";
import type { Dentry } from "./dentry.ts";
import type { Path } from "./path.ts";
import { inodePermission, MAY_EXEC } from "./permission.ts";
import type { FsCredentials } from "./types.ts";

/** MAXSYMLINKS. */
const MAX_LINKS = 40;

/** Who asks: a task, as far as path resolution is concerned. */
export interface FsUser {
  readonly fs: { readonly root: Path; readonly cwd: Path; readonly umask: number };
  readonly creds: FsCredentials;
}

export interface WalkOptions {
  /** Where relative paths start; default: the working directory. */
  readonly base?: Path;
  /** Follow a symlink in the last component (default true). */
  readonly follow?: boolean;
  /** RESOLVE_* of openat2(2). */
  readonly resolve?: number;
}

/** The place of a last component that may not exist yet. */
export interface LastComponent {
  readonly parent: Dentry;
  /** `.`, `..` and (for paths that end at the root) `/` stand for themselves. */
  readonly name: string;
  /** The file of that name, or -errno (-ENOENT: the name is free). */
  readonly child: Dentry | number;
  readonly trailingSlash: boolean;
}

interface Walker {
  readonly user: FsUser;
  readonly root: Dentry;
  readonly resolve: number;
  at: Dentry;
  /** Components still to go, the next one last. */
  readonly rest: string[];
  trailingSlash: boolean;
  links: number;
}

/** Resolves a path to a file, or -errno. */
export function walk(user: FsUser, path: string, options: WalkOptions = {}): Dentry | number {
  const walker = start(user, path, options);
  if (typeof walker === "number") return walker;
  const last = run(walker, options.follow ?? true, true);
  if (typeof last === "number") return last;
  if (typeof last.child === "number") return last.child;
  return last.trailingSlash && !last.child.inode.isDirectory ? -ENOTDIR : last.child;
}

/** Resolves all but the last component; with `follow`, a symlink there leads on to the place it names. */
export function walkParent(user: FsUser, path: string, options: WalkOptions = {}): LastComponent | number {
  const walker = start(user, path, options);
  return typeof walker === "number" ? walker : run(walker, options.follow ?? false, false);
}

function start(user: FsUser, path: string, options: WalkOptions): Walker | number {
  if (path === "") return -ENOENT;
  if (path.length >= PATH_MAX) return -ENAMETOOLONG;
  const resolve = options.resolve ?? 0;
  const base = options.base ?? user.fs.cwd;
  const root = resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH) ? base : user.fs.root;
  const walker: Walker = { user, root, resolve, at: base, rest: [], trailingSlash: false, links: 0 };
  if (path[0] === "/") {
    if (resolve & RESOLVE_BENEATH) return -EXDEV;
    walker.at = root;
  }
  push(walker, path);
  return walker;
}

function push(walker: Walker, path: string): void {
  const components = path.split("/").filter((component) => component !== "");
  if (walker.rest.length === 0) walker.trailingSlash = path.endsWith("/");
  for (let i = components.length - 1; i >= 0; i--) walker.rest.push(components[i]);
}

/** `slashFollows`: a slash at the end follows a link before it; not where the name itself is what counts. */
function run(walker: Walker, follow: boolean, slashFollows: boolean): LastComponent | number {
  for (;;) {
    const name = walker.rest.pop();
    if (name === undefined) return ended(walker, walker.at, "/");
    const failed = maySearch(walker);
    if (failed < 0) return failed;
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    const last = walker.rest.length === 0;
    if (name === "." || name === "..") {
      if (name === "..") {
        const result = toParent(walker);
        if (result < 0) return result;
      }
      if (last) return ended(walker, walker.at, name);
      continue;
    }
    const child = walker.at.child(name);
    if (typeof child === "number") {
      if (last) return { parent: walker.at, name, child, trailingSlash: walker.trailingSlash };
      return child;
    }
    if (child.inode.isSymlink && (!last || follow || (slashFollows && walker.trailingSlash))) {
      const result = followLink(walker, child);
      if (result < 0) return result;
      continue;
    }
    if (walker.resolve & RESOLVE_NO_XDEV && child.inode.sb !== walker.at.inode.sb) return -EXDEV;
    if (last) return { parent: walker.at, name, child, trailingSlash: walker.trailingSlash };
    walker.at = child;
  }
}

/** The walk ended on a directory without a name of its own in the path: `/`, `.`, `..`, or a magic link's target. */
function ended(walker: Walker, at: Dentry, name: string): LastComponent {
  return { parent: at.parent ?? at, name, child: at, trailingSlash: walker.trailingSlash };
}

function maySearch(walker: Walker): number {
  if (!walker.at.inode.isDirectory) return -ENOTDIR;
  return inodePermission(walker.at.inode, MAY_EXEC, walker.user.creds);
}

function toParent(walker: Walker): number {
  if (walker.at === walker.root) return walker.resolve & RESOLVE_BENEATH ? -EXDEV : 0;
  const parent = walker.at.parent;
  if (parent === undefined) return 0;
  if (walker.resolve & RESOLVE_NO_XDEV && parent.inode.sb !== walker.at.inode.sb) return -EXDEV;
  walker.at = parent;
  return 0;
}

function followLink(walker: Walker, link: Dentry): number {
  if (walker.resolve & RESOLVE_NO_SYMLINKS) return -ELOOP;
  if (++walker.links > MAX_LINKS) return -ELOOP;
  const target = link.inode.follow();
  if (typeof target === "number") return target;
  if (target !== undefined) {
    if (walker.resolve & RESOLVE_NO_MAGICLINKS) return -ELOOP;
    if (walker.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) return -EXDEV;
    walker.at = target;
    return 0;
  }
  const text = link.inode.readlink();
  if (typeof text === "number") return text;
  if (text === "") return -ENOENT;
  if (text[0] === "/") {
    if (walker.resolve & RESOLVE_BENEATH) return -EXDEV;
    walker.at = walker.root;
  }
  const slashed = walker.trailingSlash;
  const wasLast = walker.rest.length === 0;
  push(walker, text);
  // A slash behind the link's own name counts as well as one at the end of its text.
  if (wasLast) walker.trailingSlash ||= slashed;
  return 0;
}
