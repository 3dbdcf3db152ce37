import { z } from "zod";
import { InvalidSuiteError } from "./errors.ts";
import type { Json } from "./plan.ts";
import type { RowCondition } from "./row-condition.ts";
import { defineSuite, nameOf, problemsOf, type Suite, type SuiteDefinition } from "./suite.ts";
import type { Expectation } from "./vocabulary.ts";

/** What Great Expectations adds to arguments that says nothing about the data. */
const NOT_ABOUT_DATA = ["auto", "batch_id", "catch_exceptions", "include_config", "profiler_config", "result_format"];
/** Arguments of which null says something: no set, any columns. Any other is left out by it. */
const MAY_BE_NULL = ["value_set", "value_pairs_set", "column_set", "column_list"];
/** The version whose form is written. */
const VERSION = "1.24.1";

const Notes = z.union([z.string(), z.array(z.string())]).nullish();
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
      notes: Notes,
      /** Before 1.0 notes lay here. */
      meta: z
        .object({ notes: z.object({ content: Notes }).optional().catch(undefined) })
        .nullish()
        .catch(undefined),
    }),
  ),
  meta: z
    .object({
      dagwright: z
        .object({
          table: z.string().optional(),
          timestampColumn: z.string().optional(),
          expectations: z.array(z.unknown()).optional(),
        })
        .optional(),
    })
    .nullish()
    .catch(undefined),
});

/**
 * Reads a suite that Great Expectations exported as JSON (1.x, and the keys of 0.18), or that `toGreatExpectations`
 * wrote. Severities and notes are kept; ids, settings of a run and unknown keys are left out.
 *
 * @throws InvalidSuiteError that names the expectation and the argument, when it is not one of ours.
 */
export function fromGreatExpectations(exported: unknown): Suite {
  const parsed = Exported.safeParse(exported);
  if (!parsed.success)
    throw new InvalidSuiteError(nameOf(exported) || "Great Expectations", problemsOf(exported, parsed.error));
  const { data } = parsed;
  const { table, timestampColumn, expectations: others = [] } = data.meta?.dagwright ?? {};
  const expectations = data.expectations.map(({ type, expectation_type, kwargs, severity, notes, meta }) => {
    const about = Object.entries(kwargs).filter(
      ([key, value]) => !NOT_ABOUT_DATA.includes(key) && (value !== null || MAY_BE_NULL.includes(key)),
    );
    const noted = notes ?? meta?.notes?.content;
    return {
      type: type ?? expectation_type,
      kwargs: Object.fromEntries(about),
      severity: severity ?? "critical",
      ...(noted && { notes: noted }),
    };
  });
  // Types and arguments are checked by defineSuite, which takes nothing for granted.
  return defineSuite({
    name: data.name ?? data.expectation_suite_name ?? "",
    ...(table !== undefined && { table }),
    ...(timestampColumn !== undefined && { timestampColumn }),
    expectations: [...expectations, ...others],
  } as unknown as SuiteDefinition);
}

/** A suite in the form of Great Expectations 1.x. */
export interface ExportedSuite {
  readonly name: string;
  readonly expectations: readonly {
    readonly type: string;
    readonly kwargs: Readonly<Record<string, unknown>>;
    readonly severity: Expectation["severity"];
    readonly notes?: Expectation["notes"];
    readonly meta: Readonly<Record<string, Json>>;
  }[];
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Expectations that only we have. */
const ONLY_HERE = /_(interval|earlier_runs?|recent|trailing_mean)$/;

/**
 * Writes a suite as Great Expectations 1.24 reads it. Expectations that it does not have (about data intervals and
 * earlier runs) lie in `meta`, where it leaves them alone and `fromGreatExpectations` finds them again.
 */
export function toGreatExpectations(suite: Suite): ExportedSuite {
  const theirs = suite.expectations.filter(({ type }) => !ONLY_HERE.test(type));
  const ours = suite.expectations.filter(({ type }) => ONLY_HERE.test(type));
  const dagwright = {
    ...(suite.table !== undefined && { table: suite.table }),
    ...(suite.timestampColumn !== undefined && { timestampColumn: suite.timestampColumn }),
    ...(ours.length > 0 && { expectations: ours }),
  };
  return {
    name: suite.name,
    expectations: theirs.map(({ type, kwargs, severity, notes }) => {
      const {
        row_condition,
        condition_parser: _,
        ...rest
      }: Record<string, unknown> & {
        row_condition?: RowCondition | undefined;
      } = { ...kwargs };
      return {
        type,
        kwargs: { ...rest, ...(row_condition !== undefined && { row_condition: written(row_condition) }) },
        severity,
        ...(notes !== undefined && { notes }),
        meta: {},
      };
    }),
    meta: { great_expectations_version: VERSION, ...(Object.keys(dagwright).length > 0 && { dagwright }) },
  };
}

/** A condition in their form; what that lacks (not, columns compared, or within and) as text for pandas. */
function written(condition: RowCondition): Json {
  if ("and" in condition && condition.and.every((one) => !("or" in one || needsText(one)))) {
    return { type: "and", conditions: condition.and.map(written) };
  }
  if ("or" in condition && condition.or.every((one) => !("or" in one || needsText(one)))) {
    return { type: "or", conditions: condition.or.map(written) };
  }
  if ("and" in condition || "or" in condition || needsText(condition)) {
    return { type: "pass_through", pass_through_filter: asText(condition) };
  }
  if (!("column" in condition)) return { type: "pass_through", pass_through_filter: asText(condition) };
  const column = { name: condition.column };
  if (condition.operator === "is_null" || condition.operator === "is_not_null") {
    return { type: "nullity", column, is_null: condition.operator === "is_null" };
  }
  if (!("value" in condition)) return { type: "pass_through", pass_through_filter: asText(condition) };
  const { value } = condition;
  const operator = condition.operator === "in" ? "IN" : condition.operator === "not_in" ? "NOT_IN" : condition.operator;
  return { type: "comparison", column, operator, parameter: typeof value === "object" ? [...value] : value };
}

/** Whether their structured form lacks a word for it. */
function needsText(condition: RowCondition): boolean {
  return "not" in condition || "other" in condition || ("and" in condition && condition.and.some((one) => "or" in one));
}

function asText(condition: RowCondition): string {
  if ("and" in condition) return condition.and.map((one) => `(${asText(one)})`).join(" and ");
  if ("or" in condition) return condition.or.map((one) => `(${asText(one)})`).join(" or ");
  if ("not" in condition) return `not (${asText(condition.not)})`;
  const name = (column: string) => `\`${column}\``;
  switch (condition.operator) {
    case "is_null":
      return `${name(condition.column)}.isnull()`;
    case "is_not_null":
      return `${name(condition.column)}.notnull()`;
    case "in":
    case "not_in": {
      const values = condition.value.map(literal).join(", ");
      return `${name(condition.column)} ${condition.operator === "in" ? "in" : "not in"} [${values}]`;
    }
    default: {
      const right = "other" in condition ? name(condition.other) : literal(condition.value);
      return `${name(condition.column)} ${condition.operator} ${right}`;
    }
  }
}

function literal(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
