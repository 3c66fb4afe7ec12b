/** Constructors and destructors (elf/dl-init.c, dl-fini.c). */
import { DT_FINI, DT_INIT } from "../elf/constants.ts";
import {
  DT_FINI_ARRAY,
  DT_FINI_ARRAYSZ,
  DT_INIT_ARRAY,
  DT_INIT_ARRAYSZ,
  DT_PREINIT_ARRAY,
  DT_PREINIT_ARRAYSZ,
  type LinkMap,
  MapFlag,
} from "./link-map.ts";
import type { Namespace } from "./namespace.ts";

function functionArray(map: LinkMap, array: number, size: number): number[] {
  const at = map.dynamic(array);
  const { memory } = map;
  const count = at === undefined ? 0 : Math.floor((map.dynamic(size) ?? 0) / memory.W);
  return Array.from({ length: count }, (_, i) => memory.word((at ?? 0) + i * memory.W));
}

/** DT_INIT, then DT_INIT_ARRAY. */
export function constructors(map: LinkMap): number[] {
  const init = map.dynamic(DT_INIT);
  return [...(init === undefined ? [] : [init]), ...functionArray(map, DT_INIT_ARRAY, DT_INIT_ARRAYSZ)];
}

export function preInitialisers(map: LinkMap): number[] {
  return functionArray(map, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ);
}

/** DT_FINI_ARRAY from its end, then DT_FINI. */
export function destructors(map: LinkMap): number[] {
  const fini = map.dynamic(DT_FINI);
  return [...functionArray(map, DT_FINI_ARRAY, DT_FINI_ARRAYSZ).reverse(), ...(fini === undefined ? [] : [fini])];
}

/** What an object needs comes before it; among equals, what was loaded later comes first. */
export function initialisationOrder(namespace: Namespace, roots: readonly LinkMap[]): readonly LinkMap[] {
  const order: LinkMap[] = [];
  const seen = new Set<LinkMap>();
  const visit = (map: LinkMap): void => {
    if (seen.has(map)) return;
    seen.add(map);
    for (const name of [...map.needed].reverse()) {
      const needed = namespace.byName(name);
      if (needed !== undefined) visit(needed);
    }
    order.push(map);
  };
  for (const root of roots) visit(root);
  return order;
}

/** The constructors to run for `roots`; the objects count as initialised from now on. */
export function takeConstructors(namespace: Namespace, roots: readonly LinkMap[]): number[] {
  const functions: number[] = [];
  for (const map of initialisationOrder(namespace, roots)) {
    if (map.has(MapFlag.initialised)) continue;
    map.set(MapFlag.initialised);
    // The program's own are run by its start-up code.
    if (!map.has(MapFlag.main)) functions.push(...constructors(map));
  }
  return functions.filter((address) => address !== 0);
}

/** The destructors of `maps` (all objects that are initialised, at exit), the last initialised first. */
export function takeDestructors(namespace: Namespace, maps: readonly LinkMap[]): number[] {
  const functions: number[] = [];
  for (const map of [...initialisationOrder(namespace, namespace.maps())].reverse()) {
    if (!maps.includes(map) || !map.has(MapFlag.initialised) || map.has(MapFlag.finished)) continue;
    map.set(MapFlag.finished);
    functions.push(...destructors(map));
  }
  return functions.filter((address) => address !== 0);
}
