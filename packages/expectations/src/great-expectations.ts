import { z } from "zod";
import { InvalidSuiteError } from "./errors.ts";
import { defineSuite, type Suite, type SuiteDefinition } from "./suite.ts";
import { RowCondition } from "./vocabulary.ts";

/** What Great Expectations adds to arguments that says nothing about the data. */
const NOT_ABOUT_DATA = ["batch_id", "catch_exceptions", "condition_parser", "include_config", "result_format"];

const Exported = z.object({
  name: z.string().optional(),
  /** The name's key before 1.0. */
  expectation_suite_name: z.string().optional(),
  expectations: z.array(
    z.object({
      type: z.string().optional(),
      /** The type's key before 1.0. */
      expectation_type: z.string().optional(),
      kwargs: z.record(z.string(), z.unknown()),
      severity: z.enum(["critical", "warning", "info"]).nullish(),
    }),
  ),
});

const Comparison = z.object({
  type: z.literal("comparison"),
  column: z.object({ name: z.string() }),
  operator: z.string(),
  parameter: z.unknown(),
});
const Nullity = z.object({
  type: z.literal("nullity"),
  column: z.object({ name: z.string() }),
  is_null: z.boolean(),
});

/**
 * Reads a suite that Great Expectations exported as JSON (1.x, and the keys of 0.18). Severity `critical` becomes
 * `error`, `warning` and `info` become `warn`; notes, ids and settings of a run are left out.
 *
 * @throws InvalidSuiteError that names the expectation when it is not one of ours, or its row condition is neither a
 * comparison nor a test for null.
 */
export function fromGreatExpectations(exported: unknown): Suite {
  const parsed = Exported.safeParse(exported);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InvalidSuiteError("Great Expectations", issue?.path.join(".") ?? "", issue?.message ?? "not a suite");
  }
  const { data } = parsed;
  const name = data.name ?? data.expectation_suite_name ?? "";
  const expectations = data.expectations.map(({ type, expectation_type, kwargs, severity }, index) => {
    const { row_condition, ...rest } = Object.fromEntries(
      Object.entries(kwargs).filter(([key, value]) => !NOT_ABOUT_DATA.includes(key) && value !== null),
    );
    return {
      type: type ?? expectation_type,
      kwargs: {
        ...rest,
        ...(row_condition !== undefined && { row_condition: conditionOf(row_condition, name, index) }),
      },
      severity: (severity ?? "critical") === "critical" ? "error" : "warn",
    };
  });
  // Types and arguments are checked by defineSuite, which takes nothing for granted.
  return defineSuite({ name, expectations } as unknown as SuiteDefinition);
}

const OPERATORS = /^col\("([^"]+)"\)\s*(==|!=|<=|>=|<|>)\s*(?:"([^"]*)"|'([^']*)'|(-?[0-9.]+))$/;
const NULLITY = /^col\("([^"]+)"\)\.(notNull|isNull|is_not_null|is_null)\(\)$/;

function conditionOf(condition: unknown, suite: string, index: number): RowCondition {
  const ours = RowCondition.safeParse(convert(condition));
  if (ours.success) return ours.data;
  throw new InvalidSuiteError(
    suite,
    `expectations.${index}.kwargs.row_condition`,
    `${JSON.stringify(condition)} is not supported; use one comparison of a column with a value, or a test for null`,
  );
}

function convert(condition: unknown): unknown {
  const comparison = Comparison.safeParse(condition);
  if (comparison.success) {
    const { column, operator, parameter } = comparison.data;
    return { column: column.name, operator: operator.toLowerCase(), value: parameter };
  }
  const nullity = Nullity.safeParse(condition);
  if (nullity.success) {
    return { column: nullity.data.column.name, operator: nullity.data.is_null ? "is_null" : "is_not_null" };
  }
  if (typeof condition !== "string") return condition;
  const compared = OPERATORS.exec(condition.trim());
  if (compared !== null) {
    const [, column, operator, double, single, number] = compared;
    return { column, operator, value: number === undefined ? (double ?? single) : Number(number) };
  }
  const tested = NULLITY.exec(condition.trim());
  if (tested === null) return condition;
  return { column: tested[1], operator: /not/i.test(tested[2] ?? "") ? "is_not_null" : "is_null" };
}
