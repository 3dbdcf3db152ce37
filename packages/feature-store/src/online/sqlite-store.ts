import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import type { FeatureView } from "../definitions.ts";
import type { OnlineRow, OnlineStore, OnlineValues } from "./online-store.ts";
import { type Layout, layoutIdOf, layoutOf, pack, RowReader, spaceOf } from "./packed-values.ts";
import { useWal } from "./wal-mode.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS feature_values (
    space TEXT NOT NULL,
    entity TEXT NOT NULL,
    event_us INTEGER NOT NULL,
    created_us INTEGER,
    packed BLOB NOT NULL,
    PRIMARY KEY (space, entity)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS feature_spaces (space TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS packed_layouts (id INTEGER PRIMARY KEY, columns TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS store_identity (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL);
`;

const PUT = `
  INSERT INTO feature_values (space, entity, event_us, created_us, packed) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (space, entity) DO UPDATE
    SET event_us = excluded.event_us, created_us = excluded.created_us, packed = excluded.packed
    WHERE excluded.event_us > feature_values.event_us
      OR (excluded.event_us = feature_values.event_us
        AND ifnull(excluded.created_us, -9e18) >= ifnull(feature_values.created_us, -9e18)
        AND (excluded.packed <> feature_values.packed OR excluded.created_us IS NOT feature_values.created_us))
`;

/** How long a statement waits for another process's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 30_000;

/** Rows that one transaction brings in: other writers wait for no more than these. */
const ROWS_OF_A_TRANSACTION = 5_000;

/** The place of the entity among those that are wanted, its event timestamp, its packed values. */
type ValueRow = readonly [place: number, eventUs: number, packed: Buffer];

/** Opens the online store in an SQLite file; several processes may use one file. */
export function openSqliteOnlineStore(file: string): OnlineStore {
  const database = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  useWal(database, BUSY_TIMEOUT_MS);
  database.pragma("synchronous = NORMAL");
  database.exec(SCHEMA);
  database.prepare("INSERT INTO store_identity VALUES (1, ?) ON CONFLICT DO NOTHING").run(randomUUID());
  const put = database.prepare(PUT);
  const get = database
    .prepare<[string, string], ValueRow>(
      // CROSS JOIN: each wanted entity is looked up; the planner would rather read all of the space.
      `SELECT wanted.key, v.event_us, v.packed FROM json_each(?) AS wanted
        CROSS JOIN feature_values AS v ON v.space = ? AND v.entity = wanted.value`,
    )
    .raw();
  const statistics = database.prepare<[string], { entities: number; newest: number | null }>(
    "SELECT COUNT(*) AS entities, MAX(event_us) AS newest FROM feature_values WHERE space = ?",
  );
  const layoutColumns = database.prepare<[number], { columns: string }>(
    "SELECT columns FROM packed_layouts WHERE id = ?",
  );
  const keepLayout = database.prepare("INSERT INTO packed_layouts VALUES (?, ?) ON CONFLICT DO NOTHING");
  const keepSpace = database.prepare("INSERT INTO feature_spaces VALUES (?) ON CONFLICT DO NOTHING");
  const remove = database.prepare("DELETE FROM feature_values WHERE space = ? AND entity = ?");
  const removeBefore = database.prepare("DELETE FROM feature_values WHERE space = ? AND event_us < ?");
  const layouts = new Map<number, Layout>();

  const putSome = database.transaction((view: FeatureView, layout: Layout, rows: readonly OnlineRow[]) => {
    const space = spaceOf(view);
    keepSpace.run(space);
    keepLayout.run(layout.id, JSON.stringify(layout.columns));
    let changed = 0;
    for (const { entity, eventUs, createdUs, values } of rows) {
      changed += put.run(space, JSON.stringify(entity), eventUs, createdUs, pack(layout, values)).changes;
    }
    return changed;
  });
  const removeAll = database.transaction((space: string, entities: readonly (readonly string[])[]) =>
    entities.reduce((sum, entity) => sum + remove.run(space, JSON.stringify(entity)).changes, 0),
  );
  const removeSpaces = database.transaction((kept: string) => {
    database.prepare("DELETE FROM feature_spaces WHERE space NOT IN (SELECT value FROM json_each(?))").run(kept);
    return database.prepare("DELETE FROM feature_values WHERE space NOT IN (SELECT value FROM json_each(?))").run(kept)
      .changes;
  });

  const layoutWith = (id: number) => {
    const layout = layouts.get(id) ?? { id, columns: JSON.parse(layoutColumns.get(id)?.columns ?? "[]") };
    layouts.set(id, layout);
    return layout;
  };

  return {
    identity: async () => String(database.prepare<[], { id: string }>("SELECT id FROM store_identity").get()?.id),
    put: async (view, rows) => {
      const layout = layoutOf(view);
      let changed = 0;
      for (let from = 0; from === 0 || from < rows.length; from += ROWS_OF_A_TRANSACTION) {
        changed += putSome.immediate(view, layout, rows.slice(from, from + ROWS_OF_A_TRANSACTION));
      }
      return changed;
    },
    read: async (queries) =>
      queries.map(({ view, features, entities }) => {
        const keys = JSON.stringify(entities.map((entity) => JSON.stringify(entity)));
        const found = new Array<OnlineValues | undefined>(entities.length).fill(undefined);
        let reader: RowReader | undefined;
        for (const [place, eventUs, packed] of get.all(keys, spaceOf(view))) {
          const id = layoutIdOf(packed, 0);
          if (reader?.layoutId !== id) reader = new RowReader(layoutWith(id), view, features);
          found[place] = { eventUs, values: reader.read(packed, 0) };
        }
        return found;
      }),
    holds: async (view) =>
      database.prepare("SELECT 1 FROM feature_spaces WHERE space = ?").get(spaceOf(view)) !== undefined,
    statistics: async (view) => {
      const row = statistics.get(spaceOf(view));
      return { entities: row?.entities ?? 0, newestUs: row?.newest ?? null };
    },
    remove: async (view, entities) => removeAll.immediate(spaceOf(view), entities),
    removeBefore: async (view, us) => removeBefore.run(spaceOf(view), us).changes,
    removeAllBut: async (views) => removeSpaces.immediate(JSON.stringify(views.map(spaceOf))),
    close: async () => {
      database.close();
    },
  };
}
