/** malloc in a statically linked program that still has its symbol table: the variables by their names. */
import { type ElfImage, parseElf } from "../../../elf/image.ts";
import { isElfError } from "../../../elf/reader.ts";
import { type ElfSymbol, staticSymbols } from "../../../elf/symbols.ts";
import { Geometry } from "../geometry.ts";
import type { MallocVersion } from "../version.ts";
import { MALLOC_VERSIONS } from "../versions/all.ts";
import type { MallocImage, TlsSlot } from "./image.ts";

const PT_TLS = 7;

/** Undefined if the program has no glibc malloc that folio knows, or no symbols. */
export function symbolMallocImage(bytes: Uint8Array): MallocImage | undefined {
  const elf = parseElf(bytes);
  if (isElfError(elf)) return undefined;
  const symbols = staticSymbols(elf);
  if (isElfError(symbols)) return undefined;
  const version = versionOf(symbols, elf.header.is64 ? 8 : 4);
  if (version === undefined) return undefined;
  const at = (name: string): number | undefined =>
    // Local statics have a number behind their name.
    symbols.find((symbol) => symbol.name === name || symbol.name.startsWith(`${name}.`))?.st_value;
  const block = tlsBlock(elf);
  const tls = (name: string): TlsSlot | undefined => {
    const offset = at(name);
    return offset === undefined ? undefined : { offset: offset - block };
  };
  const [mainArena, mp, curbrk, abort] = ["main_arena", "mp_", "__curbrk", "abort"].map(at);
  const threadArena = tls("thread_arena");
  const errno = tls("errno") ?? tls("__libc_errno");
  if (mainArena === undefined || mp === undefined || curbrk === undefined || abort === undefined) return undefined;
  if (threadArena === undefined || errno === undefined) return undefined;
  return {
    version,
    abi: elf.header.is64 ? "amd64" : "i386",
    variables: { mainArena, mp, curbrk, globalMaxFast: at("global_max_fast"), tcacheDummy: at("__tcache_dummy") },
    tls: { threadArena, errno, tcache: tls("tcache") },
    singleThreaded: undefined,
    fatal: { kind: "abort", abort },
  };
}

/** A static program does not name its glibc; the sizes of malloc's variables tell (those of 2.36 and 2.41 differ in one). */
function versionOf(symbols: readonly ElfSymbol[], W: 4 | 8): MallocVersion | undefined {
  const size = (name: string): number => symbols.find((symbol) => symbol.name === name)?.st_size ?? 0;
  return MALLOC_VERSIONS.find((version) => {
    const { state, parAt } = new Geometry(version, W);
    if (size("main_arena") !== state.sizeof || size("mp_") !== parAt.sizeof) return false;
    return !version.fastbins || size("global_max_fast") === (version.maxFastBytes === "byte" ? 1 : W);
  });
}

/** Where the program's thread-local block begins below the thread pointer (variant II, the first module). */
function tlsBlock(elf: ElfImage): number {
  const segment = elf.segments.find(({ p_type }) => p_type === PT_TLS);
  if (segment === undefined) return 0;
  const alignment = Math.max(segment.p_align, 1);
  return Math.ceil(segment.p_memsz / alignment) * alignment;
}
