/** The embedded C library in a machine: its files, and the traps that its code leads to. */

import type { Abi } from "../abi/abi.ts";
import { S_IFREG } from "../abi/stat.ts";
import { InternalError, UsageError } from "../base/errors.ts";
import { buildCache, type CacheEntry } from "../dynlink/cache-file.ts";
import { DynamicLinker, type LoadedHook } from "../dynlink/driver.ts";
import { linkerVersion } from "../dynlink/version.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { MANIFEST } from "../libc/embedded/manifest.generated.ts";
import type { ImageManifest } from "../libc/embedded/manifest.ts";
import { type EmbeddedSet, embeddedSet } from "../libc/embedded/sets.ts";
import type { MallocImage } from "../libc/malloc/traps/image.ts";
import {
  createMallocTraps,
  MALLOC_FUNCTIONS,
  type MallocFunction,
  type MallocTraps,
} from "../libc/malloc/traps/malloc-traps.ts";
import { mallocVersion } from "../libc/malloc/versions/all.ts";
import type { MachineProfile } from "../profiles/machine-profile.ts";
import { RegularInode } from "../vfs/regular.ts";
import { SymlinkInode } from "../vfs/symlink.ts";
import { providedDirectory } from "../vfs/vfs.ts";

const LIBC = "libc.so.6";
/** header.multiple_threads of struct pthread. */
const MULTIPLE_THREADS = { amd64: 0x18, i386: 0xc } as const;
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
  attributes: { readonly mode: number; readonly ino?: number },
): RegularInode {
  const stat = kernel.host.fs.lstat(hostPath);
  if (typeof stat === "number") throw new UsageError(`${hostPath}: cannot be read`);
  const { size, blocks } = stat;
  let made: RegularInode | undefined;
  const ino = attributes.ino ?? profile.disk?.inodes[path];
  kernel.vfs.provide(path, (sb) => {
    made = new RegularInode(sb, S_IFREG | attributes.mode, {
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

function linkerOf(manifest: ImageManifest, loaded: LoadedHook): DynamicLinker {
  const version = linkerVersion(manifest.glibc);
  if (version === undefined) throw new InternalError(`no data of ld.so ${manifest.glibc}`);
  const at = (name: string): number => manifest.symbols[name] ?? 0;
  const image = {
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
  };
  return new DynamicLinker(image, loaded);
}

/** malloc of an image of libc: version and places of its variables. */
export function mallocImageOf(manifest: ImageManifest): MallocImage {
  const version = mallocVersion(manifest.glibc);
  if (version === undefined) throw new InternalError(`no malloc of ${manifest.glibc}`);
  const at = (name: string): number => {
    const address = manifest.symbols[name];
    if (address === undefined) throw new InternalError(`libc ${manifest.glibc} has no ${name}`);
    return address;
  };
  return {
    version,
    abi: manifest.abi,
    variables: {
      mainArena: at("main_arena"),
      mp: at("mp_"),
      curbrk: at("__curbrk"),
      globalMaxFast: at("global_max_fast"),
      perturbByte: at("perturb_byte"),
      mallocInitialized: at("__malloc_initialized"),
      narenas: at("narenas"),
      narenasLimit: at("narenas_limit"),
      freeList: at("free_list"),
      nextToUse: at("next_to_use"),
      alignedHeapArea: at("aligned_heap_area"),
      tcacheKey: at("tcache_key"),
      tcacheDummy: at("tcache_dummy"),
      checkAction: at("check_action"),
      usingMallocChecking: at("using_malloc_checking"),
      arenaMem: at("arena_mem"),
    },
    tls: {
      threadArena: { got: at("tls_thread_arena") },
      tcache: { got: at("tls_tcache") },
      tcacheShuttingDown: { got: at("tls_tcache_shutting_down") },
      errno: { got: at("tls_errno") },
    },
    singleThreaded: { multipleThreads: MULTIPLE_THREADS[manifest.abi] },
    environ: at("__environ"),
    fatal: { kind: "function", function: at("__folio_malloc_fatal") },
  };
}

/** The traps of an image of libc, by file offset. */
function libcTraps(
  kernel: Kernel,
  manifest: ImageManifest,
  malloc: MallocTraps,
  linker: DynamicLinker,
): ReadonlyMap<number, number> {
  const own = linker.installLibc(kernel);
  const numbers = new Map<number, number>();
  for (const [name, site] of Object.entries(manifest.traps)) {
    const isMalloc = (MALLOC_FUNCTIONS as readonly string[]).includes(name);
    const number = isMalloc ? kernel.traps.add(malloc.trap(name as MallocFunction, site)) : own[name];
    if (number === undefined) throw new InternalError(`libc has a trap site ${name} that nobody serves`);
    numbers.set(site, number);
  }
  return numbers;
}

function installSet(kernel: Kernel, profile: MachineProfile, set: EmbeddedSet): CacheEntry[] {
  const { vfs, host } = kernel;
  for (const [path, target] of set.links) vfs.provide(path, (sb) => new SymlinkInode(sb, target));
  const manifests = set.files.map(({ image }) => MANIFEST[image]);
  const libc = manifests.find((manifest) => manifest?.soname === LIBC);
  const ld = manifests.find((manifest) => manifest?.traps.ld_start !== undefined);
  if (libc === undefined || ld === undefined) throw new InternalError(`the C library ${set.glibc} is not complete`);
  const malloc = createMallocTraps(mallocImageOf(libc));
  const linker = linkerOf(ld, (task, bases) => {
    const base = bases.get(LIBC);
    if (base !== undefined) malloc.startProcess(task, base);
  });
  const entries: CacheEntry[] = [];
  set.files.forEach(({ image, name = image, links }, i) => {
    const manifest = manifests[i];
    const hostPath = host.assetPath?.(image);
    if (manifest === undefined || hostPath === undefined) {
      throw new UsageError(`the embedded C library is not built: ${image} is missing; run "npm run build"`);
    }
    const inode = provideFile(kernel, profile, `${set.directory}/${name}`, hostPath, { mode: 0o755 });
    if (manifest === ld) inode.traps = linker.install(kernel);
    else if (manifest === libc) inode.traps = libcTraps(kernel, libc, malloc, linker);
    for (const link of links) vfs.provide(`${set.directory}/${link}`, (sb) => new SymlinkInode(sb, name));
    if (manifest !== ld) {
      entries.push({ soname: manifest.soname, path: `${set.directory}/${manifest.soname}`, abi: set.abi });
    }
  });
  return entries;
}

/** Installs the library of each ABI that the machine has. */
export function installEmbedded(kernel: Kernel, profile: MachineProfile, options: EmbeddedOptions = {}): void {
  const abis = profile.abi === undefined ? ABIS : [profile.abi];
  // A machine with a disk of its own has no /lib that is a link to somewhere else, as the sysroot's may be.
  const lib = kernel.vfs.walk(kernel.vfs.superuser(), "/lib", { follow: false });
  if (profile.disk !== undefined && typeof lib !== "number" && lib.inode.isSymlink) {
    kernel.vfs.provide("/lib", providedDirectory(0o755));
  }
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
