import Database from "better-sqlite3";
import type { FeatureView, ValueType } from "./definitions.ts";

/** A value of a feature or a join key. An integer beyond 2^53 is decimal text; NaN and the infinities are null. */
export type FeatureValue = string | number | boolean | null;

/** The values of one entity in one view, as of a moment. Timestamps are microseconds since the epoch (UTC). */
export interface OnlineRow {
  /** The join keys' values as text, in the order of the view's entities. */
  readonly entity: readonly string[];
  readonly eventUs: number;
  /** When the row was written, where the view knows it: of two rows for one moment the later one counts. */
  readonly createdUs: number | null;
  readonly values: Readonly<Record<string, FeatureValue>>;
}

/** The newest values of an entity, decoded. A feature that was not defined yet when they were written is absent. */
interface OnlineValues {
  readonly eventUs: number;
  readonly values: Readonly<Record<string, FeatureValue>>;
}

/** What the store holds of a view. */
interface OnlineStatistics {
  readonly entities: number;
  /** Newest event timestamp, microseconds since the epoch; null when the view is empty. */
  readonly newestUs: number | null;
}

/** The newest feature values of every entity, for serving. */
export interface OnlineStore {
  /**
   * Brings rows in, all or none. A row replaces another only if it is newer: by event timestamp, then by creation; of
   * two rows alike in both the one given last counts. Returns how many rows changed the store.
   */
  put(view: FeatureView, rows: Iterable<OnlineRow>): number;
  get(view: FeatureView, entity: readonly string[]): OnlineValues | undefined;
  statistics(view: FeatureView): OnlineStatistics;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS online_values (
    view TEXT NOT NULL,
    entity TEXT NOT NULL,
    event_us INTEGER NOT NULL,
    created_us INTEGER,
    data TEXT NOT NULL,
    PRIMARY KEY (view, entity)
  ) WITHOUT ROWID
`;

const PUT = `
  INSERT INTO online_values (view, entity, event_us, created_us, data) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (view, entity) DO UPDATE
    SET event_us = excluded.event_us, created_us = excluded.created_us, data = excluded.data
    WHERE excluded.event_us > online_values.event_us
      OR (excluded.event_us = online_values.event_us AND (
        coalesce(excluded.created_us, -9e18) > coalesce(online_values.created_us, -9e18)
        OR (excluded.created_us IS online_values.created_us AND excluded.data <> online_values.data)
      ))
`;

/** Opens the online store in an SQLite file (WAL: readers do not wait for a materialisation, nor it for them). */
export function openSqliteOnlineStore(file: string): OnlineStore {
  const database = new Database(file, { timeout: 10_000 });
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = NORMAL");
  database.exec(SCHEMA);
  const put = database.prepare<[string, string, number, number | null, string]>(PUT);
  const get = database.prepare<[string, string], { event_us: number; data: string }>(
    "SELECT event_us, data FROM online_values WHERE view = ? AND entity = ?",
  );
  const statistics = database.prepare<[string], { entities: number; newest: number | null }>(
    "SELECT count(*) AS entities, max(event_us) AS newest FROM online_values WHERE view = ?",
  );
  const putAll = database.transaction((view: string, rows: Iterable<OnlineRow>) => {
    let changed = 0;
    for (const { entity, eventUs, createdUs, values } of rows) {
      changed += put.run(view, JSON.stringify(entity), eventUs, createdUs, JSON.stringify(values)).changes;
    }
    return changed;
  });
  return {
    put: (view, rows) => putAll.immediate(view.name, rows),
    get: (view, entity) => {
      const row = get.get(view.name, JSON.stringify(entity));
      return row && { eventUs: row.event_us, values: decode(row.data, view.features) };
    },
    statistics: (view) => {
      const row = statistics.get(view.name);
      return { entities: row?.entities ?? 0, newestUs: row?.newest ?? null };
    },
    close: () => {
      database.close();
    },
  };
}

function decode(data: string, features: FeatureView["features"]): Record<string, FeatureValue> {
  const stored: Record<string, FeatureValue> = JSON.parse(data);
  return Object.fromEntries(
    Object.entries(features).flatMap(([name, type]) => {
      const value = stored[name];
      return value === undefined ? [] : [[name, typed(value, type)] as const];
    }),
  );
}

function typed(value: FeatureValue, type: ValueType): FeatureValue {
  if (value === null) return null;
  switch (type) {
    case "double":
      return Number(value);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "string":
      return String(value);
    case "boolean":
      return value === true;
  }
}
