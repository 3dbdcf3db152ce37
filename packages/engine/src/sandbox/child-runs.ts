import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
  startChild,
  WorkflowIdReusePolicy,
} from "@temporalio/workflow";
import { childRunIdOf, subdagCancelled, subdagFailed } from "../core/child-run.ts";
import type { GraphNode, Json } from "../core/graph.ts";
import { isTaskError } from "../core/is-task-error.ts";
import { totalTimeoutError } from "../core/retries.ts";
import type { RunInfo, RunTrigger, RunView, TaskError } from "../core/state.ts";

/** A run that a node starts: the node, the run that it stands in, what the child is given, and how often it was cleared. */
interface ChildRun {
  readonly node: GraphNode;
  readonly run: RunInfo;
  readonly input: Json;
  readonly clears: number;
  /** It is to be cancelled after so long. */
  readonly withinMs?: number | undefined;
}

/** Runs another DAG for a `subdag` node, and gives its output. It is cancelled with the scope that this runs in. */
export async function runSubdag(child: ChildRun): Promise<Json> {
  const { withinMs, node } = child;
  if (withinMs === undefined) return await executeSubdag(child);
  const scope = new CancellationScope({ cancellable: true });
  const work = scope
    .run(() => executeSubdag(child))
    .then(
      (output) => ({ output }),
      (thrown: unknown) => ({ thrown }),
    );
  const timer = new CancellationScope({ cancellable: true });
  const late = timer
    .run(() => sleep(withinMs, { summary: `totalTimeout of ${node.id}` }))
    .then(
      () => true,
      () => false,
    );
  const isLate = await Promise.race([late, work.then(() => false)]);
  if (isLate) scope.cancel();
  else timer.cancel();
  const ended = await work;
  if (isLate) throw failureOf(totalTimeoutError(node.policy.totalTimeoutMs));
  if ("thrown" in ended) throw ended.thrown;
  return ended.output;
}

async function executeSubdag({ node, run, input, clears }: ChildRun): Promise<Json> {
  const runId = childRunIdOf(node, run, clears);
  const { logicalDate, dataInterval, trigger, conf, noCache, assetEvents, emitAssets } = run;
  const given = {
    ...{ params: input, conf, logicalDate, dataInterval, trigger },
    ...(noCache ? { noCache } : {}),
    ...(assetEvents === undefined ? {} : { assetEvents }),
    ...(emitAssets === false ? { emitAssets } : {}),
  };
  try {
    const view: RunView = await executeChild(node.dag ?? node.id, {
      workflowId: runId,
      args: [given],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      // Another attempt, or another execution of this run, runs it again.
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: publishedAs(node, trigger),
      staticSummary: `${node.id} of ${run.id}`,
    });
    return view.output;
  } catch (thrown) {
    if (isCancellation(thrown) && !(thrown instanceof ChildWorkflowFailure)) throw thrown;
    throw failureOf(subdagError(runId, thrown));
  }
}

/** Starts a run of another DAG for a `trigger` node, once however often it is asked to. */
export async function triggerRun({ node, run, input, clears }: ChildRun): Promise<Json> {
  const runId = childRunIdOf(node, run, clears);
  const given = { ...(typeof input === "object" ? input : {}), trigger: "manual" };
  try {
    await startChild(node.dag ?? node.id, {
      workflowId: runId,
      args: [given],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      typedSearchAttributes: publishedAs(node, "manual"),
      staticSummary: `triggered by ${node.id} of ${run.id}`,
    });
  } catch (error) {
    // It has been started: by an attempt whose worker died, or before this run was cleared of a later task.
    if (!(error instanceof Error) || error.name !== "WorkflowExecutionAlreadyStartedError") throw error;
  }
  return { runId };
}

function publishedAs({ dag = "" }: GraphNode, trigger: RunTrigger) {
  return [
    { key: { name: "DagId", type: "KEYWORD" as const }, value: dag },
    { key: { name: "RunState", type: "KEYWORD" as const }, value: "queued" },
    { key: { name: "RunTrigger", type: "KEYWORD" as const }, value: trigger },
  ];
}

function subdagError(runId: string, thrown: unknown): TaskError {
  const cause = thrown instanceof ChildWorkflowFailure ? thrown.cause : thrown;
  if (isCancellation(cause)) return subdagCancelled(runId);
  if (cause instanceof ApplicationFailure) {
    if (cause.type === "RUN_CANCELLED") return subdagCancelled(runId);
    const [view] = cause.details ?? [];
    const error: unknown = typeof view === "object" && view !== null ? Reflect.get(view, "error") : undefined;
    return subdagFailed(
      runId,
      isTaskError(error) ? error : { code: cause.type ?? "RUN_FAILED", message: cause.message },
    );
  }
  return subdagFailed(runId, { code: "RUN_FAILED", message: cause instanceof Error ? cause.message : String(cause) });
}

function failureOf(error: TaskError): ApplicationFailure {
  return ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, details: [error] });
}
