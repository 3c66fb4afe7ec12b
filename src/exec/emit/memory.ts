/** Emitters of guest memory accesses and of control flow; the tiers supply translation and exits. */
import { type ValTypeName, W } from "../../wasm/opcodes.ts";
import type { Emit, Emitter, EmitterTable } from "./emitter.ts";

const GENERAL_PROTECTION = 13;
const ALIGNMENT_CHECK = 17;

/** The linear address (argument 0 plus displacement 1) in a scratch local. */
export function linearAddress(e: Emit): number {
  const address = e.scratch("i64", 7);
  e.push(0);
  e.push(1);
  e.c.op(W.i64_extend_i32_s);
  e.c.op(W.i64_add);
  e.c.set(address);
  return address;
}

function load(size: number, opcode: number, forWrite: boolean): Emitter {
  return (e) => {
    e.hostAddress(linearAddress(e), size, forWrite);
    e.c.memory(opcode, 0);
  };
}

function store(size: number, opcode: number): Emitter {
  return (e) => {
    e.store(linearAddress(e), size, opcode, () => e.push(2));
  };
}

const CONDITIONAL = { 32: ["i32", W.i32_load, W.i32_store], 64: ["i64", W.i64_load, W.i64_store] } as const;
const CONDITIONAL_V = ["v128", W.v128_load, W.v128_store] as const;

/** The memory if argument 2 is not 0, else argument 3. */
function loadIf(type: ValTypeName, size: number, opcode: number): Emitter {
  return (e) => {
    const address = linearAddress(e);
    const value = e.scratch(type, 20);
    e.push(3);
    e.c.set(value);
    e.push(2);
    e.when(() => {
      e.hostAddress(address, size, false);
      e.c.memory(opcode, 0);
      e.c.set(value);
    });
    e.c.get(value);
  };
}

function storeIf(size: number, opcode: number): Emitter {
  return (e) => {
    const address = linearAddress(e);
    const value = e.local(3);
    e.push(2);
    e.when(() => e.store(address, size, opcode, () => e.c.get(value)));
  };
}

function storeCheckIf(size: number): Emitter {
  return (e) => {
    const address = linearAddress(e);
    e.push(2);
    e.when(() => {
      e.hostAddress(address, size, true);
      e.c.op(W.drop);
    });
  };
}

function probe(forWrite: boolean): Emitter {
  return (e) => {
    const address = linearAddress(e);
    const length = e.scratch("i32", 7);
    e.push(2);
    e.c.set(length);
    e.probe(address, length, forWrite);
  };
}

export const memoryEmitters: EmitterTable = {
  load8s: load(1, W.i32_load8_s, false),
  load16s: load(2, W.i32_load16_s, false),
  store8: store(1, W.i32_store8),
  store16: store(2, W.i32_store16),
  store32: store(4, W.i32_store),
  store64: store(8, W.i64_store),
  storeV: store(16, W.v128_store),
  store2V: (e) =>
    e.store(
      linearAddress(e),
      32,
      W.v128_store,
      () => e.push(2),
      () => e.push(3),
    ),
  checkAligned: (e) => {
    const address = linearAddress(e);
    e.c.get(address);
    e.c.op(W.i32_wrap_i64);
    e.push(2);
    e.c.i32Const(1);
    e.c.op(W.i32_sub);
    e.c.op(W.i32_and);
    e.c.i32Const(0);
    e.c.op(W.i32_ne);
    // An address that is not canonical raises #GP instead.
    e.c.get(address);
    e.c.i64Const(16);
    e.c.op(W.i64_shl);
    e.c.i64Const(16);
    e.c.op(W.i64_shr_s);
    e.c.get(address);
    e.c.op(W.i64_eq);
    e.c.op(W.i32_and);
    e.trapIfConst(ALIGNMENT_CHECK);
  },
  probeRead: probe(false),
  probeWrite: probe(true),
  bulkMovs: (e) => e.bulkString(false),
  bulkStos: (e) => e.bulkString(true),
  enter: (e) => e.enter(),
  enterRegion: (e) => e.enterRegion(),
  jump: (e) => e.jump(),
  jumpIf: (e) => e.jumpIf(),
  jumpOutIf: (e) => e.jumpOutIf(),
  jumpTo: (e) => e.jumpTo(),
  leave: (e) => e.leave(),
  trapIf: (e) => {
    e.push(0);
    e.trapIf(1, 2);
  },
  trap: (e) => e.trap(0, 1),
  trapNonCanonical: (e) => {
    const address = e.local(0);
    e.c.get(address);
    e.c.i64Const(16);
    e.c.op(W.i64_shl);
    e.c.i64Const(16);
    e.c.op(W.i64_shr_s);
    e.c.get(address);
    e.c.op(W.i64_ne);
    e.trapIfConst(GENERAL_PROTECTION);
  },
};

memoryEmitters.storeIf16 = storeIf(2, W.i32_store16);
for (const [bits, [type, load, store]] of [...Object.entries(CONDITIONAL), ["V", CONDITIONAL_V] as const]) {
  const size = bits === "V" ? 16 : Number(bits) / 8;
  memoryEmitters[`loadIf${bits}`] = loadIf(type, size, load);
  memoryEmitters[`storeIf${bits}`] = storeIf(size, store);
  memoryEmitters[`storeCheckIf${8 * size}`] = storeCheckIf(size);
}
for (const forWrite of [false, true]) {
  const suffix = forWrite ? "W" : "";
  memoryEmitters[`load8${suffix}`] = load(1, W.i32_load8_u, forWrite);
  memoryEmitters[`load16${suffix}`] = load(2, W.i32_load16_u, forWrite);
  memoryEmitters[`load32${suffix}`] = load(4, W.i32_load, forWrite);
  memoryEmitters[`load64${suffix}`] = load(8, W.i64_load, forWrite);
  memoryEmitters[`loadV${suffix}`] = load(16, W.v128_load, forWrite);
}
