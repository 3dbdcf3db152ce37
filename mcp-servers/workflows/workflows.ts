import { createHash } from "node:crypto";
import { backfillDates, type DagGraph, type Json, paramsAnew, type RunView, scheduleText } from "@dagwright/engine";
import { type EngineClient, logText } from "@dagwright/engine/client";
import { nearest, ToolError, type ToolInput, type ToolOutput } from "@dagwright/mcp-kit";
import { z } from "zod";
import type { workflows } from "./contract.ts";

/** What of a DAG's graph is shown. */
export type DagSummary = Pick<DagGraph, "dagId" | "version" | "description" | "tags" | "schedule" | "params">;

const ParamsSchema = z
  .looseObject({ properties: z.record(z.string(), z.unknown()).default({}) })
  .catch({ properties: {} });

/** The DAGs that workers know; given by whoever wires the server. */
export interface DagCatalogue {
  list(): readonly DagSummary[];
  /** @throws an error `INVALID_PARAMS` or `INVALID_LOGICAL_DATE` that names field, value and expectation. */
  validate(dagId: string, params: Readonly<Record<string, Json>>, logicalDate?: string): void;
}

/** What this server asks of the engine. */
export type WorkflowsEngine = Pick<
  EngineClient,
  | "startRun"
  | "getRun"
  | "listRuns"
  | "explainRun"
  | "clearRun"
  | "taskLogs"
  | "answerApproval"
  | "createBackfill"
  | "signalDrift"
  | "pauseSchedule"
  | "unpauseSchedule"
  | "describeSchedule"
>;

/** What the functions of this server stand on. */
export interface WorkflowsDeps {
  readonly client: WorkflowsEngine;
  readonly catalogue: DagCatalogue;
}

type Output<K extends keyof (typeof workflows)["tools"]> = ToolOutput<typeof workflows, K>;
type Input<K extends keyof (typeof workflows)["tools"]> = ToolInput<typeof workflows, K>;

/** All DAGs of the catalogue, each with the state of its schedule on the server. */
export async function listDags({ client, catalogue }: WorkflowsDeps): Promise<Output<"list_dags">> {
  const dags = await Promise.all(
    catalogue.list().map(async ({ dagId, version, description, tags, schedule, params }) => ({
      id: dagId,
      description: description ?? "",
      schedule: schedule === null ? null : scheduleText(schedule),
      paused: schedule === null ? null : ((await client.describeSchedule(dagId))?.paused ?? null),
      tags: [...tags],
      params,
      version,
    })),
  );
  return { dags };
}

/**
 * Starts a run after its DAG and params were checked. Without a logical date and run id, a call repeated under one
 * idempotency key finds the run that it started the first time.
 * @throws DAG_NOT_FOUND (suggests the nearest), INVALID_PARAMS, INVALID_LOGICAL_DATE, INVALID_RUN_ID
 */
export async function startWorkflow(
  { client, catalogue }: WorkflowsDeps,
  { dag, params = {}, conf = {}, logicalDate, runId }: Input<"start_workflow">,
  idempotencyKey?: string,
): Promise<Output<"start_workflow">> {
  requireDag(catalogue, dag);
  catalogue.validate(dag, params, logicalDate);
  const manual =
    logicalDate === undefined && idempotencyKey !== undefined ? `${dag}/manual-${digest(idempotencyKey)}` : undefined;
  const id = runId ?? manual;
  const started = await client.startRun({
    dagId: dag,
    params,
    conf,
    trigger: "manual",
    ...(logicalDate === undefined ? {} : { logicalDate }),
    ...(id === undefined ? {} : { runId: id }),
  });
  return {
    runId: started.runId,
    dagId: dag,
    state: started.outcome,
    temporalRunId: started.temporalRunId,
    ...(logicalDate === undefined ? {} : { logicalDate }),
  };
}

/** @throws RUN_NOT_FOUND */
export async function getRun({ client }: WorkflowsDeps, { runId }: Input<"get_run">): Promise<RunView> {
  return client.getRun(runId);
}

/**
 * The newest runs first. Runs of a DAG that is no longer in the catalogue are listed too.
 * @throws DAG_NOT_FOUND when the catalogue does not know the DAG and it never ran
 */
export async function listRuns(
  { client, catalogue }: WorkflowsDeps,
  { dag, state, limit = 20 }: Input<"list_runs">,
): Promise<Output<"list_runs">> {
  const found = await client.listRuns({
    limit,
    ...(dag === undefined ? {} : { dagId: dag }),
    ...(state === undefined ? {} : { state }),
  });
  if (found.length === 0 && dag !== undefined) requireDag(catalogue, dag);
  return {
    runs: found.map((run) => ({
      runId: run.runId,
      dagId: run.dagId,
      logicalDate: run.logicalDate ?? null,
      state: run.state,
      trigger: run.trigger,
      startedAt: run.startedAt ?? null,
      endedAt: run.endedAt ?? null,
    })),
  };
}

/**
 * The last `limit` lines of each attempt.
 * @throws RUN_NOT_FOUND, NO_SUCH_TASK
 */
export async function getTaskLogs(
  { client }: WorkflowsDeps,
  { runId, task, limit = 200 }: Input<"get_task_logs">,
): Promise<Output<"get_task_logs">> {
  const attempts = await client.taskLogs(runId, task);
  return {
    attempts: attempts.map(({ taskId, attempt, state, lines }) => ({
      ...{ task: taskId, attempt, state },
      lines: lines.slice(-limit).map(logText),
    })),
  };
}

/**
 * New params are checked by the DAG as it is now, together with those that the run had.
 * @throws RUN_NOT_FOUND, NO_SUCH_TASK, NOTHING_TO_CLEAR, PARAMS_FIXED, INVALID_PARAMS, NO_WORKER
 */
export async function clearTasks(
  { client, catalogue }: WorkflowsDeps,
  {
    runId,
    tasks,
    params = {},
    downstream = true,
    upstream = false,
    onlyFailed = false,
    dryRun = false,
  }: Input<"clear_tasks">,
): Promise<Output<"clear_tasks">> {
  if (Object.keys(params).length > 0) {
    const { dagId, params: kept } = await client.getRun(runId);
    const dag = catalogue.list().find((one) => one.dagId === dagId);
    if (dag !== undefined) {
      const { properties } = ParamsSchema.parse(dag.params);
      catalogue.validate(dagId, paramsAnew(kept, params, Object.keys(properties)));
    }
  }
  const { cleared } = await client.clearRun(runId, {
    ...{ params, downstream, upstream, onlyFailed, dryRun },
    ...(tasks === undefined ? {} : { tasks }),
  });
  return { runId, cleared, ...(dryRun ? { dryRun } : {}) };
}

/** @throws RUN_NOT_FOUND, RUN_OVER, NOT_WAITING, NO_WORKER */
export async function approve(
  { client }: WorkflowsDeps,
  { runId, task, approved = true, by, comment }: Input<"approve">,
): Promise<Output<"approve">> {
  await client.answerApproval(runId, { task, approved, by, ...(comment === undefined ? {} : { comment }) });
  return { runId, task, approved };
}

/** How many dates of a backfill are shown. */
const DATES_SHOWN = 100;

/**
 * Starts a backfill after its DAG, dates and params were checked; without an id, a call repeated under one idempotency key
 * is refused the second time.
 * @throws DAG_NOT_FOUND, INVALID_PARAMS, INVALID_BACKFILL, BACKFILL_EXISTS
 */
export async function backfill(
  { client, catalogue }: WorkflowsDeps,
  { dag, params = {}, dryRun = false, id, ...options }: Input<"backfill">,
  idempotencyKey?: string,
): Promise<Output<"backfill">> {
  const { schedule } = requireDag(catalogue, dag);
  catalogue.validate(dag, params);
  const { from, to, order = "forward" } = options;
  const dates = backfillDates({ dagId: dag, schedule }, { from, to, order, now: new Date() });
  const shown = { dag, total: dates.length, dates: dates.slice(0, DATES_SHOWN) };
  if (dryRun) return { backfillId: null, ...shown };
  if (dates.length === 0)
    throw new ToolError("INVALID_BACKFILL", `No interval of "${dag}" begins from ${from} to ${to} and is over.`, {
      field: "from",
      hint: "Both ends are logical dates and included; an interval that is not over has no run.",
    });
  const name = id ?? (idempotencyKey === undefined ? undefined : digest(idempotencyKey));
  const { backfillId } = await client.createBackfill({
    ...{ dagId: dag, params },
    ...options,
    ...(name === undefined ? {} : { id: name }),
  });
  return { backfillId, ...shown };
}

/** Tells a model's retraining controller of drift; without an id, a call repeated under one idempotency key counts once. */
export async function signalDrift(
  { client }: WorkflowsDeps,
  { model, reason, evidence = {}, id }: Input<"signal_drift">,
  idempotencyKey?: string,
): Promise<Output<"signal_drift">> {
  const signalId = id ?? (idempotencyKey === undefined ? undefined : digest(idempotencyKey));
  const { controllerId } = await client.signalDrift({
    model,
    reason,
    evidence,
    ...(signalId === undefined ? {} : { id: signalId }),
  });
  return { accepted: true, controllerId };
}

/**
 * Pauses or continues the schedule of a DAG.
 * @throws DAG_NOT_FOUND, NO_SCHEDULE
 */
export async function setPaused(
  { client, catalogue }: WorkflowsDeps,
  { dag, note }: Input<"pause_dag">,
  paused: boolean,
): Promise<Output<"pause_dag">> {
  const { schedule } = requireDag(catalogue, dag);
  if (schedule === null)
    throw new ToolError("NO_SCHEDULE", `DAG "${dag}" has no schedule: it runs on demand only.`, { field: "dag" });
  if ((await client.describeSchedule(dag)) === null)
    throw new ToolError("NO_SCHEDULE", `The schedule of DAG "${dag}" does not exist on the server.`, {
      field: "dag",
      hint: "Create it with `dagwright schedules sync`.",
    });
  if (paused) await client.pauseSchedule(dag, note);
  else await client.unpauseSchedule(dag, note);
  return { dag, paused };
}

function requireDag(catalogue: DagCatalogue, dag: string): DagSummary {
  const all = catalogue.list();
  const found = all.find(({ dagId }) => dagId === dag);
  if (found !== undefined) return found;
  const ids = all.map(({ dagId }) => dagId);
  const meant = nearest(dag, ids);
  throw new ToolError("DAG_NOT_FOUND", `"dag" is "${dag}": there is no such DAG.`, {
    field: "dag",
    hint: meant === undefined ? `There are: ${ids.join(", ") || "none"}.` : `Did you mean "${meant}"?`,
  });
}

function digest(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}
