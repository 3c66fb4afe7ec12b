/** Where libraries are looked for (elf/dl-load.c, _dl_map_object; ld.so(8)). */
import { ENOENT } from "../abi/errno.ts";
import { searchCache } from "./cache-file.ts";
import type { LinkMap } from "./link-map.ts";
import { mapObject, type OpenedObject, openFile, openObject, statFile, type Work } from "./map-object.ts";
import { linkError, mapPages, type Routine, syscall } from "./routine.ts";

const MAP_PRIVATE = 2;
const PROT_READ = 1;
/** The cache was looked for and is not there. */
const NO_CACHE = 1;

export const SYSTEM_DIRECTORIES = {
  amd64: ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"],
  i386: ["/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu", "/lib", "/usr/lib"],
} as const;

/** $ORIGIN, $LIB and $PLATFORM in a path (ld.so(8)). */
function expand(text: string, origin: string, is64: boolean): string {
  const values: Readonly<Record<string, string>> = {
    ORIGIN: origin,
    LIB: is64 ? "lib64" : "lib",
    PLATFORM: is64 ? "x86_64" : "i686",
  };
  return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced, plain) => values[braced ?? plain] ?? whole);
}

function originOf(work: Work, map: LinkMap): string {
  const { name } = map;
  const path = name === "" ? programPath(work) : name;
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0)) || ".";
}

/** AT_EXECFN, the path that the program was started by. */
function programPath({ namespace }: Work): string {
  const { memory } = namespace;
  const { W } = memory;
  let at = namespace.get("stack") + W;
  for (let nulls = 0; nulls < 2; at += W) if (memory.word(at) === 0) nulls++;
  for (; memory.word(at) !== 0; at += 2 * W) if (memory.word(at) === 31) return memory.text(memory.word(at + W));
  return "";
}

function* searchDirectories(
  work: Work,
  directories: readonly string[],
  name: string,
): Routine<OpenedObject | undefined> {
  for (const directory of directories) {
    const path = directory === "" ? name : `${directory.replace(/\/$/, "")}/${name}`;
    const opened = yield* openObject(work, path);
    if (opened !== undefined) return opened;
  }
  return undefined;
}

/** _dl_load_cache_lookup: maps /etc/ld.so.cache at the first question. */
function* lookUpCache(work: Work, name: string): Routine<string | undefined> {
  const { namespace } = work;
  const { memory } = namespace;
  if (namespace.get("cache") === 0) {
    namespace.set("cache", NO_CACHE);
    const fd = yield* openFile(work, "/etc/ld.so.cache");
    if (fd >= 0) {
      const stat = yield* statFile(work, fd);
      if (typeof stat !== "number" && stat.size > 0) {
        const at = yield* mapPages(memory.is64, 0, stat.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at >= 0) {
          namespace.set("cache", at);
          namespace.set("cacheSize", stat.size);
        }
      }
      yield* syscall("close", fd);
    }
  }
  const cache = namespace.get("cache");
  return cache === NO_CACHE ? undefined : searchCache(memory, cache, namespace.get("cacheSize"), name);
}

/** _dl_unload_cache. */
export function* unloadCache({ namespace }: Work): Routine<void> {
  const cache = namespace.get("cache");
  if (cache > NO_CACHE) yield* syscall("munmap", cache, namespace.get("cacheSize"));
  namespace.set("cache", 0);
}

/** Debian's question before a library of the system is opened. */
export function* askNohwcap({ namespace, scratch }: Work): Routine<void> {
  if (!namespace.version.nohwcap) return;
  scratch.reset();
  yield* syscall("access", scratch.text("/etc/ld.so.nohwcap"), 0);
}

function* find(work: Work, name: string, loader: LinkMap): Routine<OpenedObject | undefined> {
  const { namespace } = work;
  const { memory } = namespace;
  const { is64 } = memory;
  const list = (text: string, by: LinkMap): string[] => expand(text, originOf(work, by), is64).split(":");
  if (name.includes("/")) return yield* openObject(work, expand(name, originOf(work, loader), is64));
  const { runpath } = loader;
  if (runpath === undefined) {
    for (const map of new Set([loader, namespace.main])) {
      const { rpath } = map;
      const found = rpath === undefined ? undefined : yield* searchDirectories(work, list(rpath, map), name);
      if (found !== undefined) return found;
    }
  }
  const libraryPath = namespace.get("libraryPath");
  if (libraryPath !== 0) {
    const directories = list(memory.text(libraryPath).replaceAll(";", ":"), namespace.main);
    const found = yield* searchDirectories(work, directories, name);
    if (found !== undefined) return found;
  }
  if (runpath !== undefined) {
    const found = yield* searchDirectories(work, list(runpath, loader), name);
    if (found !== undefined) return found;
  }
  const cached = yield* lookUpCache(work, name);
  if (cached !== undefined) {
    yield* askNohwcap(work);
    const found = yield* openObject(work, cached);
    if (found !== undefined) return found;
  }
  return yield* searchDirectories(work, SYSTEM_DIRECTORIES[memory.abi], name);
}

/** The object for a name, loaded if it is new. Throws a LinkError if there is none. */
export function* loadObject(work: Work, name: string, loader: LinkMap): Routine<LinkMap> {
  const known = work.namespace.byName(name);
  if (known !== undefined) return known;
  const opened = yield* find(work, name, loader);
  if (opened === undefined) throw linkError(name, "cannot open shared object file", ENOENT);
  return yield* mapObject(work, opened, name);
}

/** Loads what `roots` need, breadth first, and returns all of it. */
export function* loadDependencies(work: Work, roots: readonly LinkMap[]): Routine<readonly LinkMap[]> {
  const list = [...roots];
  for (let i = 0; i < list.length; i++) {
    for (const name of list[i].needed) {
      const map = yield* loadObject(work, name, list[i]);
      if (!list.includes(map)) list.push(map);
    }
  }
  return list;
}
