import { readBy } from "./expression.ts";
import type { GraphNode } from "./graph.ts";
import { placeOf } from "./mapped.ts";
import { timeLeftMs } from "./retries.ts";
import type { OpenTicket, SchedulerCommand, SchedulerState, TaskStatus } from "./state.ts";
import { lookup, statusesOf } from "./statuses.ts";

/**
 * What a shell that takes up a stored run has to carry out again: attempts that had not begun to run, pauses before
 * retries, waits and questions, with the time that is left of them.
 *
 * @param at Now, in milliseconds since 1970.
 */
export function commandsToResume(state: SchedulerState, at: number): SchedulerCommand[] {
  const { graph, params, run } = state;
  const statusOf = lookup(state, statusesOf(state));
  const values = { params, run, outputOf: (id: string) => statusOf(id).output };
  return graph.nodes.flatMap((node) => {
    const status = statusOf(node.id);
    const { clears = 0, mapped } = status;
    if (mapped === undefined) return ofPlace(node, undefined, status, clears, () => readBy(node.input, values), at);
    return mapped.flatMap((item, index) =>
      ofPlace(node, index, item, clears + (item.clears ?? 0), () => item.input, at),
    );
  });
}

function ofPlace(
  node: GraphNode,
  index: number | undefined,
  { state, attempts, retryAt = 0, startedAt = 0, ticket }: Omit<TaskStatus, "mapped">,
  clears: number,
  input: () => ReturnType<typeof readBy>,
  at: number,
): SchedulerCommand[] {
  const place = placeOf(node.id, index);
  const left = (moment: number) => Math.max(0, moment - at);
  const asks = ticket === undefined ? [] : [acquire(node, { ...place, ticket })];
  // Slots that it was given are its own; whoever holds them says so once more.
  if (state === "queued") return asks;
  if (state === "up_for_retry") return [{ type: "wait_retry", ...place, delayMs: left(retryAt) }];
  if (state === "running") {
    // A mapped node that has not started its items yet.
    if (node.map !== undefined && index === undefined) return [];
    const withinMs = timeLeftMs(node.policy, startedAt, at);
    const within = withinMs === undefined ? {} : { withinMs: Math.max(1, withinMs) };
    return [...asks, { type: "run_task", ...place, attempt: attempts, clears, input: input(), ...within }];
  }
  if (state !== "deferred") return [];
  if (node.kind !== "approval") return [{ type: "wait", id: node.id, delayMs: left(retryAt) }];
  const { timeoutMs } = node.approval ?? {};
  return [
    { type: "ask", id: node.id },
    ...(timeoutMs === undefined ? [] : [{ type: "wait", id: node.id, delayMs: left(startedAt + timeoutMs) } as const]),
  ];
}

function acquire({ pools: claims = [], priority = 1 }: GraphNode, asked: OpenTicket): SchedulerCommand {
  return { type: "acquire_slots", ...asked, claims, priority };
}
