import type { ComputedColumns, TableRef, View } from "@dagwright/lake";
import type { ResolvedFeatures } from "../feature-references.ts";
import { transformed } from "../transformations.ts";
import { checkedSource, type OfflineStore } from "./offline-store.ts";
import { ENTITY_ROWS, EVENT_TIMESTAMP, OWN_COLUMNS, pointInTimeSql, ROW_NUMBER, sourceName } from "./point-in-time.ts";
import { quote } from "./sql-dialect.ts";
import { checkEntityTable, type TableColumn } from "./table-types.ts";

/** The name under which joined rows are read once transformations have added theirs. */
const TRANSFORMED = "transformed_rows";

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
  readonly views: Readonly<Record<string, View>>;
}

/** Joins and gives the rows. */
export function historicalRows(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  signal: AbortSignal | undefined,
): Promise<HistoricalRows> {
  return joined(lake, entities, resolved, signal, async ({ sql, views }) => {
    const { columns, rows } = await lake.native(sql, { views, signal });
    return { columns, rows };
  });
}

/** Joins and writes the rows to a table, in one commit. */
export function historicalTable(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  output: HistoricalOutput,
  signal: AbortSignal | undefined,
): Promise<HistoricalTable> {
  return joined(lake, entities, resolved, signal, async ({ sql, views }) => {
    const { table, txn } = output;
    const written = await lake.write({ table, txn, sql, views, dialect: lake.dialect, mode: "overwrite", signal });
    const { columns, rowCount } = await lake.snapshot({ table, version: written.version });
    return { table, version: written.version, rows: rowCount, columns, alreadyDone: written.alreadyDone };
  });
}

/** Runs `work` on the query of the joined rows, in the order of the entity rows. */
async function joined<T>(
  lake: OfflineStore,
  entities: TableRef,
  resolved: ResolvedFeatures,
  signal: AbortSignal | undefined,
  work: (query: JoinQuery) => Promise<T>,
): Promise<T> {
  const { dialect } = lake;
  const { version, columns } = await lake.snapshot(entities);
  checkEntityTable(entities.table, columns, resolved, EVENT_TIMESTAMP, OWN_COLUMNS);
  const views: Record<string, TableRef> = { [ENTITY_ROWS]: { table: entities.table, version } };
  for (const [index, { view }] of resolved.views.entries()) {
    views[sourceName(index)] = (await checkedSource(lake, view)).ref;
  }
  const entityColumns = columns.map(({ name }) => name);
  const sql = pointInTimeSql(dialect, { entityColumns, views: resolved.views });
  const names = [...entityColumns, ...resolved.outputs].map((name) => `j.${quote(dialect, name)}`).join(", ");
  const selected = (from: string) => `SELECT ${names} FROM ${from} AS j ORDER BY j.${ROW_NUMBER}`;
  if (resolved.transformations.length === 0) return await work({ sql: selected(`(${sql})`), views });
  const compute = transformation(resolved);
  const staged = await lake.stageQuery({ sql, dialect, views, compute, signal });
  try {
    return await work({ sql: selected(TRANSFORMED), views: { [TRANSFORMED]: staged.view } });
  } finally {
    await staged.close();
  }
}

/** The features that transformations compute, of each joined row. */
function transformation({ transformations, request }: ResolvedFeatures): ComputedColumns {
  const inputs = transformations.flatMap((one) => one.inputs.map(({ column }) => column));
  return {
    from: [...new Set([...inputs, ...request.keys()])],
    columns: transformations.flatMap(({ features }) => features.map(({ column, type }) => ({ name: column, type }))),
    row: (values) => transformed(transformations, values),
  };
}
