import type { Json } from "./graph.ts";
import type { ItemList } from "./item-list.ts";
import type { MappedStatus, Place, TaskError, TaskStatus } from "./state.ts";
import { isFinal } from "./trigger-rules.ts";

/**
 * How a mapped node ends when its items have: failed if one has failed; skipped if all of them (one at least) skipped
 * themselves; else successful. Whoever reads it all the same (`all_done`, a teardown) gets the outputs of the items that
 * succeeded, in the order of the list.
 */
export function mappedOutcome(list: ItemList): Partial<TaskStatus> {
  const items = list.toArray();
  const attempts = mostAttempts(items);
  const failed = items.findIndex(({ state }) => state === "failed");
  const output = outputsOf(items);
  if (failed >= 0) return { state: "failed", attempts, output, error: itemError(items, failed) };
  if (items.length > 0 && output.length === 0) {
    const reason = `all ${items.length} items were skipped: ${items[0]?.reason ?? ""}`;
    return { state: "skipped", attempts, output, reason };
  }
  return { state: "success", attempts, output };
}

/** What the items that succeeded gave, in the order of the list. */
export function outputsOf(items: readonly MappedStatus[]): Json[] {
  return items.flatMap(({ state, output }) => (state === "success" ? [output ?? null] : []));
}

export function mostAttempts(items: readonly MappedStatus[]): number {
  return items.reduce((most, item) => Math.max(most, item.attempts), 0);
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

/** What a task, or an item of a mapped one, is called: `measure`, `measure[3]`. */
export function placeNameOf({ id, index }: Place): string {
  return index === undefined ? id : `${id}[${index}]`;
}

/** A task, or an item of a mapped one, by its name: `measure`, `measure[3]`. */
export function placeNamed(name: string): Place {
  const [, id = name, index] = /^(.*)\[(\d+)\]$/.exec(name) ?? [];
  return index === undefined ? { id } : { id, index: Number(index) };
}
