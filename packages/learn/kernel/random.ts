/** The generator of `src/random.ts` (sfc32, seeded through splitmix32): the same streams. */
let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let counter: u32 = 0;
let state: u32 = 0;

function mix(): u32 {
  state += 0x9e3779b9;
  let z = state;
  z = (z ^ (z >> 16)) * 0x85ebca6b;
  z = (z ^ (z >> 13)) * 0xc2b2ae35;
  return z ^ (z >> 16);
}

function next(): u32 {
  const out = a + b + counter;
  counter += 1;
  a = b ^ (b >> 9);
  b = c + (c << 3);
  c = ((c << 21) | (c >> 11)) + out;
  return out;
}

export function seedRandom(seedLow: u32, seedHigh: u32, stream: u32): void {
  state = seedLow ^ (seedHigh * 0x85ebca6b);
  a = mix();
  b = mix() ^ stream;
  c = mix();
  counter = 1;
  for (let warm = 0; warm < 12; warm++) next();
}

/** A whole number from 0 up to and without `bound`, each as likely as any other. */
export function below(bound: u32): u32 {
  const rest = <u32>((<u64>1 << 32) % <u64>bound);
  let value = next();
  while (rest != 0 && value >= 0 - rest) value = next();
  return value % bound;
}
