/** The embedded C library in a machine: its files, and the traps that its code leads to. */

import type { Abi } from "../abi/abi.ts";
import { S_IFREG } from "../abi/stat.ts";
import { InternalError, UsageError } from "../base/errors.ts";
import { buildCache, type CacheEntry } from "../dynlink/cache-file.ts";
import { DynamicLinker } from "../dynlink/driver.ts";
import { linkerVersion } from "../dynlink/version.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { MANIFEST } from "../libc/embedded/manifest.generated.ts";
import type { ImageManifest } from "../libc/embedded/manifest.ts";
import { type EmbeddedSet, embeddedSet } from "../libc/embedded/sets.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import { RegularInode } from "../vfs/regular.ts";
import { SymlinkInode } from "../vfs/symlink.ts";

const CACHE = "/etc/ld.so.cache";
const ABIS: readonly Abi[] = ["amd64", "i386"];
/** When the files were last changed: a day of 2010, so that runs repeat. */
const MTIME = { sec: 1_272_000_000, nsec: 0 };

export interface EmbeddedOptions {
  /** Bytes of /etc/ld.so.cache, if not those of the profile. */
  readonly ldSoCacheSize?: number;
}

/** Puts a host file into the guest's tree as one of the machine's disk. */
export function provideFile(
  kernel: Kernel,
  profile: MachineProfile,
  path: string,
  hostPath: string,
  mode: number,
): RegularInode {
  const stat = kernel.host.fs.lstat(hostPath);
  if (typeof stat === "number") throw new UsageError(`${hostPath}: cannot be read`);
  const { size, blocks } = stat;
  let made: RegularInode | undefined;
  const ino = profile.disk?.inodes[path];
  kernel.vfs.provide(path, (sb) => {
    made = new RegularInode(sb, S_IFREG | mode, {
      lower: { fs: kernel.host.fs, path: hostPath, size, blocks },
      mtime: MTIME,
      ...(profile.disk === undefined ? {} : { dev: profile.disk.dev }),
      ...(ino === undefined ? {} : { ino }),
    });
    return made;
  });
  if (made === undefined) throw new InternalError(`${path} was not made`);
  return made;
}

function linkerOf(kernel: Kernel, manifest: ImageManifest): ReadonlyMap<number, number> {
  const version = linkerVersion(manifest.glibc);
  if (version === undefined) throw new InternalError(`no data of ld.so ${manifest.glibc}`);
  const at = (name: string): number => manifest.symbols[name] ?? 0;
  const linker = new DynamicLinker({
    version,
    sites: manifest.traps,
    symbols: {
      rtld: at("__folio_rtld"),
      map: at("__folio_ld_map"),
      rDebug: at("_r_debug"),
      end: at("_end"),
      stackEnd: at("__libc_stack_end"),
      argv: at("_dl_argv"),
      enableSecure: at("__libc_enable_secure"),
      dynamic: at("_DYNAMIC"),
      resolve: at("_dl_runtime_resolve"),
      fini: at("_dl_fini"),
      setGs: at("__folio_set_gs"),
    },
    code: {
      syscall: at("__folio_ld_syscall"),
      call: at("__folio_ld_call"),
      initialise: at("__folio_ld_init"),
    },
  });
  return linker.install(kernel);
}

function installSet(kernel: Kernel, profile: MachineProfile, set: EmbeddedSet): CacheEntry[] {
  const { vfs, host } = kernel;
  for (const [path, target] of set.links) vfs.provide(path, (sb) => new SymlinkInode(sb, target));
  const entries: CacheEntry[] = [];
  for (const { image, links } of set.files) {
    const manifest = MANIFEST[image];
    const hostPath = host.assetPath?.(image);
    if (manifest === undefined || hostPath === undefined) {
      throw new UsageError(`the embedded C library is not built: ${image} is missing; run "npm run build"`);
    }
    const inode = provideFile(kernel, profile, `${set.directory}/${image}`, hostPath, 0o755);
    inode.traps = image.startsWith("ld-") ? linkerOf(kernel, manifest) : new Map();
    for (const link of links) {
      vfs.provide(`${set.directory}/${link}`, (sb) => new SymlinkInode(sb, image));
      if (!image.startsWith("ld-")) entries.push({ soname: link, path: `${set.directory}/${link}`, abi: set.abi });
    }
  }
  return entries;
}

/** Installs the library of each ABI that the machine has. */
export function installEmbedded(kernel: Kernel, profile: MachineProfile, options: EmbeddedOptions = {}): void {
  const abis = profile.abi === undefined ? ABIS : [profile.abi];
  const entries: CacheEntry[] = [];
  for (const abi of abis) {
    const set = embeddedSet(abi, profile.glibc);
    if (set !== undefined) entries.push(...installSet(kernel, profile, set));
  }
  const size = options.ldSoCacheSize ?? profile.ldSoCacheSize ?? 0;
  const bytes = buildCache(entries, size);
  kernel.vfs.provide(CACHE, (sb) => {
    const dev = profile.disk?.dev;
    const inode = new RegularInode(sb, S_IFREG | 0o644, { mtime: MTIME, ...(dev === undefined ? {} : { dev }) });
    inode.writeAt(bytes, 0);
    return inode;
  });
}
