import { z } from "zod";
import type { Columns, ColumnValues } from "./columns.ts";
import { LearnError } from "./errors.ts";
import { faultOf } from "./faults.ts";
import type { FittedInput } from "./inputs.ts";
import { nearestName } from "./nearest-name.ts";

const NumberStep = z.strictObject({
  /** What stands in for a missing number; null leaves it missing, which trees learn from and linear models take as the mean. */
  impute: z
    .union([z.enum(["mean", "median", "most_frequent"]), z.number(), z.null()], {
      error: 'expected "mean", "median", "most_frequent", a number or null',
    })
    .default(null),
  /** Adds a column that is 1 where the value is missing. */
  indicator: z.boolean().default(false),
  /** standard: mean 0, deviation 1; min_max: 0 to 1; max_abs: at most 1 in size; robust: median 0, quartiles 1 apart. */
  scale: z.enum(["standard", "min_max", "max_abs", "robust"]).nullable().default(null),
});
const CategoryStep = z.strictObject({
  /** one_hot: a column for each category; ordinal: the category's number, which trees split by sets of categories. */
  encode: z.enum(["one_hot", "ordinal"]),
  /** Categories in order; null: those of the training rows, sorted. */
  categories: z
    .array(z.union([z.string(), z.number()]))
    .min(1)
    .nullable()
    .default(null),
  /** What stands in for a missing value; null leaves it missing: zeros, or no number. */
  impute: z
    .union([z.literal("most_frequent"), z.strictObject({ value: z.union([z.string(), z.number()]) })], {
      error: 'expected "most_frequent", { value } or null',
    })
    .nullable()
    .default(null),
  /** A category that the training rows had not: as a missing one, or an error. */
  handle_unknown: z.enum(["ignore", "error"]).default("ignore"),
  /** Rarer categories count as unknown. */
  min_frequency: z.number().int().min(1).default(1),
  /** At most so many, the commonest. An ordinal column of a tree can have 255. */
  max_categories: z.number().int().min(1).nullable().default(null),
});

/** What is done to a column before the model sees it; fitted on the training rows, and part of the model. */
export type ColumnStep = z.input<typeof NumberStep> | z.input<typeof CategoryStep>;
/** Steps by column. A column that is not named: a number as it is, a text as the algorithm likes it. */
export type Preprocessing = Readonly<Record<string, ColumnStep>>;

const MOST_CODES = 255;

/**
 * Checks the steps and fits them to the training columns.
 * @param textAs how a text column without a step is encoded
 * @throws LearnError INVALID_PREPROCESSING
 */
export function fitInputs(
  columns: Columns,
  preprocessing: Preprocessing,
  textAs: "one_hot" | "ordinal",
  categorical: readonly string[],
): FittedInput[] {
  for (const name of [...Object.keys(preprocessing), ...categorical])
    if (!columns.names.includes(name)) {
      const meant = nearestName(name, columns.names);
      throw invalid(
        categorical.includes(name) ? "params.categorical_features" : `preprocessing.${name}`,
        `there is no column "${name}"`,
        meant === undefined ? `The columns are ${columns.names.join(", ")}.` : `Did you mean "${meant}"?`,
      );
    }
  return columns.names.map((name, at) => {
    const values = columns.values[at]!;
    const isText = !(values instanceof Float64Array);
    const given = preprocessing[name];
    const field = `preprocessing.${name}`;
    if (given === undefined) {
      if (isText)
        return fitCategories(
          name,
          values,
          CategoryStep.parse({ encode: textAs, max_categories: textAs === "ordinal" ? MOST_CODES : null }),
          field,
        );
      if (categorical.includes(name))
        return fitCategories(
          name,
          values,
          CategoryStep.parse({ encode: "ordinal", max_categories: MOST_CODES }),
          field,
        );
      return { name, kind: "number", impute: null, indicator: false, offset: 0, factor: 1 };
    }
    const parsed = "encode" in given ? CategoryStep.safeParse(given) : NumberStep.safeParse(given);
    if (!parsed.success) {
      const { field: at, message, hint } = faultOf(parsed.error, given, field);
      throw new LearnError("INVALID_PREPROCESSING", message, { field: at, ...(hint !== undefined && { hint }) });
    }
    if ("encode" in parsed.data) return fitCategories(name, values, parsed.data, field);
    if (isText)
      throw invalid(field, `the column "${name}" holds texts`, 'Encode them: { encode: "one_hot" } or "ordinal".');
    return fitNumber(name, values, parsed.data, field);
  });
}

function fitNumber(name: string, values: Float64Array, step: z.output<typeof NumberStep>, field: string): FittedInput {
  const known = values.filter((value) => !Number.isNaN(value)).sort();
  if (known.length === 0 && (typeof step.impute === "string" || step.scale !== null))
    throw invalid(field, `the column "${name}" is missing in every row`, "Leave the column out, or impute a number.");
  const impute =
    step.impute === "mean"
      ? mean(known)
      : step.impute === "median"
        ? quantile(known, 0.5)
        : step.impute === "most_frequent"
          ? commonest(known)
          : step.impute;
  const filled = impute === null ? known : values.map((value) => (Number.isNaN(value) ? impute : value)).sort();
  const { offset, spread } = scaleOf(filled, step.scale);
  return { name, kind: "number", impute, indicator: step.indicator, offset, factor: 1 / spread };
}

/** A spread that is nothing but rounding, as scikit-learn judges it. */
const NO_SPREAD = 10 * Number.EPSILON;

/** Spread 1 for a constant. */
function scaleOf(
  sorted: Float64Array,
  scale: z.output<typeof NumberStep>["scale"],
): { offset: number; spread: number } {
  const least = sorted[0] ?? 0;
  const most = sorted[sorted.length - 1] ?? 0;
  if (scale === null) return { offset: 0, spread: 1 };
  const spreadOf = (found: number) => (found < NO_SPREAD ? 1 : found);
  if (scale === "min_max") return { offset: least, spread: spreadOf(most - least) };
  if (scale === "max_abs") return { offset: 0, spread: spreadOf(Math.max(Math.abs(least), Math.abs(most))) };
  if (scale === "robust")
    return { offset: quantile(sorted, 0.5), spread: spreadOf(quantile(sorted, 0.75) - quantile(sorted, 0.25)) };
  const middle = mean(sorted);
  const squares = sorted.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const deviation = Math.sqrt(squares / sorted.length);
  return { offset: middle, spread: deviation > NO_SPREAD * Math.abs(middle) ? deviation : 1 };
}

function fitCategories(
  name: string,
  values: ColumnValues,
  step: z.output<typeof CategoryStep>,
  field: string,
): FittedInput {
  const isText = !(values instanceof Float64Array);
  const counts = new Map<string | number, number>();
  for (const value of values) {
    if (value === null || value === "" || Number.isNaN(value)) continue;
    const category = typeof value === "number" ? Math.fround(value) + 0 : value;
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  const wrong = step.categories?.find((category) => (typeof category === "string") !== isText);
  if (wrong !== undefined)
    throw invalid(
      `${field}.categories`,
      `${JSON.stringify(wrong)} is no ${isText ? "text" : "number"}, as the column's values are`,
    );
  const order = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);
  const common = [...counts]
    .filter(([, count]) => count >= step.min_frequency)
    .sort(([a, most], [b, least]) => least - most || order(a, b));
  const kept = common
    .slice(0, step.max_categories ?? common.length)
    .map(([category]) => category)
    .sort(order);
  const categories = step.categories ?? kept;
  if (new Set(categories).size < categories.length) throw invalid(`${field}.categories`, "a category is there twice");
  const impute = step.impute === "most_frequent" ? (common[0]?.[0] ?? null) : (step.impute?.value ?? null);
  if (impute !== null && !categories.includes(impute))
    throw invalid(`${field}.impute`, `${JSON.stringify(impute)} is none of the categories`);
  return {
    name,
    kind: "category",
    isText,
    encode: step.encode,
    categories: [...categories],
    impute,
    unknown: step.handle_unknown,
  };
}

/** In two passes, so that a constant's mean is the constant to the last bit. */
function mean(values: Float64Array): number {
  const rough = values.reduce((sum, value) => sum + value / values.length, 0);
  return rough + values.reduce((sum, value) => sum + (value - rough) / values.length, 0);
}

/** Linear between the two nearest, as numpy. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  return low + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? low) - low);
}

/** The smallest of equals. */
function commonest(sorted: Float64Array): number {
  let best = 0;
  let most = 0;
  for (let at = 0, from = 0; at <= sorted.length; at++) {
    if (at < sorted.length && sorted[at] === sorted[from]) continue;
    if (at - from > most) [best, most] = [sorted[from]!, at - from];
    from = at;
  }
  return best;
}

function invalid(field: string, reason: string, hint?: string): LearnError {
  return new LearnError("INVALID_PREPROCESSING", `${field}: ${reason}.`, {
    field,
    ...(hint !== undefined && { hint }),
  });
}
