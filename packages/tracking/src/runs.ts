import { randomUUID } from "node:crypto";
import type { Batch, FinalRunStatus, MetricPoint, RunStatus, StartRun, TrackingRun } from "./api.ts";
import type { Database } from "./database.ts";
import { TrackingError } from "./errors.ts";

interface RunRow {
  run_id: string;
  experiment: string;
  name: string;
  status: RunStatus;
  started_ms: number;
  ended_ms: number | null;
  key: string | null;
}

const SELECT_RUN = `
  SELECT run_id, experiments.name AS experiment, runs.name, status, started_ms, ended_ms, key
  FROM runs JOIN experiments ON experiments.id = runs.experiment_id`;

/** Runs and what is logged to them, in the database. */
export class Runs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  start({ experiment, name, tags = {}, key }: StartRun): TrackingRun {
    checkName("experiment", experiment);
    if (name !== undefined) checkName("name", name);
    if (key !== undefined) checkName("key", key);
    return this.#database.write(() => {
      const known = key === undefined ? undefined : this.#reopened(key);
      if (known !== undefined) return this.#view(known);
      const runId = randomUUID().replaceAll("-", "");
      this.#database.run("INSERT INTO experiments (name) VALUES (?) ON CONFLICT DO NOTHING", experiment);
      this.#database.run(
        `INSERT INTO runs (run_id, experiment_id, name, status, started_ms, key)
         SELECT ?, id, ?, 'RUNNING', ?, ? FROM experiments WHERE name = ?`,
        runId,
        name ?? runId.slice(0, 8),
        Date.now(),
        key ?? null,
        experiment,
      );
      this.#setTags(runId, tags);
      return this.#view(this.#row(runId));
    });
  }

  /** The run of a key, RUNNING again unless it FINISHED. */
  #reopened(key: string): RunRow | undefined {
    this.#database.run(
      "UPDATE runs SET status = 'RUNNING', ended_ms = NULL WHERE key = ? AND status IN ('FAILED', 'KILLED')",
      key,
    );
    return this.#database.one<RunRow>(`${SELECT_RUN} WHERE key = ?`, key);
  }

  log(runId: string, { params = {}, metrics = {}, tags = {}, step = 0 }: Batch): void {
    if (!Number.isSafeInteger(step)) throw invalid("step", step, "an integer");
    for (const [name, value] of Object.entries(metrics))
      if (typeof value !== "number") throw invalid(`metrics.${name}`, value, "a number");
    this.#database.write(() => {
      this.#row(runId);
      for (const [name, value] of Object.entries(params)) this.#setParam(runId, name, String(value));
      for (const [name, value] of Object.entries(metrics)) this.#addMetric(runId, name, step, value);
      this.#setTags(runId, tags);
    });
  }

  #setParam(runId: string, name: string, value: string): void {
    const there = this.#database.one<{ value: string }>(
      "SELECT value FROM params WHERE run_id = ? AND name = ?",
      runId,
      name,
    );
    if (there === undefined) {
      this.#database.run("INSERT INTO params (run_id, name, value) VALUES (?, ?, ?)", runId, name, value);
    } else if (there.value !== value) {
      throw new TrackingError(
        "PARAM_ALREADY_LOGGED",
        `params.${name} of run ${runId} is ${JSON.stringify(there.value)} already: it cannot become ${JSON.stringify(value)}.`,
        { field: `params.${name}`, hint: "Params are written once; log what changes as a metric or a tag." },
      );
    }
  }

  #addMetric(runId: string, name: string, step: number, value: number): void {
    const stored = Number.isNaN(value) ? null : value;
    const last = this.#database.one<{ value: number | null }>(
      "SELECT value FROM metrics WHERE run_id = ? AND name = ? AND step = ? ORDER BY id DESC LIMIT 1",
      runId,
      name,
      step,
    );
    if (last !== undefined && last.value === stored) return;
    this.#database.run(
      "INSERT INTO metrics (run_id, name, step, logged_ms, value) VALUES (?, ?, ?, ?, ?)",
      runId,
      name,
      step,
      Date.now(),
      stored,
    );
  }

  #setTags(runId: string, tags: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(tags))
      this.#database.run(
        `INSERT INTO tags (run_id, name, value) VALUES (?, ?, ?)
         ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value`,
        runId,
        name,
        value,
      );
  }

  history(runId: string, metric: string): MetricPoint[] {
    return this.#database.read(() => {
      this.#row(runId);
      return this.#database
        .all<{ value: number | null; step: number; logged_ms: number }>(
          "SELECT value, step, logged_ms FROM metrics WHERE run_id = ? AND name = ? ORDER BY step, id",
          runId,
          metric,
        )
        .map(({ value, step, logged_ms }) => ({ value: value ?? Number.NaN, step, timestamp: isoTime(logged_ms) }));
    });
  }

  finish(runId: string, status: FinalRunStatus): TrackingRun {
    if (!["FINISHED", "FAILED", "KILLED"].includes(status))
      throw invalid("status", status, "FINISHED, FAILED or KILLED");
    return this.#database.write(() => {
      this.#row(runId);
      this.#database.run(
        "UPDATE runs SET status = ?, ended_ms = ? WHERE run_id = ? AND status <> ?",
        status,
        Date.now(),
        runId,
        status,
      );
      return this.#view(this.#row(runId));
    });
  }

  get(runId: string): TrackingRun {
    return this.#database.read(() => this.#view(this.#row(runId)));
  }

  search(experiment: string, limit: number): TrackingRun[] {
    if (!Number.isSafeInteger(limit) || limit < 1) throw invalid("limit", limit, "a positive integer");
    return this.#database.read(() =>
      this.#database
        .all<RunRow>(
          `${SELECT_RUN} WHERE experiments.name = ? ORDER BY started_ms DESC, runs.rowid DESC LIMIT ?`,
          experiment,
          limit,
        )
        .map((row) => this.#view(row)),
    );
  }

  /** @throws RUN_NOT_FOUND; call it within a transaction of the caller's */
  require(runId: string): void {
    this.#row(runId);
  }

  #row(runId: string): RunRow {
    const row = this.#database.one<RunRow>(`${SELECT_RUN} WHERE run_id = ?`, runId);
    if (row !== undefined) return row;
    throw new TrackingError("RUN_NOT_FOUND", `There is no run "${runId}".`, {
      field: "runId",
      hint: "A run id is what startRun returned; train_model answers it as runId.",
    });
  }

  #view(row: RunRow): TrackingRun {
    const pairs = (table: "params" | "tags") =>
      Object.fromEntries(
        this.#database
          .all<{ name: string; value: string }>(
            `SELECT name, value FROM ${table} WHERE run_id = ? ORDER BY name`,
            row.run_id,
          )
          .map(({ name, value }) => [name, value]),
      );
    const metrics = this.#database.all<{ name: string; value: number | null }>(
      "SELECT name, value FROM metrics WHERE run_id = ? ORDER BY name, step, id",
      row.run_id,
    );
    return {
      runId: row.run_id,
      experiment: row.experiment,
      name: row.name,
      status: row.status,
      startedAt: isoTime(row.started_ms),
      ...(row.ended_ms === null ? {} : { endedAt: isoTime(row.ended_ms) }),
      params: pairs("params"),
      // Rows come in the order of steps, so of each name the last one stays.
      metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value ?? Number.NaN])),
      tags: pairs("tags"),
      ...(row.key === null ? {} : { key: row.key }),
    };
  }
}

/** Milliseconds since the epoch as ISO-8601, UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** @throws INVALID_ARGUMENT for what is no name: empty, or over 500 characters */
export function checkName(field: string, name: string): void {
  if (typeof name !== "string" || name.trim() === "" || name.length > 500)
    throw invalid(field, name, "text of 1 to 500 characters");
}

function invalid(field: string, value: unknown, expected: string): TrackingError {
  return new TrackingError("INVALID_ARGUMENT", `${field} is ${JSON.stringify(value)}: expected ${expected}.`, {
    field,
  });
}
