/** How long `work` took, in seconds. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

/** The value that a share of the others does not exceed: 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Seconds and ratios with the digits that a measurement carries. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

/** Runs each kind of work in turns, so that what else the machine does falls on all alike; the first turn warms up. */
export async function inTurns<Kind extends string>(
  rounds: number,
  works: Readonly<Record<Kind, () => Promise<unknown>>>,
): Promise<Record<Kind, number[]>> {
  // The keys of a record are its kinds.
  const kinds = Object.keys(works) as Kind[];
  const times = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Record<Kind, number[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const kind of kinds) {
      const took = await secondsOf(works[kind]);
      if (round > 0) times[kind].push(took);
    }
  }
  return times;
}
