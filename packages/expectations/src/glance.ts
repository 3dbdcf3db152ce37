import type { AskedBy, Column } from "./column-types.ts";
import { HELPER, ROWS } from "./plan.ts";
import type { Rows } from "./run-plans.ts";
import { identifier, join, perDialect, sql, text } from "./sql.ts";
import type { Suite } from "./suite.ts";
import type { Expectation } from "./vocabulary.ts";

/** Rows that are glanced at. Fewer rows altogether are asked in any way in no time. */
const GLANCE = 10_000;
/** Different values among them that are few, whatever is asked. */
const FEW = 200;
/** Different values of a whole column that are few where the values are to be sorted or matched with patterns. */
const FEWER_THAN_ROWS = 100_000;

/** Expectations that each value of a column meets or not, whose different values may be asked instead. */
const VALUE_BY_VALUE = /_(in_set|be_between|regex(_list)?|pattern(_list)?|lengths?_.*)$/;
/** Of these and others, those that cost more than to find the different values: patterns, and what sorts. */
const DEAR = /_(regex(_list)?|pattern(_list)?|median_to_be_between|quantile_values_to_be_between)$/;
const BY_RANK = /_(median_to_be_between|quantile_values_to_be_between)$/;
const UNIQUE = "expect_column_values_to_be_unique";
/** Of a column that was not looked at. */
const UNSEEN = { values: 0, different: Number.POSITIVE_INFINITY, falls: 1 };
/** Expectations that need the different values of a column in any case. */
const BY_GROUPS =
  /_(unique_value_count_to_be_between|unique_values_to_be_between|distinct_values_.*|most_common_value_to_be_in_set)$/;

/**
 * The columns, those marked that are best asked in another way than row by row: by their different values, where these
 * are few or are worked out in any case; by their order, where they seem to rise.
 *
 * @param first The first so many rows.
 */
export async function glanced(
  columns: readonly Column[],
  suite: Suite,
  first: (limit: number) => Rows,
): Promise<Column[]> {
  const candidates = columns
    .map((column): Asked => ({ column, types: typesOf(suite, column) }))
    .filter(({ column, types }) => column.family !== "other" && types.some(isHelped));
  if (candidates.length === 0) return [...columns];
  const seen = await look(first(GLANCE), candidates);
  const marks = new Map<Column, AskedBy>();
  for (const [index, { column, types }] of candidates.entries()) {
    const grouped = types.some((type) => BY_GROUPS.test(type));
    const { values, different, falls } = seen.columns[index] ?? UNSEEN;
    const many = types.some((type) => DEAR.test(type)) ? differentAmong(values, FEWER_THAN_ROWS) : FEW;
    const few = different <= Math.max(FEW, many);
    const ranked = few && types.some((type) => BY_RANK.test(type));
    marks.set(column, seen.rows < GLANCE ? { grouped } : { grouped, few, ranked, rising: falls === 0 });
  }
  return columns.map((column) => {
    const asked = marks.get(column);
    return asked === undefined ? column : { ...column, asked };
  });
}

/** How many of so many values differ, if each is any of `all` values: all (1 - exp(-n / all)). */
function differentAmong(n: number, all: number): number {
  return all * -Math.expm1(-n / all);
}

/** A column of the suite, and what is asked of all its rows. */
interface Asked {
  readonly column: Column;
  readonly types: readonly Expectation["type"][];
}

function typesOf({ expectations }: Suite, { name }: Column): Expectation["type"][] {
  return expectations.flatMap(({ type, kwargs }) =>
    "column" in kwargs && kwargs.column === name && !("row_condition" in kwargs && kwargs.row_condition !== undefined)
      ? [type]
      : [],
  );
}

function isHelped(type: Expectation["type"]): boolean {
  return type === UNIQUE || VALUE_BY_VALUE.test(type) || DEAR.test(type) || BY_GROUPS.test(type);
}

/** Of each column: its values that are not null, the different ones among them, and how often one does not rise. */
async function look(first: Rows, asked: readonly Asked[]) {
  const ordered = asked.map(({ column: { name }, types }, index) => ({
    name: identifier(name),
    before: identifier(`${HELPER}${index}`),
    wanted: types.includes(UNIQUE),
  }));
  const lags = ordered.flatMap(({ name, before, wanted }) =>
    wanted ? [sql`, lag(${name}) OVER () AS ${before}`] : [],
  );
  const counts = ordered.map(({ name, before, wanted }, index) => {
    const place = text(String(index));
    const falls = wanted ? sql`count(*) FILTER (WHERE ${name} <= ${before})` : text("1");
    // Spark would bring all rows to one place to see them in their order.
    const told = perDialect({ duckdb: falls, spark: text("1") });
    return sql`, count(${name}) AS v${place}, count(DISTINCT ${name}) AS d${place}, ${told} AS f${place}`;
  });
  const rows = perDialect({
    duckdb: sql`(SELECT *${join(lags, "")} FROM ${ROWS}) AS o`,
    spark: ROWS,
  });
  const found = (await first.select(sql`SELECT count(*) AS n${join(counts, "")} FROM ${rows}`)).rows[0] ?? {};
  const columns = asked.map((_, index) => ({
    values: Number(found[`v${index}`]),
    different: Number(found[`d${index}`]),
    falls: Number(found[`f${index}`]),
  }));
  return { rows: Number(found["n"] ?? 0), columns };
}
