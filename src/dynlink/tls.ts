/** Thread-local storage, variant II (Drepper, "ELF Handling For Thread-Local Storage"; glibc's elf/dl-tls.c). */
import { PT_TLS } from "../elf/constants.ts";
import type { LinkMap } from "./link-map.ts";
import type { Work } from "./map-object.ts";
import type { Namespace } from "./namespace.ts";
import { callGuest, linkError, type Routine, syscall } from "./routine.ts";

/** DTV_SURPLUS, TLS_SLOTINFO_SURPLUS, and the alignment of struct pthread. */
const DTV_SURPLUS = 14;
const SLOTINFO_SURPLUS = 62;
const TCB_ALIGN = 64;
const ARCH_SET_FS = 0x1002;
/** struct user_desc: seg_32bit, limit_in_pages, useable. */
const USER_DESC_FLAGS = 0x51;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Gives a module its place in the static block: `offset` bytes below the thread pointer. */
function placeStatic(namespace: Namespace, map: LinkMap): void {
  const [segment] = map.segments(PT_TLS);
  if (segment === undefined) return;
  const align = Math.max(segment.align, 1);
  const firstByte = segment.vaddr % align;
  const offset = roundUp(namespace.get("tlsUsed") + segment.memsz - firstByte, align) + firstByte;
  map.setTls(map.tlsModule, offset);
  namespace.set("tlsUsed", offset);
  namespace.set("tlsAlign", Math.max(namespace.get("tlsAlign"), align));
}

/** The image of a module's initialised data, zeros behind. */
function initialise(map: LinkMap, block: number): void {
  const { memory } = map;
  for (const { vaddr, filesz, memsz } of map.segments(PT_TLS)) {
    memory.setBytes(block, memory.bytes(map.base + vaddr, filesz));
    memory.fill(block + filesz, memsz - filesz);
  }
}

function dtvEntry(namespace: Namespace, dtv: number, module: number): number {
  return dtv + module * namespace.sizes.dtv;
}

/**
 * init_tls: the slot list, the static block with the thread control block at its end, the dtv, and the thread register. `canary`
 * and `pointerGuard` are what AT_RANDOM gives, as byte strings of a word. Returns the thread pointer.
 */
export function* initTls(work: Work, canary: Uint8Array, pointerGuard: Uint8Array): Routine<number> {
  const { namespace } = work;
  const { memory, sizes, version } = namespace;
  const { W } = memory;
  namespace.set("tlsAlign", TCB_ALIGN);
  const modules = namespace.maps().filter((map) => map.tlsModule !== 0);
  for (const map of modules) placeStatic(namespace, map);
  const count = namespace.get("tlsModules");
  yield* namespace.allocate(sizes.slotinfoHead + (count + 1 + SLOTINFO_SURPLUS) * sizes.slotinfo);
  const align = namespace.get("tlsAlign");
  const size = roundUp(namespace.get("tlsUsed") + version.staticTlsSurplus, align) + sizes.tcb;
  namespace.set("tlsStaticSize", size);
  const block = yield* namespace.allocate(size, align);
  const tp = block + size - sizes.tcb;
  memory.fill(block, size);
  const entries = count + DTV_SURPLUS;
  const vector = yield* namespace.allocate((entries + 2) * sizes.dtv);
  memory.fill(vector, (entries + 2) * sizes.dtv);
  memory.setWord(vector, entries);
  const dtv = vector + sizes.dtv;
  for (const map of modules) {
    const start = tp - map.tlsOffset;
    initialise(map, start);
    memory.setWord(dtvEntry(namespace, dtv, map.tlsModule), start);
  }
  // tcbhead_t: tcb, dtv, self, multiple_threads, sysinfo, stack_guard, pointer_guard.
  memory.setWord(tp, tp);
  memory.setWord(tp + W, dtv);
  memory.setWord(tp + 2 * W, tp);
  if (!memory.is64) memory.setU32(tp + 0x10, auxiliary(namespace, 32));
  memory.setBytes(tp + (memory.is64 ? 0x28 : 0x14), canary);
  memory.setBytes(tp + (memory.is64 ? 0x30 : 0x18), pointerGuard);
  yield* setThreadPointer(work, tp);
  return tp;
}

function* setThreadPointer({ namespace, scratch }: Work, tp: number): Routine<void> {
  const { memory } = namespace;
  if (memory.is64) {
    yield* syscall("arch_prctl", ARCH_SET_FS, tp);
    return;
  }
  scratch.reset();
  const description = scratch.take(16);
  [0xffff_ffff, tp, 0xfffff, USER_DESC_FLAGS].forEach((word, i) => {
    memory.setU32(description + 4 * i, word);
  });
  const result = yield* syscall("set_thread_area", description);
  if (result < 0)
    throw linkError(
      "",
      "cannot set up thread-local storage: set_thread_area failed when setting up thread-local storage",
    );
  yield* callGuest(namespace.base + namespace.symbols.setGs, memory.u32(description) * 8 + 3);
}

/** The value of an entry of the auxiliary vector; 0 without it. */
export function auxiliary(namespace: Namespace, tag: number): number {
  const { memory } = namespace;
  const { W } = memory;
  let at = namespace.get("stack") + W;
  for (let nulls = 0; nulls < 2; at += W) if (memory.word(at) === 0) nulls++;
  for (; memory.word(at) !== 0; at += 2 * W) if (memory.word(at) === tag) return memory.word(at + W);
  return 0;
}

/** A module that came by dlopen and is reached by offset from the thread pointer takes of the surplus. */
export function* useSurplus(namespace: Namespace, map: LinkMap, tp: number): Routine<void> {
  placeStatic(namespace, map);
  if (namespace.get("tlsUsed") > namespace.get("tlsStaticSize") - namespace.sizes.tcb) {
    throw linkError(map.name, "cannot allocate memory in static TLS block");
  }
  const { memory } = namespace;
  initialise(map, tp - map.tlsOffset);
  yield* growDtv(namespace, map.tlsModule, tp);
  memory.setWord(dtvEntry(namespace, memory.word(tp + memory.W), map.tlsModule), tp - map.tlsOffset);
}

/** _dl_resize_dtv: room for the entry of `module`. */
function* growDtv(namespace: Namespace, module: number, tp: number): Routine<void> {
  const { memory, sizes } = namespace;
  const old = memory.word(tp + memory.W) - sizes.dtv;
  const entries = memory.word(old);
  if (module <= entries) return;
  const vector = yield* namespace.allocate((module + DTV_SURPLUS + 2) * sizes.dtv);
  memory.fill(vector, (module + DTV_SURPLUS + 2) * sizes.dtv);
  memory.setBytes(vector, memory.bytes(old, (entries + 2) * sizes.dtv));
  memory.setWord(vector, module + DTV_SURPLUS);
  memory.setWord(tp + memory.W, vector + sizes.dtv);
}

/** An object that is unmapped gives back its number, and its place if that is the last one (remove_slotinfo, dl-close.c). */
export function releaseTls(namespace: Namespace, map: LinkMap, tp: number): void {
  const { memory } = namespace;
  memory.setWord(dtvEntry(namespace, memory.word(tp + memory.W), map.tlsModule), 0);
  const last = map.tlsOffset === namespace.get("tlsUsed");
  map.setTls(0, 0);
  if (last) namespace.set("tlsUsed", Math.max(0, ...namespace.maps().map(({ tlsOffset }) => tlsOffset)));
}

/** __tls_get_addr: the address of an offset in a module's block of this thread, which is made when it is first wanted. */
export function* tlsAddress(namespace: Namespace, tp: number, index: number): Routine<number> {
  const { memory } = namespace;
  const module = memory.word(index);
  const offset = memory.word(index + memory.W);
  const entry = dtvEntry(namespace, memory.word(tp + memory.W), module);
  let block = memory.word(entry);
  if (block === 0) {
    const map = namespace.maps().find((candidate) => candidate.tlsModule === module);
    if (map === undefined) throw linkError("", `no module ${module} with thread-local storage`);
    const [{ memsz, align }] = map.segments(PT_TLS);
    block = roundUp(yield* namespace.allocate(memsz + align), Math.max(align, 1));
    initialise(map, block);
    memory.setWord(entry, block);
  }
  return block + offset;
}
