import { Context } from "@temporalio/activity";
import { isOver } from "../core/decide.ts";
import type { DagGraph, Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { executeFunction } from "../execution/execute-task.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import { DagNotFoundError } from "../language/errors.ts";
import { planRun } from "../language/plan.ts";
import { fetchStored } from "../objects/stored-outputs.ts";
import {
  ACTIVITY,
  type AttemptRequest,
  type AttemptResult,
  type CallbackRequest,
  type DeriveRequest,
  type EmitRequest,
  type PlannedRun,
  type PlanRequest,
} from "../sandbox/protocol.ts";
import { emitAssets } from "./asset-activity.ts";
import { runCallback } from "./callback-activity.ts";
import { carried, limitsOf } from "./carried-values.ts";
import { EndedRuns } from "./ended-runs.ts";
import { poolActivitiesOf } from "./pool-activities.ts";
import { readRunInput } from "./run-input.ts";
import { failureOf, outputOf, runTaskAttempt, type TaskGround } from "./task-activity.ts";
import { mismatch, refusedIfOther } from "./version-fit.ts";

/** All activities of a worker: what the interpreter needs, and (as `default`) the tasks of every DAG. */
export function activitiesOf(ground: TaskGround) {
  const ended = new EndedRuns(ground.observer);
  return {
    [ACTIVITY.plan]: async (request: PlanRequest): Promise<PlannedRun> => planned(ground, request),
    [ACTIVITY.derive]: async (request: DeriveRequest): Promise<Json> => outputOf(await derived(ground, request)),
    [ACTIVITY.record]: async (
      view: RunView,
      graph?: DagGraph | null,
      firstExecutionId?: string | null,
      executionId?: string,
    ): Promise<void> => {
      const temporalRunId = executionId ?? Context.current().info.workflowExecution?.runId ?? "";
      await ground.store?.saveRun({ view, temporalRunId });
      if (graph) await ground.store?.saveDag(graph);
      // A late record has been told of when the run ended.
      if (isOver(view.state) && executionId === undefined) ended.tell(view, firstExecutionId ?? temporalRunId);
    },
    [ACTIVITY.callback]: async (request: CallbackRequest): Promise<void> => await runCallback(ground, request),
    ...poolActivitiesOf(ground),
    [ACTIVITY.emit]: async (request: EmitRequest): Promise<void> => await emitAssets(ground, request),
    default: async (input: Json, request: AttemptRequest): Promise<Json | AttemptResult> =>
      await runTaskAttempt(ground, input, request),
  };
}

async function derived(
  { registry, objects }: TaskGround,
  { dagId, dagVersion = "", nodeId, args, steering = false }: DeriveRequest,
): Promise<TaskOutcome> {
  try {
    const given = objects === null ? args : await fetchStored(objects, args);
    const outcome = await executeFunction(registry.get(dagId), nodeId, given);
    const fitting = refusedIfOther(registry, { dagId, dagVersion }, outcome);
    return await carried(objects, fitting, `derive "${nodeId}"`, steering);
  } catch (error) {
    if (error instanceof DagNotFoundError) return mismatch(dagId, dagVersion, "none: it does not know the DAG");
    return { type: "failed", error: taskErrorOf(error) };
  }
}

function planned(
  { registry, objects, continueAfterEvents }: TaskGround,
  { dagId, runId, input, startedAt, scheduledFor }: PlanRequest,
): PlannedRun {
  try {
    const { params, conf, logicalDate, trigger, seed, dataInterval, noCache, assetEvents, emitAssets } =
      readRunInput(input);
    const plan = planRun(registry.get(dagId), {
      runId,
      ...{ params, conf, logicalDate, dataInterval, noCache, assetEvents, emitAssets },
      trigger: trigger ?? (scheduledFor === undefined ? "manual" : "schedule"),
      now: new Date(startedAt),
      scheduledFor: scheduledFor === undefined ? undefined : new Date(scheduledFor),
    });
    const limits = limitsOf(objects, continueAfterEvents);
    return seed === undefined ? { ...plan, limits } : { ...plan, limits, seed };
  } catch (error) {
    throw failureOf(taskErrorOf(error));
  }
}
