import {
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  scheduleLocalActivity,
  workflowInfo,
} from "@temporalio/workflow";
import { isTaskError } from "../core/is-task-error.ts";
import type { RunView } from "../core/state.ts";
import { type ResumeInput, resumedRunOf } from "./continuation.ts";
import { busyUntil, launchedPlanOf, launchRun } from "./launcher.ts";
import {
  ACTIVITY,
  FAILURE,
  type LaunchResult,
  MEMO_FORMER,
  MEMO_TIMES,
  type PlannedLaunch,
  type PlannedRun,
  type PlanRequest,
} from "./protocol.ts";
import { recordEnd } from "./record-run.ts";
import { acceptRequests } from "./requests.ts";
import { withinResult } from "./run-result.ts";
import { RunShell } from "./run-shell.ts";
import { publishRun } from "./search-attributes.ts";
import { unplannedView } from "./unplanned-view.ts";

/**
 * Every run of every DAG: the workflow's type is the DAG's id. Its first step asks the worker for the plan (graph,
 * params, dates), which Temporal records, so that the run keeps it over deployments; then the scheduler core decides and
 * the shell carries out.
 *
 * Success returns the run's view; a failed run is a failed workflow that carries the view; a cancelled run is a cancelled
 * workflow. What a schedule starts is no run itself: by its plan it launches the run of its logical date.
 */
export async function interpreter(input?: unknown): Promise<RunView | LaunchResult> {
  const root = CancellationScope.current();
  return await CancellationScope.nonCancellable(async () => {
    const requests = acceptRequests(root);
    const plan = resumedRunOf(input) ?? launchedPlanOf(input) ?? (await planned(input));
    if ("runAs" in plan) return await launchRun(plan, input, root);
    const shell = new RunShell(plan, CancellationScope.current());
    requests.answerWith(shell);
    const view = await shell.toItsEnd();
    if (!("runId" in view)) {
      await condition(allHandlersFinished);
      const resume: ResumeInput = { resume: view };
      return await continueAsNew(resume);
    }
    await recordEnd(view, shell.graphNotKept());
    const most = shell.largestResult();
    if (view.state === "success") return withinResult(view, most);
    if (view.state === "cancelled") {
      // Temporal shows a workflow as cancelled only if it was asked to cancel by Temporal's own means too.
      if (await requests.cancelledByTemporal()) throw new CancelledFailure(view.error?.message ?? "Cancelled");
      throw failureOf(view, FAILURE.runCancelled, most);
    }
    throw failureOf(view, "RUN_FAILED", most);
  });
}

/** The plan, from the worker. A run that cannot be planned (unknown DAG, bad params, bad date) fails at once. */
async function planned(input: unknown): Promise<PlannedRun | PlannedLaunch> {
  const { workflowId, workflowType, startTime, typedSearchAttributes, memo } = workflowInfo();
  const scheduledFor = typedSearchAttributes.get({ name: "TemporalScheduledStartTime", type: "DATETIME" });
  const request: PlanRequest = {
    dagId: workflowType,
    runId: workflowId,
    input,
    startedAt: startTime.toISOString(),
    ...(scheduledFor === undefined
      ? {}
      : {
          scheduledFor: scheduledFor.toISOString(),
          takenUpAt: new Date(Date.now()).toISOString(),
          busyUntil: busyUntil(),
          firedBy: memo?.[MEMO_TIMES],
        }),
  };
  try {
    return await scheduleLocalActivity<PlannedRun | PlannedLaunch>(ACTIVITY.plan, [request], {
      startToCloseTimeout: "30s",
      retry: { maximumAttempts: 3, initialInterval: "200ms" },
      summary: "plan",
    });
  } catch (thrown) {
    // A local activity's failure comes bare.
    const cause = thrown instanceof ActivityFailure ? thrown.cause : thrown;
    if (isCancellation(thrown)) throw thrown;
    const [error] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
    const known = isTaskError(error)
      ? error
      : { code: "PLAN_FAILED", message: cause instanceof Error ? cause.message : String(cause), retryable: true };
    const view = unplannedView(request, known, memo?.[MEMO_FORMER]);
    publishRun(view);
    await recordEnd(view);
    throw failureOf(view, known.code);
  }
}

function failureOf(view: RunView, type: string, most?: number): ApplicationFailure {
  const message = view.error?.message ?? "The run failed";
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [withinResult(view, most)] });
}
