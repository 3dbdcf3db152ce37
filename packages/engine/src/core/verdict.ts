import type { Desk } from "./desk.ts";
import { readBy } from "./expression.ts";
import { forkVerdict, undecidedArm } from "./forks.ts";
import type { DagGraph, GraphNode } from "./graph.ts";
import { upstreamReason, whenReason } from "./reasons.ts";
import type { TaskStatus } from "./state.ts";
import type { StatusOf } from "./statuses.ts";
import type { Topology } from "./topology.ts";
import { applyTriggerRule, isFinal, ruleOf } from "./trigger-rules.ts";

/** Whether a node that nothing has been decided about waits, may run, or ends without having run, and how. */
export function verdictOn(
  { topology, statusOf, values }: Pick<Desk, "topology" | "statusOf" | "values">,
  graph: DagGraph,
  node: GraphNode,
): "wait" | "run" | Partial<TaskStatus> {
  // Forks come first, so that the result does not hang on which of the node's upstream ends first.
  // A short circuit lets teardowns through: what has been set up before it is to be cleaned up.
  const circuits = node.teardown ? [] : (topology.shortCircuits.get(node.id) ?? []);
  const fork = forkVerdict(node, circuits, statusOf);
  if (fork !== "open") return fork;
  const verdict = applyTriggerRule(
    ruleOf(node),
    node.upstream.map((id) => statusOf(id).state),
  );
  if (verdict === "wait") return "wait";
  if (verdict !== "run") return { state: verdict, reason: upstreamReason(node, verdict, statusOf) };
  const list = listVerdict(node, topology, statusOf);
  if (list !== "open") return list;
  // A value that decides whether to run must be there, whatever the rule says of the other upstream nodes.
  for (const id of topology.deciders.get(node.id) ?? []) {
    if (!isFinal(statusOf(id).state)) return "wait";
  }
  const undecided = undecidedArm(node, statusOf);
  if (undecided !== null) return undecided;
  if (node.when !== undefined && readBy(node.when, values) !== true)
    return { state: "skipped", reason: whenReason(node, graph, statusOf, values) };
  // What failed before it has run, and may have left something behind: only skips alone leave nothing.
  const hasRun = (id: string) => statusOf(id).attempts > 0 || statusOf(id).state === "upstream_failed";
  if (node.teardown && !node.upstream.some(hasRun))
    return { state: "skipped", reason: "nothing before it has run: there is nothing to clean up" };
  return "run";
}

/** What the task that makes a mapped node's list says of the node: it ends as one does that made no list. */
function listVerdict(
  { map }: GraphNode,
  { nodes }: Pick<Topology, "nodes">,
  statusOf: StatusOf,
): "wait" | "open" | Partial<TaskStatus> {
  if (map?.endsWithSource === undefined || map.over.kind !== "node") return "open";
  const { state, output } = statusOf(map.over.node);
  if (!isFinal(state)) return "wait";
  // What the items of another mapped task gave is a list, though some of them failed.
  if (state === "success" || output !== undefined) return "open";
  const reason = `there is no list to map over: ${map.over.node} is ${state}`;
  // Airflow has the items of a list that stands in the DAG itself from the start: if none of them ran, they gave none.
  const { kind } = nodes.get(map.over.node)?.map?.over ?? {};
  const gaveNone = state === "skipped" || state === "removed" || kind === "literal" || kind === "array";
  return { state: gaveNone ? "skipped" : "upstream_failed", reason };
}
