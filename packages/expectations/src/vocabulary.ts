import { z } from "zod";

export const ColumnName = z.string().min(1);
/** Share of the values, between 0 and 1, that must fit. Nulls do not count, except where null is the question. */
const Mostly = z.number().min(0).max(1).optional();
const Value = z.union([z.string(), z.number(), z.boolean()]);
const ValueSet = z.array(Value);
const Bound = z.union([z.string(), z.number()]).nullish();
const NumberBound = z.number().nullish();
const Strict = { strict_min: z.boolean().default(false), strict_max: z.boolean().default(false) };

/** Only rows for which this holds are looked at (Great Expectations' `row_condition`). */
export const RowCondition = z.discriminatedUnion("operator", [
  z.strictObject({ column: ColumnName, operator: z.enum(["==", "!=", "<", "<=", ">", ">="]), value: Value }),
  z.strictObject({ column: ColumnName, operator: z.literal("in"), value: ValueSet }),
  z.strictObject({ column: ColumnName, operator: z.enum(["is_null", "is_not_null"]), value: z.null().optional() }),
]);
export type RowCondition = z.output<typeof RowCondition>;

const rows = { row_condition: RowCondition.optional() };
const columnMap = { column: ColumnName, mostly: Mostly, ...rows };
const columnAggregate = { column: ColumnName, ...rows };
const numberRange = { min_value: NumberBound, max_value: NumberBound, ...Strict };
const columnRange = z.strictObject({ ...columnAggregate, ...numberRange });
const columnExtreme = z.strictObject({ ...columnAggregate, min_value: Bound, max_value: Bound, ...Strict });
const columnSet = z.strictObject({ ...columnAggregate, value_set: ValueSet });
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
const hasBound = (kwargs: { min_value?: unknown; max_value?: unknown }) =>
  (kwargs.min_value ?? null) !== null || (kwargs.max_value ?? null) !== null;
const NEEDS_BOUND = { error: "min_value and max_value cannot both be missing" };
const Weights = z.array(z.number().min(0)).min(1);

function expectation<const T extends string, K extends z.ZodType>(type: T, kwargs: K) {
  return z.strictObject({
    type: z.literal(type),
    kwargs,
    /** `error` fails the suite, `warn` is reported. @default "error" */
    severity: z.enum(["error", "warn"]).default("error"),
  });
}

/** Every expectation type with its arguments: Great Expectations' names and meaning, and two about a data interval. */
export const Expectation = z.discriminatedUnion("type", [
  expectation("expect_column_values_to_not_be_null", z.strictObject(columnMap)),
  expectation("expect_column_values_to_be_null", z.strictObject(columnMap)),
  expectation("expect_column_values_to_be_unique", z.strictObject(columnMap)),
  expectation(
    "expect_column_values_to_be_between",
    z.strictObject({ ...columnMap, min_value: Bound, max_value: Bound, ...Strict }).refine(hasBound, NEEDS_BOUND),
  ),
  expectation("expect_column_values_to_be_in_set", z.strictObject({ ...columnMap, value_set: ValueSet })),
  expectation("expect_column_values_to_not_be_in_set", z.strictObject({ ...columnMap, value_set: ValueSet })),
  expectation("expect_column_values_to_be_of_type", z.strictObject({ ...columnMap, type_: z.string().min(1) })),
  expectation(
    "expect_column_values_to_be_in_type_list",
    z.strictObject({ ...columnMap, type_list: z.array(z.string().min(1)).min(1) }),
  ),
  expectation("expect_column_values_to_match_regex", z.strictObject({ ...columnMap, regex: z.string() })),
  expectation("expect_column_values_to_not_match_regex", z.strictObject({ ...columnMap, regex: z.string() })),
  expectation(
    "expect_column_values_to_match_regex_list",
    z.strictObject({
      ...columnMap,
      regex_list: z.array(z.string()).min(1),
      match_on: z.enum(["any", "all"]).default("any"),
    }),
  ),
  expectation(
    "expect_column_values_to_not_match_regex_list",
    z.strictObject({ ...columnMap, regex_list: z.array(z.string()).min(1) }),
  ),
  expectation(
    "expect_column_value_lengths_to_be_between",
    z.strictObject({ ...columnMap, ...numberRange }).refine(hasBound, NEEDS_BOUND),
  ),
  expectation("expect_column_value_lengths_to_equal", z.strictObject({ ...columnMap, value: z.number().int().min(0) })),
  expectation(
    "expect_column_values_to_match_strftime_format",
    z.strictObject({ ...columnMap, strftime_format: z.string().min(1) }),
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
      /** Accepted as Great Expectations exports it; quantiles are always exact. */
      allow_relative_error: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
  expectation("expect_column_distinct_values_to_be_in_set", columnSet),
  expectation("expect_column_distinct_values_to_contain_set", columnSet),
  expectation("expect_column_distinct_values_to_equal_set", columnSet),
  expectation(
    "expect_column_most_common_value_to_be_in_set",
    z.strictObject({ ...columnAggregate, value_set: ValueSet, ties_okay: z.boolean().nullish() }),
  ),
  expectation(
    "expect_column_kl_divergence_to_be_less_than",
    z.strictObject({
      ...columnAggregate,
      partition_object: z.union([
        z.strictObject({ values: ValueSet.min(1), weights: Weights }),
        z.strictObject({ bins: z.array(z.number()).min(2), weights: Weights }),
      ]),
      threshold: z.number().min(0).nullish(),
      /** Share of the expected weight kept for values outside the partition. @default 0 */
      tail_weight_holdout: z.number().min(0).max(1).default(0),
      /** Share of the expected weight spread over empty parts of the partition. @default 0 */
      internal_weight_holdout: z.number().min(0).max(1).default(0),
    }),
  ),
  expectation("expect_column_pair_values_to_be_equal", z.strictObject(pair)),
  expectation(
    "expect_column_pair_values_a_to_be_greater_than_b",
    z.strictObject({ ...pair, or_equal: z.boolean().nullish() }),
  ),
  expectation(
    "expect_column_pair_values_to_be_in_set",
    z.strictObject({ ...pair, value_pairs_set: z.array(z.tuple([Value.nullable(), Value.nullable()])) }),
  ),
  expectation("expect_compound_columns_to_be_unique", z.strictObject(record)),
  expectation("expect_select_column_values_to_be_unique_within_record", z.strictObject(record)),
  expectation("expect_multicolumn_sum_to_equal", z.strictObject({ ...record, sum_total: z.number() })),
  expectation(
    "expect_column_to_exist",
    z.strictObject({ column: ColumnName, column_index: z.number().int().min(0).nullish() }),
  ),
  expectation(
    "expect_table_columns_to_match_set",
    z.strictObject({ column_set: z.array(ColumnName), exact_match: z.boolean().default(true) }),
  ),
  expectation("expect_table_columns_to_match_ordered_list", z.strictObject({ column_list: z.array(ColumnName) })),
  expectation(
    "expect_table_row_count_to_be_between",
    z.strictObject({ ...rows, ...numberRange }).refine(hasBound, NEEDS_BOUND),
  ),
  expectation("expect_table_row_count_to_equal", z.strictObject({ ...rows, value: z.number().int().min(0) })),
  expectation("expect_table_column_count_to_be_between", z.strictObject(numberRange).refine(hasBound, NEEDS_BOUND)),
  expectation("expect_table_column_count_to_equal", z.strictObject({ value: z.number().int().min(0) })),
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
