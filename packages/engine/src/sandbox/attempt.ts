import { ActivityCancellationType, scheduleActivity, scheduleLocalActivity, workflowInfo } from "@temporalio/workflow";
import type { DagGraph, GraphNode, Json } from "../core/graph.ts";
import type { Place, RunInfo, RunTask, SchedulerState, TaskError } from "../core/state.ts";
import { topologyOf } from "../core/topology.ts";
import { runSubdag, triggerRun } from "./child-runs.ts";
import { ACTIVITY, type AttemptRequest, type AttemptResult, type DeriveRequest } from "./protocol.ts";

/** Carries out one attempt: an activity, a local activity, or a run of another DAG. */
export async function executeAttempt(
  state: SchedulerState,
  node: GraphNode,
  { index, clears, attempt, input, withinMs }: RunTask,
): Promise<AttemptResult> {
  const { id, policy } = node;
  const { graph, run } = state;
  if (node.kind === "subdag") return { output: await runSubdag({ node, run, input, clears, withinMs }) };
  if (node.kind === "trigger") return { output: await triggerRun({ node, run, input, clears }) };
  const name = nameOf({ id, index });
  const title = attempt > 1 ? `${name}, attempt ${attempt}` : name;
  const summary = node.summary === undefined ? title : `${title}: ${node.summary}`;
  // The core owns retries: it alone knows a failure from a lost worker.
  const options = {
    startToCloseTimeout: policy.timeoutMs,
    retry: { maximumAttempts: 1 },
    summary,
    ...(withinMs === undefined ? {} : { scheduleToCloseTimeout: withinMs }),
  };
  const of = { graph, run, steering: topologyOf(graph).steering };
  if (node.kind === "derive") {
    const request: DeriveRequest = { ...deriveRequest(of, node), args: input };
    return { output: await scheduleLocalActivity<Json>(ACTIVITY.derive, [request], options) };
  }
  const request: AttemptRequest = { ...attemptRequest(of, node, { index, clears, attempt }), run };
  const type = node.task ?? id;
  if (node.light)
    return resultOf(node, await scheduleLocalActivity<Json | AttemptResult>(type, [input, request], options));
  const returned = await scheduleActivity<Json | AttemptResult>(type, [input, request], {
    ...options,
    ...(node.sensor === undefined ? {} : lookingEverySoOften(state.tasks[id]?.startedAt ?? Date.now(), node.sensor)),
    activityId: name,
    heartbeatTimeout: policy.heartbeatMs,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    ...(node.queue === undefined ? {} : { taskQueue: node.queue }),
  });
  return resultOf(node, returned);
}

/** Whose attempt it is. */
interface AttemptOf {
  readonly graph: DagGraph;
  readonly run: RunInfo;
  readonly steering: ReadonlySet<string>;
}

/** What an attempt of a task says to its worker besides its input. */
export function attemptRequest(
  { graph, run, steering }: AttemptOf,
  { id, policy, cache, outlets }: GraphNode,
  { index, clears, attempt }: Pick<RunTask, "index" | "clears" | "attempt">,
): Omit<AttemptRequest, "run"> {
  return {
    dagId: graph.dagId,
    dagVersion: graph.version,
    nodeId: id,
    ...(index === undefined ? {} : { index }),
    ...(clears > 0 ? { clears } : {}),
    ...(steering.has(id) ? { steering: true } : {}),
    ...(cache === undefined ? {} : { cache: { ...cache, read: clears === 0 && run.noCache !== true } }),
    ...(outlets === undefined ? {} : { outlets: outlets.map(({ uri }) => uri) }),
    ...(policy.noRetryOn === undefined ? {} : { noRetryOn: policy.noRetryOn }),
    attempt,
    executionId: workflowInfo().firstExecutionRunId,
  };
}

/** What a `derive` says to its worker besides its arguments. */
export function deriveRequest({ graph, steering }: AttemptOf, { id }: GraphNode): Omit<DeriveRequest, "args"> {
  return {
    ...{ dagId: graph.dagId, dagVersion: graph.version, nodeId: id },
    ...(steering.has(id) ? { steering: true } : {}),
  };
}

/** Temporal itself tries a sensor again: a look costs no history, and nobody is kept busy between two looks. */
function lookingEverySoOften(startedAt: number, { pokeMs, timeoutMs }: NonNullable<GraphNode["sensor"]>) {
  return {
    scheduleToCloseTimeout: Math.max(1, startedAt + timeoutMs - Date.now()),
    retry: { initialInterval: pokeMs, maximumInterval: pokeMs, backoffCoefficient: 1 },
  };
}

/** What the attempt of a node returned: with a cache or outlets a result, unless a worker in another language gave its output. */
function resultOf({ cache, outlets }: GraphNode, returned: Json | AttemptResult): AttemptResult {
  if (cache !== undefined) return returned as AttemptResult;
  return outlets !== undefined && isResult(returned) ? returned : { output: returned as Json };
}

function isResult(returned: Json | AttemptResult): returned is AttemptResult {
  if (typeof returned !== "object" || returned === null || Object.keys(returned).length !== 2) return false;
  return "output" in returned && "emitted" in returned && Array.isArray(returned.emitted);
}

/** The failure of an attempt whose input has more characters of JSON than it may have. */
export function inputTooLarge(bytes: number, most: number): TaskError {
  return {
    code: "INPUT_TOO_LARGE",
    message: `Its input has ${bytes} bytes as JSON: at most ${most} are allowed`,
    hint: "Pass data by reference: a table or file, and its version.",
    retryable: false,
  };
}

/** What an attempt is called in Temporal's UI: a node's id, with the place of the item when it is mapped. */
export function nameOf({ id, index }: Place): string {
  return index === undefined ? id : `${id}[${index}]`;
}
