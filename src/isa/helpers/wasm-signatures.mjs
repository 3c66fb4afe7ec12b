/** Reads the function signatures of a WebAssembly binary (core specification 5.5). */

const TYPE_NAMES = { 127: "i32", 126: "i64", 125: "f32", 124: "f64", 123: "v128" };

/** The exported functions of a wasm binary: name, parameter types, result type. */
export function signaturesOf(bytes) {
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const list = (read) => Array.from({ length: leb() }, read);
  const name = () => {
    const n = leb();
    at += n;
    return new TextDecoder().decode(bytes.subarray(at - n, at));
  };
  const valueType = () => TYPE_NAMES[bytes[at++]];
  let types = [];
  let functions = [];
  let imported = 0;
  let exports = [];
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = leb() + at;
    if (id === 1)
      types = list(() => {
        at++;
        return { params: list(valueType), results: list(valueType) };
      });
    if (id === 2)
      list(() => {
        name();
        name();
        const kind = bytes[at++];
        if (kind === 0) {
          leb();
          imported++;
        } else if (kind === 2) {
          const flags = leb();
          leb();
          if (flags & 1) leb();
        } else throw new Error(`import kind ${kind}`);
      });
    if (id === 3) functions = list(leb);
    if (id === 7) exports = list(() => ({ name: name(), kind: bytes[at++], index: leb() }));
    at = end;
  }
  return exports
    .filter((e) => e.kind === 0)
    .map((e) => {
      const type = types[functions[e.index - imported]];
      return { name: e.name, params: type.params, result: type.results[0] };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
