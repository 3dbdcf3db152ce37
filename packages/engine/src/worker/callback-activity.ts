import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { executeCallback } from "../execution/execute-callback.ts";
import type { CallbackRequest } from "../sandbox/protocol.ts";
import { attemptLogFile, openAttemptLog } from "./attempt-log.ts";
import { withHeartbeats } from "./heartbeats.ts";
import { failureOf, type TaskGround } from "./task-activity.ts";

/** Calls a callback of a DAG as a Temporal activity: one attempt, its log in a file as a task's is. */
export async function runCallback(ground: TaskGround, { name, attempt, event, run }: CallbackRequest): Promise<void> {
  const { registry, services, redactor, logsFolder } = ground;
  const context = Context.current();
  const dagId = context.info.workflowType ?? "";
  const taskId = `@${name}`;
  const logFile = logsFolder === null ? undefined : attemptLogFile(logsFolder, { run, taskId, attempt });
  const outcome = await withHeartbeats(context, async (onProgress) => {
    try {
      return await executeCallback({
        dag: registry.get(dagId),
        ...{ name, attempt, event, run, redactor, onProgress },
        services: logFile === undefined ? services : { ...services, log: () => openAttemptLog(logFile) },
        signal: context.cancellationSignal,
      });
    } catch (error) {
      // Only the registry throws here: this worker does not know the DAG, another one may.
      const { message } = error instanceof Error ? error : { message: String(error) };
      return { type: "failed", error: { code: "DAG_NOT_FOUND", message, retryable: true } } as const;
    }
  });
  if (outcome.type === "success") return;
  if (context.cancellationDetails?.workerShutdown)
    throw ApplicationFailure.create({ type: "WORKER_SHUTDOWN", message: "The worker is shutting down" });
  if (context.cancellationSignal.aborted) throw new CancelledFailure("The callback was cancelled");
  if (outcome.type === "failed") throw failureOf(outcome.error);
}
