import { LearnError } from "./errors.ts";
import { createRandom, type Random } from "./random.ts";
import type { TrainingTarget } from "./target.ts";

/** Rows of one fold. */
export interface Fold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** The places 0 to n − 1 in random order (Fisher-Yates). */
function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}

/** The rows in another order, those held out for early stopping last: as many of each class as their share. */
export function holdOut(target: TrainingTarget, share: number, seed: number): { order: Int32Array; count: number } {
  const rowCount = target.values.length;
  const byClass = new Map<number, number[]>();
  for (const row of shuffled(rowCount, createRandom(seed, 0x5eed))) {
    const k = target.task === "classification" ? target.classIndex[row]! : 0;
    const rows = byClass.get(k);
    if (rows === undefined) byClass.set(k, [row]);
    else rows.push(row);
  }
  const held = new Set<number>();
  for (const rows of byClass.values())
    for (const row of rows.slice(0, Math.min(rows.length - 1, Math.round(rows.length * share)))) held.add(row);
  if (held.size === 0)
    throw new LearnError(
      "INVALID_PARAM",
      `validation_fraction is ${share}: of ${rowCount} rows none is left to hold out.`,
      { field: "params.validation_fraction" },
    );
  const all = Int32Array.from({ length: rowCount }, (_, row) => row);
  return { order: Int32Array.from([...all.filter((row) => !held.has(row)), ...held]), count: held.size };
}
