import type { Form } from "../instruction.ts";
import { MAP_0F } from "./map-0f.ts";
import { MAP_0F3A } from "./map-0f3a.ts";
import { MAP_0F38 } from "./map-0f38.ts";
import { PRIMARY } from "./primary.ts";
import type { Row } from "./row.ts";
import { UNSUPPORTED } from "./unsupported.ts";
import { VEX_0F } from "./vex-0f.ts";
import { VEX_0F3A } from "./vex-0f3a.ts";
import { VEX_0F38 } from "./vex-0f38.ts";
import { X87 } from "./x87.ts";

/** All rows; `FORMS[i]` is made of `ROWS[i]`. */
export const ROWS: readonly Row[] = PRIMARY.concat(
  X87,
  MAP_0F,
  MAP_0F38,
  MAP_0F3A,
  UNSUPPORTED,
  VEX_0F,
  VEX_0F38,
  VEX_0F3A,
);

const operandLists = new Map<string, readonly string[]>([["", []]]);

function operandList(text: string): readonly string[] {
  let list = operandLists.get(text);
  if (list === undefined) {
    list = text.split(" ");
    operandLists.set(text, list);
  }
  return list;
}

/**
 * The form of the attribute `older:NAME`: the form NAME whose opcode takes every prefix, and which these bytes
 * therefore are on a CPU that does not know the newer meaning of F3.
 */
function olderForm(opcode: string, attributes: string, forms: readonly Form[]): Form | null {
  const at = attributes.indexOf("older:");
  if (at < 0) return null;
  const name = attributes.slice(at + 6);
  const bytes = opcode.slice(3, 8);
  return forms.find((form) => form.mnemonic === name && form.opcode.startsWith(bytes)) ?? null;
}

/** Every instruction form folio knows: the source of the decoder, of the documentation and of the coverage tests. */
export const FORMS: readonly Form[] = makeForms();

function makeForms(): Form[] {
  const forms: Form[] = [];
  for (let id = 0; id < ROWS.length; id++) {
    // By index: destructuring runs the iterator protocol, which is dear while this is interpreted.
    const row = ROWS[id];
    const attributes = row[4];
    forms.push({
      id,
      mnemonic: row[1],
      opcode: row[0],
      operands: operandList(row[2]),
      feature: row[3],
      lockable: attributes?.includes("lock") === true,
      privileged: attributes?.includes("cpl0") === true,
      fallback: attributes === undefined ? null : olderForm(row[0], attributes, forms),
    });
  }
  return forms;
}
