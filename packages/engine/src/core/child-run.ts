import type { GraphNode } from "./graph.ts";
import type { RunInfo } from "./state.ts";

/** Id of the run that a `subdag` or `trigger` node starts: the same in every attempt, another after a clear. */
export function childRunIdOf({ id, dag = id }: Pick<GraphNode, "id" | "dag">, run: RunInfo, clears = 0): string {
  return `${dag}/${run.id}/${id}${clears > 0 ? `~${clears}` : ""}`;
}
