import type { Columns } from "./columns.ts";
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

/** How folds are made. */
export interface FoldOptions {
  readonly folds: number;
  /** A whole number. @default 42 */
  readonly seed?: number;
  /** Whether rows are dealt out in random order; else as scikit-learn does it without shuffle, row by row. @default true */
  readonly shuffle?: boolean;
}

/**
 * K folds with as many of each class in each as there are (scikit-learn's StratifiedKFold). Each row is in one test part.
 * @throws LearnError INVALID_FOLDS when a class has fewer rows than there are folds
 */
export function stratifiedKFold(classes: ArrayLike<number>, { folds, seed = 42, shuffle = true }: FoldOptions): Fold[] {
  checkFolds(folds, classes.length);
  const order = shuffle ? shuffled(classes.length, createRandom(seed, 0xf01d)) : range(0, classes.length);
  const byClass = new Map<number, number[]>();
  for (const row of order) {
    const rows = byClass.get(classes[row]!);
    if (rows === undefined) byClass.set(classes[row]!, [row]);
    else rows.push(row);
  }
  const foldOf = new Int32Array(classes.length);
  let next = 0;
  // In order of first appearance without shuffle, as scikit-learn numbers classes.
  for (const [value, rows] of shuffle ? [...byClass].sort(([a], [b]) => a - b) : byClass) {
    if (rows.length < folds)
      throw new LearnError("INVALID_FOLDS", `folds is ${folds}: the class ${value} has ${rows.length} rows only.`, {
        field: "folds",
      });
    const dealt = rows.map(() => next++ % folds);
    // The first rows of a class to the first fold, and so on.
    if (!shuffle) dealt.sort((a, b) => a - b);
    for (const [at, row] of rows.entries()) foldOf[row] = dealt[at]!;
  }
  return foldsOf(foldOf, folds);
}

/** K folds of rows (scikit-learn's KFold). @throws LearnError INVALID_FOLDS */
export function kFold(rowCount: number, { folds, seed = 42, shuffle = true }: FoldOptions): Fold[] {
  checkFolds(folds, rowCount);
  const foldOf = new Int32Array(rowCount);
  if (shuffle)
    for (const [at, row] of shuffled(rowCount, createRandom(seed, 0xf01d)).entries()) foldOf[row] = at % folds;
  else
    foldOf.set(
      range(0, rowCount)
        .map((row) => row % folds)
        .sort(),
    );
  return foldsOf(foldOf, folds);
}

/**
 * Splits of rows in the order of time (scikit-learn's TimeSeriesSplit): each test part comes right after its training
 * part, which grows.
 * @param gap rows left out between the two @param maxTrainSize the last so many rows before the gap
 * @throws LearnError INVALID_FOLDS
 */
export function timeSeriesSplit(
  rowCount: number,
  { folds, gap = 0, maxTrainSize, testSize }: { folds: number; gap?: number; maxTrainSize?: number; testSize?: number },
): Fold[] {
  checkFolds(folds, rowCount);
  const size = testSize ?? Math.floor(rowCount / (folds + 1));
  if (size < 1 || rowCount - gap - size * folds <= 0)
    throw new LearnError(
      "INVALID_FOLDS",
      `folds is ${folds} with ${size} test rows and a gap of ${gap}: ${rowCount} rows are too few.`,
      { field: "folds" },
    );
  return Array.from({ length: folds }, (_, fold) => {
    const start = rowCount - (folds - fold) * size;
    const end = start - gap;
    const from = maxTrainSize === undefined ? 0 : Math.max(0, end - maxTrainSize);
    return { train: range(from, end), test: range(start, start + size) };
  });
}

function range(from: number, until: number): Int32Array {
  return Int32Array.from({ length: until - from }, (_, at) => from + at);
}

function checkFolds(folds: number, rowCount: number): void {
  if (Number.isInteger(folds) && folds >= 2 && folds <= rowCount) return;
  throw new LearnError("INVALID_FOLDS", `folds is ${folds}: expected a whole number from 2 to ${rowCount}, the rows.`, {
    field: "folds",
  });
}

function foldsOf(foldOf: Int32Array, folds: number): Fold[] {
  const rows = range(0, foldOf.length);
  return Array.from({ length: folds }, (_, fold) => ({
    train: rows.filter((row) => foldOf[row] !== fold),
    test: rows.filter((row) => foldOf[row] === fold),
  }));
}

/** Some rows of columns, in the order given. */
export function takeRows({ names, values }: Columns, rows: Int32Array): Columns {
  const taken = values.map((column) =>
    column instanceof Float64Array
      ? Float64Array.from(rows, (row) => column[row]!)
      : Array.from(rows, (row) => column[row] ?? null),
  );
  return { names, values: taken, rowCount: rows.length };
}

/** What a model learns from, or is asked about: rows, what is true of them, and what they weigh. */
export interface Examples {
  readonly columns: Columns;
  readonly target: Float64Array;
  /** @default 1 each */
  readonly sampleWeight?: Float64Array;
}

/** Some of the examples, in the order given. */
export function takeExamples({ columns, target, sampleWeight }: Examples, rows: Int32Array): Examples {
  const part = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
  return {
    columns: takeRows(columns, rows),
    target: part(target),
    ...(sampleWeight !== undefined && { sampleWeight: part(sampleWeight) }),
  };
}
