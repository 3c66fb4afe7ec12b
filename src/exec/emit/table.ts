/** The emitters of all IR operations: exactly one each. */
import { HELPERS } from "../../isa/helpers/signatures.ts";
import type { Emitter, EmitterTable, FlagEmitter } from "./emitter.ts";
import { flagEmitters } from "./flags.ts";
import { floatEmitters } from "./float.ts";
import { floatConvertEmitters } from "./float-convert.ts";
import { memoryEmitters } from "./memory.ts";
import { scalarEmitters } from "./scalar.ts";
import { vectorEmitters } from "./vector.ts";

const helperEmitters: EmitterTable = {};
for (const name of Object.keys(HELPERS)) {
  helperEmitters[`h_${name}`] = (e) => {
    e.pushAll();
    e.callHelper(name);
  };
}

/** The tables by source; a test checks that they are disjoint and cover the operations. */
export const EMITTER_TABLES: readonly EmitterTable[] = [
  scalarEmitters,
  flagEmitters,
  memoryEmitters,
  vectorEmitters,
  floatEmitters,
  floatConvertEmitters,
  helperEmitters,
];

const all: EmitterTable = Object.assign({}, ...EMITTER_TABLES);

/** The emitter of the operation; throws if there is none. */
export function emitterOf(name: string): Emitter | FlagEmitter {
  const emitter = all[name];
  if (emitter === undefined) throw new Error(`IR operation ${name} has no emitter`);
  return emitter;
}
