import { LearnError } from "./errors.ts";

/**
 * Checks that there are rows, as many in each array, and that what they weigh can be added up.
 * @throws LearnError INVALID_METRIC_INPUT
 */
export function checkRows(arrays: Readonly<Record<string, ArrayLike<unknown>>>, weights?: ArrayLike<number>): void {
  const all = { ...arrays, ...(weights !== undefined && { sampleWeight: weights }) };
  const lengths = Object.entries(all).map(([name, array]) => ({ name, length: array.length }));
  const first = lengths[0];
  if (first === undefined || first.length === 0) {
    const name = first?.name ?? "yTrue";
    throw invalid(name, `${name} has no rows: expected at least one.`);
  }
  const other = lengths.find(({ length }) => length !== first.length);
  if (other !== undefined)
    throw invalid(
      other.name,
      `${other.name} has ${other.length} rows and ${first.name} ${first.length}: expected as many.`,
    );
  if (weights !== undefined) checkWeights(weights);
}

/** @throws LearnError INVALID_METRIC_INPUT for a weight that is no finite number, or where all are 0 */
function checkWeights(weights: ArrayLike<number>): void {
  checkFinite("sampleWeight", weights);
  if (Array.from(weights).every((weight) => weight === 0))
    throw invalid("sampleWeight", "sampleWeight is 0 in every row: expected a row that counts.");
}

/** @throws LearnError INVALID_METRIC_INPUT naming the first row whose value is no finite number */
export function checkFinite(name: string, values: ArrayLike<number>): void {
  for (let row = 0; row < values.length; row++)
    if (!Number.isFinite(values[row]))
      throw invalid(name, `${name} is ${values[row]} in row ${row}: expected a finite number.`);
}

/**
 * Checks that classes are whole numbers or texts, the same in both arrays, as scikit-learn takes them.
 * @throws LearnError INVALID_METRIC_INPUT
 */
export function checkClasses(arrays: Readonly<Record<string, ArrayLike<number | string>>>): void {
  const first = Object.values(arrays)[0]?.[0];
  for (const [name, classes] of Object.entries(arrays))
    for (let row = 0; row < classes.length; row++) {
      const value = classes[row];
      if (typeof value === typeof first && (typeof value === "string" || Number.isInteger(value))) continue;
      throw invalid(
        name,
        `${name} is ${JSON.stringify(value)} in row ${row}: expected ${typeof first === "string" ? "a text, as the class in row 0" : "a whole number"}.`,
      );
    }
}

/** @throws LearnError INVALID_METRIC_INPUT for a row that is of neither class 0 nor 1 */
export function checkZeroOrOne(yTrue: ArrayLike<number>): void {
  for (let row = 0; row < yTrue.length; row++)
    if (yTrue[row] !== 0 && yTrue[row] !== 1)
      throw invalid("yTrue", `yTrue is ${yTrue[row]} in row ${row}: expected 0 or 1.`);
}

/** @throws LearnError INVALID_METRIC_INPUT for what is no probability */
export function checkProbability(value: number, row: number): void {
  if (!(value >= 0 && value <= 1))
    throw invalid("yScore", `yScore is ${value} in row ${row}: expected a probability from 0 to 1.`);
}

export function invalid(field: string, message: string): LearnError {
  return new LearnError("INVALID_METRIC_INPUT", message, { field });
}
