import type { TaskOutcome } from "../execution/outcome.ts";
import type { DagRegistry } from "../language/registry.ts";
import { type AttemptRequest, FAILURE } from "../sandbox/protocol.ts";

/**
 * What a worker with other code than the run's cannot do, it refuses: it lacks the node, or its schemas do not take the
 * run's input. With the run's own code the same is the task's failure.
 */
export function refusedIfOther(
  registry: DagRegistry,
  { dagId, dagVersion }: Pick<AttemptRequest, "dagId" | "dagVersion">,
  outcome: TaskOutcome,
): TaskOutcome {
  if (outcome.type !== "failed") return outcome;
  const { code, message } = outcome.error;
  if (code !== "TASK_NOT_FOUND" && code !== "INVALID_INPUT") return outcome;
  const { version } = registry.get(dagId).graph;
  return version === dagVersion ? outcome : mismatch(dagId, dagVersion, `${version}: ${message}`);
}

/** The outcome of an attempt that this worker's code does not fit. */
export function mismatch(dagId: string, ofRun: string, ofWorker: string): TaskOutcome {
  const message = `The run has version ${ofRun} of DAG "${dagId}", this worker ${ofWorker}`;
  const hint = "Run a worker that still has that version, or clear the run: it then takes the present one.";
  return { type: "failed", error: { code: FAILURE.versionMismatch, message, hint, retryable: true } };
}
