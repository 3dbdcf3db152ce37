import { Context } from "@temporalio/activity";
import { isOver } from "../core/decide.ts";
import type { DagGraph, Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import type { BackfillPage, BackfillPageRequest } from "../sandbox/backfill-protocol.ts";
import {
  ACTIVITY,
  type AttemptRequest,
  type AttemptResult,
  type CallbackRequest,
  type DeriveRequest,
  type EmitRequest,
  type PlannedLaunch,
  type PlannedRun,
  type PlanRequest,
  type SeriesOutcome,
  type SeriesRequest,
} from "../sandbox/protocol.ts";
import { emitAssets } from "./asset-activity.ts";
import { backfillPage } from "./backfill-activity.ts";
import { runCallback } from "./callback-activity.ts";
import { derived } from "./derive-activity.ts";
import { EndedRuns } from "./ended-runs.ts";
import { planned } from "./plan-activity.ts";
import { poolActivitiesOf } from "./pool-activities.ts";
import { withStartRecorded } from "./run-start.ts";
import { runSeries } from "./series-activity.ts";
import { patiently } from "./store-patience.ts";
import { outputOf, runTaskAttempt, type TaskGround } from "./task-activity.ts";

/** All activities of a worker: what the interpreter needs, and (as `default`) the tasks of every DAG. */
export function activitiesOf(ground: TaskGround) {
  const ended = new EndedRuns(ground.observer);
  return {
    [ACTIVITY.plan]: async (request: PlanRequest): Promise<PlannedRun | PlannedLaunch> =>
      await withStartRecorded(ground.store, await planned(ground, request), request),
    [ACTIVITY.derive]: async (request: DeriveRequest): Promise<Json> => outputOf(await derived(ground, request)),
    [ACTIVITY.series]: async (request: SeriesRequest): Promise<SeriesOutcome[]> => await runSeries(ground, request),
    [ACTIVITY.record]: async (
      view: RunView,
      graph?: DagGraph | null,
      firstExecutionId?: string | null,
      executionId?: string,
    ): Promise<void> => {
      const temporalRunId = executionId ?? Context.current().info.workflowExecution?.runId ?? "";
      // Who finds that a run has ended finds its attempts too.
      await patiently("The attempts are not kept yet", ground.recorder.flush());
      await ground.store?.saveRun({ view, temporalRunId });
      if (graph) await ground.store?.saveDag(graph);
      // A late record has been told of when the run ended.
      if (isOver(view.state) && executionId === undefined) ended.tell(view, firstExecutionId ?? temporalRunId);
    },
    [ACTIVITY.callback]: async (request: CallbackRequest): Promise<void> => await runCallback(ground, request),
    ...poolActivitiesOf(ground),
    [ACTIVITY.emit]: async (request: EmitRequest): Promise<void> => await emitAssets(ground, request),
    [ACTIVITY.backfill]: async (request: BackfillPageRequest): Promise<BackfillPage> =>
      await backfillPage(ground, request),
    default: async (input: Json, request: AttemptRequest): Promise<Json | AttemptResult> =>
      await runTaskAttempt(ground, input, request),
  };
}
