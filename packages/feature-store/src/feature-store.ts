import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Lake, TableRef } from "@dagwright/lake";
import { checkDefinitions, type Entity, type FeatureView } from "./definitions.ts";
import { InvalidFeatureRequestError, UnknownFeatureError } from "./errors.ts";
import { type RequestedView, resolveFeatures } from "./feature-references.ts";
import { type FeatureValue, type OnlineRow, type OnlineStore, openSqliteOnlineStore } from "./online-store.ts";
import { ENTITY_ROWS, EVENT_TIMESTAMP, newestValuesSql, pointInTimeSql, sourceName } from "./point-in-time.ts";
import { writeRegistry } from "./registry-file.ts";
import { checkEntityTable, checkSourceTable, type TableColumn } from "./table-types.ts";

/** What the feature store needs of a lake. */
export type OfflineStore = Pick<Lake, "snapshot" | "native" | "write">;

export interface FeatureStoreOptions {
  /** Folder of `registry.json` and `online.db`; made when missing. */
  readonly root: string;
  /** Where the feature tables are. */
  readonly lake: OfflineStore;
  readonly entities: readonly Entity[];
  readonly views: readonly FeatureView[];
}

/** Which features, for which entities, as of when. */
export interface HistoricalRequest {
  /** Table with the join keys and a column `event_timestamp`; its other columns pass through. */
  readonly entities: TableRef;
  /** `view:feature` each. */
  readonly features: readonly string[];
  /** Name features `view__feature` instead of `feature`. @default false */
  readonly fullFeatureNames?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

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

export interface MaterializeRequest {
  /** Names of feature views. */
  readonly views: readonly string[];
  /** ISO-8601; values with a timestamp up to and with this moment. */
  readonly until: string;
  /** ISO-8601; values with a timestamp from this moment on. @default all */
  readonly start?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a materialisation did for one view. */
export interface MaterializedView {
  readonly name: string;
  /** Entities whose values changed. */
  readonly rows: number;
  /** Entities that the online store now holds. */
  readonly entities: number;
  /** Newest event timestamp in the online store, ISO-8601; null when it is empty. */
  readonly newest: string | null;
}

export interface OnlineRequest {
  /** `view:feature` each. */
  readonly features: readonly string[];
  /** Join key values, one entity (or combination of entities) each. */
  readonly entityRows: readonly Readonly<Record<string, FeatureValue>>[];
  /** Name features `view__feature` instead of `feature`. @default false */
  readonly fullFeatureNames?: boolean | undefined;
}

/** The newest values for one entity row. */
export interface OnlineFeatures {
  readonly entity: Readonly<Record<string, FeatureValue>>;
  readonly values: Readonly<Record<string, FeatureValue>>;
  /** `NOT_FOUND`: the store holds nothing for this entity; a null value that was materialised is `PRESENT`. */
  readonly statuses: Readonly<Record<string, "PRESENT" | "NOT_FOUND">>;
  /** Timestamp of the newest of the values, ISO-8601; null when nothing was found. */
  readonly eventTimestamp: string | null;
}

/** Features by definition: joined as of the past for training, kept newest for serving. */
export interface FeatureStore {
  listViews(): readonly FeatureView[];
  /** Point-in-time join, written to a table of the lake. */
  getHistoricalFeatures(request: HistoricalRequest & { readonly output: HistoricalOutput }): Promise<HistoricalTable>;
  /** Point-in-time join: every entity row once, with the newest values known at its `event_timestamp`, else null. */
  getHistoricalFeatures(request: HistoricalRequest): Promise<HistoricalRows>;
  /**
   * Brings the newest values up to `until` into the online store, each view whole or not at all. Twice is the same as
   * once, and a newer value is never replaced by an older one.
   */
  materialize(request: MaterializeRequest): Promise<readonly MaterializedView[]>;
  /** The newest materialised values; a view's ttl does not matter here. */
  getOnlineFeatures(request: OnlineRequest): Promise<{ readonly results: readonly OnlineFeatures[] }>;
  close(): Promise<void>;
}

/**
 * Opens a feature store over its definitions, which it records in `registry.json`.
 *
 * @throws InvalidFeatureDefinitionError when definitions contradict each other.
 */
export async function openFeatureStore(options: FeatureStoreOptions): Promise<FeatureStore> {
  const { root, lake, entities, views } = options;
  checkDefinitions(entities, views);
  await mkdir(root, { recursive: true });
  await writeRegistry(join(root, "registry.json"), entities, views);
  const online = openSqliteOnlineStore(join(root, "online.db"));
  const byName = new Map(views.map((view) => [view.name, view]));

  function historical(request: HistoricalRequest & { readonly output: HistoricalOutput }): Promise<HistoricalTable>;
  function historical(request: HistoricalRequest): Promise<HistoricalRows>;
  async function historical(
    request: HistoricalRequest & { readonly output?: HistoricalOutput },
  ): Promise<HistoricalTable | HistoricalRows> {
    const requested = resolveFeatures(byName, request.features, request.fullFeatureNames ?? false);
    const sources = await historicalSources(lake, request.entities, requested);
    const sql = pointInTimeSql(requested);
    const { output, signal } = request;
    if (output === undefined) {
      const { columns, rows } = await lake.native(sql, { views: sources, ...(signal && { signal }) });
      return { columns, rows };
    }
    const { table, txn } = output;
    const written = await lake.write({
      table,
      sql,
      dialect: "duckdb",
      views: sources,
      mode: "overwrite",
      txn,
      ...(signal && { signal }),
    });
    const { columns, rowCount } = await lake.snapshot({ table, version: written.version });
    return { table, version: written.version, rows: rowCount, columns, alreadyDone: written.alreadyDone };
  }

  return {
    listViews: () => views,
    getHistoricalFeatures: historical,
    materialize: async ({ views: names, until, start, signal }) => {
      const window = { until: moment("until", until), ...(start !== undefined && { start: moment("start", start) }) };
      const sources: { view: FeatureView; ref: TableRef }[] = [];
      for (const [index, name] of names.entries()) {
        const view = byName.get(name);
        if (view === undefined)
          throw new UnknownFeatureError(`views.${index}`, "feature view", name, [...byName.keys()]);
        sources.push({ view, ref: await checkedSource(lake, view) });
      }
      const materialized: MaterializedView[] = [];
      for (const { view, ref } of sources) {
        const { rows } = await lake.native(newestValuesSql(view, start !== undefined), {
          views: { [sourceName(0)]: ref },
          params: window,
          ...(signal && { signal }),
        });
        const changed = online.put(view, onlineRows(view, rows));
        const { entities: held, newestUs } = online.statistics(view);
        materialized.push({ name: view.name, rows: changed, entities: held, newest: isoOf(newestUs) });
      }
      return materialized;
    },
    getOnlineFeatures: async ({ features, entityRows, fullFeatureNames = false }) => {
      const requested = resolveFeatures(byName, features, fullFeatureNames);
      const keys = joinKeysOf(requested);
      for (const [index, row] of entityRows.entries()) checkEntityRow(keys, row, `entityRows.${index}`);
      return { results: entityRows.map((row) => newestFeatures(online, requested, row)) };
    },
    close: async () => {
      online.close();
    },
  };
}

/** The tables of a historical join, each at the version that was checked. */
async function historicalSources(
  lake: OfflineStore,
  entityRows: TableRef,
  requested: readonly RequestedView[],
): Promise<Record<string, TableRef>> {
  const { version, columns } = await lake.snapshot(entityRows);
  const outputNames = requested.flatMap(({ features }) => features.map(({ outputName }) => outputName));
  checkEntityTable(entityRows.table, columns, [...joinKeysOf(requested).values()], EVENT_TIMESTAMP, outputNames);
  const sources: Record<string, TableRef> = { [ENTITY_ROWS]: { table: entityRows.table, version } };
  for (const [index, { view }] of requested.entries()) sources[sourceName(index)] = await checkedSource(lake, view);
  return sources;
}

async function checkedSource(lake: OfflineStore, view: FeatureView): Promise<TableRef> {
  const { table } = view.source;
  const { version, columns } = await lake.snapshot({ table });
  checkSourceTable(view, columns);
  return { table, version };
}

function* onlineRows(view: FeatureView, rows: HistoricalRows["rows"]): Generator<OnlineRow> {
  const features = Object.keys(view.features);
  for (const row of rows) {
    const { event_us, created_us } = row;
    yield {
      entity: view.entities.map((_, index) => String(row[`entity_${index}`])),
      eventUs: Number(event_us),
      createdUs: created_us === null || created_us === undefined ? null : Number(created_us),
      values: Object.fromEntries(features.map((name) => [name, row[name] ?? null])),
    };
  }
}

function newestFeatures(
  online: OnlineStore,
  requested: readonly RequestedView[],
  entity: Readonly<Record<string, FeatureValue>>,
): OnlineFeatures {
  const values: Record<string, FeatureValue> = {};
  const statuses: Record<string, "PRESENT" | "NOT_FOUND"> = {};
  let newestUs: number | null = null;
  for (const { view, features } of requested) {
    const key = view.entities.map(({ joinKey }) => entity[joinKey] ?? null);
    const found = key.includes(null) ? undefined : online.get(view, key.map(String));
    if (found !== undefined) newestUs = Math.max(newestUs ?? found.eventUs, found.eventUs);
    for (const { feature, outputName } of features) {
      const value = found?.values[feature];
      values[outputName] = value ?? null;
      statuses[outputName] = value === undefined ? "NOT_FOUND" : "PRESENT";
    }
  }
  return { entity, values, statuses, eventTimestamp: isoOf(newestUs) };
}

/** The entities of all requested views, by join key. */
function joinKeysOf(requested: readonly RequestedView[]): Map<string, Entity> {
  return new Map(requested.flatMap(({ view }) => view.entities.map((one) => [one.joinKey, one] as const)));
}

function checkEntityRow(keys: ReadonlyMap<string, Entity>, row: Readonly<Record<string, FeatureValue>>, field: string) {
  for (const [name, value] of Object.entries(row)) {
    const entity = keys.get(name);
    if (entity === undefined) {
      throw new InvalidFeatureRequestError(
        `${field}.${name}`,
        "is no join key of the requested views",
        `Join keys: ${[...keys.keys()].join(", ")}`,
      );
    }
    const fits = value === null || (entity.type === "string" ? typeof value === "string" : isInteger(value));
    if (!fits) {
      const wanted = entity.type === "string" ? "a string" : "an integer";
      throw new InvalidFeatureRequestError(`${field}.${name}`, `${JSON.stringify(value)} is not ${wanted}`);
    }
  }
}

/** A whole number, or text for one that a number cannot hold exactly. */
function isInteger(value: FeatureValue): boolean {
  if (typeof value === "string") return /^-?[1-9]\d{15,18}$/.test(value) && !Number.isSafeInteger(Number(value));
  return Number.isSafeInteger(value);
}

function moment(field: string, value: string): string {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw new InvalidFeatureRequestError(field, `"${value}" is not an ISO-8601 moment`);
  return new Date(ms).toISOString();
}

function isoOf(us: number | null): string | null {
  return us === null ? null : new Date(Math.floor(us / 1000)).toISOString();
}
