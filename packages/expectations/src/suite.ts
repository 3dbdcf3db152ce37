import { z } from "zod";
import { InvalidSuiteError } from "./errors.ts";

const ColumnName = z.string().min(1);
/** Share of the values, between 0 and 1, that must fit. Nulls do not count, except where null is the question. */
const Mostly = z.number().min(0).max(1).optional();
const Value = z.union([z.string(), z.number(), z.boolean()]);
const Bound = z.union([z.string(), z.number()]).nullish();
const CountBound = z.number().nullish();

/** Only rows for which this holds are looked at (Great Expectations' `row_condition`). */
export const RowCondition = z.discriminatedUnion("operator", [
  z.strictObject({ column: ColumnName, operator: z.enum(["==", "!=", "<", "<=", ">", ">="]), value: Value }),
  z.strictObject({ column: ColumnName, operator: z.literal("in"), value: z.array(Value) }),
  z.strictObject({ column: ColumnName, operator: z.enum(["is_null", "is_not_null"]), value: z.null().optional() }),
]);
export type RowCondition = z.output<typeof RowCondition>;

const columnMap = { column: ColumnName, mostly: Mostly, row_condition: RowCondition.optional() };
const hasBound = (kwargs: { min_value?: unknown; max_value?: unknown }) =>
  (kwargs.min_value ?? null) !== null || (kwargs.max_value ?? null) !== null;
const NEEDS_BOUND = { error: "min_value and max_value cannot both be missing" };

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
  expectation("expect_column_values_to_be_unique", z.strictObject(columnMap)),
  expectation(
    "expect_column_values_to_be_between",
    z
      .strictObject({
        ...columnMap,
        min_value: Bound,
        max_value: Bound,
        strict_min: z.boolean().default(false),
        strict_max: z.boolean().default(false),
      })
      .refine(hasBound, NEEDS_BOUND),
  ),
  expectation("expect_column_values_to_be_in_set", z.strictObject({ ...columnMap, value_set: z.array(Value) })),
  expectation("expect_column_values_to_be_of_type", z.strictObject({ column: ColumnName, type_: z.string().min(1) })),
  expectation(
    "expect_table_columns_to_match_set",
    z.strictObject({ column_set: z.array(ColumnName), exact_match: z.boolean().default(true) }),
  ),
  expectation("expect_table_columns_to_match_ordered_list", z.strictObject({ column_list: z.array(ColumnName) })),
  expectation(
    "expect_table_row_count_to_be_between",
    z
      .strictObject({ min_value: CountBound, max_value: CountBound, row_condition: RowCondition.optional() })
      .refine(hasBound, NEEDS_BOUND),
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

const SuiteSchema = z.strictObject({
  name: z.string().min(1),
  table: z.string().min(1).optional(),
  timestampColumn: ColumnName.optional(),
  expectations: z.array(Expectation).min(1),
});

/** A named list of expectations about one table. */
export interface Suite {
  readonly name: string;
  /** The table it is meant for; it may be held against any other. */
  readonly table?: string | undefined;
  /**
   * The column that dates a row. A validation for a data interval then sees only rows dated before the interval's end
   * (and rows without a date), so that a table which already holds later days still validates for an earlier one.
   */
  readonly timestampColumn?: string | undefined;
  readonly expectations: readonly Expectation[];
}

/** A suite as its author writes it: arguments with a default may be left out. */
export type SuiteDefinition = z.input<typeof SuiteSchema>;

/**
 * Checks a suite and fills in its defaults.
 *
 * @throws InvalidSuiteError that names the expectation and the argument, when a type is unknown or an argument is wrong.
 */
export function defineSuite(definition: SuiteDefinition): Suite {
  const parsed = SuiteSchema.safeParse(definition);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InvalidSuiteError(String(definition.name), issue?.path.join(".") ?? "", issue?.message ?? "not a suite");
}
