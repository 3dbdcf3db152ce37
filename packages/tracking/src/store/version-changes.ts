import { MODEL_STAGES, type ModelStage } from "../api.ts";
import { all, insert, one, run, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import { type Page, pageOf } from "../search/pages.ts";
import { versionFilter, versionOrder } from "../search/registry.ts";
import { checkAlias, checkModelName, checkNewAlias, checkRegistryTag, checkTagKey, type KeyValue } from "./checks.ts";
import {
  latestVersions,
  type VersionRecord,
  type VersionRow,
  versionRecords,
  versionRow,
  versionsOf,
} from "./model-versions.ts";
import { lockModel, modelRow, type RegistrySearch, touchModel } from "./registered-models.ts";

/** @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export function* requireVersion(name: string, version: number): Work<VersionRow> {
  const row = yield* versionRow(name, version);
  if (row !== undefined) return row;
  yield* modelRow(name);
  throw yield* noVersion(
    name,
    `version ${version}`,
    "version",
    `Model Version (name=${name}, version=${version}) not found`,
  );
}

/** The error of a version that is not there, with those that are. */
export function* noVersion(name: string, what: string, field: string, mlflow: string): Work<TrackingError> {
  const there = (yield* versionsOf(name)).map(({ row: { version, stage } }) =>
    stage === "none" ? `${version}` : `${version} (${stage})`,
  );
  return new TrackingError("MODEL_VERSION_NOT_FOUND", `Model "${name}" has no ${what}.`, {
    field,
    hint: there.length === 0 ? "It has no versions." : `It has: ${there.slice(0, 10).join(", ")}.`,
    mlflow,
  });
}

export function* getVersion(name: string, version: number): Work<VersionRecord> {
  checkModelName(name);
  const [record] = yield* versionRecords([yield* requireVersion(name, version)]);
  return record!;
}

export interface CreateVersion {
  readonly name: string;
  /** Where the model comes from: `models:/m-…`, `runs:/…`, `mlflow-artifacts:/…` */
  readonly source: string;
  /** Where its files are. */
  readonly storageLocation: string;
  /** Empty for a model without a run. */
  readonly runId: string;
  readonly runLink: string;
  readonly description: string;
  readonly tags: readonly KeyValue[];
  /** The same key gives the same version. */
  readonly key: string | null;
}

/** Gives a name its next version. @throws MODEL_NOT_FOUND, KEY_ALREADY_USED */
export function* createVersion(create: CreateVersion): Work<{ version: VersionRecord; known: boolean }> {
  const { name, key } = create;
  checkModelName(name);
  for (const tag of create.tags) checkRegistryTag(tag);
  yield* lockModel(name);
  const known = key === null ? undefined : yield* versionOfKey(key, name);
  if (known !== undefined) return { version: yield* getVersion(name, known.version), known: true };
  yield* modelRow(name);
  const now = Date.now();
  const next = yield* one<{ last_version: number }>(
    "UPDATE registered_models SET last_version = last_version + 1, updated_ms = ? WHERE name = ? RETURNING last_version",
    now,
    name,
  );
  const version = next?.last_version ?? 1;
  yield* run(
    `INSERT INTO model_versions (name, version, description, source, storage_location, run_id, run_link, created_ms,
       updated_ms, idempotency_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    name,
    version,
    create.description,
    create.source,
    create.storageLocation,
    create.runId,
    create.runLink,
    now,
    now,
    key,
  );
  yield* insertTags(name, version, create.tags);
  return { version: yield* getVersion(name, version), known: false };
}

function* versionOfKey(key: string, name: string): Work<VersionRow | undefined> {
  const row = yield* one<VersionRow>("SELECT * FROM model_versions WHERE idempotency_key = ?", key);
  if (row === undefined || row.name === name) return row;
  throw new TrackingError(
    "KEY_ALREADY_USED",
    `key "${key}" belongs to version ${row.version} of model "${row.name}": it cannot register "${name}" too.`,
    { field: "key" },
  );
}

function* insertTags(name: string, version: number, tags: readonly KeyValue[]): Work<void> {
  yield* insert(
    "model_version_tags (name, version, key, value)",
    [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => [name, version, key, value]),
    "ON CONFLICT (name, version, key) DO UPDATE SET value = excluded.value",
  );
}

/** @throws INVALID_ARGUMENT for what is no stage */
export function stageOf(said: string): ModelStage {
  const stage = MODEL_STAGES.find((one) => one === said.toLowerCase());
  if (stage !== undefined) return stage;
  throw new TrackingError("INVALID_ARGUMENT", `stage is "${said}": expected one of ${MODEL_STAGES.join(", ")}.`, {
    field: "stage",
    mlflow: `Invalid Model Version stage: ${said}. Value must be one of None, Staging, Production, Archived.`,
  });
}

/**
 * Moves a version to a stage, and with `archiveExisting` those that were there to the archive: all of it or nothing, and
 * one after another for one model.
 * @returns the version, and which ones it sent to the archive; asked again, the same
 */
export function* transitionVersion(
  name: string,
  version: number,
  stage: ModelStage,
  archiveExisting: boolean,
): Work<{ version: VersionRecord; archived: number[] }> {
  yield* lockModel(name);
  const before = yield* requireVersion(name, version);
  const now = Date.now();
  if (before.stage !== stage)
    yield* run("UPDATE model_versions SET replaced_by = NULL WHERE name = ? AND replaced_by = ?", name, version);
  const archives = archiveExisting && (stage === "production" || stage === "staging");
  if (archives)
    yield* run(
      `UPDATE model_versions SET stage = 'archived', replaced_by = ?, updated_ms = ?
       WHERE name = ? AND stage = ? AND version <> ?`,
      version,
      now,
      name,
      stage,
      version,
    );
  if (before.stage !== stage)
    yield* run(
      "UPDATE model_versions SET stage = ?, replaced_by = NULL, updated_ms = ? WHERE name = ? AND version = ?",
      stage,
      now,
      name,
      version,
    );
  yield* touchModel(name, now);
  // Asked again after a lost answer, it must name the versions it archived the first time.
  const archived = archives
    ? yield* all<{ version: number }>(
        "SELECT version FROM model_versions WHERE name = ? AND replaced_by = ? AND stage = 'archived' ORDER BY version",
        name,
        version,
      )
    : [];
  return { version: yield* getVersion(name, version), archived: archived.map((row) => row.version) };
}

export function* describeVersion(name: string, version: number, description: string): Work<VersionRecord> {
  const { description: former } = yield* requireVersion(name, version);
  if (former !== description)
    yield* run(
      "UPDATE model_versions SET description = ?, updated_ms = ? WHERE name = ? AND version = ?",
      description,
      Date.now(),
      name,
      version,
    );
  return yield* getVersion(name, version);
}

/** Deletes a version with its aliases. @throws MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export function* deleteVersion(name: string, version: number): Work<void> {
  yield* lockModel(name);
  yield* requireVersion(name, version);
  yield* run("DELETE FROM model_versions WHERE name = ? AND version = ?", name, version);
  yield* touchModel(name, Date.now());
}

export function* searchVersions(search: RegistrySearch): Work<Page<VersionRecord>> {
  const where = versionFilter(search.filter);
  const order = versionOrder(search.orderBy);
  return yield* pageOf(search, function* (limit, offset) {
    const rows = yield* all<VersionRow>(
      `SELECT v.* FROM model_versions v WHERE 1 = 1 ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`,
      ...where.values,
      limit,
      offset,
    );
    return yield* versionRecords(rows);
  });
}

/** The highest version of each of these stages, of every stage for none. @throws MODEL_NOT_FOUND */
export function* latestOfStages(name: string, stages: readonly string[]): Work<VersionRecord[]> {
  const wanted = stages.map(stageOf);
  yield* modelRow(name);
  const latest = yield* latestVersions([name]);
  return latest.filter(({ row }) => wanted.length === 0 || wanted.includes(row.stage));
}

export function* setVersionTag(name: string, version: number, tag: KeyValue): Work<void> {
  checkModelName(name);
  checkRegistryTag(tag);
  yield* requireVersion(name, version);
  yield* insertTags(name, version, [tag]);
}

/** A tag that is not there is no error, as in MLflow. */
export function* deleteVersionTag(name: string, version: number, key: string): Work<void> {
  checkTagKey(key);
  yield* requireVersion(name, version);
  yield* run("DELETE FROM model_version_tags WHERE name = ? AND version = ? AND key = ?", name, version, key);
}

/** Points an alias at a version; it points at no other then. */
export function* setAlias(name: string, version: number, alias: string): Work<VersionRecord> {
  checkNewAlias(alias);
  yield* lockModel(name);
  yield* requireVersion(name, version);
  yield* run(
    `INSERT INTO model_aliases (name, alias, version) VALUES (?, ?, ?)
     ON CONFLICT (name, alias) DO UPDATE SET version = excluded.version`,
    name,
    alias,
    version,
  );
  return yield* getVersion(name, version);
}

/** An alias that is not there is no error, as in MLflow. */
export function* deleteAlias(name: string, alias: string): Work<void> {
  checkAlias(alias);
  yield* modelRow(name);
  yield* run("DELETE FROM model_aliases WHERE name = ? AND alias = ?", name, alias);
}

/** The version of an alias; `latest` is the highest. @throws MODEL_NOT_FOUND, ALIAS_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export function* versionOfAlias(name: string, alias: string): Work<VersionRecord> {
  checkAlias(alias);
  yield* modelRow(name);
  if (alias.toLowerCase() === "latest") {
    const [highest] = yield* versionsOf(name);
    if (highest !== undefined) return highest;
    throw yield* noVersion(name, "versions", "alias", `Latest version not found for model ${name}.`);
  }
  const row = yield* one<VersionRow>(
    `SELECT v.* FROM model_versions v JOIN model_aliases a ON a.name = v.name AND a.version = v.version
     WHERE a.name = ? AND a.alias = ?`,
    name,
    alias,
  );
  if (row === undefined)
    throw new TrackingError("ALIAS_NOT_FOUND", `Registered model alias ${alias} not found.`, { field: "alias" });
  const [record] = yield* versionRecords([row]);
  return record!;
}
