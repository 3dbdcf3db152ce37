/** A stream of pseudo-random numbers. */
export interface Random {
  /** A whole number from 0 up to and without `bound` (1 to 2^32), each as likely as any other. */
  below(bound: number): number;
}

/**
 * The stream of a seed and a stream number (a tree's index): the same for the same two, on every machine.
 * Generator sfc32 (Doty-Humphrey, PractRand), seeded through splitmix32.
 */
export function createRandom(seed: number, stream: number): Random {
  let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x85ebca6b);
  const mix = () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
  let a = mix();
  let b = mix() ^ stream;
  let c = mix();
  let counter = 1;
  const next = () => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + out;
    return out >>> 0;
  };
  for (let warm = 0; warm < 12; warm++) next();
  return {
    below(bound) {
      // Values past the last whole multiple of the bound would favour small numbers: draw again.
      const limit = 2 ** 32 - (2 ** 32 % bound);
      let value = next();
      while (value >= limit) value = next();
      return value % bound;
    },
  };
}
