import type { GraphNode, Json } from "./graph.ts";
import type { TaskStatus } from "./state.ts";
import type { StatusOf } from "./statuses.ts";
import { isFinal } from "./trigger-rules.ts";

type Ending = Partial<TaskStatus>;

/**
 * What the forks above a node say of it: "wait" while one has not ended, the node's end when one lets nothing through or
 * chose another arm, else "open".
 *
 * @param circuits The short circuits above the node, near and far.
 */
export function forkVerdict(
  node: GraphNode,
  circuits: readonly string[],
  statusOf: StatusOf,
): "wait" | "open" | Ending {
  for (const circuit of circuits) {
    const { state, output } = statusOf(circuit);
    if (!isFinal(state)) return "wait";
    if (state === "success" && !output) {
      return { state: "skipped", reason: `short circuit "${circuit}" let nothing through` };
    }
  }
  for (const { branch, key } of node.arms ?? []) {
    const { state, output } = statusOf(branch);
    if (!isFinal(state)) return "wait";
    if (state === "success" && output !== key) {
      const reason = `branch "${branch}" chose ${JSON.stringify(output)}, not ${JSON.stringify(key)}`;
      return { state: "skipped", reason };
    }
  }
  return "open";
}

/** How a node ends that stands in the arm of a branch that chose none; null when each has chosen. */
export function undecidedArm(node: GraphNode, statusOf: StatusOf): Ending | null {
  const undecided = node.arms?.find(({ branch }) => statusOf(branch).state !== "success");
  if (undecided === undefined) return null;
  const { branch } = undecided;
  return { state: "skipped", reason: `branch "${branch}" chose no arm: it is ${statusOf(branch).state}` };
}

/** How a branch ends: with the key that its value names. */
export function chosenArm({ keys = [] }: GraphNode, value: Json): Ending {
  const key = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (keys.includes(key)) return { state: "success", output: key };
  const known = keys.map((one) => JSON.stringify(one)).join(", ");
  const message = `The value ${JSON.stringify(value)} chooses no arm of the branch: there are ${known}`;
  return { state: "failed", error: { code: "UNKNOWN_BRANCH", message, retryable: false } };
}
