/** Sequences of operations that the interpreter executes in one go. */
import { expect, test } from "vitest";
import { FUSED, Fuser, firstOp, writeFusedTables } from "../../src/exec/interp/fused.ts";
import { JUMP_CACHE, TLB, TLB_ENTRIES, TLB_ENTRY_SHIFT } from "../../src/exec/layout.ts";
import { FUSED_NUMBERS, FUSED_ROW_BYTES, FUSED_ROWS } from "../../src/exec/templates/format.ts";
import { OPS, opId } from "../../src/isa/ir/ops.ts";

function fuserWithTables(): Fuser {
  const memory = new Uint8Array(JUMP_CACHE);
  writeFusedTables(memory);
  expect(memory.subarray(TLB, TLB + (TLB_ENTRIES << TLB_ENTRY_SHIFT)).every((byte) => byte === 0)).toBe(true);
  return new Fuser(memory);
}

test("each sequence is found, operation by operation", () => {
  const fuser = fuserWithTables();
  for (const { id, ops } of FUSED) {
    const [first, ...rest] = ops.map((op) => op.id);
    fuser.begin(first as number);
    expect(rest.map((op) => fuser.next(op)).at(-1)).toBe(id);
    expect(firstOp(id | (7 << 16))).toBe(OPS[first as number]);
  }
});

test("what continues no sequence begins one of its own", () => {
  const fuser = fuserWithTables();
  fuser.begin(opId("eqz32"));
  expect(fuser.next(opId("eqz32"))).toBe(0);
  expect(fuser.next(opId("jumpIf"))).toBe(FUSED[0]?.id);
});

test("only the last operation of a sequence may end the block, and the tables have room for all", () => {
  for (const { ops } of FUSED) expect(ops.slice(0, -1).some((op) => op.ends)).toBe(false);
  expect(OPS.length + FUSED.length).toBeLessThan(FUSED_ROWS - FUSED_NUMBERS);
  expect(2 * OPS.length).toBeLessThanOrEqual(FUSED_ROW_BYTES);
});
