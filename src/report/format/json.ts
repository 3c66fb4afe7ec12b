/** Reports as JSON: one object with a schema version; 64-bit values are hex strings. */
import type { MemorySnapshot } from "../model/memory.ts";
import type { SectionSizes } from "../model/section-sizes.ts";

/** Raised when a field changes its meaning or goes away; new fields do not raise it. */
export const SCHEMA_VERSION = 1;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The object of `folio maps --json` and `folio pmap --json`. Page numbers are KiB, as in smaps. */
export function memoryJson(snapshot: MemorySnapshot): string {
  return JSON.stringify(
    {
      schema: SCHEMA_VERSION,
      kind: "memory",
      pid: snapshot.pid,
      command: snapshot.command,
      totalKib: snapshot.mappings.reduce((sum, mapping) => sum + (mapping.end - mapping.start) / 1024, 0),
      mappings: snapshot.mappings.map((mapping) => ({
        start: hex(mapping.start),
        end: hex(mapping.end),
        permissions: mapping.permissions,
        offset: hex(mapping.offset),
        device: `${mapping.major}:${mapping.minor}`,
        inode: mapping.inode,
        name: mapping.name,
        ...(mapping.pages === undefined ? {} : { pagesKib: mapping.pages }),
      })),
    },
    undefined,
    2,
  );
}

/** The object of `folio size --json`. */
export function sizeJson(files: readonly { readonly name: string; readonly sizes: SectionSizes }[]): string {
  const rows = files.map(({ name, sizes }) => ({ name, ...sizes, total: sizes.text + sizes.data + sizes.bss }));
  return JSON.stringify({ schema: SCHEMA_VERSION, kind: "size", files: rows }, undefined, 2);
}
