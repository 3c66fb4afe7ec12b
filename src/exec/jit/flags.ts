/**
 * Flags in regions. A flags operation only notes what it would compute from: its kind and operands, in locals; conditions
 * are taken straight from those. The flag words themselves are computed when somebody reads them, or after the region was left
 * (by `materialize`, from the words PENDING_*). The same emitters serve, so there is one definition of each flag.
 */
import { FLAG_AUX, FLAG_RESULT } from "../../isa/cpu-block.ts";
import { overwritesAll } from "../../isa/ir/builder.ts";
import { OPS, type OpDef } from "../../isa/ir/ops.ts";
import { Code } from "../../wasm/code.ts";
import type { ModuleWriter } from "../../wasm/module.ts";
import { BLOCK_VOID, W } from "../../wasm/opcodes.ts";
import type { Emit, FlagEmitter } from "../emit/emitter.ts";
import { emitterOf } from "../emit/table.ts";
import { PENDING_B, PENDING_C, PENDING_KIND, PENDING_R } from "../layout.ts";
import type { Graph } from "./graph.ts";
import type { Region, RegionBlock } from "./region.ts";

/** Operations whose flags a region defers, numbered from 1 (0: the flag words are up to date). */
export const DEFERRED: readonly OpDef[] = OPS.filter((def) =>
  /^flags(Add|Sub|Logic|Inc|Dec|Sh[lr]|Sar|Ucomi)/.test(def.name),
);
const kinds = new Map(DEFERRED.map((def, index) => [def.id, index + 1]));

export function kindOf(def: OpDef): number | undefined {
  return kinds.get(def.id);
}

/** Shape of a deferred operation: which arguments are b, result and carry. */
export interface DeferredShape {
  readonly name: "Add" | "Sub" | "AddC" | "SubC" | "Logic" | "Inc" | "Dec" | "Shl" | "Shr" | "Sar" | "Ucomi";
  readonly size: 8 | 16 | 32 | 64;
  /** b and result are 64-bit values at every size. */
  readonly wide: boolean;
  /** The flags change only if the carry argument (a count) is not 0. */
  readonly conditional: boolean;
}

const SHAPES = DEFERRED.map((def): DeferredShape => {
  const [, name, variable, size] = /^flags([A-Za-z]+?)(V?)(\d+)$/.exec(def.name) as RegExpExecArray;
  return {
    name: name as DeferredShape["name"],
    size: Number(size) as DeferredShape["size"],
    wide: size === "64" || /^S[ha]/.test(name as string),
    conditional: variable === "V",
  };
});

export function shapeOf(kind: number): DeferredShape {
  return SHAPES[kind - 1] as DeferredShape;
}

/** Index in (b, result, carry) of each argument of the operation. */
export function argumentSources(shape: DeferredShape): readonly ("b" | "r" | "c")[] {
  switch (shape.name) {
    case "Add":
    case "Sub":
      return ["b", "r"];
    case "AddC":
    case "SubC":
    case "Shl":
    case "Shr":
    case "Sar":
      return ["b", "r", "c"];
    case "Logic":
      return ["r"];
    case "Ucomi":
      return ["r", "b"];
    case "Inc":
    case "Dec":
      return ["r", "c"];
  }
}

/** An Emit whose arguments are locals: enough for flag emitters. */
export function flagEmit(c: Code, args: readonly number[], scratch: Emit["scratch"]): Emit {
  const refuse = (): never => {
    throw new Error("flag emitters neither access memory nor leave");
  };
  const push = (index: number) => c.get(args[index] as number);
  return {
    c,
    push,
    pushAll: () => {
      for (let index = 0; index < args.length; index++) push(index);
    },
    local: (index) => args[index] as number,
    scratch,
    known: () => undefined,
    vectorConst: refuse,
    when: refuse,
    callHelper: refuse,
    hostAddress: refuse,
    store: refuse,
    probe: refuse,
    trapIf: refuse,
    trap: refuse,
    trapIfConst: refuse,
    enter: refuse,
    enterRegion: refuse,
    jump: refuse,
    jumpIf: refuse,
    jumpTo: refuse,
    jumpOutIf: refuse,
    leave: refuse,
    bulkString: refuse,
  };
}

/** materialize(): computes the flag words from the PENDING words, if any are pending. Returns its function index. */
export function materializeFunction(module: ModuleWriter): number {
  const c = new Code();
  const [b64, r64, b32, r32, carry] = [0, 1, 2, 3, 4] as const;
  const scratchTypes = ["i32", "i64"] as const;
  const scratch: Emit["scratch"] = (type) => 5 + scratchTypes.indexOf(type as "i32" | "i64");
  for (const [address, opcode, wide, narrow] of [
    [PENDING_B, W.i64_load, b64, b32],
    [PENDING_R, W.i64_load, r64, r32],
  ] as const) {
    c.i32Const(0);
    c.memory(opcode, address);
    c.tee(wide);
    c.op(W.i32_wrap_i64);
    c.set(narrow);
  }
  c.i32Const(0);
  c.memory(W.i32_load, PENDING_C);
  c.set(carry);
  c.open(W.block, BLOCK_VOID);
  for (let i = 0; i < DEFERRED.length; i++) c.open(W.block, BLOCK_VOID);
  c.i32Const(0);
  c.memory(W.i32_load, PENDING_KIND);
  c.i32Const(1);
  c.op(W.i32_sub);
  c.byte(W.br_table);
  c.u32(DEFERRED.length);
  for (let i = 0; i <= DEFERRED.length; i++) c.u32(i);
  for (const [index, def] of DEFERRED.entries()) {
    c.end();
    const shape = shapeOf(index + 1);
    const locals = { b: shape.wide ? b64 : b32, r: shape.wide ? r64 : r32, c: carry };
    const emitter = emitterOf(def.name) as FlagEmitter;
    const emit = flagEmit(
      c,
      argumentSources(shape).map((source) => locals[source]),
      scratch,
    );
    c.i32Const(0);
    emitter.result(emit);
    c.memory(W.i64_store, FLAG_RESULT);
    c.i32Const(0);
    emitter.aux(emit);
    c.op(W.i64_extend_i32_u);
    c.memory(W.i64_store, FLAG_AUX);
    c.br(DEFERRED.length - 1 - index);
  }
  c.end();
  c.i32Const(0);
  c.i32Const(0);
  c.memory(W.i32_store, PENDING_KIND);
  return module.func({ params: [], results: [] }, ["i64", "i64", "i32", "i32", "i32", "i32", "i64"], c.finish());
}

/** Whether each block of the region, entered at its start, looks at the flags before it sets them all. */
export function flagReaders({ blocks }: Region, { successors }: Graph): boolean[] {
  const first = successors.map((_, node) =>
    node < blocks.length ? firstFlagUse(blocks[node] as RegionBlock) : undefined,
  );
  const reads = first.map((use) => use === "read");
  for (let changed = true; changed; ) {
    changed = false;
    for (const [node, use] of first.entries()) {
      if (use !== undefined || reads[node] || !successors[node]?.some((next) => reads[next])) continue;
      reads[node] = true;
      changed = true;
    }
  }
  return reads;
}

function firstFlagUse({ lifted: { words }, words: end, exit }: RegionBlock): "read" | "write" | undefined {
  const last = exit.kind === "jump" ? end : end + 1;
  for (let at = 0; at < last; ) {
    const def = OPS[(words[at] as number) & 0xffff] as OpDef;
    const hasDst = def.result !== "none" && def.result !== "flags";
    const dst = hasDst ? words[at + 1] : 0;
    const first = at + (hasDst ? 2 : 1);
    for (const [index, type] of def.args.entries()) {
      const slot = words[first + index];
      if (type !== "imm" && (slot === FLAG_RESULT || slot === FLAG_AUX)) return "read";
    }
    if (dst === FLAG_AUX) return "read";
    if (dst === FLAG_RESULT || (def.result === "flags" && overwritesAll(def))) return "write";
    at = first + def.args.length;
  }
  return undefined;
}
