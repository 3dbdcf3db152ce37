import { nodesRead, type Readable, readBy } from "./expression.ts";
import type { DagGraph, GraphNode } from "./graph.ts";
import type { TaskError } from "./state.ts";
import type { StatusOf } from "./statuses.ts";
import { topologyOf } from "./topology.ts";

/** Why a trigger rule kept a node from running, with the upstream nodes that decided it. */
export function upstreamReason(node: GraphNode, verdict: "skipped" | "upstream_failed", statusOf: StatusOf): string {
  const named = (states: readonly string[]) => node.upstream.filter((id) => states.includes(statusOf(id).state));
  if (node.triggerRule !== "all_success") {
    return `trigger rule ${node.triggerRule} over ${node.upstream.map((id) => `${id} (${statusOf(id).state})`).join(", ")}`;
  }
  return verdict === "skipped"
    ? `upstream skipped: ${named(["skipped", "removed"]).join(", ")}`
    : `upstream failed: ${named(["failed", "upstream_failed"]).join(", ")}`;
}

/** Why `when` kept a node from running: "good_enough(0.83, 0.85) is false", the condition with the values it looked at. */
export function whenReason(node: GraphNode, graph: DagGraph, statusOf: StatusOf, values: Readable): string {
  const value = node.when === undefined ? null : readBy(node.when, values);
  const asked = node.when === undefined ? [] : nodesRead(node.when);
  const missing = asked.find((id) => statusOf(id).state !== "success");
  if (missing !== undefined) return `its condition is unknown: ${missing} is ${statusOf(missing).state}`;
  const words = asked.map((id) => {
    const source = topologyOf(graph).nodes.get(id);
    if (source?.kind !== "derive") return id;
    const given = readBy(source.input, values);
    return `${id}(${Array.isArray(given) ? given.map((one) => JSON.stringify(one)).join(", ") : ""})`;
  });
  return `${words.join(", ") || "its condition"} is ${JSON.stringify(value)}`;
}

/** Why a run failed: the task that failed first. */
export function runError(graph: DagGraph, statusOf: StatusOf): TaskError {
  let first: { id: string; endedAt: number; error: TaskError } | undefined;
  for (const { id } of graph.nodes) {
    const { state, error, endedAt = 0 } = statusOf(id);
    if (state !== "failed" || error === undefined) continue;
    if (first === undefined || endedAt < first.endedAt) first = { id, endedAt, error };
  }
  if (first === undefined) return { code: "RUN_FAILED", message: "A task failed", retryable: false };
  return { ...first.error, message: `Task "${first.id}": ${first.error.message}` };
}

/** The error of a task that too many workers died under. */
export function lostError(lost: number): TaskError {
  return {
    code: "WORKER_LOST",
    message: `${lost} workers died while they ran this task`,
    hint: "The task may kill its worker (memory?): see the worker's log and the machine's.",
    retryable: false,
  };
}
