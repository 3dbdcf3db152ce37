import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import type { Client } from "@temporalio/client";
import { ApplicationFailureCategory } from "@temporalio/common";
import type { Json } from "../core/graph.ts";
import type { TaskError } from "../core/state.ts";
import { executeTask, taskIdOf } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import type { Redactor } from "../execution/redactor.ts";
import { outcomeOfThrown } from "../execution/task-error.ts";
import type { TaskServices } from "../language/context.ts";
import { DagNotFoundError } from "../language/errors.ts";
import type { DagRegistry } from "../language/registry.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { fetchStored } from "../objects/stored-outputs.ts";
import { type AttemptRequest, type AttemptResult, FAILURE } from "../sandbox/protocol.ts";
import type { RunStore, StoredAttempt } from "../store/run-store.ts";
import type { AttemptLogs } from "./attempt-log.ts";
import type { AttemptRecorder } from "./attempt-recorder.ts";
import { attemptServices } from "./attempt-services.ts";
import { withinAttemptTime } from "./attempt-time.ts";
import { carried } from "./carried-values.ts";
import { withHeartbeats } from "./heartbeats.ts";
import type { Observer } from "./observer.ts";
import { throughCache } from "./task-cache.ts";
import { mismatch, refusedIfOther } from "./version-fit.ts";

/** What attempts stand on. */
export interface TaskGround {
  readonly registry: DagRegistry;
  readonly services: TaskServices;
  readonly store: RunStore | null;
  /** Keeps attempts in the store beside them. */
  readonly recorder: AttemptRecorder;
  /** Keeps values that are too large for Temporal; null: they are refused. */
  readonly objects: ObjectStore | null;
  /** History events after which a run continues as new. */
  readonly continueAfterEvents: number;
  /** Knows every secret that a task of this process was given. */
  readonly redactor: Redactor;
  /** Where attempts write their logs; null: nowhere. */
  readonly logs: AttemptLogs | null;
  readonly observer: Observer;
  /** The server that the worker works for. */
  readonly temporal: Client;
}

/**
 * Runs one attempt of a task as a Temporal activity: heartbeats while it runs, its log in a file, its outcome in the run
 * store.
 */
export async function runTaskAttempt(
  ground: TaskGround,
  input: Json,
  request: AttemptRequest,
  signal?: AbortSignal,
): Promise<Json | AttemptResult> {
  const { cache, outlets } = request;
  if (cache !== undefined)
    return await throughCache(ground, input, request, cache, () => attemptTask(ground, input, request));
  const result = await attemptTask(ground, input, request, signal);
  return outlets === undefined ? result.output : result;
}

/** @param signal Aborts the attempt. @default the activity's own */
async function attemptTask(
  ground: TaskGround,
  input: Json,
  request: AttemptRequest,
  signal = Context.current().cancellationSignal,
): Promise<AttemptResult> {
  const { registry, redactor, observer, objects } = ground;
  const context = Context.current();
  const { dagId, nodeId, index, attempt, clears, run, executionId, noRetryOn, outlets } = request;
  const taskId = taskIdOf(nodeId, index);
  const { currentAttemptScheduledTimestampMs: scheduledAt } = context.info;
  const observed = observer.attempt({ dagId, nodeId, taskId, attempt, run, executionId, scheduledAt });
  const { services, logFile, within } = attemptServices(ground, { run, taskId, attempt }, observed);
  const record = (state: StoredAttempt["state"], error?: TaskError) =>
    recordAttempt(ground, request, startedAt, logFile, state, error);
  const startedAt = new Date().toISOString();
  record("running");
  const executed = await withHeartbeats(context, (onProgress) =>
    within(() =>
      withinAttemptTime(context, signal, (signal) =>
        attemptOutcome(request, async () =>
          executeTask({
            dag: registry.get(dagId),
            ...{ nodeId, index, attempt, clears, run, noRetryOn, outlets, services, redactor, onProgress },
            input: objects === null ? input : await fetchStored(objects, input),
            signal,
          }),
        ),
      ),
    ),
  );
  const fitting = refusedIfOther(registry, request, executed);
  const outcome = await carried(objects, fitting, `task "${nodeId}"`, request.steering ?? false);
  if (outcome.type !== "success" && context.cancellationSignal.aborted) {
    const { workerShutdown } = context.cancellationDetails ?? {};
    observed.ended({ state: workerShutdown ? "released" : "cancelled" });
    if (workerShutdown) throw new ApplicationFailure("The worker is shutting down", FAILURE.workerShutdown, true);
    record("failed", { code: "CANCELLED", message: "The attempt was cancelled", retryable: false });
    throw new CancelledFailure("The attempt was cancelled");
  }
  const error = outcome.type === "failed" ? outcome.error : undefined;
  observed.ended({ state: outcome.type, error });
  if (outcome.type === "not_yet") throw notYet();
  record(outcome.type, error);
  const emitted = outcome.type === "success" ? (outcome.emitted ?? []) : [];
  return { output: outputOf(outcome), ...(outlets === undefined ? {} : { emitted }) };
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

async function attemptOutcome(
  { dagId, dagVersion }: AttemptRequest,
  execute: () => Promise<TaskOutcome>,
): Promise<TaskOutcome> {
  try {
    return await execute();
  } catch (error) {
    if (error instanceof DagNotFoundError) return mismatch(dagId, dagVersion, "none: it does not know the DAG");
    return outcomeOfThrown(error);
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
