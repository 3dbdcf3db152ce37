import type { Json } from "../core/graph.ts";
import type { CallbackName } from "../core/state.ts";
import type { CallbackFunction, RunEvent } from "../language/callbacks.ts";
import type { Dag } from "../language/dag.ts";
import { type ContextGround, contextOf } from "./execute-task.ts";
import type { TaskOutcome } from "./outcome.ts";
import { Redactor } from "./redactor.ts";
import { outcomeOfThrown } from "./task-error.ts";

/** One attempt of a callback. */
export interface CallbackExecution extends Omit<ContextGround, "nodeId" | "index" | "clears"> {
  readonly dag: Dag;
  readonly name: CallbackName;
  /** The run as `eventOf` tells it. */
  readonly event: Json;
  /** Runs in place of the callback's own function (a test's mock). */
  readonly implementation?: CallbackFunction;
}

/** Calls a callback of a DAG. Never throws. Error of its own: `CALLBACK_NOT_FOUND` (this worker's code does not have it). */
export async function executeCallback({
  dag,
  name,
  event,
  implementation,
  ...ground
}: CallbackExecution): Promise<TaskOutcome> {
  const run = implementation ?? dag.callbacks.get(name);
  if (run === undefined) {
    const message = `This worker's DAG "${dag.id}" (version ${dag.graph.version}) has no ${name}`;
    return { type: "failed", error: { code: "CALLBACK_NOT_FOUND", message, retryable: true } };
  }
  const { redactor = new Redactor() } = ground;
  const context = contextOf({ ...ground, nodeId: `@${name}`, redactor });
  try {
    // Made by eventOf of a view.
    await run(event as unknown as RunEvent, context);
    return { type: "success", output: null };
  } catch (thrown) {
    return redactor.outcome(outcomeOfThrown(thrown, { shown: redactor.text }), context.log);
  }
}
