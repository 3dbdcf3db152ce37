import { z } from "zod";
import { LearnError } from "../errors.ts";
import { faultOf } from "../faults.ts";

/** A value that a trial tries. */
export const ParamValue = z.union([z.number(), z.string(), z.boolean(), z.null()]);
export type ParamValue = z.output<typeof ParamValue>;
export type TrialParams = Readonly<Record<string, ParamValue>>;

/** Only where an earlier categorical parameter has one of these values is the parameter there at all. */
const When = z.strictObject({ parameter: z.string(), values: z.array(ParamValue).min(1) });
const named = { name: z.string().min(1), when: When.optional() };

const Choice = z.union([z.number(), z.string(), z.boolean(), z.null()], {
  error: "expected a number, a text, true, false or null",
});
const Bounds = z.number();
const Dimension = z.discriminatedUnion("type", [
  z.strictObject({
    ...named,
    type: z.literal("float"),
    low: Bounds,
    high: Bounds,
    log: z.boolean().default(false),
    /** The values are low, low + step, … up to `high`; null is any number between. */
    step: z.number().gt(0).nullable().default(null),
  }),
  z.strictObject({
    ...named,
    type: z.literal("int"),
    low: Bounds.int(),
    high: Bounds.int(),
    log: z.boolean().default(false),
    step: z.number().int().min(1).nullable().default(1),
  }),
  z.strictObject({ ...named, type: z.literal("categorical"), choices: z.array(Choice).min(1) }),
]);

/** One parameter of a search space, defaults filled in. */
export type Dimension = z.output<typeof Dimension>;
/** One parameter of a search space: `float`, `int` (inclusive bounds, optionally log or with a step), `categorical`. */
export type DimensionInput = z.input<typeof Dimension>;
export type NumericDimension = Exclude<Dimension, { type: "categorical" }>;

/**
 * Checks a search space and fills in defaults. As in Optuna, `high` goes down to the last value that the step reaches.
 * @throws LearnError INVALID_SPACE naming the parameter and what was expected
 */
export function parseSpace(space: readonly unknown[]): readonly Dimension[] {
  if (space.length === 0) throw invalid("space", "is empty: expected at least one parameter");
  const parsed: Dimension[] = [];
  for (const [at, entry] of space.entries()) {
    const result = Dimension.safeParse(entry);
    if (!result.success) {
      const { field, message, hint } = faultOf(result.error, entry, `space[${at}]`);
      throw new LearnError("INVALID_SPACE", message, { field, ...(hint !== undefined && { hint }) });
    }
    parsed.push(checkDimension(result.data, `space[${at}]`, parsed));
  }
  return parsed;
}

function checkDimension(dimension: Dimension, field: string, earlier: readonly Dimension[]): Dimension {
  const { name, when } = dimension;
  if (earlier.some((other) => other.name === name)) throw invalid(field, `"${name}" is there twice`);
  if (when !== undefined) {
    const parent = earlier.find((other) => other.name === when.parameter);
    if (parent?.type !== "categorical")
      throw invalid(`${field}.when`, `"${when.parameter}": expected an earlier categorical parameter`);
    for (const value of when.values)
      if (!parent.choices.includes(value))
        throw invalid(`${field}.when`, `${JSON.stringify(value)} is no choice of "${when.parameter}"`);
  }
  if (dimension.type === "categorical") {
    if (new Set(dimension.choices).size < dimension.choices.length) throw invalid(field, "a choice is there twice");
    return dimension;
  }
  const { low, high, log, step } = dimension;
  if (low > high) throw invalid(field, `low is ${low} and high is ${high}: expected low ≤ high`);
  if (log && (dimension.type === "int" ? low < 1 : low <= 0))
    throw invalid(field, `low is ${low} with log: expected ${dimension.type === "int" ? "at least 1" : "more than 0"}`);
  if (log && step !== null && !(dimension.type === "int" && step === 1))
    throw invalid(field, `step is ${step} with log: expected one of the two`);
  if (dimension.type === "int") return { ...dimension, step: step ?? 1, high: lastOnGrid(low, high, step ?? 1) };
  return step === null ? dimension : { ...dimension, high: lastOnGrid(low, high, step) };
}

function lastOnGrid(low: number, high: number, step: number): number {
  return gridValue(low, step, Math.floor((high - low) / step + 1e-8));
}

/** low + count × step, without the digits that binary fractions add (0.1 + 2 × 0.1 is 0.3). */
export function gridValue(low: number, step: number, count: number): number {
  return Number((low + count * step).toPrecision(15));
}

/** Whether the parameter is there, given the parameters before it. */
export function isActive({ when }: Dimension, params: TrialParams): boolean {
  if (when === undefined) return true;
  const value = params[when.parameter];
  return value !== undefined && when.values.includes(value);
}

/** Whether a value lies in the parameter's range, on its grid or among its choices. */
export function contains(dimension: Dimension, value: ParamValue | undefined): boolean {
  if (value === undefined) return false;
  if (dimension.type === "categorical") return dimension.choices.includes(value);
  if (typeof value !== "number" || !(value >= dimension.low && value <= dimension.high)) return false;
  if (dimension.step === null) return true;
  const steps = (value - dimension.low) / dimension.step;
  return Math.abs(steps - Math.round(steps)) < 1e-8 * Math.max(1, Math.abs(steps));
}

/**
 * Checks that the parameters are those of the space, each within its range.
 * @throws LearnError INVALID_TRIAL naming the parameter
 */
export function checkParams(space: readonly Dimension[], params: TrialParams, field: string): void {
  for (const dimension of space) {
    const value = params[dimension.name];
    const wanted = isActive(dimension, params);
    if (wanted ? contains(dimension, value) : value === undefined) continue;
    throw new LearnError(
      "INVALID_TRIAL",
      `${field}.${dimension.name} is ${JSON.stringify(value)}: expected ${wanted ? "a value of the search space" : "none, its condition does not hold"}.`,
      { field: `${field}.${dimension.name}` },
    );
  }
}

function invalid(field: string, reason: string): LearnError {
  return new LearnError("INVALID_SPACE", `${field}: ${reason}.`, { field });
}
