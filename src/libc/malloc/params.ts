import { consolidate } from "./consolidate.ts";
import type { Heap } from "./heap.ts";

/** mallopt's parameter numbers (malloc.h). */
export const M_MXFAST = 1;
export const M_TRIM_THRESHOLD = -1;
export const M_TOP_PAD = -2;
export const M_MMAP_THRESHOLD = -3;
export const M_MMAP_MAX = -4;
export const M_CHECK_ACTION = -5;
export const M_PERTURB = -6;
export const M_ARENA_TEST = -7;
export const M_ARENA_MAX = -8;

/** set_max_fast: the largest fast chunk for requests of up to `bytes`. */
export function setMaxFast(h: Heap, bytes: number): void {
  let size: number;
  if (bytes <= (h.version.maxFastZero === "small" ? h.mask - h.W : 0)) size = 2 * h.W;
  else if (h.version.maxFastFormula === "request2size") size = h.request2size(bytes);
  else size = (bytes + h.W) & ~h.mask;
  if (h.version.maxFastBytes === "byte") h.m.setByte(h.at.globalMaxFast, size);
  else h.m.setWord(h.at.globalMaxFast, size);
}

/** A parameter that ends the dynamic adjustment of the mmap threshold. */
function setFixed(h: Heap, offset: number, value: number): void {
  h.setPar(offset, value);
  h.m.setInt(h.mp + h.parAt.noDynThreshold, 1);
}

/** mallopt. `value` is a C int or, from a tunable, a size_t. */
export function setOption(h: Heap, parameter: number, value: number): number {
  const { m, mp, parAt, version } = h;
  switch (parameter) {
    case M_MXFAST:
      if (!version.fastbins) return 1;
      if (value < 0 || value > 20 * h.W) return 0;
      setMaxFast(h, value);
      return 1;
    case M_TRIM_THRESHOLD:
      setFixed(h, parAt.trimThreshold, value);
      return 1;
    case M_TOP_PAD:
      setFixed(h, parAt.topPad, value);
      return 1;
    case M_MMAP_THRESHOLD: {
      const limited = version.mmapThresholdLimit !== "no";
      if (limited && (value < 0 || value > h.heapMax / 2)) {
        if (version.mmapThresholdLimit === "refuses_sets") m.setInt(mp + parAt.noDynThreshold, 1);
        return 0;
      }
      setFixed(h, parAt.mmapThreshold, value);
      return 1;
    }
    case M_MMAP_MAX:
      m.setInt(mp + parAt.nMmapsMax, value);
      m.setInt(mp + parAt.noDynThreshold, 1);
      return 1;
    case M_CHECK_ACTION:
      if (version.checkActionOption) m.setInt(h.at.checkAction, value);
      return 1;
    case M_PERTURB:
      m.setInt(h.at.perturbByte, value);
      return 1;
    case M_ARENA_TEST:
      if (version.arenaOptions && value > 0) h.setPar(parAt.arenaTest, value);
      return 1;
    case M_ARENA_MAX:
      if (version.arenaOptions && value > 0) h.setPar(parAt.arenaMax, value);
      return 1;
    default:
      return 1;
  }
}

/** __libc_mallopt: consolidates first (up to 2.42). */
export function mallopt(h: Heap, parameter: number, value: number): number {
  if (h.version.fastbins) consolidate(h, h.main);
  return setOption(h, parameter, value);
}

/** C's atoi for environment values: an int, saturating as strtol does before the conversion. */
function atoi(text: string): number {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text);
  if (digits === null) return 0;
  const value = Number(digits[1]);
  return Math.abs(value) < 2 ** 53 ? value | 0 : value < 0 ? 0 : -1;
}

/** The environment's say in ptmalloc_init, by the rules of the version. */
export function applyEnvironment(h: Heap): void {
  if (h.version.tunables) applyTunables(h);
  else applyVariables(h);
}

const VARIABLES: Readonly<Record<string, number>> = {
  MALLOC_TOP_PAD_: M_TOP_PAD,
  MALLOC_PERTURB_: M_PERTURB,
  MALLOC_MMAP_MAX_: M_MMAP_MAX,
  MALLOC_TRIM_THRESHOLD_: M_TRIM_THRESHOLD,
  MALLOC_MMAP_THRESHOLD_: M_MMAP_THRESHOLD,
  MALLOC_ARENA_MAX: M_ARENA_MAX,
  MALLOC_ARENA_TEST: M_ARENA_TEST,
};

/** 2.11 to 2.25: environ is scanned in order; all but MALLOC_CHECK_ are ignored in setuid programs (arena.c). */
function applyVariables(h: Heap): void {
  let check = "";
  for (const entry of h.guest.environment()) {
    const equals = entry.indexOf("=");
    const name = entry.slice(0, equals);
    const value = entry.slice(equals + 1);
    if (name === "MALLOC_CHECK_") check = value;
    else if (Object.hasOwn(VARIABLES, name) && !h.guest.secure()) mallopt(h, VARIABLES[name], atoi(value));
  }
  if (check === "") return;
  mallopt(h, M_CHECK_ACTION, (check.charCodeAt(0) & 0xff) - 0x30);
  if (h.m.int(h.at.checkAction) !== 0) h.m.setInt(h.at.usingMallocChecking, 1);
}

/** A tunable: its environment alias, its bounds, and what it sets. Order is that of ptmalloc_init. */
interface Tunable {
  readonly name: string;
  readonly alias: string;
  readonly least: number;
  readonly most: number;
  readonly int: boolean;
  readonly apply: (h: Heap, value: number) => void;
}

const SIZE_MAX = Number.POSITIVE_INFINITY;
const INT_MAX = 0x7fffffff;

function option(parameter: number): (h: Heap, value: number) => void {
  return (h, value) => {
    setOption(h, parameter, value);
  };
}

function tunable(
  name: string,
  alias: string,
  least: number,
  most: number,
  apply: (h: Heap, value: number) => void,
): Tunable {
  return { name: `glibc.malloc.${name}`, alias, least, most, int: most !== SIZE_MAX, apply };
}

/** elf/dl-tunables.list. */
const TUNABLES: readonly Tunable[] = [
  tunable("check", "MALLOC_CHECK_", 0, 3, setCheck),
  tunable("top_pad", "MALLOC_TOP_PAD_", 0, SIZE_MAX, option(M_TOP_PAD)),
  tunable("perturb", "MALLOC_PERTURB_", 0, 0xff, option(M_PERTURB)),
  tunable("mmap_threshold", "MALLOC_MMAP_THRESHOLD_", 0, SIZE_MAX, option(M_MMAP_THRESHOLD)),
  tunable("trim_threshold", "MALLOC_TRIM_THRESHOLD_", 0, SIZE_MAX, option(M_TRIM_THRESHOLD)),
  tunable("mmap_max", "MALLOC_MMAP_MAX_", 0, INT_MAX, option(M_MMAP_MAX)),
  tunable("arena_max", "MALLOC_ARENA_MAX", 1, SIZE_MAX, option(M_ARENA_MAX)),
  tunable("arena_test", "MALLOC_ARENA_TEST", 1, SIZE_MAX, option(M_ARENA_TEST)),
  tunable("tcache_max", "", 0, SIZE_MAX, setTcacheMax),
  tunable("tcache_count", "", 0, SIZE_MAX, setTcacheCount),
  tunable("tcache_unsorted_limit", "", 0, SIZE_MAX, setTcacheUnsortedLimit),
  tunable("mxfast", "", 0, SIZE_MAX, option(M_MXFAST)),
];

function setCheck(h: Heap, value: number): void {
  const { checking } = h.version;
  if (value !== 0 && (checking === "fatal" || (checking === "debug_library" && h.debugLibrary))) {
    h.m.setInt(h.at.usingMallocChecking, 1);
  }
}

function setTcacheMax(h: Heap, value: number): void {
  const { tc, parAt } = h;
  if (tc === null || value >= 2 ** 31) return;
  const nb = h.request2size(value);
  const index = (nb - h.minSize) / h.alignment;
  if (!tc.lazy) {
    if (value > 63 * h.alignment + h.minSize - h.W) return;
    h.setPar(parAt.tcacheMaxBytes, value);
    h.setPar(parAt.tcacheBins, index + 1);
    return;
  }
  const smallMax = 63 * h.alignment + h.minSize;
  if (index >= 64 && 64 + Math.clz32(smallMax) - Math.clz32(nb) >= tc.bins) return;
  if (index < 64) h.setPar(parAt.tcacheBins, index + 1);
  h.setPar(parAt.tcacheMaxBytes, nb + 1);
}

function setTcacheCount(h: Heap, value: number): void {
  if (h.tc !== null && value <= 0xffff) h.setPar(h.parAt.tcacheCount, value);
}

function setTcacheUnsortedLimit(h: Heap, value: number): void {
  if (h.tc !== null) h.setPar(h.parAt.tcacheUnsortedLimit, value);
}

/** strtoul as ld.so does it: base by prefix. `strict` (2.37 and later) wants nothing behind the number. */
function parseNumber(text: string, strict: boolean): number | undefined {
  const match = /^[ \t]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)/.exec(text);
  if (match === null || (strict && match[0].length !== text.length)) return strict ? undefined : 0;
  const digits = match[2];
  const octal = /^0[0-7]+/.exec(digits);
  const value = /^0[xX]/.test(digits) ? Number(digits) : octal ? Number.parseInt(octal[0], 8) : Number(digits);
  return match[1] === "-" ? -value : value;
}

/** 2.26 and later: GLIBC_TUNABLES, and the old variables as aliases for what it does not name. */
function applyTunables(h: Heap): void {
  if (h.guest.secure()) return;
  const values = new Map<string, number>();
  const set = (name: string, text: string): void => {
    const known = TUNABLES.find((t) => t.name === name);
    const value = known && parseNumber(text, h.version.tunablesStrict);
    if (known === undefined || value === undefined) return;
    const unsigned = value < 0 && !known.int ? value + (h.W === 8 ? 2 ** 64 : 2 ** 32) : value;
    if (unsigned >= known.least && unsigned <= known.most) values.set(name, unsigned);
  };
  const environment = h.guest.environment();
  for (const entry of environment) {
    if (!entry.startsWith("GLIBC_TUNABLES=")) continue;
    for (const item of entry.slice("GLIBC_TUNABLES=".length).split(":")) {
      const equals = item.indexOf("=");
      if (equals > 0) set(item.slice(0, equals), item.slice(equals + 1));
    }
  }
  for (const entry of environment) {
    const equals = entry.indexOf("=");
    const known = TUNABLES.find((t) => t.alias !== "" && t.alias === entry.slice(0, equals));
    if (known !== undefined && !values.has(known.name)) set(known.name, entry.slice(equals + 1));
  }
  for (const { name, apply } of TUNABLES) {
    const value = values.get(name);
    if (value !== undefined) apply(h, value);
  }
}
