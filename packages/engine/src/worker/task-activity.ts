import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { ApplicationFailureCategory } from "@temporalio/common";
import type { Json } from "../core/graph.ts";
import type { TaskError } from "../core/state.ts";
import { executeTask, taskIdOf } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import type { TaskServices } from "../language/context.ts";
import type { DagRegistry } from "../language/registry.ts";
import { type AttemptRequest, type AttemptResult, FAILURE } from "../sandbox/protocol.ts";
import type { RunStore, StoredAttempt } from "../store/run-store.ts";
import { attemptLogFile, openAttemptLog } from "./attempt-log.ts";
import type { AttemptRecorder } from "./attempt-recorder.ts";
import { withHeartbeats } from "./heartbeats.ts";
import { throughCache } from "./task-cache.ts";

/** What attempts stand on. */
export interface TaskGround {
  readonly registry: DagRegistry;
  readonly services: TaskServices;
  readonly store: RunStore | null;
  readonly recorder: AttemptRecorder;
  /** Folder of the attempts' logs; null: no logs. */
  readonly logsFolder: string | null;
}

/**
 * Runs one attempt of a task as a Temporal activity: heartbeats while it runs, its log in a file, its outcome in the run
 * store.
 */
export async function runTaskAttempt(
  ground: TaskGround,
  input: Json,
  request: AttemptRequest,
): Promise<Json | AttemptResult> {
  const { cache } = request;
  return cache === undefined
    ? await attemptTask(ground, input, request)
    : await throughCache(ground, input, request, cache, () => attemptTask(ground, input, request));
}

async function attemptTask(ground: TaskGround, input: Json, request: AttemptRequest): Promise<Json> {
  const { registry, services, logsFolder } = ground;
  const context = Context.current();
  const { dagId, nodeId, index, attempt, clears, run } = request;
  const taskId = taskIdOf(nodeId, index);
  const logFile = logsFolder === null ? undefined : attemptLogFile(logsFolder, { run, taskId, attempt });
  const record = (state: StoredAttempt["state"], error?: TaskError) =>
    recordAttempt(ground, request, startedAt, logFile, state, error);
  const startedAt = new Date().toISOString();
  record("running");
  const outcome = await withHeartbeats(context, (onProgress) =>
    attemptOutcome(() =>
      executeTask({
        dag: registry.get(dagId),
        nodeId,
        index,
        input,
        attempt,
        clears,
        run,
        services: logFile === undefined ? services : { ...services, log: () => openAttemptLog(logFile) },
        signal: context.cancellationSignal,
        onProgress,
      }),
    ),
  );
  if (outcome.type !== "success" && context.cancellationSignal.aborted) {
    const { workerShutdown } = context.cancellationDetails ?? {};
    if (workerShutdown) throw new ApplicationFailure("The worker is shutting down", FAILURE.workerShutdown, true);
    record("failed", { code: "CANCELLED", message: "The attempt was cancelled", retryable: false });
    throw new CancelledFailure("The attempt was cancelled");
  }
  if (outcome.type === "not_yet") throw notYet();
  record(outcome.type, outcome.type === "failed" ? outcome.error : undefined);
  return outputOf(outcome);
}

/** The outcome's value, or the failure that says it to the interpreter. */
export function outputOf(outcome: TaskOutcome): Json {
  switch (outcome.type) {
    case "success":
      return outcome.output;
    case "skipped":
      throw ApplicationFailure.create({
        type: FAILURE.skip,
        message: outcome.reason,
        nonRetryable: true,
        // No failure: it is neither logged nor counted as one.
        category: ApplicationFailureCategory.BENIGN,
      });
    case "not_yet":
      throw notYet();
    case "failed":
      throw failureOf(outcome.error);
  }
}

/** No failure, either: Temporal tries the sensor again. */
function notYet(): ApplicationFailure {
  const message = "What it looks for is not there yet";
  return ApplicationFailure.create({ type: FAILURE.notYet, message, category: ApplicationFailureCategory.BENIGN });
}

/** A task's error as Temporal carries it: its code is the failure's type, and all of it is in the details. */
export function failureOf(error: TaskError): ApplicationFailure {
  const { code, message } = error;
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [error] });
}

async function attemptOutcome(execute: () => Promise<TaskOutcome>): Promise<TaskOutcome> {
  try {
    return await execute();
  } catch (error) {
    // Only the registry throws here: this worker does not know the DAG, another one may.
    const { message } = error instanceof Error ? error : { message: String(error) };
    return { type: "failed", error: { code: "DAG_NOT_FOUND", message, retryable: true } };
  }
}

function recordAttempt(
  { recorder }: TaskGround,
  { run, nodeId, index, attempt, executionId }: AttemptRequest,
  startedAt: string,
  logFile: string | undefined,
  state: StoredAttempt["state"],
  error: TaskError | undefined,
): void {
  recorder.record({
    runId: run.id,
    temporalRunId: executionId,
    taskId: taskIdOf(nodeId, index),
    attempt,
    state,
    startedAt,
    ...(state === "running" ? {} : { endedAt: new Date().toISOString() }),
    error,
    logFile,
  });
}
