/** _dl_check_map_versions (elf/dl-version.c): every version that an object asks for must be defined where it is expected. */
import { DT_VERDEF } from "../elf/constants.ts";
import type { LinkMap } from "./link-map.ts";
import { neededVersions } from "./lookup.ts";
import type { Namespace } from "./namespace.ts";
import { displayName } from "./relocate.ts";

export interface MissingVersion {
  /** The library that lacks it, and what is wrong. */
  readonly object: string;
  readonly message: string;
}

export function missingVersions(namespace: Namespace, map: LinkMap): readonly MissingVersion[] {
  const missing: MissingVersion[] = [];
  for (const { file, name, weak } of neededVersions(map)) {
    const library = namespace.byName(file);
    // Libraries without version definitions are as they were before there were versions.
    if (weak || library === undefined || library.dynamic(DT_VERDEF) === undefined) continue;
    const defined = [...namespace.tables.defined(library).values()].some((version) => version.name === name);
    if (!defined) {
      const message = `version \`${name}' not found (required by ${displayName(namespace, map)})`;
      missing.push({ object: library.name, message });
    }
  }
  return missing;
}
