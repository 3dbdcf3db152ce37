import { randomUUID } from "node:crypto";
import { type Lake, LakeError, type Staged, type TableSnapshot, type WriteResult } from "@dagwright/lake";
import type { ToolArguments, ToolOutput } from "@dagwright/mcp-kit/contract";
import type { spark } from "./contract.ts";
import { SparkServerError } from "./errors.ts";
import { quoted } from "./sql.ts";

type Arguments = ToolArguments<typeof spark, "load_data_to_spark">;
type Output = ToolOutput<typeof spark, "load_data_to_spark">;

/** How often a load starts again because another writer was first. */
const ATTEMPTS = 20;

/**
 * Loads the rows of a source dated before the interval's end, in one commit. The whole file is checked first.
 * @param o.idempotencyKey the same for every attempt of one call: its rows are written once
 */
export async function loadData(
  lake: Lake,
  args: Arguments,
  o: { readonly idempotencyKey?: string; readonly signal?: AbortSignal },
): Promise<Output> {
  const days = daysOf(args.incremental.interval);
  checkColumns(args);
  const { source, format, csv, columns } = args;
  const staged = await lake.stage({ source, format, csv, columns, signal: o.signal });
  try {
    await checkReach(lake, staged, args, days);
    const appId = o.idempotencyKey ?? randomUUID();
    for (let attempt = 1; ; attempt++) {
      try {
        return await loadOnto(lake, await current(lake, args.table), staged, args, days, appId, o.signal);
      } catch (error) {
        if (!(error instanceof LakeError && error.code === "TABLE_MOVED") || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    await staged.close();
  }
}

/** Days as yyyy-MM-dd: `from` inclusive, `until` exclusive. */
interface Days {
  readonly from: string;
  readonly until: string;
}

/** A day belongs to the interval when its midnight (UTC) does. */
function daysOf({ start, end }: Arguments["incremental"]["interval"]): Days {
  if (!(Date.parse(start) < Date.parse(end))) {
    throw new SparkServerError(
      "INTERVAL_INVALID",
      "incremental.interval",
      `The interval starts on ${start} and ends on ${end}; it must start before it ends.`,
    );
  }
  return { from: firstDayFrom(start), until: firstDayFrom(end) };
}

function firstDayFrom(instant: string): string {
  const day = 24 * 3600 * 1000;
  return new Date(Math.ceil(Date.parse(instant) / day) * day).toISOString().slice(0, 10);
}

function checkColumns({ columns, incremental, partitionByMonth }: Arguments): void {
  const names = columns.map((c) => c.name.toLowerCase());
  const twice = columns.find((c, i) => names.indexOf(c.name.toLowerCase()) !== i);
  if (twice) throw new SparkServerError("COLUMNS_INVALID", "columns", `The column ${twice.name} is named twice.`);
  if (partitionByMonth && names.includes("month")) {
    throw new SparkServerError(
      "COLUMNS_INVALID",
      "columns",
      "A column named month stands in the way of the one partitionByMonth adds.",
    );
  }
  const column = columns.find((c) => c.name === incremental.column);
  if (column?.type === "date" && !column.nullable) return;
  const what = column ? `is ${column.nullable ? "nullable" : `of type ${column.type}`}` : "is none of the columns";
  throw new SparkServerError(
    "INCREMENTAL_COLUMN",
    "incremental.column",
    `incremental.column ${incremental.column} ${what}; a date column that is not nullable was expected.`,
  );
}

async function checkReach(lake: Lake, staged: Staged, { source, incremental }: Arguments, days: Days): Promise<void> {
  const { rows } = await lake.query(`SELECT max(${quoted(incremental.column)}) AS newest FROM src`, {
    views: { src: staged.view },
  });
  const newest = rows[0]?.newest;
  if (typeof newest === "string" && newest >= days.from) return;
  throw new SparkServerError(
    "SOURCE_ENDS_BEFORE_INTERVAL",
    "source",
    `The source ${source} ends on ${newest}, the interval starts on ${days.from}.`,
  );
}

async function current(lake: Lake, table: string): Promise<TableSnapshot | undefined> {
  try {
    return await lake.snapshot({ table });
  } catch (error) {
    if (error instanceof LakeError && error.code === "TABLE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function loadOnto(
  lake: Lake,
  base: TableSnapshot | undefined,
  staged: Staged,
  args: Arguments,
  days: Days,
  appId: string,
  signal: AbortSignal | undefined,
): Promise<Output> {
  const date = quoted(args.incremental.column);
  const columns = args.columns.map((c) => `s.${quoted(c.name)}`).join(", ");
  // Older rows are caught up for days that the table lacks.
  const lacking = base === undefined ? "" : `LEFT ANTI JOIN existing e ON s.${date} = e.${date}`;
  const chosen = `SELECT ${columns} FROM src s WHERE s.${date} >= TO_DATE(:from) AND s.${date} < TO_DATE(:until)
    UNION ALL SELECT ${columns} FROM src s ${lacking} WHERE s.${date} < TO_DATE(:from)`;
  const views = {
    src: staged.view,
    ...(base === undefined ? {} : { existing: { table: args.table, version: base.version } }),
  };
  const params = { from: days.from, until: days.until };
  const { rows } = await lake.query(
    `WITH chosen AS (${chosen})
     SELECT count(*) AS chosen, (SELECT count(*) FROM (SELECT DISTINCT * FROM chosen)) AS different,
       count(CASE WHEN ${date} < TO_DATE(:from) THEN 1 END) AS rows,
       min(CASE WHEN ${date} < TO_DATE(:from) THEN ${date} END) AS first,
       max(CASE WHEN ${date} < TO_DATE(:from) THEN ${date} END) AS last
     FROM chosen`,
    { views, params, signal },
  );
  const counted = rows[0] ?? {};
  const written = await lake.write({
    table: args.table,
    sql: args.partitionByMonth ? `SELECT *, date_format(${date}, 'yyyy-MM') AS month FROM (${chosen})` : chosen,
    views,
    params,
    mode: "replace_where",
    replaceWhere: { column: args.incremental.column, ...days },
    partitionBy: args.partitionByMonth ? ["month"] : [],
    txn: { appId, version: 1 },
    expectedVersion: base?.version ?? -1,
    info: {
      duplicateRows: Number(counted.chosen) - Number(counted.different),
      caughtUpRows: Number(counted.rows),
      caughtUpFrom: counted.first ?? null,
      caughtUpUntil: counted.last ?? null,
    },
    signal,
  });
  return report(lake, args, written);
}

async function report(lake: Lake, args: Arguments, written: WriteResult): Promise<Output> {
  const at = { table: args.table, version: written.version };
  const { rows } = await lake.query(
    `SELECT count(*) AS rows, max(${quoted(args.incremental.column)}) AS newest FROM t`,
    { views: { t: at } },
  );
  const { duplicateRows, caughtUpRows, caughtUpFrom, caughtUpUntil } = written.info;
  const day = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    ...at,
    rowsIngested: written.rowsWritten,
    rowsReplaced: written.rowsRemoved,
    rowsInTable: Number(rows[0]?.rows),
    duplicateRows: Number(duplicateRows ?? 0),
    caughtUp: { rows: Number(caughtUpRows ?? 0), from: day(caughtUpFrom), until: day(caughtUpUntil) },
    newest: day(rows[0]?.newest),
    alreadyDone: written.alreadyDone,
  };
}
