import { all, allOf, insert, one, run, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import { experimentFilter, experimentOrder } from "../search/experiments.ts";
import { type Page, type Paging, pageOf } from "../search/pages.ts";
import { checkExperimentName, checkExperimentTag, experimentNumber, type KeyValue } from "./checks.ts";
import { grouped } from "./grouped.ts";

export type Lifecycle = "active" | "deleted";

/** Which of active and deleted things are meant. */
export type ViewType = "ACTIVE_ONLY" | "DELETED_ONLY" | "ALL";

export interface ExperimentRecord {
  readonly id: number;
  readonly name: string;
  readonly artifactLocation: string;
  readonly lifecycle: Lifecycle;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly updated: number;
  readonly tags: readonly KeyValue[];
}

export interface ExperimentRow {
  readonly id: number;
  readonly name: string;
  readonly artifact_location: string;
  readonly lifecycle: Lifecycle;
  readonly created_ms: number;
  readonly updated_ms: number;
}

/** @throws EXPERIMENT_EXISTS, also for one that was deleted */
export function* createExperiment(name: string, artifactLocation: string, tags: readonly KeyValue[]): Work<number> {
  checkExperimentName(name);
  for (const tag of tags) checkExperimentTag(tag);
  const row = yield* insertExperiment(name, artifactLocation);
  if (row === undefined)
    throw new TrackingError("EXPERIMENT_EXISTS", `Experiment(name=${name}) already exists.`, { field: "name" });
  yield* insert(
    "experiment_tags (experiment_id, key, value)",
    tags.map(({ key, value }) => [row.id, key, value]),
    "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
  );
  return row.id;
}

/** The experiment of a name, made when it is missing. @throws EXPERIMENT_DELETED */
export function* experimentNamed(name: string): Work<ExperimentRow> {
  checkExperimentName(name, "experiment");
  const row = (yield* byName(name)) ?? (yield* insertExperiment(name, "")) ?? (yield* byName(name));
  if (row === undefined) throw new TrackingError("EXPERIMENT_NOT_FOUND", `There is no experiment "${name}".`);
  checkActive(row);
  return row;
}

function* insertExperiment(name: string, artifactLocation: string): Work<ExperimentRow | undefined> {
  const now = Date.now();
  const row = yield* one<ExperimentRow>(
    `INSERT INTO experiments (name, artifact_location, created_ms, updated_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO NOTHING RETURNING *`,
    name,
    artifactLocation,
    now,
    now,
  );
  if (row === undefined || artifactLocation !== "") return row;
  // Only now is the number known that the place is named after.
  const location = `mlflow-artifacts:/${row.id}`;
  yield* run("UPDATE experiments SET artifact_location = ? WHERE id = ?", location, row.id);
  return { ...row, artifact_location: location };
}

function byName(name: string): Work<ExperimentRow | undefined> {
  return one<ExperimentRow>("SELECT * FROM experiments WHERE name = ?", name);
}

/** @throws EXPERIMENT_NOT_FOUND */
export function* experimentRow(id: string): Work<ExperimentRow> {
  const row = yield* one<ExperimentRow>("SELECT * FROM experiments WHERE id = ?", experimentNumber(id));
  if (row === undefined)
    throw new TrackingError("EXPERIMENT_NOT_FOUND", `No Experiment with id=${id} exists`, { field: "experiment_id" });
  return row;
}

/** @throws EXPERIMENT_DELETED */
export function checkActive({ id, name, lifecycle }: ExperimentRow): void {
  if (lifecycle !== "active")
    throw new TrackingError("EXPERIMENT_DELETED", `The experiment "${name}" (${id}) was deleted.`, {
      field: "experiment",
      hint: "Restore it, or use another name.",
      mlflow: `The experiment ${id} must be in the 'active' state. Current state is ${lifecycle}.`,
    });
}

export function* getExperiment(id: string): Work<ExperimentRecord> {
  const [record] = yield* withTags([yield* experimentRow(id)]);
  return record!;
}

export function* getExperimentByName(name: string): Work<ExperimentRecord> {
  const row = yield* byName(name);
  if (row === undefined)
    throw new TrackingError("EXPERIMENT_NOT_FOUND", `Could not find experiment with name '${name}'`, {
      field: "experiment_name",
    });
  const [record] = yield* withTags([row]);
  return record!;
}

export function* renameExperiment(id: string, name: string): Work<void> {
  checkExperimentName(name, "new_name");
  checkActive(yield* experimentRow(id));
  const taken = yield* byName(name);
  if (taken !== undefined && taken.id !== experimentNumber(id))
    throw new TrackingError("EXPERIMENT_EXISTS", `Experiment(name=${name}) already exists.`, { field: "new_name" });
  yield* run("UPDATE experiments SET name = ?, updated_ms = ? WHERE id = ?", name, Date.now(), experimentNumber(id));
}

/** Deletes or restores an experiment with its runs. @throws EXPERIMENT_NOT_FOUND, when it is so already too, as MLflow */
export function* setExperimentLifecycle(id: string, lifecycle: Lifecycle): Work<void> {
  const row = yield* experimentRow(id);
  if (row.lifecycle === lifecycle)
    throw new TrackingError("EXPERIMENT_NOT_FOUND", `No Experiment with id=${id} exists`, { field: "experiment_id" });
  yield* run("UPDATE experiments SET lifecycle = ?, updated_ms = ? WHERE id = ?", lifecycle, Date.now(), row.id);
  yield* run("UPDATE runs SET lifecycle = ? WHERE experiment_id = ?", lifecycle, row.id);
}

export function* setExperimentTag(id: string, tag: KeyValue): Work<void> {
  checkExperimentTag(tag);
  const row = yield* experimentRow(id);
  checkActive(row);
  yield* insert(
    "experiment_tags (experiment_id, key, value)",
    [[row.id, tag.key, tag.value]],
    "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
  );
}

/** @throws TAG_NOT_FOUND */
export function* deleteExperimentTag(id: string, key: string): Work<void> {
  const row = yield* experimentRow(id);
  checkActive(row);
  if ((yield* run("DELETE FROM experiment_tags WHERE experiment_id = ? AND key = ?", row.id, key)) === 0)
    throw new TrackingError("TAG_NOT_FOUND", `No tag with name: ${key} in experiment with id ${id}`, { field: "key" });
}

export interface ExperimentSearch extends Paging {
  readonly view: ViewType;
  readonly filter: string;
  readonly orderBy: readonly string[];
}

export function* searchExperiments(search: ExperimentSearch): Work<Page<ExperimentRecord>> {
  const where = experimentFilter(search.filter);
  const order = experimentOrder(search.orderBy);
  const stage = stagesOf(search.view);
  return yield* pageOf(search, function* (limit, offset) {
    const rows = yield* all<ExperimentRow>(
      `SELECT e.* FROM experiments e WHERE e.lifecycle IN (?, ?) ${where.sql} ORDER BY ${order} LIMIT ? OFFSET ?`,
      ...stage,
      ...where.values,
      limit,
      offset,
    );
    return yield* withTags(rows);
  });
}

/** The lifecycles of a view, as two values for `IN (?, ?)`. */
export function stagesOf(view: ViewType): [Lifecycle, Lifecycle] {
  if (view === "ALL") return ["active", "deleted"];
  return view === "DELETED_ONLY" ? ["deleted", "deleted"] : ["active", "active"];
}

function* withTags(rows: readonly ExperimentRow[]): Work<ExperimentRecord[]> {
  const tags = yield* allOf<KeyValue & { experiment_id: number }>(
    "SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id IN (?) ORDER BY key",
    rows.map(({ id }) => id),
  );
  const of = grouped(tags, ({ experiment_id }) => experiment_id);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycle: row.lifecycle,
    created: row.created_ms,
    updated: row.updated_ms,
    tags: (of.get(row.id) ?? []).map(({ key, value }) => ({ key, value })),
  }));
}
