/** Reproducible randomness for tests: `FOLIO_TEST_SEED` overrides the seed, which failures print. */

/** A generator of integers below its argument (mulberry32 over a hash of the seed). */
export function seededRandom(name: string): (below: number) => number {
  const seed = `${process.env.FOLIO_TEST_SEED ?? "1"} ${name}`;
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** The same as a source of bytes, as `Host.random` is one. */
export function seededBytes(name: string): { fill(into: Uint8Array): void } {
  const below = seededRandom(name);
  return {
    fill(into) {
      for (let i = 0; i < into.length; i++) into[i] = below(256);
    },
  };
}
