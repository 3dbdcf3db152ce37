import { randomUUID } from "node:crypto";
import type { Batch, FinalRunStatus, Lineage, MetricPoint, StartRun, TrackingRun } from "./api.ts";
import { checkBatch, risingClock } from "./batch.ts";
import { checkedStart } from "./beginnings.ts";
import { all, type Database, one, run, type Work } from "./database/work.ts";
import { invalid } from "./errors.ts";
import { lineageTags, tableInputs } from "./lineage.ts";
import { checkMetric, keptParam, keptTag, type MetricValue } from "./store/checks.ts";
import { experimentNamed } from "./store/experiments.ts";
import { insertMetrics, insertParams, logInputs } from "./store/log.ts";
import { asLogged } from "./store/run-data.ts";
import {
  activeRun,
  getRun,
  insertRun,
  RUN_NAME,
  type RunRecord,
  type RunRow,
  runRow,
  searchRuns,
  setRunTags,
} from "./store/runs.ts";
import { isoTime, runView } from "./views.ts";

/** Runs and what is logged to them, in the embedded store. */
export class EmbeddedRuns {
  readonly #database: Database;
  readonly #now = risingClock();

  constructor(database: Database) {
    this.#database = database;
  }

  async start(asked: StartRun): Promise<TrackingRun> {
    const { experiment, name, key } = asked;
    const { tags: kept, inputs } = checkedStart(asked);
    const startTime = this.#now();
    return await this.#database.write(function* () {
      const known = key === undefined ? undefined : yield* reopened(key);
      if (known !== undefined) return yield* viewOf(yield* getRun(known.run_id));
      const place = yield* experimentNamed(experiment);
      const runId = randomUUID().replaceAll("-", "");
      const called = name ?? runId.slice(0, 8);
      const made = yield* insertRun({
        runId,
        experimentId: place.id,
        name: called,
        userId: "",
        startTime,
        artifactUri: `${place.artifact_location.replace(/\/$/, "")}/${runId}/artifacts`,
        key: key ?? null,
      });
      // Somebody else has started it in the meantime.
      if (made === undefined && key !== undefined) {
        const theirs = yield* reopened(key);
        if (theirs !== undefined) return yield* viewOf(yield* getRun(theirs.run_id));
      }
      yield* setRunTags(runId, [...kept, { key: RUN_NAME, value: called }]);
      yield* logInputs(runId, inputs, []);
      return yield* viewOf(yield* getRun(runId));
    });
  }

  async log(runId: string, batch: Batch): Promise<void> {
    checkBatch(batch);
    const { params = {}, metrics = {}, tags = {}, step = 0 } = batch;
    const keptParams = Object.entries(params).map(([key, value]) =>
      keptParam({ key, value: String(value) }, `params.${key}`),
    );
    const keptTags = Object.entries(tags).map(([key, value]) => keptTag({ key, value }, `tags.${key}`));
    const timestamp = this.#now();
    const values = Object.entries(metrics).map(([key, value]) => ({ key, value, step, timestamp }));
    for (const value of values) checkMetric(value, `metrics.${value.key}`);
    await this.#database.write(function* () {
      yield* activeRun(runId);
      yield* insertParams(runId, keptParams);
      yield* insertMetrics(runId, yield* newsAmong(runId, values));
      yield* setRunTags(runId, keptTags);
    });
  }

  async history(runId: string, metric: string): Promise<MetricPoint[]> {
    return await this.#database.read(function* () {
      yield* runRow(runId);
      const rows = yield* all<{ value: number; nan: number; step: number; timestamp_ms: number }>(
        "SELECT value, nan, step, timestamp_ms FROM metrics WHERE run_id = ? AND key = ? ORDER BY step, timestamp_ms, value",
        runId,
        metric,
      );
      return rows.map((row) => ({ value: asLogged(row), step: row.step, timestamp: isoTime(row.timestamp_ms) }));
    });
  }

  async finish(runId: string, status: FinalRunStatus): Promise<TrackingRun> {
    if (!["FINISHED", "FAILED", "KILLED"].includes(status))
      throw invalid("status", status, "FINISHED, FAILED or KILLED");
    return await this.#database.write(function* () {
      yield* activeRun(runId);
      yield* run(
        "UPDATE runs SET status = ?, end_ms = ? WHERE run_id = ? AND status <> ?",
        status,
        Date.now(),
        runId,
        status,
      );
      return yield* viewOf(yield* getRun(runId));
    });
  }

  get(runId: string): Promise<TrackingRun> {
    return this.#database.read(function* () {
      return yield* viewOf(yield* getRun(runId));
    });
  }

  async search(experiment: string, limit: number): Promise<TrackingRun[]> {
    if (!Number.isSafeInteger(limit) || limit < 1) throw invalid("limit", limit, "a positive integer");
    return await this.#database.read(function* () {
      const place = yield* one<{ id: number }>("SELECT id FROM experiments WHERE name = ?", experiment);
      if (place === undefined) return [];
      const { items } = yield* searchRuns({
        experimentIds: [String(place.id)],
        filter: "",
        view: "ACTIVE_ONLY",
        orderBy: [],
        maxResults: limit,
        pageToken: "",
      });
      return items.map((record) => runView(record, experiment));
    });
  }

  async logLineage(runId: string, lineage: Lineage): Promise<void> {
    const tags = Object.entries(lineageTags(lineage)).map(([key, value]) => keptTag({ key, value }, `lineage.${key}`));
    const inputs = tableInputs(lineage.tables ?? []);
    await this.#database.write(function* () {
      yield* activeRun(runId);
      yield* setRunTags(runId, tags);
      yield* logInputs(runId, inputs, []);
    });
  }

  artifactRoot(runId: string): Promise<string> {
    return this.#database.read(function* () {
      return (yield* runRow(runId)).artifact_uri;
    });
  }
}

/** A run with the name of its experiment. */
export function* viewOf(record: RunRecord): Work<TrackingRun> {
  const place = yield* one<{ name: string }>("SELECT name FROM experiments WHERE id = ?", record.info.experiment_id);
  return runView(record, place?.name ?? "");
}

/** The run of a key, RUNNING again unless it FINISHED. */
function* reopened(key: string): Work<RunRow | undefined> {
  yield* run(
    "UPDATE runs SET status = 'RUNNING', end_ms = NULL WHERE idempotency_key = ? AND status IN ('FAILED', 'KILLED')",
    key,
  );
  return yield* one<RunRow>("SELECT * FROM runs WHERE idempotency_key = ?", key);
}

/** Of these points those that differ from the last one of their metric and step. */
function* newsAmong(runId: string, points: readonly MetricValue[]): Work<MetricValue[]> {
  const news: MetricValue[] = [];
  for (const point of points) {
    const last = yield* lastPoint(runId, point);
    if (last === undefined || !Object.is(asLogged(last), point.value)) news.push(point);
  }
  return news;
}

type StoredPoint = { readonly value: number; readonly nan: number; readonly step: number };

function* lastPoint(runId: string, { key, step }: MetricValue): Work<StoredPoint | undefined> {
  // Almost always the step is the latest or a new one: then the history need not be searched.
  const latest = yield* one<StoredPoint>(
    "SELECT value, nan, step FROM latest_metrics WHERE run_id = ? AND key = ?",
    runId,
    key,
  );
  if (latest === undefined || latest.step < step) return undefined;
  if (latest.step === step) return latest;
  return yield* one<StoredPoint>(
    "SELECT value, nan, step FROM metrics WHERE run_id = ? AND key = ? AND step = ? ORDER BY timestamp_ms DESC LIMIT 1",
    runId,
    key,
    step,
  );
}
