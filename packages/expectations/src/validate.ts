import { type Column, familyOf } from "./column-types.ts";
import { compile } from "./compile.ts";
import { InvalidIntervalError } from "./errors.ts";
import {
  beforeEnd,
  columnOf,
  type IntervalMs,
  type Json,
  NotEvaluableError,
  type Outcome,
  type Plan,
  ROWS,
} from "./plan.ts";
import { type Fragment, identifier, join, render, type Scalar, sql, text } from "./sql.ts";
import type { Suite } from "./suite.ts";
import type { Expectation } from "./vocabulary.ts";

/**
 * Runs DuckDB SQL with named parameters (`$name`): all that is asked of an engine. Types may be DuckDB's or Spark SQL's
 * names; the columns of a result are needed even when it has no rows.
 */
export type Query = (
  sql: string,
  params?: Record<string, Scalar>,
) => Promise<{
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}>;

export interface ValidateOptions {
  readonly suite: Suite;
  readonly query: Query;
  /** The name under which `query` knows the table. */
  readonly view: string;
  /** The data interval the validation is for, ISO-8601: `start` inclusive, `end` exclusive. */
  readonly interval?: { readonly start: string; readonly end: string } | undefined;
  /** At most so many unexpected rows are shown for each expectation. @default 10 */
  readonly sampleSize?: number | undefined;
}

/** What one expectation of a suite found. */
export interface ExpectationResult extends Outcome {
  readonly type: Expectation["type"];
  readonly kwargs: Expectation["kwargs"];
  readonly severity: Expectation["severity"];
  /** Unexpected rows, whole. */
  readonly sample: readonly Readonly<Record<string, Json>>[];
  /** Why the expectation could not be evaluated; it then counts as failed. */
  readonly exception?: string;
}

export interface ValidationReport {
  /** No expectation of severity `error` failed. */
  readonly success: boolean;
  readonly results: readonly ExpectationResult[];
  readonly statistics: {
    readonly evaluated: number;
    readonly successful: number;
    readonly failedErrors: number;
    readonly failedWarnings: number;
  };
}

/**
 * Holds a table against a suite. All counts come from one aggregate query; each expectation with unexpected rows costs
 * one more for the sample, and each JSON schema one for the distinct texts. An expectation that cannot be evaluated (a missing column, values that do not compare) fails
 * with an `exception`, and the others are evaluated all the same.
 *
 * @throws InvalidIntervalError when the interval is not one.
 * @throws whatever `query` throws when the table itself cannot be read.
 */
export async function validate(options: ValidateOptions): Promise<ValidationReport> {
  const { suite, query, view, sampleSize = 10 } = options;
  const interval = intervalMs(options.interval);
  const columns = await columnsOf(query, view);
  const source = sourceOf(suite, view, columns, interval);
  const plans: (Plan | Error)[] = [];
  for (const expectation of suite.expectations) {
    plans.push(source instanceof Error ? source : await planOf(query, source, expectation, columns, interval));
  }
  const outcomes = source instanceof NotEvaluableError ? plans.map(() => source) : await measure(query, source, plans);

  const results: ExpectationResult[] = [];
  for (const [index, expectation] of suite.expectations.entries()) {
    const { type, kwargs, severity } = expectation;
    const outcome = outcomes[index];
    if (outcome === undefined || outcome instanceof Error) {
      results.push({
        type,
        kwargs,
        severity,
        ...NOTHING_SEEN,
        sample: [],
        exception: outcome?.message ?? "not evaluated",
      });
      continue;
    }
    const plan = plans[index];
    const failing = plan instanceof Error ? undefined : plan?.failing;
    const wanted = failing !== undefined && (outcome.unexpectedCount ?? 0) > 0 && sampleSize > 0;
    const sample = wanted && !(source instanceof Error) ? await sampleOf(query, source, failing, sampleSize) : [];
    results.push({ type, kwargs, severity, ...outcome, sample });
  }
  const failed = results.filter(({ success }) => !success);
  const failedErrors = failed.filter(({ severity }) => severity === "error").length;
  return {
    success: failedErrors === 0,
    results,
    statistics: {
      evaluated: results.length,
      successful: results.length - failed.length,
      failedErrors,
      failedWarnings: failed.length - failedErrors,
    },
  };
}

const NOTHING_SEEN: Outcome = {
  success: false,
  observed: null,
  elementCount: null,
  missingCount: null,
  unexpectedCount: null,
  unexpectedPercent: null,
};

function intervalMs(interval: ValidateOptions["interval"]): IntervalMs | null {
  if (interval === undefined) return null;
  const [start, end] = [Date.parse(interval.start), Date.parse(interval.end)];
  if (!(start < end)) throw new InvalidIntervalError(interval.start, interval.end);
  return { start, end };
}

async function columnsOf(query: Query, view: string): Promise<Column[]> {
  const { columns } = await query(...parts(sql`SELECT * FROM ${identifier(view)} LIMIT 0`));
  return columns.map(({ name, type }) => ({ name, type, family: familyOf(type) }));
}

/** The rows to look at, as a subquery; or why they cannot be told. */
function sourceOf(
  suite: Suite,
  view: string,
  columns: readonly Column[],
  interval: IntervalMs | null,
): Fragment | NotEvaluableError {
  const all = sql`SELECT * FROM ${identifier(view)}`;
  if (interval === null || suite.timestampColumn === undefined) return all;
  try {
    return sql`${all} WHERE ${beforeEnd(columnOf(columns, suite.timestampColumn), interval)}`;
  } catch (error) {
    if (error instanceof NotEvaluableError) return error;
    throw error;
  }
}

async function planOf(
  query: Query,
  source: Fragment,
  expectation: Expectation,
  columns: readonly Column[],
  interval: IntervalMs | null,
): Promise<Plan | NotEvaluableError> {
  try {
    const compiled = compile(expectation, columns, interval);
    if (!("distinct" in compiled)) return compiled;
    const { rows } = await query(...parts(withRows(source, compiled.distinct)));
    return compiled.plan(rows.map(({ v }) => String(v)));
  } catch (error) {
    if (error instanceof NotEvaluableError) return error;
    throw error;
  }
}

/** Evaluates all plans in one query; if the engine refuses it, one by one, so that only the guilty plan fails. */
async function measure(query: Query, source: Fragment, plans: readonly (Plan | Error)[]): Promise<(Outcome | Error)[]> {
  const evaluable = plans.filter((plan): plan is Plan => !(plan instanceof Error));
  let together: Map<Plan, Outcome>;
  try {
    together = await outcomesOf(query, source, evaluable);
  } catch {
    // A table that cannot be read at all is the caller's error, not a verdict on the data.
    await query(...parts(withRows(source, sql`SELECT count(*) AS n FROM ${ROWS}`)));
    return oneByOne(query, source, plans);
  }
  return plans.map((plan) => (plan instanceof Error ? plan : (together.get(plan) ?? new Error("not evaluated"))));
}

async function oneByOne(
  query: Query,
  source: Fragment,
  plans: readonly (Plan | Error)[],
): Promise<(Outcome | Error)[]> {
  const outcomes: (Outcome | Error)[] = [];
  for (const plan of plans) {
    if (plan instanceof Error) {
      outcomes.push(plan);
      continue;
    }
    try {
      outcomes.push((await outcomesOf(query, source, [plan])).get(plan) ?? new Error("not evaluated"));
    } catch (error) {
      outcomes.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  return outcomes;
}

async function outcomesOf(query: Query, source: Fragment, plans: readonly Plan[]): Promise<Map<Plan, Outcome>> {
  const aggregates = plans.flatMap((plan) => plan.aggregates);
  let row: Readonly<Record<string, unknown>> = {};
  if (aggregates.length > 0) {
    const list = aggregates.map((aggregate, index) => sql`${aggregate} AS ${identifier(`a${index}`)}`);
    const { rows } = await query(...parts(withRows(source, sql`SELECT ${join(list, ", ")} FROM ${ROWS}`)));
    row = rows[0] ?? {};
  }
  const outcomes = new Map<Plan, Outcome>();
  let next = 0;
  for (const plan of plans) {
    const values = plan.aggregates.map((_, index) => scalar(row[`a${next + index}`]));
    next += plan.aggregates.length;
    outcomes.set(plan, plan.judge(values));
  }
  return outcomes;
}

async function sampleOf(
  query: Query,
  source: Fragment,
  failing: Fragment,
  size: number,
): Promise<Record<string, Json>[]> {
  const { rows } = await query(
    ...parts(withRows(source, sql`SELECT * FROM (${failing}) LIMIT ${text(String(Math.trunc(size)))}`)),
  );
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, json(value)])));
}

function withRows(source: Fragment, select: Fragment): Fragment {
  return sql`WITH ${ROWS} AS (${source}) ${select}`;
}

function parts(fragment: Fragment): [string, Record<string, Scalar>] {
  const { sql: query, params } = render(fragment);
  return [query, params];
}

/** An aggregate's value; engines give 64 bit integers as bigint, text or number, and none of ours exceeds 2^53. */
function scalar(value: unknown): Scalar {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" || typeof value === "string" ? value : null;
}

/** An engine's value for a report: dates as ISO-8601, integers beyond 2^53 as text, NaN and infinities as text. */
function json(value: unknown): Json {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") {
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : String(value);
  }
  if (value instanceof Date) return value.toISOString();
  return String(value);
}
