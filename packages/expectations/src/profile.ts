import { isMissing } from "./cells.ts";
import { epochMicros } from "./column-aggregates.ts";
import { type Column, canonicalType, familyOf, isNumeric, isTemporal } from "./column-types.ts";
import { isoOf } from "./plan.ts";
import { allOf, type Query, Rows } from "./run-plans.ts";
import { type Dialect, type Fragment, identifier, join, sql, text } from "./sql.ts";
import { defineSuite, type Suite, type SuiteDefinition } from "./suite.ts";

export interface ProfileOptions {
  /** Name of the proposed suite. */
  readonly name: string;
  readonly query: Query;
  /** The SQL that `query` takes. @default "duckdb" */
  readonly dialect?: Dialect | undefined;
  /** The name under which `query` knows the table. */
  readonly view: string;
  /** A text column with at most so many different values is proposed as a set. @default 20 */
  readonly maxSetSize?: number | undefined;
}

type Definitions = SuiteDefinition["expectations"];

/**
 * Proposes a suite that the table fulfils as it is, for its owner to cut and widen: columns, types, row count (half to
 * double), share of missing values, uniqueness, ranges of numbers and moments, lengths of texts and small sets of them.
 * Costs one aggregate query, and one for each column that is proposed as a set.
 *
 * @throws whatever `query` throws when the table cannot be read.
 */
export async function proposeSuite(options: ProfileOptions): Promise<Suite> {
  const { name, query, view, dialect = "duckdb", maxSetSize = 20 } = options;
  const rows = new Rows(query, dialect, allOf(view));
  const head = await rows.select(allOf(view, 0));
  const columns = head.columns.map((column) => ({ ...column, family: familyOf(column.type) }));
  const asked = columns.flatMap((column, index) => aggregatesOf(column, index));
  const found = await rows.select(
    sql`SELECT ${join([text("count(*) AS n"), ...asked], ", ")} FROM ${identifier(view)}`,
  );
  const row = found.rows[0] ?? {};
  const count = Number(row["n"] ?? 0);

  const expectations: Definitions = [
    {
      type: "expect_table_columns_to_match_ordered_list",
      kwargs: { column_list: columns.map((column) => column.name) },
    },
    {
      type: "expect_table_row_count_to_be_between",
      kwargs: { min_value: Math.floor(count / 2), max_value: count * 2 },
    },
  ];
  for (const [index, column] of columns.entries()) {
    const seen = {
      present: Number(row[`present${index}`] ?? 0),
      distinct: Number(row[`distinct${index}`] ?? 0),
      min: row[`min${index}`],
      max: row[`max${index}`],
    };
    expectations.push(...ofColumn(column, seen, count));
    const repeats = seen.distinct < seen.present;
    if (column.family === "text" && repeats && seen.distinct <= maxSetSize) {
      const value = identifier(column.name);
      const distinct = sql`SELECT DISTINCT ${value} AS v FROM ${identifier(view)} WHERE ${value} IS NOT NULL ORDER BY v`;
      const value_set = (await rows.select(distinct)).rows.map(({ v }) => String(v));
      expectations.push({ type: "expect_column_values_to_be_in_set", kwargs: { column: column.name, value_set } });
    }
  }
  return defineSuite({ name, expectations });
}

function aggregatesOf(column: Column, index: number): Fragment[] {
  const name = identifier(column.name);
  const as = (value: Fragment, label: string) => sql`${value} AS ${text(`${label}${index}`)}`;
  const there = sql`FILTER (WHERE NOT ${isMissing(column)})`;
  const counts = [as(sql`count(*) ${there}`, "present"), as(sql`count(DISTINCT ${name}) ${there}`, "distinct")];
  const extremes = (value: Fragment, shown = (extreme: Fragment) => extreme) => [
    as(shown(sql`min(${value}) ${there}`), "min"),
    as(shown(sql`max(${value}) ${there}`), "max"),
  ];
  if (isNumeric(column.family)) return [...counts, ...extremes(sql`CAST(${name} AS DOUBLE)`)];
  if (isTemporal(column.family)) return [...counts, ...extremes(name, epochMicros)];
  return column.family === "text" ? [...counts, ...extremes(sql`length(${name})`)] : counts;
}

function ofColumn(
  { name: column, type, family }: Column,
  { present, distinct, min, max }: { present: number; distinct: number; min: unknown; max: unknown },
  count: number,
): Definitions {
  const type_ = canonicalType(type);
  const proposed: Definitions = [{ type: "expect_column_values_to_be_of_type", kwargs: { column, type_ } }];
  if (present === 0) {
    if (count > 0) proposed.push({ type: "expect_column_values_to_be_null", kwargs: { column } });
    return proposed;
  }
  // Two decimals, rounded down, so that the table itself passes.
  const mostly = Math.floor((present / count) * 100) / 100;
  if (mostly > 0) {
    proposed.push({ type: "expect_column_values_to_not_be_null", kwargs: { column, ...(mostly < 1 && { mostly }) } });
  }
  if (distinct === present && present > 1 && (family === "integer" || family === "text")) {
    proposed.push({ type: "expect_column_values_to_be_unique", kwargs: { column } });
  }
  const [low, high] = [Number(min ?? Number.NaN), Number(max ?? Number.NaN)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return proposed;
  if (isTemporal(family)) {
    // Whole milliseconds outward: what is bound is no finer.
    const bounds = { min_value: isoOf(Math.floor(low / 1000)), max_value: isoOf(Math.ceil(high / 1000)) };
    proposed.push({ type: "expect_column_values_to_be_between", kwargs: { column, ...bounds } });
  } else if (family === "text") {
    const bounds = { min_value: low, max_value: high };
    proposed.push({ type: "expect_column_value_lengths_to_be_between", kwargs: { column, ...bounds } });
  } else if (isNumeric(family)) {
    const exact = family === "float";
    const [min_value, max_value] = exact ? [low, high] : [Math.floor(low), Math.ceil(high)];
    if (exact || (Number.isSafeInteger(min_value) && Number.isSafeInteger(max_value))) {
      proposed.push({ type: "expect_column_values_to_be_between", kwargs: { column, min_value, max_value } });
    }
  }
  return proposed;
}
