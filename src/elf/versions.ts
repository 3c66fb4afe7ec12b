/** GNU symbol versions: .gnu.version, .gnu.version_d, .gnu.version_r (LSB core, "Symbol Versioning"), by dynamic tags. */
import {
  DT_VERDEF,
  DT_VERDEFNUM,
  DT_VERNEED,
  DT_VERNEEDNUM,
  DT_VERSYM,
  VER_FLG_BASE,
  VER_NDX_GLOBAL,
  VERSYM_HIDDEN,
} from "./constants.ts";
import { dynamicValue, parseDynamic } from "./dynamic.ts";
import { bytesAtAddress, type ElfImage } from "./image.ts";
import { cString, type ElfError, isElfError, u16, u32 } from "./reader.ts";

export interface VersionNeed {
  readonly file: string;
  readonly version: string;
  readonly index: number;
}

export interface VersionInfo {
  /** Versions this file defines, by index; the base definition (the file's own name) is left out. */
  readonly defined: ReadonlyMap<number, string>;
  readonly needed: readonly VersionNeed[];
  /** The version of dynamic symbol `index`: undefined when it has none. The default one is written `name@@VERSION`. */
  symbolVersion(index: number): { readonly version: string; readonly isDefault: boolean } | undefined;
}

/** Walks a linked list of version records: at most `count`, all inside `bytes`, none overlapping the one before. */
function chain(bytes: Uint8Array, start: number, count: number, size: number, next: number): number[] {
  const offsets: number[] = [];
  for (let at = start, i = 0; i < count && at + size <= bytes.length; i++) {
    offsets.push(at);
    const step = u32(bytes, at + next);
    if (step < size) break;
    at += step;
  }
  return offsets;
}

/** The version tables of the file; empty ones when it has none. */
export function parseVersions(image: ElfImage): VersionInfo | ElfError {
  const dynamic = parseDynamic(image);
  if (isElfError(dynamic)) return dynamic;
  const { entries, strings } = dynamic;
  const text = (offset: number): string => cString(strings, offset, strings.length) ?? "";
  const table = (tag: number): Uint8Array | undefined => {
    const address = dynamicValue(entries, tag);
    return address === undefined ? undefined : bytesAtAddress(image, address);
  };

  const defined = new Map<number, string>();
  const definitions = table(DT_VERDEF);
  if (definitions !== undefined) {
    for (const at of chain(definitions, 0, dynamicValue(entries, DT_VERDEFNUM) ?? 0, 20, 16)) {
      const aux = at + u32(definitions, at + 12);
      const isBase = (u16(definitions, at + 2) & VER_FLG_BASE) !== 0;
      if (!isBase && aux + 8 <= definitions.length) defined.set(u16(definitions, at + 4), text(u32(definitions, aux)));
    }
  }

  const needed: VersionNeed[] = [];
  const needs = table(DT_VERNEED);
  if (needs !== undefined) {
    const most = needs.length / 16;
    for (const at of chain(needs, 0, dynamicValue(entries, DT_VERNEEDNUM) ?? 0, 16, 12)) {
      const file = text(u32(needs, at + 4));
      const count = Math.min(u16(needs, at + 2), most - needed.length);
      for (const aux of chain(needs, at + u32(needs, at + 8), count, 16, 12)) {
        needed.push({ file, version: text(u32(needs, aux + 8)), index: u16(needs, aux + 6) });
      }
    }
  }

  const versym = table(DT_VERSYM);
  return {
    defined,
    needed,
    symbolVersion(index) {
      if (versym === undefined || index < 0 || 2 * index + 2 > versym.length) return undefined;
      const raw = u16(versym, 2 * index);
      const number = raw & ~VERSYM_HIDDEN;
      if (number <= VER_NDX_GLOBAL) return undefined;
      const definition = defined.get(number);
      const version = definition ?? needed.find((need) => need.index === number)?.version;
      const isDefault = definition !== undefined && (raw & VERSYM_HIDDEN) === 0;
      return version === undefined ? undefined : { version, isDefault };
    },
  };
}
