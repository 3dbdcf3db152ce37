import { type Table, valueReader } from "./column.ts";
import { DriftError } from "./errors.ts";
import { type MetricResult, pairOf } from "./metric.ts";
import { deviation, mean, squaredDeviations } from "./moments.ts";
import { numberOf } from "./values.ts";

/** Which columns hold what. */
export interface RegressionRequest {
  readonly data: Table;
  readonly target: string;
  readonly prediction: string;
}

/** Targets and predictions of the rows in which both are finite. */
export interface RegressionRows {
  readonly target: Float64Array;
  readonly prediction: Float64Array;
}

/** @throws DriftError DIFFERENT_COLUMNS, EMPTY_COLUMN, NOT_A_NUMBER */
export function regressionRows({ data, target, prediction }: RegressionRequest): RegressionRows {
  const [wanted, got] = pairOf(data, target, prediction);
  const [readWanted, readGot] = [valueReader(wanted), valueReader(got)];
  const targets = new Float64Array(wanted.length);
  const predictions = new Float64Array(wanted.length);
  let rows = 0;
  for (let row = 0; row < wanted.length; row++) {
    const actual = numberOf(readWanted(row), target);
    const predicted = numberOf(readGot(row), prediction);
    if (!Number.isFinite(actual) || !Number.isFinite(predicted)) continue;
    targets[rows] = actual;
    predictions[rows] = predicted;
    rows += 1;
  }
  if (rows === 0)
    throw new DriftError("EMPTY_COLUMN", prediction, `"${prediction}" has no row with a target: expected at least one`);
  return { target: targets.subarray(0, rows), prediction: predictions.subarray(0, rows) };
}

/**
 * Quality of a regression: the metrics of Evidently 0.7.23's `RegressionPreset`. An error is prediction − target; standard
 * deviations have ddof 1; the mean of MAPE is in per cent while its standard deviation is a fraction.
 * @throws DriftError DIFFERENT_COLUMNS, EMPTY_COLUMN, NOT_A_NUMBER
 */
export function regressionQuality(request: RegressionRequest): MetricResult[] {
  const { target, prediction } = regressionRows(request);
  const errors = prediction.map((value, row) => value - target[row]!);
  const absolute = errors.map(Math.abs);
  const relative = relativeErrors(absolute, target);
  const squares = errors.reduce((sum, error) => sum + error * error, 0);
  const spread = squaredDeviations(target);
  const metric = (name: string, value: MetricResult["value"]): MetricResult => ({ metric: name, config: {}, value });
  return [
    metric("MeanError", { mean: mean(errors), std: deviation(errors, 1) }),
    metric("MAPE", { mean: 100 * mean(relative), std: deviation(relative, 1) }),
    metric("RMSE", Math.sqrt(squares / errors.length)),
    metric("MAE", { mean: mean(absolute), std: deviation(absolute, 1) }),
    metric("R2Score", rSquared(squares, spread, target.length)),
    metric(
      "AbsMaxError",
      absolute.reduce((most, error) => Math.max(most, error), 0),
    ),
  ];
}

/** A relative error counts as 1 where the target is this close to 0 (Evidently's default, `zero_handling` "replace"). */
const NEAR_ZERO = Number.EPSILON;

/** Errors over the target; below 0 over the least positive number that counts, which is Evidently's way with negatives. */
function relativeErrors(absolute: Float64Array, target: Float64Array): Float64Array {
  return absolute.map((error, row) => {
    const value = target[row]!;
    return Math.abs(value) > NEAR_ZERO ? error / Math.max(value, NEAR_ZERO) : 1;
  });
}

/** As scikit-learn: a constant target gives 1 for no error, else 0; one row gives NaN. */
function rSquared(squares: number, spread: number, rows: number): number {
  if (rows < 2) return Number.NaN;
  if (spread === 0) return squares === 0 ? 1 : 0;
  return 1 - squares / spread;
}
