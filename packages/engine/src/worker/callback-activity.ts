import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { executeCallback } from "../execution/execute-callback.ts";
import type { CallbackRequest } from "../sandbox/protocol.ts";
import { attemptServices } from "./attempt-services.ts";
import { withHeartbeats } from "./heartbeats.ts";
import { failureOf, type TaskGround } from "./task-activity.ts";

/** Calls a callback of a DAG as a Temporal activity: one attempt, kept as a task's is, its log in a file. */
export async function runCallback(ground: TaskGround, request: CallbackRequest): Promise<void> {
  const { registry, redactor, observer, recorder } = ground;
  const { name, attempt, event, run, executionId } = request;
  const context = Context.current();
  const dagId = context.info.workflowType ?? "";
  const taskId = `@${name}`;
  const { currentAttemptScheduledTimestampMs: scheduledAt } = context.info;
  const observed = observer.attempt({ dagId, nodeId: taskId, taskId, attempt, run, executionId, scheduledAt });
  const { services, logFile, within } = attemptServices(ground, { run, taskId, attempt }, observed);
  const kept = {
    runId: run.id,
    temporalRunId: executionId,
    taskId,
    attempt,
    startedAt: new Date().toISOString(),
    logFile,
  };
  recorder.record({ ...kept, state: "running" });
  const outcome = await withHeartbeats(context, (onProgress) =>
    within(async () => {
      try {
        return await executeCallback({
          dag: registry.get(dagId),
          ...{ name, attempt, event, run, services, redactor, onProgress },
          signal: context.cancellationSignal,
        });
      } catch (error) {
        // Only the registry throws here: this worker does not know the DAG, another one may.
        const { message } = error instanceof Error ? error : { message: String(error) };
        return { type: "failed", error: { code: "DAG_NOT_FOUND", message, retryable: true } } as const;
      }
    }),
  );
  const error = outcome.type === "failed" ? outcome.error : undefined;
  observed.ended({ state: outcome.type, error });
  if (context.cancellationDetails?.workerShutdown && outcome.type !== "success")
    throw ApplicationFailure.create({ type: "WORKER_SHUTDOWN", message: "The worker is shutting down" });
  const state = outcome.type === "success" ? "success" : "failed";
  recorder.record({ ...kept, state, endedAt: new Date().toISOString(), ...(error === undefined ? {} : { error }) });
  if (outcome.type === "success") return;
  if (context.cancellationSignal.aborted) throw new CancelledFailure("The callback was cancelled");
  if (outcome.type === "failed") throw failureOf(outcome.error);
}
