import { all, allOf, insert, lock, one, run, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import { modelNotFound } from "../model-not-found.ts";
import { type Page, type Paging, pageOf } from "../search/pages.ts";
import { modelFilter, modelOrder } from "../search/registry.ts";
import { checkModelName, checkRegistryTag, checkTagKey, type KeyValue } from "./checks.ts";
import { grouped } from "./grouped.ts";
import { latestVersions, type VersionRecord } from "./model-versions.ts";

export interface ModelRow {
  readonly name: string;
  readonly description: string;
  readonly last_version: number;
  readonly created_ms: number;
  readonly updated_ms: number;
}

export interface RegisteredModelRecord {
  readonly row: ModelRow;
  readonly tags: readonly KeyValue[];
  readonly aliases: readonly { readonly alias: string; readonly version: number }[];
  /** The highest version of each stage. */
  readonly latest: readonly VersionRecord[];
}

/** @throws MODEL_EXISTS, INVALID_ARGUMENT */
export function* createRegisteredModel(
  name: string,
  description: string,
  tags: readonly KeyValue[],
): Work<RegisteredModelRecord> {
  checkModelName(name);
  for (const tag of tags) checkRegistryTag(tag);
  if (!(yield* insertModel(name, description)))
    throw new TrackingError("MODEL_EXISTS", `Registered Model (name=${name}) already exists.`, { field: "name" });
  yield* insertTags(name, tags);
  return yield* getRegisteredModel(name);
}

/** Makes a name; false when it is there already. */
export function* insertModel(name: string, description = ""): Work<boolean> {
  const now = Date.now();
  const made = yield* run(
    "INSERT INTO registered_models (name, description, created_ms, updated_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
    name,
    description,
    now,
    now,
  );
  return made > 0;
}

/** @throws MODEL_NOT_FOUND with the nearest names */
export function* modelRow(name: string): Work<ModelRow> {
  const row = yield* one<ModelRow>("SELECT * FROM registered_models WHERE name = ?", name);
  if (row !== undefined) return row;
  const names = (yield* all<{ name: string }>("SELECT name FROM registered_models ORDER BY name")).map(
    (model) => model.name,
  );
  throw modelNotFound(name, names);
}

/** Takes the lock of a name: whoever changes versions of one model waits for the others. */
export function lockModel(name: string): Work<void> {
  return lock(`model ${name}`);
}

export function* touchModel(name: string, now: number): Work<void> {
  yield* run("UPDATE registered_models SET updated_ms = ? WHERE name = ?", now, name);
}

export function* getRegisteredModel(name: string): Work<RegisteredModelRecord> {
  checkModelName(name);
  const [record] = yield* recordsOf([yield* modelRow(name)]);
  return record!;
}

export function* describeRegisteredModel(name: string, description: string): Work<RegisteredModelRecord> {
  checkModelName(name);
  yield* modelRow(name);
  yield* run(
    "UPDATE registered_models SET description = ?, updated_ms = ? WHERE name = ?",
    description,
    Date.now(),
    name,
  );
  return yield* getRegisteredModel(name);
}

/** Renames a model with its versions, aliases and tags. @throws MODEL_NOT_FOUND, MODEL_EXISTS */
export function* renameRegisteredModel(name: string, newName: string): Work<RegisteredModelRecord> {
  checkModelName(newName, "new_name");
  yield* lockModel(name);
  yield* modelRow(name);
  if (newName !== name && (yield* one("SELECT 1 FROM registered_models WHERE name = ?", newName)) !== undefined)
    throw new TrackingError("MODEL_EXISTS", `Registered Model (name=${newName}) already exists.`, {
      field: "new_name",
    });
  const now = Date.now();
  yield* run("UPDATE registered_models SET name = ?, updated_ms = ? WHERE name = ?", newName, now, name);
  yield* run("UPDATE model_versions SET updated_ms = ? WHERE name = ?", now, newName);
  return yield* getRegisteredModel(newName);
}

/** Deletes a model with its versions. @throws MODEL_NOT_FOUND */
export function* deleteRegisteredModel(name: string): Work<void> {
  checkModelName(name);
  yield* lockModel(name);
  yield* modelRow(name);
  yield* run("DELETE FROM registered_models WHERE name = ?", name);
}

export interface RegistrySearch extends Paging {
  readonly filter: string;
  readonly orderBy: readonly string[];
}

export function* searchRegisteredModels(search: RegistrySearch): Work<Page<RegisteredModelRecord>> {
  const where = modelFilter(search.filter);
  const order = modelOrder(search.orderBy);
  return yield* pageOf(search, function* (limit, offset) {
    const rows = yield* all<ModelRow>(
      `SELECT m.* FROM registered_models m WHERE 1 = 1 ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`,
      ...where.values,
      limit,
      offset,
    );
    return yield* recordsOf(rows);
  });
}

function* insertTags(name: string, tags: readonly KeyValue[]): Work<void> {
  yield* insert(
    "registered_model_tags (name, key, value)",
    [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => [name, key, value]),
    "ON CONFLICT (name, key) DO UPDATE SET value = excluded.value",
  );
}

export function* setRegisteredModelTag(name: string, tag: KeyValue): Work<void> {
  checkModelName(name);
  checkRegistryTag(tag);
  yield* modelRow(name);
  yield* insertTags(name, [tag]);
}

/** A tag that is not there is no error, as in MLflow. */
export function* deleteRegisteredModelTag(name: string, key: string): Work<void> {
  checkModelName(name);
  checkTagKey(key);
  yield* modelRow(name);
  yield* run("DELETE FROM registered_model_tags WHERE name = ? AND key = ?", name, key);
}

function* recordsOf(rows: readonly ModelRow[]): Work<RegisteredModelRecord[]> {
  const names = rows.map(({ name }) => name);
  const tags = grouped(
    yield* allOf<KeyValue & { name: string }>(
      "SELECT name, key, value FROM registered_model_tags WHERE name IN (?) ORDER BY key",
      names,
    ),
    ({ name }) => name,
  );
  const aliases = grouped(
    yield* allOf<{ name: string; alias: string; version: number }>(
      "SELECT name, alias, version FROM model_aliases WHERE name IN (?) ORDER BY alias",
      names,
    ),
    ({ name }) => name,
  );
  const latest = grouped(yield* latestVersions(names), ({ row }) => row.name);
  return rows.map((row) => ({
    row,
    tags: (tags.get(row.name) ?? []).map(({ key, value }) => ({ key, value })),
    aliases: (aliases.get(row.name) ?? []).map(({ alias, version }) => ({ alias, version })),
    latest: latest.get(row.name) ?? [],
  }));
}
