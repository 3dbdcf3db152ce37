import type { GraphNode } from "./graph.ts";
import { cancelledItems, mappedOutcome } from "./mapped.ts";
import type { MappedStatus, Place, SchedulerCommand, SchedulerEvent, TaskStatus } from "./state.ts";
import { type StatusOf, UNTOUCHED } from "./statuses.ts";
import type { Topology } from "./topology.ts";
import { isFinal } from "./trigger-rules.ts";

/** The decision in the making that somebody from outside reaches into. */
export interface Desk {
  readonly at: number;
  readonly topology: Topology;
  readonly statusOf: StatusOf;
  readonly commands: SchedulerCommand[];
  /** The items of a mapped node, as a copy that may be changed. */
  itemsOf(id: string): MappedStatus[];
  /** Replaces a status whole. */
  put(id: string, status: TaskStatus): void;
  /** Ends a node: what hangs on it is looked at next. */
  end(id: string, to: Partial<TaskStatus>): void;
}

/**
 * Ends all that has not ended, since the run is cancelled; what cleans up is left.
 * @param begun Whether the run had started: else there is nothing to clean up.
 */
export function cancelTasks(desk: Desk, nodes: readonly GraphNode[], begun: boolean, reason: string): string {
  const message = `The run was cancelled: ${reason}`;
  for (const { id, teardown } of nodes) {
    const { state, mapped } = desk.statusOf(id);
    if (isFinal(state) || (teardown && begun)) continue;
    if (state === "running" || state === "queued" || state === "deferred") {
      stop(desk, id);
      desk.end(id, {
        ...(mapped === undefined ? {} : { mapped: cancelledItems(mapped, desk.at, message) }),
        state: "failed",
        error: { code: "CANCELLED", message, retryable: false },
      });
    } else {
      desk.end(id, { state: "skipped", reason: `the run was cancelled: ${reason}` });
    }
  }
  return message;
}

/**
 * Makes tasks untouched again, with what comes after them if that is wanted; what of it runs is aborted.
 * @returns The nodes to look at again.
 */
export function clearTasks(desk: Desk, { places, downstream }: Extract<SchedulerEvent, { type: "clear" }>): string[] {
  const whole = places.filter(({ index }) => index === undefined).map(({ id }) => id);
  const cleared = downstream ? [...whole, ...after(desk, [...places.map(({ id }) => id)])] : whole;
  for (const id of new Set(cleared)) clearNode(desk, id);
  for (const place of places) if (!cleared.includes(place.id)) clearItem(desk, place);
  return [...new Set([...places.map(({ id }) => id), ...cleared])];
}

/**
 * Ends a task as somebody says. What comes after it and never ran is decided anew.
 * @returns The nodes to look at again.
 */
export function markTask(desk: Desk, event: Extract<SchedulerEvent, { type: "mark" }>): string[] {
  const { id, index } = event;
  if (!desk.topology.nodes.has(id)) return [];
  if (index === undefined) markNode(desk, event);
  else if (!markItem(desk, id, index, event)) return [];
  const again = neverRun(desk, id);
  for (const one of again) desk.put(one, { ...UNTOUCHED, clears: desk.statusOf(one).clears ?? 0 });
  return [id, ...again, ...(desk.topology.dependents.get(id) ?? [])];
}

function clearNode(desk: Desk, id: string): void {
  const status = desk.statusOf(id);
  if (status.state === "none") return;
  stop(desk, id);
  desk.put(id, fresh(status));
}

function clearItem(desk: Desk, { id, index = 0 }: Place): void {
  const { state, endedAt: _, output: __, error: ___, reason: ____, ...status } = desk.statusOf(id);
  const items = desk.itemsOf(id);
  const item = items[index];
  if (item === undefined || item.state === "none") return;
  if (isActive(item.state)) desk.commands.push({ type: "cancel_task", id, index });
  items[index] = { state: "none", attempts: 0, lost: 0, input: item.input, clears: (item.clears ?? 0) + 1 };
  desk.put(id, { ...status, state: "running", mapped: items });
}

function markNode(desk: Desk, event: Extract<SchedulerEvent, { type: "mark" }>): void {
  const { id } = event;
  const status = desk.statusOf(id);
  stop(desk, id);
  const ending = endingOf(event, status);
  const mapped = status.mapped?.map((item) =>
    isFinal(item.state) ? item : { ...item, ...endingOf(event, item), endedAt: desk.at },
  );
  const outputs = mapped?.flatMap(({ state, output }) => (state === "success" ? [output ?? null] : []));
  desk.put(id, {
    ...withoutEnding(status),
    ...(mapped === undefined ? {} : { mapped }),
    ...ending,
    ...(event.as === "success" && event.output === undefined && outputs !== undefined ? { output: outputs } : {}),
    endedAt: desk.at,
  });
}

function markItem(desk: Desk, id: string, index: number, event: Extract<SchedulerEvent, { type: "mark" }>): boolean {
  const items = desk.itemsOf(id);
  const item = items[index];
  if (item === undefined) return false;
  if (isActive(item.state)) desk.commands.push({ type: "cancel_task", id, index });
  const { error: _, reason: __, output: ___, retryAt: ____, ...rest } = item;
  items[index] = { ...rest, ...endingOf(event, item), endedAt: desk.at };
  const status = withoutEnding(desk.statusOf(id));
  const outcome = mappedOutcome(items);
  if (outcome === null) desk.put(id, { ...status, state: "running", mapped: items });
  else desk.put(id, { ...status, ...outcome, state: outcome.state ?? "success", mapped: items, endedAt: desk.at });
  return true;
}

function endingOf(
  { as, output, by, comment }: Extract<SchedulerEvent, { type: "mark" }>,
  former: Pick<TaskStatus, "output">,
): Pick<TaskStatus, "state" | "reason" | "output" | "error"> {
  const who = by === undefined ? "" : ` by ${by}`;
  const reason = `marked ${as === "success" ? "successful" : "failed"}${who}${comment === undefined ? "" : `: ${comment}`}`;
  if (as === "success") return { state: "success", reason, output: output ?? former.output ?? null };
  return { state: "failed", error: { code: "MARKED_FAILED", message: `It was ${reason}`, retryable: false } };
}

function withoutEnding(
  status: TaskStatus,
): Omit<TaskStatus, "endedAt" | "output" | "error" | "reason" | "retryAt" | "asks"> {
  const { endedAt: _, output: __, error: ___, reason: ____, retryAt: _____, asks: ______, ...rest } = status;
  return rest;
}

/** Never run: as it was before the run, but for how often it was cleared. Items that were cleared count. */
function fresh({ clears = 0, mapped = [] }: TaskStatus): TaskStatus {
  const ofItems = mapped.reduce((most, item) => Math.max(most, item.clears ?? 0), 0);
  return { state: "none", attempts: 0, lost: 0, clears: clears + ofItems + 1 };
}

/** All that comes after some nodes, near and far. */
function after({ topology }: Desk, ids: readonly string[]): string[] {
  const found = new Set<string>();
  const queue = [...ids];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const next of topology.dependents.get(id) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      queue.push(next);
    }
  }
  return [...found];
}

/** What comes after a node, near and far, and was decided about without having run. */
function neverRun({ topology, statusOf }: Desk, id: string): string[] {
  const found = new Set<string>();
  const queue = [id];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    for (const one of topology.dependents.get(next) ?? []) {
      const { state, attempts } = statusOf(one);
      if (found.has(one) || attempts > 0 || !isFinal(state)) continue;
      found.add(one);
      queue.push(one);
    }
  }
  return [...found];
}

/** Aborts what runs of a node. */
function stop({ statusOf, commands }: Desk, id: string): void {
  const { state, mapped } = statusOf(id);
  if (!isActive(state)) return;
  if (mapped === undefined) commands.push({ type: "cancel_task", id });
  for (const [index, item] of (mapped ?? []).entries()) {
    if (isActive(item.state)) commands.push({ type: "cancel_task", id, index });
  }
}

/** Whether the shell has something going for it: an attempt, a pause before one, a wait. */
function isActive(state: TaskStatus["state"]): boolean {
  return state === "running" || state === "queued" || state === "deferred" || state === "up_for_retry";
}
