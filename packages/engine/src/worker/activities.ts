import { Context } from "@temporalio/activity";
import type { DagGraph, Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { executeFunction } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import type { BackfillPage, BackfillPageRequest } from "../sandbox/backfill-protocol.ts";
import {
  ACTIVITY,
  type AttemptRequest,
  type AttemptResult,
  type CallbackRequest,
  type DeriveRequest,
  type PlannedLaunch,
  type PlannedRun,
  type PlanRequest,
} from "../sandbox/protocol.ts";
import { backfillPage } from "./backfill-activity.ts";
import { runCallback } from "./callback-activity.ts";
import { planned } from "./plan-activity.ts";
import { outputOf, runTaskAttempt, type TaskGround } from "./task-activity.ts";

/** All activities of a worker: what the interpreter needs, and (as `default`) the tasks of every DAG. */
export function activitiesOf(ground: TaskGround) {
  return {
    [ACTIVITY.plan]: async (request: PlanRequest): Promise<PlannedRun | PlannedLaunch> =>
      await planned(ground, request),
    [ACTIVITY.derive]: async ({ dagId, nodeId, args }: DeriveRequest): Promise<Json> =>
      outputOf(await derived(ground, dagId, nodeId, args)),
    [ACTIVITY.record]: async (view: RunView, graph?: DagGraph): Promise<void> => {
      const { workflowExecution } = Context.current().info;
      ground.store?.saveRun({ view, temporalRunId: workflowExecution?.runId ?? "" });
      if (graph !== undefined) ground.store?.saveDag(graph);
    },
    [ACTIVITY.callback]: async (request: CallbackRequest): Promise<void> => await runCallback(ground, request),
    [ACTIVITY.backfill]: async (request: BackfillPageRequest): Promise<BackfillPage> =>
      await backfillPage(ground, request),
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
