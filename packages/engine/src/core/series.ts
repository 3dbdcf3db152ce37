import { bound } from "./expression.ts";
import type { Expression, GraphNode } from "./graph.ts";
import type { SchedulerState, TaskStatus } from "./state.ts";
import { lookup, statusesOf } from "./statuses.ts";
import { topologyOf } from "./topology.ts";
import { isFinal } from "./trigger-rules.ts";

/** A node that may run as soon as the one before it in its series has succeeded. */
export interface Follower {
  readonly node: GraphNode;
  readonly status: TaskStatus;
  /** Reads of nothing but the nodes before it in the series. */
  readonly input: Expression;
}

/**
 * The light nodes that can run one after the other behind a light node that starts now: each is all that the success of
 * the one before it lets start. The scheduler would start them one by one just so, at a step of the run for each.
 */
export function followersOf(state: SchedulerState, first: GraphNode, most: number): readonly Follower[] {
  const { graph, params, run } = state;
  const topology = topologyOf(graph);
  if (topology.limited || state.state !== "running" || state.cancelling !== undefined || !isPlain(first)) return [];
  const statusOf = lookup(state, statusesOf(state));
  const values = { params, run, outputOf: (id: string) => statusOf(id).output };
  const series = new Set([first.id]);
  const followers: Follower[] = [];
  for (let last = first.id; followers.length < most; ) {
    const starts = (topology.dependents.get(last) ?? []).filter((id) => {
      const rule = topology.nodes.get(id)?.triggerRule ?? "always";
      const ended = (before: string) => series.has(before) || isFinal(statusOf(before).state);
      return EARLY.test(rule) || (topology.dependencies.get(id) ?? []).every(ended);
    });
    const node = starts.length === 1 ? topology.nodes.get(starts[0] ?? "") : undefined;
    if (node === undefined || !isPlain(node) || node.triggerRule !== "all_success" || isForked(node)) break;
    const status = statusOf(node.id);
    const ready = node.upstream.every((id) => series.has(id) || statusOf(id).state === "success");
    if (status.state !== "none" || !ready || (topology.shortCircuits.get(node.id) ?? []).length > 0) break;
    followers.push({ node, status, input: bound(node.input, values, series) });
    series.add(node.id);
    last = node.id;
  }
  return followers;
}

/** Rules by which a node may start before all of its upstream has ended. */
const EARLY = /^(one_|always)/;

/** Whether nothing but its own function decides how a light node ends. */
function isPlain({ kind, light, map, queue, sensor, cache, outlets, teardown, policy }: GraphNode): boolean {
  if (kind !== "derive" && !(kind === "task" && light)) return false;
  const special = map ?? queue ?? sensor ?? cache ?? outlets ?? policy.totalTimeoutMs;
  return special === undefined && teardown !== true;
}

function isForked({ when, arms = [] }: GraphNode): boolean {
  return when !== undefined || arms.length > 0;
}
