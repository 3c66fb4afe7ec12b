import { expect, test } from "vitest";
import { decode, newInstruction } from "../../src/isa/decode.ts";
import { mnemonicOf } from "../../src/isa/mnemonic.ts";
import { loadCapstone } from "../support/capstone.ts";
import { type Comparison, DIFFERENCES, SPELLINGS } from "../support/capstone-differences.ts";

/** More cases, another start: FOLIO_FUZZ_CASES=1000000 FOLIO_FUZZ_SEED=7 npx vitest run test/isa/decode-fuzz.test.ts */
const CASES = Number(process.env.FOLIO_FUZZ_CASES ?? 40_000);
const SEED = Number(process.env.FOLIO_FUZZ_SEED ?? 0) || 1 + Math.floor(Math.random() * 0x7fffffff);

/** Marsaglia's xorshift with the triple 13, 17, 5. */
function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const PREFIXES = [0x66, 0xf2, 0xf3, 0x67, 0xf0, 0x2e, 0x64, 0x65, 0x3e];

/** Random bytes that begin as instructions do: prefixes, REX, an escape or VEX; one in ten is left as it is. */
function fill(bytes: Uint8Array, random: () => number, codeBits: 32 | 64): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() >>> 9;
  const pick = (n: number): number => (random() >>> 8) % n;
  if (pick(10) === 0) return;
  let p = 0;
  for (let n = [0, 0, 0, 1, 1, 1, 2, 3][pick(8)]; n > 0; n--) bytes[p++] = PREFIXES[pick(PREFIXES.length)];
  if (codeBits === 64 && pick(2) === 0) bytes[p++] = 0x40 | pick(16);
  const start = pick(8);
  if (start < 2) return;
  if (start < 6) {
    bytes[p++] = 0x0f;
    if (start === 4) bytes[p] = 0x38;
    if (start === 5) bytes[p] = 0x3a;
  } else if (start === 6) {
    bytes[0] = 0xc5;
    bytes[1] |= codeBits === 32 ? 0xc0 : pick(2) * 0x78;
  } else {
    bytes[0] = 0xc4;
    bytes[1] = (bytes[1] & 0xe0) | (1 + pick(3)) | (codeBits === 32 ? 0xc0 : 0);
    bytes[2] |= pick(2) * 0x78;
  }
}

function prefixesOf(bytes: Uint8Array, codeBits: 32 | 64): { prefixes: number[]; opcodeAt: number } {
  const prefixes: number[] = [];
  let p = 0;
  for (; p < 15; p++) {
    const rex = codeBits === 64 && (bytes[p] & 0xf0) === 0x40;
    if (!rex && ![...PREFIXES, 0x26, 0x36].includes(bytes[p])) break;
    if (!rex) prefixes.push(bytes[p]);
  }
  return { prefixes, opcodeAt: p };
}

for (const codeBits of [64, 32] as const) {
  test(
    `random bytes decode as capstone says, ${codeBits}-bit, seed ${SEED}`,
    async () => {
      const capstone = await loadCapstone();
      const random = randomSource(SEED);
      const insn = newInstruction();
      const bytes = new Uint8Array(24);
      const unexplained = new Map<string, string>();
      let agreed = 0;
      for (let i = 0; i < CASES; i++) {
        fill(bytes, random, codeBits);
        const capstoneLength = capstone.decode(bytes, 0, bytes.length, codeBits);
        const status = decode(bytes, 0, bytes.length, codeBits, insn);
        const capstoneMnemonic = capstoneLength === 0 ? "" : (capstone.mnemonic.split(" ").at(-1) ?? "");
        const mnemonic = insn.length === 0 ? "" : mnemonicOf(insn);
        if (capstoneLength === insn.length) {
          if (capstoneMnemonic === mnemonic || insn.form.mnemonic === "evex") {
            agreed++;
            continue;
          }
          if (SPELLINGS.some((s) => s.capstone === capstoneMnemonic && s.folio === mnemonic)) continue;
        }
        const comparison: Comparison = {
          bytes,
          codeBits,
          ...prefixesOf(bytes, codeBits),
          capstoneLength,
          capstoneMnemonic,
          status,
          insn,
          mnemonic,
        };
        if (DIFFERENCES.some((d) => d.covers(comparison))) continue;
        const hex = Buffer.from(bytes.subarray(0, 16)).toString("hex");
        const key = `capstone ${capstoneMnemonic || "-"} ${capstoneLength ? "" : "rejects"}, folio ${mnemonic || "-"} ${insn.length ? "" : status}`;
        if (!unexplained.has(key)) unexplained.set(key, `${hex} (${capstoneLength}, ${insn.length})`);
      }
      expect([...unexplained]).toEqual([]);
      expect(agreed).toBeGreaterThan(CASES / 4);
    },
    60_000 + CASES,
  );
}
