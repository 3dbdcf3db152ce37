import { isInfinite, readNumber, told, written } from "./cells.ts";
import { type Column, familyOf, isTemporal } from "./column-types.ts";
import { compile, type Surroundings } from "./compile.ts";
import { InvalidIntervalError, InvalidSampleSizeError, NotEvaluableError } from "./errors.ts";
import { glanced } from "./glance.ts";
import { factsOf } from "./history.ts";
import { beforeEnd, temporalColumn } from "./interval.ts";
import {
  HELPER,
  type IntervalMs,
  type Json,
  NOTHING_COUNTED,
  type Outcome,
  type Plan,
  type ValidationFacts,
  type Verdict,
} from "./plan.ts";
import { allOf, type Query, Rows } from "./run-plans.ts";
import { type Dialect, type Fragment, identifier, join, sql, TEXT, text } from "./sql.ts";
import type { Suite } from "./suite.ts";
import type { Expectation, Severity } from "./vocabulary.ts";

export interface ValidateOptions {
  readonly suite: Suite;
  readonly query: Query;
  /** The SQL that `query` takes. @default "duckdb" */
  readonly dialect?: Dialect | undefined;
  /**
   * What earlier validations of the table against the suite saw, the latest first, for the expectations about earlier
   * runs; the `facts` of their reports. @default none
   */
  readonly earlier?: readonly ValidationFacts[] | undefined;
  /** Rows of another table, for `expect_table_row_count_to_equal_other_table`; undefined where there is no such table. */
  readonly otherRows?: ((table: string) => Promise<number | undefined>) | undefined;
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
  readonly severity: Severity;
  readonly notes?: Expectation["notes"];
  /** Unexpected rows, whole. */
  readonly sample: readonly Readonly<Record<string, Json>>[];
  /** Why the expectation could not be evaluated; it then counts as failed. */
  readonly exception?: string;
}

export interface ValidationReport {
  /** No expectation of severity `critical` failed. */
  readonly success: boolean;
  readonly results: readonly ExpectationResult[];
  /** What later validations compare with; undefined where the rows could not be told. */
  readonly facts: ValidationFacts | undefined;
  readonly statistics: {
    readonly evaluated: number;
    readonly successful: number;
    /** Failed expectations by severity. */
    readonly failed: Readonly<Record<Severity, number>>;
  };
}

/**
 * Holds a table against a suite. All that is counted of the rows comes from one aggregate query; one more for each
 * column (or combination) whose groups are asked for, for each column whose order is, for what needs a mean, deviation
 * or quantile first, and for each expectation whose unexpected rows are shown. An expectation that cannot be evaluated
 * (a missing column, values that do not compare) fails with an `exception`; the others are evaluated all the same.
 *
 * @throws InvalidIntervalError when the interval is not one.
 * @throws InvalidSampleSizeError when the size of samples is not a whole number from 0.
 * @throws whatever `query` throws when the table itself cannot be read.
 */
export async function validate(options: ValidateOptions): Promise<ValidationReport> {
  const { suite, query, view, dialect = "duckdb", sampleSize = 10 } = options;
  const { earlier = [], otherRows } = options;
  if (!Number.isSafeInteger(sampleSize) || sampleSize < 0) throw new InvalidSampleSizeError(sampleSize);
  const surroundings = { interval: intervalMs(options.interval), earlier, otherRows };
  const { columns: found } = await new Rows(query, dialect, allOf(view)).select(allOf(view, 0));
  const typed = found.map(({ name, type }) => ({ name, type, family: familyOf(type) }));
  const columns = await glanced(typed, suite, (limit) => new Rows(query, dialect, allOf(view, limit)));
  const source = sourceOf(suite, view, columns, surroundings.interval);
  const rows = source instanceof Error ? undefined : new Rows(query, dialect, source);
  const plans: (Plan | Error)[] = [];
  for (const expectation of suite.expectations) {
    plans.push(source instanceof Error ? source : await planOf(expectation, columns, surroundings));
  }
  const compared = suite.expectations.flatMap(({ type, kwargs }) =>
    type === "expect_column_max_to_exceed_earlier_run"
      ? columns.filter(({ name, family }) => name === kwargs.column && isTemporal(family))
      : [],
  );
  const verdicts = rows === undefined ? [] : await rows.run([...plans, factsOf(columns, compared)]);

  const results: ExpectationResult[] = [];
  for (const [index, { type, kwargs, severity, notes }] of suite.expectations.entries()) {
    const asked = { type, kwargs, severity, ...(notes !== undefined && { notes }) };
    const verdict = rows === undefined ? source : verdicts[index];
    if (verdict === undefined || verdict instanceof Error || !("outcome" in verdict)) {
      const exception = verdict instanceof Error ? verdict.message : "not evaluated";
      results.push({ ...asked, ...NOTHING_COUNTED, sample: [], exception });
      continue;
    }
    const { outcome, failing } = verdict;
    const wanted = failing !== undefined && (outcome.unexpectedCount ?? 0) > 0 && sampleSize > 0;
    const sample = wanted && rows !== undefined ? await sampleOf(rows, failing, columns, sampleSize) : [];
    results.push({ ...asked, ...outcome, sample });
  }
  return {
    success: !results.some(({ success, severity }) => !success && severity === "critical"),
    results,
    facts: seenBy(verdicts.at(-1)),
    statistics: statisticsOf(results),
  };
}

function seenBy(verdict: Verdict | Error | undefined): ValidationFacts | undefined {
  return verdict !== undefined && "outcome" in verdict ? verdict.facts : undefined;
}

function statisticsOf(results: readonly ExpectationResult[]): ValidationReport["statistics"] {
  const failed = results.filter(({ success }) => !success);
  const of = (wanted: Severity) => failed.filter(({ severity }) => severity === wanted).length;
  return {
    evaluated: results.length,
    successful: results.length - failed.length,
    failed: { critical: of("critical"), warning: of("warning"), info: of("info") },
  };
}

function intervalMs(interval: ValidateOptions["interval"]): IntervalMs | null {
  if (interval === undefined) return null;
  const [start, end] = [Date.parse(interval.start), Date.parse(interval.end)];
  if (!(start < end)) throw new InvalidIntervalError(interval.start, interval.end);
  return { start, end };
}

/** The rows to look at, as a subquery; or why they cannot be told. */
function sourceOf(
  suite: Suite,
  view: string,
  columns: readonly Column[],
  interval: IntervalMs | null,
): Fragment | NotEvaluableError {
  const all = allOf(view);
  if (interval === null || suite.timestampColumn === undefined) return all;
  try {
    return sql`${all} WHERE ${beforeEnd(temporalColumn(columns, suite.timestampColumn), interval)}`;
  } catch (error) {
    if (error instanceof NotEvaluableError) return error;
    throw error;
  }
}

async function planOf(
  expectation: Expectation,
  columns: readonly Column[],
  surroundings: Surroundings,
): Promise<Plan | NotEvaluableError> {
  try {
    return await compile(expectation, columns, surroundings);
  } catch (error) {
    if (error instanceof NotEvaluableError) return error;
    throw error;
  }
}

/**
 * Unexpected rows, whole. What the rows of a query do not hold (infinite numbers, bytes) is told as text.
 */
async function sampleOf(
  rows: Rows,
  failing: Fragment,
  columns: readonly Column[],
  size: number,
): Promise<Record<string, Json>[]> {
  const floats = columns.filter(({ family }) => family === "float");
  const infinite = floats.map(({ name }, index) => {
    const value = identifier(name);
    return sql`CASE WHEN ${isInfinite(value)} THEN ${written(value)} END AS ${identifier(`${HELPER}${index}`)}`;
  });
  const whole = columns.map(({ name, family }) => {
    const value = identifier(name);
    return family === "other" ? sql`CAST(${value} AS ${TEXT}) AS ${value}` : value;
  });
  const list = join([...whole, ...infinite], ", ");
  const found = await rows.select(sql`SELECT ${list} FROM (${failing}) AS f LIMIT ${text(String(size))}`);
  return found.rows.map((row) => {
    const shown = Object.fromEntries(columns.map(({ name }) => [name, json(row[name])] as const));
    for (const [index, { name }] of floats.entries()) {
      const value = row[`${HELPER}${index}`];
      if (typeof value === "string") shown[name] = told(readNumber(value));
    }
    return shown;
  });
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
