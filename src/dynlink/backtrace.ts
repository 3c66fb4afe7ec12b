/**
 * What the embedded libc's backtrace(3) asks of folio. Its own functions keep frame pointers; frames of other objects are
 * found by their unwind tables, as libgcc_s does it, which glibc's backtrace loads for that.
 */
import { DT_SONAME } from "../elf/constants.ts";
import { nearestSymbol } from "./dlopen.ts";
import { type LinkMap, MapFlag } from "./link-map.ts";
import { symbolAddress } from "./lookup.ts";
import type { Work } from "./map-object.ts";
import type { Namespace } from "./namespace.ts";
import { displayName, relocate } from "./relocate.ts";
import { isLinkError, type Routine } from "./routine.ts";
import { loadDependencies, loadObject, unloadCache } from "./search.ts";
import { type UnwindFrame, unwind } from "./unwind.ts";

const LIBGCC = "libgcc_s.so.1";
const LIBC = "libc.so.6";

/** __libc_dlopen (LIBGCC_S_SO); without it backtrace has no frames. */
function* loadUnwinder(work: Work): Routine<boolean> {
  const { namespace } = work;
  if (namespace.byName(LIBGCC) !== undefined) return true;
  const before = namespace.maps();
  try {
    const map = yield* loadObject(work, LIBGCC, namespace.byName(LIBC) ?? namespace.main);
    yield* loadDependencies(work, [map]);
    yield* unloadCache(work);
    for (const other of namespace.maps()) if (!before.includes(other)) yield* relocate(namespace, other, true);
    map.references += 1;
    map.set(MapFlag.noDelete);
    return true;
  } catch (thrown) {
    if (!isLinkError(thrown)) throw thrown;
    yield* unloadCache(work);
    return false;
  }
}

/** Whether the object's code keeps frame pointers throughout. */
function keepsFramePointers(map: LinkMap): boolean {
  return map.dynamic(DT_SONAME) !== undefined && map.soname === LIBC;
}

function caller(namespace: Namespace, frame: UnwindFrame): UnwindFrame | undefined {
  const map = namespace.covering(frame.pc);
  if (map === undefined) return undefined;
  if (!keepsFramePointers(map)) return unwind(map, frame);
  const { memory } = namespace;
  return callerOf(frame.fp, memory.word(frame.fp + memory.W), memory.word(frame.fp), memory.W);
}

function callerOf(frame: number, pc: number, fp: number, W: number): UnwindFrame {
  return { pc, sp: frame + 2 * W, fp };
}

/** Stores at most `size` return addresses from the frame of backtrace() itself on; the count. */
export function* backtrace(work: Work, to: number, size: number, frame: number): Routine<number> {
  if (!(yield* loadUnwinder(work))) return 0;
  const { namespace } = work;
  const { memory } = namespace;
  const { W } = memory;
  let at: UnwindFrame | undefined = callerOf(frame, memory.word(frame + W), memory.word(frame), W);
  let count = 0;
  while (at !== undefined && at.pc !== 0 && count < size) {
    memory.setWord(to + count * W, at.pc);
    count++;
    at = caller(namespace, at);
  }
  return count;
}

/** `file(symbol+0xoffset)[0xaddress]` (debug/backtracesymsfd.c of 2.11) without a NUL behind it; the length. */
export function symbolize(namespace: Namespace, address: number, to: number, size: number): number {
  const map = namespace.covering(address);
  const text = `${describe(namespace, map, address)}[0x${address.toString(16)}]`.slice(0, Math.max(size - 1, 0));
  namespace.memory.setText(to, text);
  return text.length;
}

function describe(namespace: Namespace, map: LinkMap | undefined, address: number): string {
  if (map === undefined) return "";
  const file = displayName(namespace, map);
  const symbol = nearestSymbol(map, address);
  // A program at a fixed address tells nothing by an offset.
  if (symbol === undefined) return map.base === 0 ? file : `${file}(+0x${(address - map.base).toString(16)})`;
  return `${file}(${symbol.name}+0x${(address - symbolAddress(symbol)).toString(16)})`;
}
