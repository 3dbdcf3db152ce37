import { type Readable, readBy } from "./expression.ts";
import type { Expression, GraphNode, Json } from "./graph.ts";
import type { MappedStatus, Place, TaskError, TaskStatus } from "./state.ts";
import { isFinal } from "./trigger-rules.ts";

/** What each item of a mapped node is given; an error where what it is mapped over is no list. */
export function itemInputs({ input }: GraphNode, over: Expression, values: Readable): readonly Json[] | TaskError {
  const list = readBy(over, values);
  if (Array.isArray(list))
    return list.map((value: Json, index) => readBy(input, { ...values, item: { value, index } }));
  const message = `It is mapped over ${JSON.stringify(list)?.slice(0, 100)}: expected a list`;
  return { code: "NOT_A_LIST", message, retryable: false };
}

/** The items of a mapped node that has just started. */
export function untouchedItems(inputs: readonly Json[]): MappedStatus[] {
  return inputs.map((input) => ({ state: "none", attempts: 0, lost: 0, input }));
}

/** Which items start now, in the order of the list: as many as the window has room for. */
export function itemsToStart(items: readonly MappedStatus[], window: number): number[] {
  let room = window;
  const waiting: number[] = [];
  for (const [index, { state }] of items.entries()) {
    if (state === "running" || state === "queued") room -= 1;
    else if (state === "none" || state === "scheduled") waiting.push(index);
    if (room <= 0) return [];
  }
  return waiting.slice(0, room);
}

/**
 * How a mapped node ends when its items have: failed if one has failed; skipped if all of them (one at least) skipped
 * themselves; else successful, with the outputs of those that were not skipped, in the order of the list. Null while
 * an item has not ended.
 */
export function mappedOutcome(items: readonly MappedStatus[]): Partial<TaskStatus> | null {
  if (!items.every(({ state }) => isFinal(state))) return null;
  const attempts = items.reduce((most, item) => Math.max(most, item.attempts), 0);
  const failed = items.findIndex(({ state }) => state === "failed");
  if (failed >= 0) return { state: "failed", attempts, error: itemError(items, failed) };
  const outputs = items.flatMap(({ state, output }) => (state === "success" ? [output ?? null] : []));
  if (items.length > 0 && outputs.length === 0) {
    return { state: "skipped", attempts, reason: `all ${items.length} items were skipped: ${items[0]?.reason ?? ""}` };
  }
  return { state: "success", attempts, output: outputs };
}

/** The items of a mapped node whose run was cancelled. */
export function cancelledItems(items: readonly MappedStatus[], at: number, message: string): MappedStatus[] {
  return items.map((item) => {
    if (isFinal(item.state)) return item;
    if (item.state !== "running") return { ...item, state: "skipped", endedAt: at, reason: message };
    return { ...item, state: "failed", endedAt: at, error: { code: "CANCELLED", message, retryable: false } };
  });
}

function itemError(items: readonly MappedStatus[], index: number): TaskError {
  const count = items.filter(({ state }) => state === "failed").length;
  const others = count > 1 ? ` (and ${count - 1} more of ${items.length} items)` : "";
  const { error = { code: "TASK_FAILED", message: "It failed", retryable: false } } = items[index] ?? {};
  return { ...error, message: `item ${index}${others}: ${error.message}` };
}

/** A node, or its item of that index. */
export function placeOf(id: string, index: number | undefined): Place {
  return index === undefined ? { id } : { id, index };
}

/** A task, or an item of a mapped one, by its name: `measure`, `measure[3]`. */
export function placeNamed(name: string): Place {
  const [, id = name, index] = /^(.*)\[(\d+)\]$/.exec(name) ?? [];
  return index === undefined ? { id } : { id, index: Number(index) };
}
