/** Random C programs that calculate with float, double, long double and integers, in all rounding modes, and print bits and exceptions. */

const TYPES = ["float", "double", "long double"];
const INTEGERS = ["int", "unsigned", "long long", "unsigned long long", "short", "signed char"];

/** Values at the edges of the formats, as C expressions. */
const EDGES = [
  "0.0",
  "-0.0",
  "1.0",
  "-1.0",
  "0.5",
  "1.5",
  "3.0",
  "10.0",
  "1e10",
  "-1e-10",
  "2147483647.0",
  "-2147483648.0",
  "4294967295.5",
  "9223372036854775807.0",
  "18446744073709551616.0",
  "FLT_MIN",
  "FLT_MAX",
  "FLT_EPSILON",
  "DBL_MIN",
  "DBL_MAX",
  "DBL_EPSILON",
  "LDBL_EPSILON",
  "LDBL_MAX",
  "LDBL_MIN",
  "FLT_MIN / 8",
  "DBL_MIN / 1024",
  "LDBL_MIN / 4096",
  "__builtin_inf()",
  "-__builtin_inf()",
  '__builtin_nan("")',
  '__builtin_nans("")',
  "1.0 + DBL_EPSILON",
  "1.0L + LDBL_EPSILON",
  "16777217.0",
  "9007199254740993.0L",
  "0.1",
  "1.0L / 3",
];

/** xorshift64*, as the C program has it too. */
function random(seed) {
  let state = (BigInt(seed) * 0x9e3779b97f4a7c15n + 0x1234567n) & 0xffffffffffffffffn || 1n;
  return (below) => {
    state ^= state >> 12n;
    state = (state ^ (state << 25n)) & 0xffffffffffffffffn;
    state ^= state >> 27n;
    return Number(((state * 0x2545f4914f6cdd1dn) >> 33n) & 0x7fffffffn) % below;
  };
}

const PROLOGUE = `#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#pragma STDC FENV_ACCESS ON
static unsigned long long sum = 1469598103934665603ull, state = SEED;
static void mix (const void *p, int n) {
  const unsigned char *c = p;
  while (n--) sum = (sum ^ *c++) * 1099511628211ull;
}
static unsigned long long next (void) {
  state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull;
}
static float bits_float (void) { unsigned b = next () >> 32; float f; memcpy (&f, &b, 4); return f; }
static double bits_double (void) { unsigned long long b = next (); double d; memcpy (&d, &b, 8); return d; }
static double small_double (void) { return ((double) (long long) next ()) / (1ull << 60); }
static void see_float (float v) { mix (&v, 4); }
static void see_double (double v) { mix (&v, 8); }
static void see_long (long double v) { mix (&v, 10); }
#define SEE(v) _Generic ((v), float: see_float, double: see_double, long double: see_long) (v)
static void report (const char *where) {
  int flags = fetestexcept (FE_ALL_EXCEPT);
  feclearexcept (FE_ALL_EXCEPT);
  printf ("%s %016llx %x\\n", where, sum, flags);
}
`;

/** Text of a C program; the same for the same seed. */
export function floatProgram(seed) {
  const roll = random(seed);
  const one = (list) => list[roll(list.length)];
  const variables = [];
  const lines = [];
  const global = (type, name) => lines.push(`static ${roll(4) === 0 ? "volatile " : ""}${type} ${name};`);
  for (const [t, type] of TYPES.entries())
    for (let i = 0; i < 4; i++) {
      variables.push({ type, name: `${"fdl"[t]}${i}` });
      global(type, `${"fdl"[t]}${i}`);
    }
  for (const type of TYPES) global(type, `${type.replace(" ", "_")}_a[16]`);
  for (const [i, type] of INTEGERS.entries()) global(type, `i${i}`);

  const leaf = () => {
    switch (roll(8)) {
      case 0:
        return `(${one(TYPES)}) (${one(EDGES)})`;
      case 1:
        return `i${roll(INTEGERS.length)}`;
      case 2:
        return `${one(TYPES).replace(" ", "_")}_a[(i0 + ${roll(16)}) & 15]`;
      default:
        return one(variables).name;
    }
  };
  const expression = (depth) => {
    if (depth === 0) return leaf();
    const sub = () => expression(roll(depth));
    switch (roll(16)) {
      case 0:
        return `(${one(TYPES)}) (${one(INTEGERS)}) ${sub2(sub)}`;
      case 1:
        return `(${one(TYPES)}) ${sub2(sub)}`;
      case 2:
        return `(${sub()} ${one(["<", ">", "<=", ">=", "==", "!="])} ${sub()} ? ${sub()} : ${sub()})`;
      case 3:
        return `(__builtin_is${one(["less", "greater", "unordered", "lessgreater"])} ((double) ${sub2(sub)}, (double) ${sub2(sub)}) ? ${sub()} : ${sub()})`;
      case 4:
        return one([
          `sqrt (${sub()})`,
          `sqrtf (${sub()})`,
          `sqrtl (${sub()})`,
          `fabs (${sub()})`,
          `fabsl (${sub()})`,
          `floor (${sub()})`,
          `ceilf (${sub()})`,
          `trunc (${sub()})`,
          `rint (${sub()})`,
          `rintl (${sub()})`,
          `nearbyintf (${sub()})`,
          `fmin (${sub()}, ${sub()})`,
          `fmaxf (${sub()}, ${sub()})`,
          `copysign (${sub()}, ${sub()})`,
          `copysignl (${sub()}, ${sub()})`,
          `fma (${sub()}, ${sub()}, ${sub()})`,
          `fmaf (${sub()}, ${sub()}, ${sub()})`,
          `fmod (${sub()}, ${sub()})`,
          `remainderl (${sub()}, ${sub()})`,
          `ldexp (${sub()}, ${roll(40) - 20})`,
          `ldexpl (${sub()}, ${roll(40) - 20})`,
          `(double) lrint (${sub()})`,
          `(double) llrintl (${sub()})`,
        ]);
      case 5:
        return `-${sub2(sub)}`;
      default:
        return `(${sub()} ${one(["+", "-", "*", "/", "+", "-", "*"])} ${sub()})`;
    }
  };
  const sub2 = (sub) => `(${sub()})`;

  const statement = (depth) => {
    const target = one(variables);
    switch (roll(depth > 0 ? 12 : 9)) {
      case 0:
        return `i${roll(INTEGERS.length)} = (${one(INTEGERS)}) (${expression(2)});`;
      case 1:
        return `${one(TYPES).replace(" ", "_")}_a[i${roll(INTEGERS.length)} & 15] = ${expression(2)};`;
      case 2:
        return `{ ${target.type} t = ${expression(3)}; SEE (t); ${target.name} = t; }`;
      case 9:
        return `for (int k = 0; k < ${2 + roll(14)}; k++) { ${Array.from({ length: 1 + roll(3) }, () => statement(depth - 1)).join(" ")} ${one(TYPES).replace(" ", "_")}_a[k & 15] ${one(["+=", "-=", "*=", "="])} ${leaf()}; }`;
      case 10:
        return `if (${expression(1)} ${one(["<", ">", "=="])} ${expression(1)}) { ${statement(depth - 1)} } else { ${statement(depth - 1)} }`;
      case 11: {
        const type = one(TYPES).replace(" ", "_");
        const [a, b] = [one(TYPES), one(TYPES)].map((name) => name.replace(" ", "_"));
        return `for (int k = 0; k < 16; k++) ${type}_a[k] = ${a}_a[k] ${one(["+", "-", "*", "/"])} ${b}_a[(k + ${roll(2)}) & 15] ${one(["+", "*"])} ${leaf()};`;
      }
      default:
        return `${target.name} = ${expression(3)};`;
    }
  };

  const functions = [];
  for (let f = 0; f < 4; f++) {
    lines.push(`static __attribute__ ((noinline)) ${one(TYPES)} calc${f} (${one(TYPES)} x, ${one(TYPES)} y) {`);
    lines.push(`  ${one(variables).name} = x; ${one(variables).name} = y;`);
    for (let i = 0; i < 5 + roll(6); i++) lines.push(`  ${statement(2)}`);
    lines.push(`  return ${expression(3)};\n}`);
    functions.push(`calc${f}`);
  }
  lines.push("int main (void) {");
  for (const mode of ["FE_TONEAREST", one(["FE_UPWARD", "FE_DOWNWARD", "FE_TOWARDZERO"]), "FE_TONEAREST"]) {
    lines.push(`  fesetround (${mode});`);
    for (const { name } of variables) {
      const value = one(["bits_float ()", "bits_double ()", "small_double ()", "small_double ()", `(${one(EDGES)})`]);
      lines.push(`  ${name} = ${value};`);
    }
    for (const [i] of INTEGERS.entries()) lines.push(`  i${i} = next ();`);
    for (const type of TYPES)
      lines.push(`  for (int k = 0; k < 16; k++) ${type.replace(" ", "_")}_a[k] = small_double ();`);
    lines.push(`  for (int round = 0; round < ${20 + roll(200)}; round++) {`);
    for (let i = 0; i < 4; i++) lines.push(`    SEE (${one(functions)} (${leaf()}, ${leaf()}));`);
    // Fresh values, or all would soon be infinite or no number.
    for (const { name } of variables) if (roll(3) > 0) lines.push(`    ${name} = small_double ();`);
    lines.push(`    if (round % 16 == 0) ${one(variables).name} = bits_double ();`);
    lines.push(`    ${one(TYPES).replace(" ", "_")}_a[round & 15] = small_double ();`);
    for (const { name } of variables.slice(0, 12)) if (roll(3) === 0) lines.push(`    SEE (${name});`);
    lines.push(`    if (round % 64 == 0) report ("${mode}");\n  }`);
    lines.push(`  report ("${mode}");`);
    for (const { type, name } of variables)
      if (roll(4) === 0)
        lines.push(
          `  printf ("%${one(["", ".20", ".3"])}${type === "long double" ? "L" : ""}${one([..."agef"])}\\n", ${name});`,
        );
  }
  lines.push("  return 0;\n}");
  return `${PROLOGUE.replace("SEED", `${seed}ull * 2 + 1`)}${lines.join("\n")}\n`;
}
