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
}

const MOST_CLASSES = 1000;

/**
 * Checks a target and numbers its classes.
 * @throws LearnError LENGTH_MISMATCH, INVALID_TARGET (missing, infinite, a class that is no whole number, over 1000
 * classes), ONE_CLASS (a constant target, for regression too)
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
  if (task === "regression") return { task, values, classes: [], classIndex: new Uint16Array() };
  if (distinct.size > MOST_CLASSES)
    throw new LearnError("INVALID_TARGET", `target has more than ${MOST_CLASSES} classes.`, {
      field: "target",
      hint: 'For a target of real numbers, set task to "regression".',
    });
  const classes = [...distinct].sort((a, b) => a - b);
  const places = new Map(classes.map((value, place) => [value, place]));
  return { task, values, classes, classIndex: Uint16Array.from(values, (value) => places.get(value + 0) ?? 0) };
}
