import { LearnError } from "./errors.ts";

/** What is learnt: classes or numbers. */
export type Task = "classification" | "regression";

/** A checked target. */
export interface TrainingTarget {
  readonly task: Task;
  readonly values: Float64Array;
  /** Sorted; empty for regression. */
  readonly classes: readonly number[];
  /** The place of each row's class among the classes; empty for regression. */
  readonly classIndex: Uint16Array;
  /** Weight of each row, at least 0; undefined: 1. */
  readonly weights?: Float64Array;
}

/**
 * A target with weights: those of the rows, times those of their classes.
 * @param balance what "balanced" counts in each class: scikit-learn's forests and boosting count rows, its logistic
 * regression their weights
 * @throws LearnError LENGTH_MISMATCH, INVALID_WEIGHT
 */
export function weighTarget(
  target: TrainingTarget,
  sampleWeight: Float64Array | undefined,
  classWeight: "balanced" | Readonly<Record<string, number>> | null,
  balance: "rows" | "weights",
): TrainingTarget {
  const rowCount = target.values.length;
  if (sampleWeight !== undefined) checkWeights(sampleWeight, rowCount);
  if (sampleWeight === undefined && classWeight === null) return target;
  const weights = sampleWeight?.slice() ?? new Float64Array(rowCount).fill(1);
  if (classWeight !== null) {
    const ofClass = weightsOfClasses(target, classWeight, balance === "weights" ? weights : undefined);
    for (let row = 0; row < rowCount; row++) weights[row]! *= ofClass[target.classIndex[row]!]!;
  }
  const heavy = new Set<number>();
  if (target.task === "classification")
    for (let row = 0; row < rowCount; row++) if (weights[row]! > 0) heavy.add(target.classIndex[row]!);
  if (target.task === "classification" ? heavy.size < target.classes.length : !weights.some((weight) => weight > 0))
    throw new LearnError(
      "INVALID_WEIGHT",
      `sampleWeight and class_weight leave ${target.task === "classification" ? "a class" : "the rows"} without any weight.`,
      {
        field: "sampleWeight",
      },
    );
  return { ...target, weights };
}

function checkWeights(weights: Float64Array, rowCount: number): void {
  if (weights.length !== rowCount)
    throw new LearnError(
      "LENGTH_MISMATCH",
      `sampleWeight has ${weights.length} values: expected ${rowCount}, one a row.`,
      { field: "sampleWeight" },
    );
  const row = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (row >= 0)
    throw new LearnError(
      "INVALID_WEIGHT",
      `sampleWeight is ${weights[row]} in row ${row}: expected a finite number, at least 0.`,
      { field: "sampleWeight" },
    );
}

function weightsOfClasses(
  { classes, classIndex, values }: TrainingTarget,
  classWeight: "balanced" | Readonly<Record<string, number>>,
  rowWeights: Float64Array | undefined,
): Float64Array {
  if (classWeight === "balanced") {
    const counts = new Float64Array(classes.length);
    for (const [row, k] of classIndex.entries()) counts[k]! += rowWeights?.[row] ?? 1;
    const all = rowWeights?.reduce((sum, weight) => sum + weight, 0) ?? values.length;
    return counts.map((count) => (count === 0 ? 0 : all / (classes.length * count)));
  }
  const unknown = Object.keys(classWeight).find((name) => !classes.some((one) => String(one) === name));
  if (unknown !== undefined)
    throw new LearnError(
      "INVALID_WEIGHT",
      `class_weight names the class ${unknown}: expected one of ${classes.join(", ")}.`,
      { field: "params.class_weight" },
    );
  return Float64Array.from(classes, (one) => classWeight[String(one)] ?? 1);
}

const MOST_CLASSES = 1000;
/** Numbers up to this size, that differ by its inverse, have squares which sums over all rows can hold. */
const LARGEST_TARGET = 1e100;

/**
 * Checks a target and numbers its classes.
 * @throws LearnError LENGTH_MISMATCH, INVALID_TARGET (missing, infinite, a class that is no whole number, over 1000
 * classes, a number beyond 1e100, or numbers that differ by less than 1e-100), ONE_CLASS (a constant target, for regression too)
 */
export function checkTarget(task: Task, values: Float64Array, rowCount: number): TrainingTarget {
  if (values.length !== rowCount)
    throw new LearnError("LENGTH_MISMATCH", `target has ${values.length} values: expected ${rowCount}, one a row.`, {
      field: "target",
    });
  const distinct = new Set<number>();
  for (let row = 0; row < rowCount; row++) {
    // -0 and 0 are one class.
    const value = values[row]! + 0;
    if (!Number.isFinite(value))
      throw new LearnError(
        "INVALID_TARGET",
        `target is ${value} in row ${row}: expected a finite number in every row.`,
        {
          field: "target",
          hint: "Leave rows without a target out of the training set.",
        },
      );
    if (task === "classification" && !Number.isInteger(value))
      throw new LearnError("INVALID_TARGET", `target is ${value} in row ${row}: expected whole numbers, one a class.`, {
        field: "target",
        hint: 'For a target of real numbers, set task to "regression".',
      });
    if (distinct.size <= MOST_CLASSES) distinct.add(value);
  }
  if (distinct.size < 2)
    throw new LearnError(
      "ONE_CLASS",
      `target is ${[...distinct][0]} in all ${rowCount} rows: expected at least two ${task === "regression" ? "values" : "classes"}.`,
      {
        field: "target",
      },
    );
  if (task === "regression") {
    checkRange(values);
    return { task, values, classes: [], classIndex: new Uint16Array() };
  }
  if (distinct.size > MOST_CLASSES)
    throw new LearnError("INVALID_TARGET", `target has more than ${MOST_CLASSES} classes.`, {
      field: "target",
      hint: 'For a target of real numbers, set task to "regression".',
    });
  const classes = [...distinct].sort((a, b) => a - b);
  const places = new Map(classes.map((value, place) => [value, place]));
  return { task, values, classes, classIndex: Uint16Array.from(values, (value) => places.get(value + 0) ?? 0) };
}

function checkRange(values: Float64Array): void {
  const hint = "Scale the target.";
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Math.abs(value) > LARGEST_TARGET)
      throw new LearnError(
        "INVALID_TARGET",
        `target is ${value} in row ${row}: expected from -1e100 to 1e100, as doubles do not hold sums of squares of larger numbers.`,
        { field: "target", hint },
      );
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  if (greatest - least < 1 / LARGEST_TARGET)
    throw new LearnError(
      "INVALID_TARGET",
      `target goes from ${least} to ${greatest}: expected values that differ by 1e-100 or more, as doubles do not hold squares of smaller differences.`,
      { field: "target", hint },
    );
}
