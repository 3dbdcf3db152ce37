import { randomUUID } from "node:crypto";
import type { Lake, TableRef } from "@dagwright/lake";
import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit/contract";
import type { spark } from "./contract.ts";
import { SparkServerError } from "./errors.ts";
import { knownColumn, quoted, singleExpression } from "./sql.ts";

type Arguments = ToolArguments<typeof spark, "create_features_spark">;
type Output = ToolOutput<typeof spark, "create_features_spark">;
type Transformation = Arguments["transformations"][number];

const SAMPLE = 10;

/** A query and the names of its columns. */
interface Step {
  readonly sql: string;
  readonly columns: readonly string[];
}

/** Builds one query out of the transformations and writes its rows in one commit. */
export async function createFeatures(
  lake: Lake,
  args: Arguments,
  o: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
): Promise<Output> {
  const views: Record<string, TableRef> = {};
  const source = await lake.snapshot(args.source);
  views["source"] = { table: source.table, version: source.version };
  let step: Step = { sql: "SELECT * FROM source", columns: source.columns.map((c) => c.name) };
  for (const [index, transformation] of args.transformations.entries()) {
    const field = `transformations.${index}`;
    if (transformation.type === "join") {
      const other = await lake.snapshot(transformation.with);
      const view = `joined_${index}`;
      views[view] = { table: other.table, version: other.version };
      const names = other.columns.map((c) => c.name);
      step = join(step, transformation, { view, table: other.table, columns: names }, field);
    } else {
      step = transform(step, transformation, field);
    }
  }
  const { sql } = step;
  const { table, version, rowsWritten, alreadyDone } = await lake.write({
    ...args.output,
    sql,
    views,
    params: args.params,
    txn: { appId: o.idempotencyKey ?? randomUUID(), version: 1 },
    signal: o.signal,
  });
  const sample = await lake.query(`SELECT * FROM written LIMIT ${SAMPLE}`, {
    views: { written: { table, version } },
    signal: o.signal,
  });
  return {
    table,
    version,
    rows: rowsWritten,
    columns: sample.columns.map((c) => ({ ...c })),
    sample: sample.rows.map((row) => ({ ...row })),
    sql,
    alreadyDone,
  };
}

function transform(from: Step, t: Exclude<Transformation, { type: "join" }>, field: string): Step {
  const known = (column: string, at: string) => quoted(knownColumn(column, from.columns, `${field}.${at}`));
  switch (t.type) {
    case "select": {
      const chosen = t.columns.map((c) => (typeof c === "string" ? { column: c, as: c } : c));
      const parts = chosen.map(({ column, as }, i) => `${known(column, `columns.${i}`)} AS ${quoted(as)}`);
      checkFree(
        chosen.map((c) => c.as),
        [],
        `${field}.columns`,
      );
      return { sql: `SELECT ${parts.join(", ")} FROM (${from.sql})`, columns: chosen.map((c) => c.as) };
    }
    case "filter": {
      const condition = singleExpression(t.condition, `${field}.condition`);
      return { sql: `SELECT * FROM (${from.sql}) WHERE ${condition}`, columns: from.columns };
    }
    case "add_column": {
      checkFree([t.as], from.columns, `${field}.as`);
      const expression = singleExpression(t.expression, `${field}.expression`);
      return { sql: `SELECT *, ${expression} AS ${quoted(t.as)} FROM (${from.sql})`, columns: [...from.columns, t.as] };
    }
    case "aggregate":
      return aggregate(from, t, field);
    case "window":
      return window(from, t, field);
  }
}

const AGGREGATES = {
  count: (c: string) => `count(${c})`,
  count_distinct: (c: string) => `count(DISTINCT ${c})`,
  sum: (c: string) => `sum(${c})`,
  avg: (c: string) => `avg(${c})`,
  min: (c: string) => `min(${c})`,
  max: (c: string) => `max(${c})`,
  stddev: (c: string) => `stddev(${c})`,
  variance: (c: string) => `variance(${c})`,
  median: (c: string) => `percentile(${c}, 0.5)`,
} as const;

function aggregate(from: Step, t: Extract<Transformation, { type: "aggregate" }>, field: string): Step {
  const keys = t.groupBy.map((c, i) => knownColumn(c, from.columns, `${field}.groupBy.${i}`));
  checkFree([...keys, ...t.aggregations.map((a) => a.as)], [], `${field}.aggregations`);
  const values = t.aggregations.map(({ function: name, column, as }, i) => {
    const at = `${field}.aggregations.${i}.column`;
    if (column === undefined && name !== "count") throw missingColumn(name, at);
    const over = column === undefined ? "*" : quoted(knownColumn(column, from.columns, at));
    return `${AGGREGATES[name](over)} AS ${quoted(as)}`;
  });
  const parts = [...keys.map(quoted), ...values].join(", ");
  const group = keys.length > 0 ? ` GROUP BY ${keys.map(quoted).join(", ")}` : "";
  return {
    sql: `SELECT ${parts} FROM (${from.sql})${group}`,
    columns: [...keys, ...t.aggregations.map((a) => a.as)],
  };
}

const RANKS: readonly string[] = ["row_number", "rank", "dense_rank"];
const SHIFTS: readonly string[] = ["lag", "lead"];

function window(from: Step, t: Extract<Transformation, { type: "window" }>, field: string): Step {
  const { function: name, column } = t;
  const ordered = RANKS.includes(name) || SHIFTS.includes(name);
  checkFree([t.as], from.columns, `${field}.as`);
  if (column === undefined && !RANKS.includes(name) && name !== "count") throw missingColumn(name, `${field}.column`);
  if (column !== undefined && RANKS.includes(name))
    throw invalid(`${field}.column`, `${name} takes no column, ${column} was given.`);
  if (t.orderBy.length === 0 && (ordered || t.preceding !== undefined))
    throw invalid(`${field}.orderBy`, `${ordered ? name : "preceding"} needs orderBy: without it rows have no order.`);
  if (ordered && t.preceding !== undefined)
    throw invalid(`${field}.preceding`, `${name} takes no preceding; count, sum, avg, min and max do.`);
  const known = (c: string, at: string) => quoted(knownColumn(c, from.columns, `${field}.${at}`));
  const over = column === undefined ? (RANKS.includes(name) ? "" : "*") : known(column, "column");
  const argument = SHIFTS.includes(name) ? `${over}, ${t.offset}` : over;
  const partition = t.partitionBy.map((c, i) => known(c, `partitionBy.${i}`));
  const order = t.orderBy.map((k, i) => `${known(k.column, `orderBy.${i}.column`)}${k.descending ? " DESC" : ""}`);
  const frame =
    ordered || order.length === 0
      ? ""
      : `ROWS BETWEEN ${t.preceding === undefined ? "UNBOUNDED" : t.preceding} PRECEDING AND CURRENT ROW`;
  const spec = [
    partition.length > 0 ? `PARTITION BY ${partition.join(", ")}` : "",
    order.length > 0 ? `ORDER BY ${order.join(", ")}` : "",
    frame,
  ];
  const sql = `SELECT *, ${name}(${argument}) OVER (${spec.filter((s) => s !== "").join(" ")}) AS ${quoted(t.as)} FROM (${from.sql})`;
  return { sql, columns: [...from.columns, t.as] };
}

const JOINS = { inner: "JOIN", left: "LEFT JOIN", left_semi: "LEFT SEMI JOIN", left_anti: "LEFT ANTI JOIN" } as const;

function join(
  from: Step,
  { on, how }: Extract<Transformation, { type: "join" }>,
  other: { readonly view: string; readonly table: string; readonly columns: readonly string[] },
  field: string,
): Step {
  const matches = on.map((column, i) => {
    const left = knownColumn(column, from.columns, `${field}.on.${i}`);
    const right = knownColumn(column, other.columns, `${field}.on.${i}`);
    return `l.${quoted(left)} = r.${quoted(right)}`;
  });
  const keys = on.map((c) => c.toLowerCase());
  const keepsRight = how === "inner" || how === "left";
  const added = keepsRight ? other.columns.filter((c) => !keys.includes(c.toLowerCase())) : [];
  const taken = added.find((c) => from.columns.some((mine) => mine.toLowerCase() === c.toLowerCase()));
  if (taken !== undefined)
    throw new SparkServerError(
      "COLUMN_TAKEN",
      field,
      `Both sides have a column ${taken}; name it in on, or select it under another name before the join with ${other.table}.`,
    );
  const columns = ["l.*", ...added.map((c) => `r.${quoted(c)}`)].join(", ");
  return {
    sql: `SELECT ${columns} FROM (${from.sql}) l ${JOINS[how]} ${other.view} r ON ${matches.join(" AND ")}`,
    columns: [...from.columns, ...added],
  };
}

function checkFree(names: readonly string[], taken: readonly string[], field: string): void {
  const seen = new Set(taken.map((name) => name.toLowerCase()));
  for (const name of names) {
    if (seen.has(name.toLowerCase()))
      throw new SparkServerError("COLUMN_TAKEN", field, `There would be two columns named ${name}.`);
    seen.add(name.toLowerCase());
  }
}

function missingColumn(name: string, field: string): SparkServerError {
  return invalid(field, `${name} needs a column.`);
}

function invalid(field: string, message: string): SparkServerError {
  return new SparkServerError("TRANSFORMATION_INVALID", field, message);
}
