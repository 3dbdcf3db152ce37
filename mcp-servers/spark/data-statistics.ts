import type { Column, Lake, QueryResult } from "@dagwright/lake";
import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit/contract";
import type { spark } from "./contract.ts";
import { knownColumn, quoted } from "./sql.ts";

type Arguments = ToolArguments<typeof spark, "get_data_statistics">;
type Output = ToolOutput<typeof spark, "get_data_statistics">;

/** Columns described in one pass over the table. */
const AT_ONCE = 25;

const NUMBER = /^(bigint|int|smallint|tinyint|double|float|decimal\(.*\))$/;
const FREQUENT = /^(string|boolean)$/;
/** Types without an order that rows can hold. */
const BARE = /^binary$/;

/** Describes the columns of a table at one version. A NaN is greater than any number and is no null. */
export async function dataStatistics(
  lake: Lake,
  args: Arguments,
  o: { readonly signal?: AbortSignal },
): Promise<Output> {
  const { table, version, columns, rowCount } = await lake.snapshot(args.source);
  const names = columns.map((c) => c.name);
  const wanted = args.columns?.map((name, i) => knownColumn(name, names, `columns.${i}`)) ?? names;
  const described = columns.filter((c) => wanted.includes(c.name));
  const ask = (sql: string, limit?: number) =>
    lake.query(sql, { views: { t: { table, version } }, limit, signal: o.signal });
  const statistics: Output["columns"] = [];
  for (let at = 0; at < described.length; at += AT_ONCE) {
    const some = described.slice(at, at + AT_ONCE);
    const { rows } = await ask(`SELECT ${some.flatMap(measures).join(", ")} FROM t`);
    for (const [i, column] of some.entries()) {
      const top = FREQUENT.test(column.type) && args.top > 0 ? await frequent(ask, column, args.top) : null;
      statistics.push({ ...describe(column, rows[0] ?? {}, i, rowCount), top });
    }
  }
  return { table, version, rows: rowCount, columns: statistics };
}

function measures({ name, type }: Column, i: number): string[] {
  const c = quoted(name);
  const all = [`count(${c}) AS count_${i}`];
  if (BARE.test(type)) return all;
  all.push(`count(DISTINCT ${c}) AS distinct_${i}`, `min(${c}) AS min_${i}`, `max(${c}) AS max_${i}`);
  if (!NUMBER.test(type)) return all;
  const x = `CAST(${c} AS DOUBLE)`;
  return [
    ...all,
    `avg(${x}) AS mean_${i}`,
    `stddev(${x}) AS stddev_${i}`,
    ...[25, 50, 75].map((q) => `percentile(${x}, ${q / 100}) AS q${q}_${i}`),
  ];
}

function describe(
  { name, type }: Column,
  row: QueryResult["rows"][number],
  i: number,
  rows: number,
): Omit<Output["columns"][number], "top"> {
  const number = (key: string) => {
    const value = row[`${key}_${i}`];
    return typeof value === "number" ? value : null;
  };
  const [q25, q50, q75] = [number("q25"), number("q50"), number("q75")];
  return {
    name,
    type,
    nulls: rows - (number("count") ?? 0),
    distinct: number("distinct") ?? 0,
    min: row[`min_${i}`] ?? null,
    max: row[`max_${i}`] ?? null,
    mean: number("mean"),
    stddev: number("stddev"),
    quartiles: q25 === null || q50 === null || q75 === null ? null : { q25, q50, q75 },
  };
}

async function frequent(
  ask: (sql: string, limit?: number) => Promise<QueryResult>,
  { name }: Column,
  top: number,
): Promise<Output["columns"][number]["top"]> {
  const c = quoted(name);
  const { rows } = await ask(
    `SELECT ${c} AS value, count(*) AS n FROM t WHERE ${c} IS NOT NULL GROUP BY ${c} ORDER BY n DESC, value LIMIT ${top}`,
  );
  return rows.map((row) => ({ value: row.value ?? null, rows: Number(row.n) }));
}
