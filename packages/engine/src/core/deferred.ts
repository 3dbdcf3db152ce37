import { answered, unanswered } from "./approval.ts";
import type { Desk } from "./desk.ts";
import type { GraphNode, Json } from "./graph.ts";
import type { SchedulerEvent } from "./state.ts";
import { dueOf } from "./wait.ts";

/** Ends a node that waited. @returns Whether it did wait. */
export function endDeferred(desk: Desk, event: Extract<SchedulerEvent, { type: "wait_over" | "answer" }>): boolean {
  const { id, at } = event;
  const node = desk.topology.nodes.get(id);
  if (node === undefined || desk.statusOf(id).state !== "deferred") return false;
  if (event.type === "answer") {
    if (node.kind !== "approval") return false;
    // Its timer, if it has one.
    if (node.approval?.timeoutMs !== undefined) desk.commands.push({ type: "cancel_task", id });
    desk.end(id, answered(event, at));
  } else if (node.kind === "approval") desk.end(id, unanswered(node));
  else desk.end(id, { state: "success", output: new Date(at).toISOString() });
  return true;
}

/** Lets an approval wait for a person. */
export function deferToPerson(desk: Desk, { id, approval }: GraphNode, asks: Json): void {
  desk.change(id, { state: "deferred", asks, reason: "waits for an approval" });
  // Before its timer: where waits take no time, an answer that is there comes first.
  desk.commands.push({ type: "ask", id });
  if (approval?.timeoutMs !== undefined) desk.commands.push({ type: "wait", id, delayMs: approval.timeoutMs });
}

/** Lets a `wait` wait for its moment. */
export function deferToMoment(desk: Desk, id: string, input: Json): void {
  const due = dueOf(input, desk.at);
  if (typeof due !== "number") {
    desk.end(id, { state: "failed", error: due });
    return;
  }
  desk.change(id, { state: "deferred", retryAt: due });
  desk.commands.push({ type: "wait", id, delayMs: Math.max(0, due - desk.at) });
}
