import { ApplicationFailure, type WorkflowUpdateFailedError } from "@temporalio/client";
import { NothingToClearError, NotWaitingError, RunOverError, RunRefusedError, TaskNotInRunError } from "./errors.ts";

/** A run's refusal of an update, as an error of ours. */
export function refusalOf(error: WorkflowUpdateFailedError, runId: string, verb: string): Error {
  const { cause } = error;
  const message = cause?.message ?? error.message;
  switch (cause instanceof ApplicationFailure ? cause.type : undefined) {
    case "NOT_WAITING":
      return new NotWaitingError(message);
    case "NO_SUCH_TASK":
      return new TaskNotInRunError(message, `dagwright runs show ${runId} lists its tasks.`);
    case "NOTHING_TO_CLEAR":
      return new NothingToClearError(message, `dagwright runs show ${runId} lists its tasks.`);
    case "RUN_OVER":
      return new RunOverError(runId, verb);
    default:
      return new RunRefusedError(runId, verb, message);
  }
}
