import type { TableRef } from "@dagwright/lake";
import { InvalidFeatureRequestError } from "../errors.ts";
import type { ResolvedFeatures } from "../feature-references.ts";
import { transformed } from "../transformations.ts";
import { checkedSource, type OfflineStore } from "./offline-store.ts";
import { ENTITY_ROWS, EVENT_TIMESTAMP, OWN_COLUMNS, pointInTimeSql, ROW_NUMBER, sourceName } from "./point-in-time.ts";
import { type Dialect, quote, sqlType } from "./sql-dialect.ts";
import { checkEntityTable, type TableColumn } from "./table-types.ts";

/** How many computed rows travel to the engine as one parameter. */
const ROWS_OF_A_PARAMETER = 50_000;

/** A table that the joined rows overwrite, under a transaction that a repeated call recognises. */
export interface HistoricalOutput {
  readonly table: string;
  readonly txn: { readonly appId: string; readonly version: number };
}

/** The joined rows themselves. */
export interface HistoricalRows {
  readonly columns: readonly TableColumn[];
  readonly rows: Awaited<ReturnType<OfflineStore["native"]>>["rows"];
}

/** Where the joined rows were written. */
export interface HistoricalTable {
  readonly table: string;
  readonly version: number;
  readonly rows: number;
  readonly columns: readonly TableColumn[];
  /** The transaction had been committed before; nothing was written now. */
  readonly alreadyDone: boolean;
}

/** One query of the engine, ready to run. */
interface JoinQuery {
  readonly sql: string;
  readonly views: Readonly<Record<string, TableRef>>;
  readonly params: Readonly<Record<string, string>>;
}

/** Joins and gives the rows. */
export async function historicalRows(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  signal: AbortSignal | undefined,
): Promise<HistoricalRows> {
  const query = await joinQuery(lake, entities, resolved, signal);
  const { columns, rows } = await lake.native(query.sql, { ...query, ...(signal && { signal }) });
  return { columns, rows };
}

/** Joins and writes the rows to a table, in one commit. */
export async function historicalTable(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  output: HistoricalOutput,
  signal: AbortSignal | undefined,
): Promise<HistoricalTable> {
  const query = await joinQuery(lake, entities, resolved, signal);
  const { table, txn } = output;
  const options = {
    ...query,
    table,
    txn,
    dialect: lake.dialect,
    mode: "overwrite",
    ...(signal && { signal }),
  } as const;
  const written = await lake.write(options);
  const { columns, rowCount } = await lake.snapshot({ table, version: written.version });
  return { table, version: written.version, rows: rowCount, columns, alreadyDone: written.alreadyDone };
}

async function joinQuery(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  signal: AbortSignal | undefined,
): Promise<JoinQuery> {
  const { dialect } = lake;
  const { version, columns } = await lake.snapshot(entities);
  checkEntityTable(entities.table, columns, resolved, EVENT_TIMESTAMP, OWN_COLUMNS);
  const views: Record<string, TableRef> = { [ENTITY_ROWS]: { table: entities.table, version } };
  for (const [index, { view }] of resolved.views.entries()) {
    views[sourceName(index)] = (await checkedSource(lake, view)).ref;
  }
  const entityColumns = columns.map(({ name }) => name);
  const joined = pointInTimeSql(dialect, { entityColumns, views: resolved.views });
  const selected = (from: string) => {
    const names = [
      ...entityColumns.map((name) => `j.${quote(dialect, name)}`),
      ...resolved.outputs.map((name) => quote(dialect, name)),
    ];
    return `SELECT ${names.join(", ")} FROM ${from} ORDER BY j.${ROW_NUMBER}`;
  };
  if (resolved.transformations.length === 0) return { sql: selected(`(${joined}) AS j`), views, params: {} };
  if (dialect === "spark") {
    throw new InvalidFeatureRequestError(
      "features",
      `"${resolved.transformations[0]?.view.name}" is an on-demand view, which historical joins compute on DuckDB only`,
      "Unset SPARK_REMOTE for this join, or write the feature into a table and define a feature view over it.",
    );
  }
  const inputs = [
    ...resolved.transformations.flatMap(({ inputs }) => inputs.map(({ column }) => column)),
    ...resolved.request.keys(),
  ];
  const names = [...new Set(inputs)].map((name) => quote(dialect, name));
  const { rows } = await lake.native(
    `SELECT ${[...names, ROW_NUMBER].join(", ")} FROM (${joined}) AS j ORDER BY ${ROW_NUMBER}`,
    {
      views,
      ...(signal && { signal }),
    },
  );
  const params: Record<string, string> = {};
  for (let from = 0; from === 0 || from < rows.length; from += ROWS_OF_A_PARAMETER) {
    const some = rows.slice(from, from + ROWS_OF_A_PARAMETER);
    params[`computed_${from / ROWS_OF_A_PARAMETER}`] = JSON.stringify(
      some.map((row, n) => ({ [ROW_NUMBER]: from + n, ...transformed(resolved.transformations, row) })),
    );
  }
  const computed = computedSql(dialect, resolved, Object.keys(params));
  return {
    sql: selected(`(${joined}) AS j JOIN (${computed}) AS c ON j.${ROW_NUMBER} = c.${ROW_NUMBER}`),
    views,
    params,
  };
}

/** DuckDB SQL of the computed features, from parameters that hold them as JSON. */
function computedSql(dialect: Dialect, { transformations }: ResolvedFeatures, params: readonly string[]): string {
  const features = transformations.flatMap((one) => one.features);
  const fields = {
    [ROW_NUMBER]: "BIGINT",
    ...Object.fromEntries(features.map(({ column, type }) => [column, sqlType(dialect, type)])),
  };
  const structure = JSON.stringify([fields]).replaceAll("'", "''");
  return params
    .map((name) => `SELECT unnest(from_json(CAST($${name} AS JSON), '${structure}'), recursive := true)`)
    .join(" UNION ALL ");
}
