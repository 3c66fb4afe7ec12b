/**
 * C struct layouts by ABI: declared once, sized as gcc sizes them. On i386 a 64-bit member is aligned to 4 bytes
 * (System V ABI, Intel386 supplement, table 2-1), on x86-64 to 8.
 */
import type { Abi } from "./abi.ts";

/** Scalar C types; `long`, `ulong` and `pointer` follow the word size of the ABI. */
export type ScalarType = "u8" | "s8" | "u16" | "s16" | "u32" | "s32" | "u64" | "s64" | "long" | "ulong" | "pointer";
/** A scalar, or `[scalar, count]` for an array. */
export type FieldType = ScalarType | readonly [ScalarType, number];

type FieldValue<F> = F extends ScalarType ? number : readonly number[];
export type StructValues<F extends Record<string, FieldType>> = { -readonly [K in keyof F]: FieldValue<F[K]> };

export interface FieldLayout {
  readonly type: ScalarType;
  readonly offset: number;
  /** Size of one element. */
  readonly size: number;
  /** Elements; 1 for a scalar. */
  readonly count: number;
}

export interface Struct<F extends Record<string, FieldType>> {
  readonly size: number;
  readonly align: number;
  readonly fields: { readonly [K in keyof F]: FieldLayout };
  /** The bytes of a struct with these members, the others (and padding) zero. Numbers are truncated as C does. */
  encode(values: Partial<StructValues<F>>): Uint8Array;
  decode(bytes: Uint8Array, at?: number): StructValues<F>;
}

const SIZES = { u8: 1, s8: 1, u16: 2, s16: 2, u32: 4, s32: 4, u64: 8, s64: 8 } as const;
const TWO32 = 0x1_0000_0000;

function scalarSize(abi: Abi, type: ScalarType): number {
  if (type === "long" || type === "ulong" || type === "pointer") return abi === "amd64" ? 8 : 4;
  return SIZES[type];
}

function isSigned(type: ScalarType): boolean {
  return type === "long" || type[0] === "s";
}

function store(view: DataView, layout: FieldLayout, at: number, value: number): void {
  if (layout.size === 8) {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / TWO32) >>> 0, true);
  } else if (layout.size === 4) view.setUint32(at, value >>> 0, true);
  else if (layout.size === 2) view.setUint16(at, value & 0xffff, true);
  else view.setUint8(at, value & 0xff);
}

function load(view: DataView, layout: FieldLayout, at: number): number {
  const signed = isSigned(layout.type);
  if (layout.size === 8) {
    const high = signed ? view.getInt32(at + 4, true) : view.getUint32(at + 4, true);
    return high * TWO32 + view.getUint32(at, true);
  }
  if (layout.size === 4) return signed ? view.getInt32(at, true) : view.getUint32(at, true);
  if (layout.size === 2) return signed ? view.getInt16(at, true) : view.getUint16(at, true);
  return signed ? view.getInt8(at) : view.getUint8(at);
}

/** Lays out a struct whose members are declared in order; `packed` as `__attribute__((packed))`. */
export function structOf<const F extends Record<string, FieldType>>(
  abi: Abi,
  members: F,
  options: { packed?: boolean } = {},
): Struct<F> {
  const fields: Record<string, FieldLayout> = {};
  let end = 0;
  let structAlign = 1;
  for (const [name, declared] of Object.entries(members)) {
    const [type, count] = typeof declared === "string" ? [declared, 1] : declared;
    const size = scalarSize(abi, type);
    const align = options.packed ? 1 : abi === "i386" ? Math.min(size, 4) : size;
    const offset = Math.ceil(end / align) * align;
    fields[name] = { type, offset, size, count };
    end = offset + size * count;
    structAlign = Math.max(structAlign, align);
  }
  const total = Math.ceil(end / structAlign) * structAlign;
  return {
    size: total,
    align: structAlign,
    fields: fields as { [K in keyof F]: FieldLayout },
    encode(values) {
      const bytes = new Uint8Array(total);
      const view = new DataView(bytes.buffer);
      for (const name in values) {
        const layout = fields[name] as FieldLayout;
        const value = values[name] as number | readonly number[];
        if (typeof value === "number") store(view, layout, layout.offset, value);
        else for (let i = 0; i < value.length; i++) store(view, layout, layout.offset + i * layout.size, value[i]);
      }
      return bytes;
    },
    decode(bytes, at = 0) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, total);
      const values: Record<string, number | number[]> = {};
      for (const name in members) {
        const layout = fields[name] as FieldLayout;
        if (typeof members[name] === "string") values[name] = load(view, layout, layout.offset);
        else {
          values[name] = Array.from({ length: layout.count }, (_, i) =>
            load(view, layout, layout.offset + i * layout.size),
          );
        }
      }
      return values as StructValues<F>;
    },
  };
}
