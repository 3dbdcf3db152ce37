import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import { FAILURE, type LaunchResult, type PlannedLaunch, type PlannedRun } from "./protocol.ts";

/**
 * Launches the run of a logical date for a schedule and waits for it, so that the schedule's overlap policy sees it
 * running, and a cancellation reaches it. A run that exists already (started by hand, or by a backfill) is left alone.
 *
 * @param root The workflow's root scope, whose cancellation is passed on.
 */
export async function launchRun(
  { runAs: runId, logicalDate, dataInterval, instead, terminates = false, plan }: PlannedLaunch,
  input: unknown,
  root: CancellationScope,
): Promise<LaunchResult> {
  const before = busyUntil();
  if (instead !== undefined) return { runId, ...instead, ...(before === undefined ? {} : { busyUntil: before }) };
  const { workflowType } = workflowInfo();
  const given = typeof input === "object" ? input : {};
  const scope = new CancellationScope({ cancellable: true });
  root.cancelRequested.catch(() => scope.cancel());
  try {
    await scope.run(() =>
      executeChild(workflowType, {
        workflowId: runId,
        args: [{ ...given, logicalDate, dataInterval, trigger: "schedule", ...(plan === undefined ? {} : { plan }) }],
        parentClosePolicy: terminates ? ParentClosePolicy.TERMINATE : ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        typedSearchAttributes: [
          { key: { name: "DagId", type: "KEYWORD" }, value: workflowType },
          { key: { name: "LogicalDate", type: "DATETIME" }, value: new Date(logicalDate) },
          { key: { name: "RunState", type: "KEYWORD" }, value: "queued" },
          { key: { name: "RunTrigger", type: "KEYWORD" }, value: "schedule" },
        ],
        staticSummary: runId,
      }),
    );
    return { runId, outcome: "success", busyUntil: now() };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "WorkflowExecutionAlreadyStartedError") {
      const why = "The run of this logical date was started by something else";
      return { runId, outcome: "already_started", why, ...(before === undefined ? {} : { busyUntil: before }) };
    }
    // The launcher itself was cancelled: by its schedule's overlap policy, or by hand.
    if (scope.consideredCancelled && isCancellation(thrown)) throw new CancelledFailure(`Run ${runId} was cancelled`);
    throw failureOf(runId, thrown);
  }
}

/** The plan that a launcher has handed to its run. Nobody else can: of what has no parent, planning refuses the field. */
export function launchedPlanOf(input: unknown): PlannedRun | null {
  if (workflowInfo().parent === undefined) return null;
  if (typeof input !== "object" || input === null || !("plan" in input)) return null;
  // Made by `launchRun`.
  return (input as { readonly plan: PlannedRun }).plan;
}

function failureOf(runId: string, thrown: unknown): ApplicationFailure {
  const cause = thrown instanceof ChildWorkflowFailure ? thrown.cause : thrown;
  const cancelled =
    isCancellation(cause) || (cause instanceof ApplicationFailure && cause.type === FAILURE.runCancelled);
  const result: LaunchResult = { runId, outcome: cancelled ? "cancelled" : "failed", busyUntil: now() };
  const type = cancelled ? FAILURE.runCancelled : "RUN_FAILED";
  const why = cause instanceof Error ? cause.message : String(cause);
  return ApplicationFailure.create({ type, message: `${runId}: ${why}`, nonRetryable: true, details: [result] });
}

/** When the last run that this schedule launched ended, as its launcher said: Temporal hands results on. */
export function busyUntil(): string | undefined {
  const { lastResult, lastFailure } = workflowInfo();
  const failed = lastFailure instanceof ApplicationFailure ? (lastFailure.details ?? []) : [];
  const said = [lastResult, ...failed].flat().flatMap((one: unknown) => {
    const moment: unknown = typeof one === "object" && one !== null ? Reflect.get(one, "busyUntil") : undefined;
    return typeof moment === "string" ? [moment] : [];
  });
  return said.sort().at(-1);
}

function now(): string {
  return new Date(Date.now()).toISOString();
}
