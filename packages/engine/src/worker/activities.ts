import { Context } from "@temporalio/activity";
import type { DagGraph, Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { executeFunction } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import { planRun } from "../language/plan.ts";
import {
  ACTIVITY,
  type AttemptRequest,
  type AttemptResult,
  type CallbackRequest,
  type DeriveRequest,
  type PlannedRun,
  type PlanRequest,
} from "../sandbox/protocol.ts";
import { runCallback } from "./callback-activity.ts";
import { readRunInput } from "./run-input.ts";
import { withStartRecorded } from "./run-start.ts";
import { failureOf, outputOf, runTaskAttempt, type TaskGround } from "./task-activity.ts";

/** All activities of a worker: what the interpreter needs, and (as `default`) the tasks of every DAG. */
export function activitiesOf(ground: TaskGround) {
  return {
    [ACTIVITY.plan]: async (request: PlanRequest): Promise<PlannedRun> =>
      await withStartRecorded(ground.store, planned(ground, request), request),
    [ACTIVITY.derive]: async ({ dagId, nodeId, args }: DeriveRequest): Promise<Json> =>
      outputOf(await derived(ground, dagId, nodeId, args)),
    [ACTIVITY.record]: async (view: RunView, graph?: DagGraph): Promise<void> => {
      const { workflowExecution } = Context.current().info;
      // Who finds that a run has ended finds its attempts too.
      await ground.recorder.flush();
      ground.store?.saveRun({ view, temporalRunId: workflowExecution?.runId ?? "" });
      if (graph !== undefined) ground.store?.saveDag(graph);
    },
    [ACTIVITY.callback]: async (request: CallbackRequest): Promise<void> => await runCallback(ground, request),
    default: async (input: Json, request: AttemptRequest): Promise<Json | AttemptResult> =>
      await runTaskAttempt(ground, input, request),
  };
}

async function derived({ registry }: TaskGround, dagId: string, nodeId: string, args: Json): Promise<TaskOutcome> {
  try {
    return await executeFunction(registry.get(dagId), nodeId, args);
  } catch (error) {
    // Only the registry throws here.
    return { type: "failed", error: taskErrorOf(error) };
  }
}

function planned({ registry }: TaskGround, { dagId, runId, input, startedAt, scheduledFor }: PlanRequest): PlannedRun {
  try {
    const { params, conf, logicalDate, trigger, seed, dataInterval, noCache } = readRunInput(input);
    const plan = planRun(registry.get(dagId), {
      runId,
      ...{ params, conf, logicalDate, dataInterval, noCache },
      trigger: trigger ?? (scheduledFor === undefined ? "manual" : "schedule"),
      now: new Date(startedAt),
      scheduledFor: scheduledFor === undefined ? undefined : new Date(scheduledFor),
    });
    return seed === undefined ? plan : { ...plan, seed };
  } catch (error) {
    throw failureOf(taskErrorOf(error));
  }
}
