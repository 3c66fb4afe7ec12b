/** pmap(1) in the two flavours of src/profiles/machine-profile.ts; layouts are data, one writer prints them. */
import type { PmapFlavour } from "../../profiles/machine-profile.ts";
import type { MappingSnapshot, MemorySnapshot } from "../model/memory.ts";

export interface PmapOptions {
  readonly flavour: PmapFlavour;
  /** Digits of an address: twice sizeof(long) of the pmap program. */
  readonly addressDigits: 8 | 16;
  /** -x: resident and dirty pages. */
  readonly extended?: boolean;
  /** -p: whole paths (procps-ng). */
  readonly showPath?: boolean;
  /** -q: no header behind the pid line and no footer. */
  readonly quiet?: boolean;
}

interface Layout {
  /** What separates mode and mapping. */
  readonly gap: string;
  /** File mappings by whole path, or by base name unless -p asks otherwise. */
  readonly fullPaths: boolean;
  /** Extended columns: RSS and dirty as numbers, or three columns of dashes. */
  readonly extended: "numbers" | "dashes";
}

const LAYOUTS: Readonly<Record<PmapFlavour, Layout>> = {
  "procps-3.2.8": { gap: "  ", fullPaths: true, extended: "dashes" },
  "procps-ng-4.0.2": { gap: " ", fullPaths: false, extended: "numbers" },
};

const kib = (mapping: MappingSnapshot): number => (mapping.end - mapping.start) / 1024;

/** Five characters: r, w, x, s for shared, and a last one that is `-` here. */
function mode(mapping: MappingSnapshot): string {
  const { permissions } = mapping;
  return `${permissions.slice(0, 3)}${permissions[3] === "s" ? "s" : "-"}-`;
}

/** Segments of shared memory by their identifier, the number of the inode; everything without a path is `[ anon ]`, but the mapping that holds start_stack. */
function mappingName(mapping: MappingSnapshot, snapshot: MemorySnapshot, wholePath: boolean): string {
  if (mapping.major === 0 && mapping.minor === 1 && mapping.name.includes("/SYSV")) {
    return `  [ shmid=0x${mapping.inode.toString(16)} ]`;
  }
  const slash = mapping.name.indexOf("/");
  if (slash >= 0) {
    const path = mapping.name.slice(slash);
    return wholePath ? path : path.slice(path.lastIndexOf("/") + 1);
  }
  const holdsStack = snapshot.startStack >= mapping.start && snapshot.startStack <= mapping.end;
  return holdsStack ? "  [ stack ]" : "  [ anon ]";
}

/** The text of `pmap [-x] [-p] [-q] PID`. */
export function pmapText(snapshot: MemorySnapshot, options: PmapOptions): string {
  const lines = [`${snapshot.pid}:   ${snapshot.command}`];
  lines.push(...(options.extended ? extendedLines(snapshot, options) : plainLines(snapshot, options)));
  return `${lines.join("\n")}\n`;
}

function address(mapping: MappingSnapshot, options: PmapOptions): string {
  return mapping.start.toString(16).padStart(options.addressDigits, "0");
}

function plainLines(snapshot: MemorySnapshot, options: PmapOptions): string[] {
  const layout = LAYOUTS[options.flavour];
  const wholePath = layout.fullPaths || options.showPath === true;
  const lines: string[] = [];
  let total = 0;
  for (const mapping of snapshot.mappings) {
    total += kib(mapping);
    const size = `${String(kib(mapping)).padStart(6)}K`;
    const name = mappingName(mapping, snapshot, wholePath);
    lines.push(`${address(mapping, options)} ${size} ${mode(mapping)}${layout.gap}${name}`);
  }
  if (!options.quiet) lines.push(` total ${String(total).padStart(options.addressDigits)}K`);
  return lines;
}

function extendedLines(snapshot: MemorySnapshot, options: PmapOptions): string[] {
  const layout = LAYOUTS[options.flavour];
  return layout.extended === "numbers" ? extendedNumbers(snapshot, options) : extendedDashes(snapshot, options);
}

function extendedNumbers(snapshot: MemorySnapshot, options: PmapOptions): string[] {
  const width = options.addressDigits;
  const column = (value: number): string => String(value).padStart(7);
  const lines = options.quiet ? [] : [`${"Address".padEnd(width)}  Kbytes     RSS   Dirty Mode  Mapping`];
  let size = 0;
  let rss = 0;
  let dirty = 0;
  for (const mapping of snapshot.mappings) {
    const mappingRss = mapping.pages?.rss ?? 0;
    const mappingDirty = (mapping.pages?.sharedDirty ?? 0) + (mapping.pages?.privateDirty ?? 0);
    size += kib(mapping);
    rss += mappingRss;
    dirty += mappingDirty;
    const numbers = `${column(kib(mapping))} ${column(mappingRss)} ${column(mappingDirty)}`;
    const name = mappingName(mapping, snapshot, options.showPath === true);
    lines.push(`${address(mapping, options)} ${numbers} ${mode(mapping)} ${name}`);
  }
  if (options.quiet) return lines;
  lines.push(`${"-".repeat(width)} ------- ------- ------- `);
  lines.push(`${"total kB".padEnd(width)} ${column(size)} ${column(rss)} ${column(dirty)}`);
  return lines;
}

/** 3.2.8 had the columns but not yet the numbers. */
function extendedDashes(snapshot: MemorySnapshot, options: PmapOptions): string[] {
  const wide = options.addressDigits === 16;
  const lines: string[] = [];
  if (!options.quiet)
    lines.push(`${wide ? "Address           " : "Address   "}Kbytes     RSS    Anon  Locked Mode   Mapping`);
  let total = 0;
  for (const mapping of snapshot.mappings) {
    total += kib(mapping);
    const name = mappingName(mapping, snapshot, false);
    lines.push(
      `${address(mapping, options)} ${String(kib(mapping)).padStart(7)}       -       -       - ${mode(mapping)}  ${name}`,
    );
  }
  if (options.quiet) return lines;
  lines.push(wide ? "----------------  ------  ------  ------  ------" : "-------- ------- ------- ------- -------");
  lines.push(`total kB ${String(total).padStart(wide ? 15 : 7)}       -       -       -`);
  return lines;
}
