import { type Column, canonicalType, familyOf, isNumeric } from "./column-types.ts";
import { isMissing } from "./plan.ts";
import { type Fragment, identifier, join, render, sql, text } from "./sql.ts";
import { defineSuite, type Suite, type SuiteDefinition } from "./suite.ts";
import type { Query } from "./validate.ts";

export interface ProfileOptions {
  /** Name of the proposed suite. */
  readonly name: string;
  readonly query: Query;
  /** The name under which `query` knows the table. */
  readonly view: string;
  /** A text column with at most so many different values is proposed as a set. @default 20 */
  readonly maxSetSize?: number | undefined;
}

type Definitions = SuiteDefinition["expectations"];

/**
 * Proposes a suite that the table fulfils as it is, for its owner to cut and widen: columns, types, row count (half to
 * double), share of nulls, uniqueness, ranges of numbers and small sets of texts. Costs one aggregate query, and one
 * for each column that is proposed as a set.
 *
 * @throws whatever `query` throws when the table cannot be read.
 */
export async function proposeSuite(options: ProfileOptions): Promise<Suite> {
  const { name, query, view, maxSetSize = 20 } = options;
  const from = sql`FROM ${identifier(view)}`;
  const head = await ask(query, sql`SELECT * ${from} LIMIT 0`);
  const columns = head.columns.map((column) => ({ ...column, family: familyOf(column.type) }));
  const asked = columns.flatMap((column, index) => aggregatesOf(column, index));
  const { rows } = await ask(query, sql`SELECT ${join([text("count(*) AS n"), ...asked], ", ")} ${from}`);
  const row = rows[0] ?? {};
  const count = Number(row.n ?? 0);

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
    expectations.push(...valuesOf(column, seen, count));
    const repeats = seen.distinct < seen.present;
    if (column.family === "text" && repeats && seen.distinct <= maxSetSize) {
      const value = identifier(column.name);
      const found = await ask(query, sql`SELECT DISTINCT ${value} AS v ${from} WHERE ${value} IS NOT NULL ORDER BY v`);
      const value_set = found.rows.map(({ v }) => String(v));
      expectations.push({ type: "expect_column_values_to_be_in_set", kwargs: { column: column.name, value_set } });
    }
  }
  return defineSuite({ name, expectations });
}

function ask(query: Query, fragment: Fragment): ReturnType<Query> {
  const rendered = render(fragment);
  return query(rendered.sql, rendered.params);
}

function aggregatesOf(column: Column, index: number): Fragment[] {
  const name = identifier(column.name);
  const as = (value: Fragment, label: string) =>
    sql`${value} FILTER (WHERE NOT ${isMissing(column)}) AS ${identifier(`${label}${index}`)}`;
  const counts = [as(text("count(*)"), "present"), as(sql`count(DISTINCT ${name})`, "distinct")];
  if (!isNumeric(column.family)) return counts;
  const value = sql`CAST(${name} AS DOUBLE)`;
  return [...counts, as(sql`min(${value})`, "min"), as(sql`max(${value})`, "max")];
}

function valuesOf(
  { name: column, type, family }: Column,
  { present, distinct, min, max }: { present: number; distinct: number; min: unknown; max: unknown },
  count: number,
): Definitions {
  const type_ = canonicalType(type);
  const proposed: Definitions = [{ type: "expect_column_values_to_be_of_type", kwargs: { column, type_ } }];
  if (present === 0) return proposed;
  // Two decimals, rounded down, so that the table itself passes.
  const mostly = Math.floor((present / count) * 100) / 100;
  if (mostly > 0) {
    proposed.push({ type: "expect_column_values_to_not_be_null", kwargs: { column, ...(mostly < 1 && { mostly }) } });
  }
  if (distinct === present && present > 1 && (family === "integer" || family === "text")) {
    proposed.push({ type: "expect_column_values_to_be_unique", kwargs: { column } });
  }
  if (typeof min === "number" && typeof max === "number") {
    const exact = family === "float";
    const [min_value, max_value] = exact ? [min, max] : [Math.floor(min), Math.ceil(max)];
    const bindable = exact ? Number.isFinite : Number.isSafeInteger;
    if (bindable(min_value) && bindable(max_value)) {
      proposed.push({ type: "expect_column_values_to_be_between", kwargs: { column, min_value, max_value } });
    }
  }
  return proposed;
}
