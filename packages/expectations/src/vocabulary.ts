import { z } from "zod";
import { RowCondition } from "./condition-schema.ts";
import { formatProblem } from "./strptime.ts";

export const ColumnName = z.string().min(1);
/** Share of the values, between 0 and 1, that must fit. Nulls do not count, except where null is the question. */
const Mostly = z.number().min(0).max(1).optional();
const Value = z.union([z.string(), z.number(), z.boolean()], { error: "expected a text, a number, true or false" });
/** A null among the values says nothing: missing values are not looked at. */
const Values = z.array(Value.nullable());
const Bound = z.union([z.string(), z.number()], { error: "expected a number or a text" }).nullish();
const NumberBound = z.number().nullish();
const Strict = { strict_min: z.boolean().default(false), strict_max: z.boolean().default(false) };

const rows = {
  row_condition: RowCondition.optional(),
  /** Accepted as Great Expectations exports it; a condition in text is read the same way whichever it names. */
  condition_parser: z.string().optional(),
};
const columnMap = { column: ColumnName, mostly: Mostly, ...rows };
const columnAggregate = { column: ColumnName, ...rows };
const numberRange = { min_value: NumberBound, max_value: NumberBound, ...Strict };
const columnRange = z.strictObject({ ...columnAggregate, ...numberRange });
const columnExtreme = z.strictObject({ ...columnAggregate, min_value: Bound, max_value: Bound, ...Strict });
/** What is beyond the set is shown: at most 20 values. */
const columnSet = z.strictObject({ ...columnAggregate, value_set: Values });
const pair = {
  column_A: ColumnName,
  column_B: ColumnName,
  mostly: Mostly,
  /** Rows that are left out and counted as missing. @default "both_values_are_missing" */
  ignore_row_if: z
    .enum(["both_values_are_missing", "either_value_is_missing", "neither"])
    .default("both_values_are_missing"),
  ...rows,
};
const record = {
  column_list: z.array(ColumnName).min(1),
  mostly: Mostly,
  /** Rows that are left out and counted as missing. @default "all_values_are_missing" */
  ignore_row_if: z.enum(["all_values_are_missing", "any_value_is_missing", "never"]).default("all_values_are_missing"),
  ...rows,
};
const monotonic = z.strictObject({ ...columnMap, strictly: z.boolean().nullish() });
const MatchOn = z
  .enum(["any", "all"])
  .nullish()
  .transform((given) => given ?? "any");
function hasBound({ min_value, max_value }: { min_value?: unknown; max_value?: unknown }): boolean {
  return (min_value ?? max_value ?? null) !== null;
}
const NO_BOUND = { error: "min_value and max_value cannot both be missing" };
const StrftimeFormat = z
  .string()
  .min(1)
  .superRefine((format, context) => {
    const problem = formatProblem(format);
    if (problem !== undefined) context.addIssue(`${JSON.stringify(format)} reads no date: ${problem}`);
  });
const Texts = z.array(z.string()).min(1);
/** The character that takes the meaning of the `%` or `_` after it. @default none */
const Escape = z.string().length(1).nullish();
const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = 'expected a positive duration as "36h", "90m", "2d", or milliseconds';
/** "36h", "90m", "2d", or milliseconds. */
const Duration = z
  .union([z.number(), z.templateLiteral([z.number(), z.enum(["ms", "s", "m", "h", "d"])])], { error: DURATION })
  .refine((duration) => durationMs(duration) > 0, DURATION);

/** A duration in milliseconds. */
export function durationMs(duration: number | string): number {
  if (typeof duration === "number") return duration;
  const unit = /[a-z]+$/.exec(duration)?.[0] ?? "ms";
  return Number(duration.slice(0, -unit.length)) * (UNITS_MS[unit as keyof typeof UNITS_MS] ?? 1);
}

const Weights = z.array(z.number().min(0)).min(1);

/** `critical` fails the validation; `warning` and `info` are reported, a warning as something to look at. @default "critical" */
export const Severity = z.enum(["critical", "warning", "info"]).default("critical");
export type Severity = z.output<typeof Severity>;

function expectation<const T extends string, K extends z.ZodType>(type: T, kwargs: K) {
  return z.strictObject({
    type: z.literal(type),
    kwargs,
    severity: Severity,
    /** What a reader should know about it; shown in reports. */
    notes: z.union([z.string(), z.array(z.string())]).optional(),
  });
}

/** Every expectation type with its arguments: Great Expectations' names and meaning, and six about a data interval and earlier runs. */
export const Expectation = z.discriminatedUnion("type", [
  expectation("expect_column_values_to_not_be_null", z.strictObject(columnMap)),
  expectation("expect_column_values_to_be_null", z.strictObject(columnMap)),
  expectation("expect_column_values_to_be_unique", z.strictObject(columnMap)),
  expectation(
    "expect_column_values_to_be_between",
    z.strictObject({ ...columnMap, min_value: Bound, max_value: Bound, ...Strict }).refine(hasBound, NO_BOUND),
  ),
  expectation("expect_column_values_to_be_in_set", z.strictObject({ ...columnMap, value_set: Values.nullable() })),
  expectation("expect_column_values_to_not_be_in_set", z.strictObject({ ...columnMap, value_set: Values.nullable() })),
  expectation("expect_column_values_to_be_of_type", z.strictObject({ ...columnMap, type_: z.string().min(1) })),
  expectation(
    "expect_column_values_to_be_in_type_list",
    z.strictObject({ ...columnMap, type_list: z.array(z.string().min(1)) }),
  ),
  expectation("expect_column_values_to_match_regex", z.strictObject({ ...columnMap, regex: z.string() })),
  expectation("expect_column_values_to_not_match_regex", z.strictObject({ ...columnMap, regex: z.string() })),
  expectation(
    "expect_column_values_to_match_regex_list",
    z.strictObject({ ...columnMap, regex_list: Texts, match_on: MatchOn }),
  ),
  expectation("expect_column_values_to_not_match_regex_list", z.strictObject({ ...columnMap, regex_list: Texts })),
  expectation(
    "expect_column_value_lengths_to_be_between",
    z.strictObject({ ...columnMap, ...numberRange }).refine(hasBound, NO_BOUND),
  ),
  expectation("expect_column_value_lengths_to_equal", z.strictObject({ ...columnMap, value: z.number() })),
  expectation(
    "expect_column_values_to_match_like_pattern",
    z.strictObject({ ...columnMap, like_pattern: z.string(), escape: Escape }),
  ),
  expectation(
    "expect_column_values_to_not_match_like_pattern",
    z.strictObject({ ...columnMap, like_pattern: z.string(), escape: Escape }),
  ),
  expectation(
    "expect_column_values_to_match_like_pattern_list",
    z.strictObject({ ...columnMap, like_pattern_list: Texts, match_on: MatchOn, escape: Escape }),
  ),
  expectation(
    "expect_column_values_to_not_match_like_pattern_list",
    z.strictObject({ ...columnMap, like_pattern_list: Texts, escape: Escape }),
  ),
  expectation(
    "expect_column_values_to_match_strftime_format",
    z.strictObject({ ...columnMap, strftime_format: StrftimeFormat }),
  ),
  expectation("expect_column_values_to_be_dateutil_parseable", z.strictObject(columnMap)),
  expectation("expect_column_values_to_be_json_parseable", z.strictObject(columnMap)),
  expectation(
    "expect_column_values_to_match_json_schema",
    z.strictObject({ ...columnMap, json_schema: z.record(z.string(), z.json()) }),
  ),
  expectation("expect_column_values_to_be_increasing", monotonic),
  expectation("expect_column_values_to_be_decreasing", monotonic),
  expectation(
    "expect_column_value_z_scores_to_be_less_than",
    z.strictObject({ ...columnMap, threshold: z.number(), double_sided: z.boolean().default(true) }),
  ),
  expectation(
    "expect_column_values_to_not_be_outliers",
    z.strictObject({
      ...columnMap,
      /** `iqr`: Tukey's fences, a value on a fence is none; `std`: distance from the mean in sample deviations. @default "iqr" */
      method: z.enum(["iqr", "std"]).default("iqr"),
      /** How many spreads the fences stand off. @default 1.5 */
      multiplier: z.number().min(0).default(1.5),
    }),
  ),
  expectation("expect_column_mean_to_be_between", columnRange),
  expectation("expect_column_median_to_be_between", columnRange),
  expectation("expect_column_stdev_to_be_between", columnRange),
  expectation("expect_column_sum_to_be_between", columnRange),
  expectation("expect_column_min_to_be_between", columnExtreme),
  expectation("expect_column_max_to_be_between", columnExtreme),
  expectation("expect_column_unique_value_count_to_be_between", columnRange),
  expectation("expect_column_proportion_of_unique_values_to_be_between", columnRange),
  expectation("expect_column_proportion_of_non_null_values_to_be_between", columnRange),
  expectation(
    "expect_column_quantile_values_to_be_between",
    z.strictObject({
      ...columnAggregate,
      quantile_ranges: z
        .strictObject({
          quantiles: z.array(z.number().min(0).max(1)).min(1),
          value_ranges: z.array(z.tuple([z.number().nullable(), z.number().nullable()])),
        })
        .refine(({ quantiles, value_ranges }) => quantiles.length === value_ranges.length, {
          error: "quantiles and value_ranges must have the same length",
        }),
      /** The value of a quantile that falls between two values, which are always exact. @default "nearest" */
      allow_relative_error: z
        .union([z.boolean(), z.enum(["linear", "lower", "higher", "midpoint", "nearest"])])
        .optional(),
    }),
  ),
  expectation("expect_column_distinct_values_to_be_in_set", columnSet),
  expectation("expect_column_distinct_values_to_contain_set", columnSet),
  expectation("expect_column_distinct_values_to_equal_set", columnSet),
  expectation(
    "expect_column_most_common_value_to_be_in_set",
    z.strictObject({ ...columnAggregate, value_set: Values.nullable(), ties_okay: z.boolean().nullish() }),
  ),
  expectation(
    "expect_column_kl_divergence_to_be_less_than",
    z.strictObject({
      ...columnAggregate,
      partition_object: z.union([
        z.strictObject({ values: z.array(Value).min(1), weights: Weights }),
        z.strictObject({
          bins: z.array(z.number()).min(2),
          weights: Weights,
          /** Expected shares below the first and above the last edge. */
          tail_weights: z.tuple([z.number(), z.number()]).optional(),
        }),
      ]),
      threshold: z.number().min(0).nullish(),
      /** Share of the expected weight kept for values outside the partition. @default 0 */
      tail_weight_holdout: z.number().min(0).max(1).default(0),
      /** Share of the expected weight spread over empty parts of the partition. @default 0 */
      internal_weight_holdout: z.number().min(0).max(1).default(0),
      /** Accepted as Great Expectations exports it; whether there are bins is seen from the partition. */
      bucketize_data: z.boolean().optional(),
    }),
  ),
  expectation("expect_column_pair_values_to_be_equal", z.strictObject(pair)),
  expectation(
    "expect_column_pair_values_a_to_be_greater_than_b",
    z.strictObject({ ...pair, or_equal: z.boolean().nullish() }),
  ),
  expectation(
    "expect_column_pair_values_to_be_in_set",
    z.strictObject({ ...pair, value_pairs_set: z.array(z.tuple([Value.nullable(), Value.nullable()])).nullable() }),
  ),
  expectation("expect_compound_columns_to_be_unique", z.strictObject(record)),
  expectation("expect_select_column_values_to_be_unique_within_record", z.strictObject(record)),
  /** The name of the same before Great Expectations 0.13. */
  expectation("expect_multicolumn_values_to_be_unique", z.strictObject(record)),
  expectation("expect_multicolumn_values_to_be_equal", z.strictObject(record)),
  expectation("expect_multicolumn_sum_to_equal", z.strictObject({ ...record, sum_total: z.number() })),
  expectation(
    "expect_column_to_exist",
    z.strictObject({ column: ColumnName, column_index: z.number().int().min(0).nullish() }),
  ),
  expectation(
    "expect_table_columns_to_match_set",
    z.strictObject({
      /** Null for no columns at all. */
      column_set: z.array(ColumnName).nullable(),
      exact_match: z
        .boolean()
        .nullish()
        .transform((given) => given ?? true),
    }),
  ),
  expectation(
    "expect_table_columns_to_match_ordered_list",
    z.strictObject({
      /** Null for any columns. */
      column_list: z.array(ColumnName).nullable(),
    }),
  ),
  expectation("expect_column_type_to_be", z.strictObject({ column: ColumnName, type_: z.string().min(1) })),
  expectation(
    "expect_table_row_count_to_be_between",
    z
      .strictObject({ ...rows, ...numberRange })
      .refine(({ min_value, max_value }) => (min_value ?? -Infinity) <= (max_value ?? Infinity), {
        error: "min_value cannot be greater than max_value",
      }),
  ),
  expectation(
    "expect_table_row_count_to_equal_other_table",
    z.strictObject({ ...rows, other_table_name: z.string().min(1) }),
  ),
  expectation("expect_table_row_count_to_equal", z.strictObject({ ...rows, value: z.number().int().min(0) })),
  expectation("expect_table_column_count_to_be_between", z.strictObject(numberRange)),
  expectation("expect_table_column_count_to_equal", z.strictObject({ value: z.number().int().min(0) })),
  /** Freshness: the newest value is at most so old at the end of the data interval; now, where there is none. */
  expectation("expect_column_max_to_be_recent", z.strictObject({ column: ColumnName, maxAge: Duration })),
  /** Freshness: the newest value is newer than at the run before. */
  expectation(
    "expect_column_max_to_exceed_earlier_run",
    z.strictObject({
      column: ColumnName,
      /** As new is enough. @default false */
      or_equal: z.boolean().default(false),
    }),
  ),
  /** Volume: the rows against the mean of earlier runs. With fewer of them than `minRuns` it holds. */
  expectation(
    "expect_table_row_count_to_be_near_earlier_runs",
    z
      .strictObject({
        /** Latest runs that make the mean. @default 10 */
        runs: z.number().int().min(1).default(10),
        /** @default 3 */
        minRuns: z.number().int().min(1).default(3),
        minFactor: z.number().min(0),
        maxFactor: z.number().positive(),
      })
      .refine(({ minFactor, maxFactor }) => minFactor <= maxFactor, {
        error: "minFactor cannot be greater than maxFactor",
      }),
  ),
  /** Schema: the columns and their types are those of the run before. */
  expectation(
    "expect_table_columns_to_match_earlier_run",
    z.strictObject({
      /** `added`: new columns are fine. @default "nothing" */
      allow: z.enum(["nothing", "added"]).default("nothing"),
    }),
  ),
  /** Freshness: the newest value lies within the data interval. */
  expectation("expect_column_max_to_be_within_interval", z.strictObject({ column: ColumnName })),
  /** Rows dated within the interval, against the mean per day of the days before it; `column` is the date. */
  expectation(
    "expect_interval_row_count_to_be_near_trailing_mean",
    z
      .strictObject({
        column: ColumnName,
        /** Days before the interval that make the mean; fewer where the table begins later. @default 28 */
        trailingDays: z.number().int().min(1).default(28),
        minFactor: z.number().min(0),
        maxFactor: z.number().positive(),
      })
      .refine(({ minFactor, maxFactor }) => minFactor <= maxFactor, {
        error: "minFactor cannot be greater than maxFactor",
      }),
  ),
]);
export type Expectation = z.output<typeof Expectation>;
