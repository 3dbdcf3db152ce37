import type { Desk } from "./desk.ts";
import type { GraphNode } from "./graph.ts";
import { partsOf } from "./item-list.ts";
import { cancelledItems, mappedOutcome, mostAttempts, outputsOf } from "./mapped.ts";
import { untouchedItem } from "./mapping.ts";
import type { MappedStatus, SchedulerEvent, TaskStatus } from "./state.ts";
import { UNTOUCHED } from "./statuses.ts";
import { isFinal } from "./trigger-rules.ts";

/**
 * Ends all that has not ended, since the run is cancelled; what cleans up is left.
 * @param begun Whether the run had started: else there is nothing to clean up.
 */
export function cancelTasks(desk: Desk, nodes: readonly GraphNode[], begun: boolean, reason: string): string {
  const message = `The run was cancelled: ${reason}`;
  for (const { id, teardown } of nodes) {
    const { state } = desk.statusOf(id);
    if (isFinal(state) || (teardown && begun)) continue;
    const items = desk.itemsOf(id)?.toArray();
    if (state === "running" || state === "deferred" || items?.some(goesOn)) {
      stop(desk, id);
      desk.end(id, {
        ...(items === undefined
          ? {}
          : {
              mapped: cancelledItems(items, desk.at, message),
              attempts: mostAttempts(items),
              output: outputsOf(items),
            }),
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
 * Makes tasks untouched again, with what comes after them if that is wanted; what of it runs is aborted. Of a node that
 * is mapped over another mapped node's outputs only the items run again that come from items that do.
 * @returns The nodes to look at again.
 */
export function clearTasks(desk: Desk, event: Extract<SchedulerEvent, { type: "clear" }>): string[] {
  const cleared = clearingOf(desk, event);
  for (const [id, part] of cleared) {
    if (part.items === "all") clearNode(desk, id);
    else clearItems(desk, id, part.items, part.awaits);
  }
  return [...cleared.keys()];
}

/** What of a node is cleared. */
interface Part {
  readonly items: "all" | ReadonlySet<number>;
  /** Whether its list is to be made anew first. */
  readonly awaits: boolean;
}

/** What is cleared, in the order in which it was named, and then of the graph. */
function clearingOf(
  desk: Desk,
  { places, downstream }: Extract<SchedulerEvent, { type: "clear" }>,
): ReadonlyMap<string, Part> {
  const { topology } = desk;
  const cleared = new Map<string, Part>();
  for (const { id, index } of places) {
    const { items = new Set<number>() } = cleared.get(id) ?? {};
    const all = index === undefined || items === "all";
    cleared.set(id, { items: all ? "all" : new Set([...items, index]), awaits: false });
  }
  if (!downstream) return cleared;
  // In topological order: what a node hangs on has been looked at.
  for (const [id, before] of topology.dependencies) {
    const causes = before.filter((one) => cleared.has(one));
    if (causes.length === 0) continue;
    const [source = ""] = causes;
    const from = causes.length === 1 && topology.itemwise.get(id) === source ? cleared.get(source)?.items : "all";
    const own = cleared.get(id)?.items ?? new Set<number>();
    const items = desk.itemsOf(id);
    if (own === "all" || from === "all" || from === undefined || items === undefined) {
      cleared.set(id, { items: "all", awaits: true });
      continue;
    }
    const again = new Set(own);
    for (let index = 0; index < items.length; index += 1) {
      if (from.has(items.at(index)?.source ?? index)) again.add(index);
    }
    cleared.set(id, { items: again, awaits: true });
  }
  return cleared;
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
  for (const one of again) desk.restate(one, { ...UNTOUCHED, clears: desk.statusOf(one).clears ?? 0 });
  return [id, ...again, ...(desk.topology.dependents.get(id) ?? [])];
}

function clearNode(desk: Desk, id: string): void {
  const status = desk.statusOf(id);
  if (status.state === "none" && desk.itemsOf(id) === undefined) return;
  stop(desk, id);
  desk.put(id, fresh(status));
}

function clearItems(desk: Desk, id: string, again: ReadonlySet<number>, awaits: boolean): void {
  const items = desk.itemsOf(id);
  for (const index of again) {
    const item = items?.at(index);
    if (item === undefined || item.state === "none") continue;
    if (isActive(item.state)) desk.commands.push({ type: "cancel_task", id, index });
    items?.set(index, untouchedItem(item, 1));
  }
  const status = withoutEnding(desk.statusOf(id));
  const { clears = 0 } = status;
  // What never came to run on its list is decided about anew; else it goes on with the list that it has.
  const hasRun = status.state === "running" || (isFinal(status.state) && status.attempts > 0);
  if (awaits || !hasRun) desk.restate(id, { ...UNTOUCHED, ...(clears > 0 ? { clears } : {}) });
  else desk.restate(id, { ...status, state: "running" });
}

function markNode(desk: Desk, event: Extract<SchedulerEvent, { type: "mark" }>): void {
  const { id } = event;
  const status = desk.statusOf(id);
  stop(desk, id);
  const ending = endingOf(event, status);
  const items = desk.itemsOf(id);
  const mapped = items
    ?.toArray()
    .map((item) => (isFinal(item.state) ? item : { ...item, ...endingOf(event, item), endedAt: desk.at }));
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
  const item = items?.at(index);
  if (items === undefined || item === undefined) return false;
  if (isActive(item.state)) desk.commands.push({ type: "cancel_task", id, index });
  const { error: _, reason: __, output: ___, retryAt: ____, ...rest } = item;
  items.set(index, { ...rest, ...endingOf(event, item), endedAt: desk.at });
  const status = withoutEnding(desk.statusOf(id));
  // One that waits for its list to be made anew goes on waiting.
  if (status.state === "none" || status.state === "scheduled") return true;
  if (items.open > 0) desk.restate(id, { ...status, state: "running" });
  else desk.restate(id, { ...status, state: "success", ...mappedOutcome(items), endedAt: desk.at });
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
): Omit<TaskStatus, "endedAt" | "output" | "error" | "reason" | "retryAt" | "asks" | "mapped"> {
  const { bare } = partsOf(status);
  const { endedAt: _, output: __, error: ___, reason: ____, retryAt: _____, asks: ______, ...rest } = bare;
  return rest;
}

/** Never run: as it was before the run, but for how often it was cleared. Items that were cleared count. */
function fresh({ clears = 0, mapped = [] }: TaskStatus): TaskStatus {
  const ofItems = mapped.reduce((most, item) => Math.max(most, item.clears ?? 0), 0);
  return { state: "none", attempts: 0, lost: 0, clears: clears + ofItems + 1 };
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
function stop(desk: Desk, id: string): void {
  const items = desk.itemsOf(id);
  if (items === undefined && isActive(desk.statusOf(id).state)) desk.commands.push({ type: "cancel_task", id });
  for (const [index, item] of items?.toArray().entries() ?? []) {
    if (isActive(item.state)) desk.commands.push({ type: "cancel_task", id, index });
  }
}

function goesOn({ state }: MappedStatus): boolean {
  return isActive(state);
}

/** Whether the shell has something going for it: an attempt, a pause before one, a wait. */
function isActive(state: TaskStatus["state"]): boolean {
  return state === "running" || state === "queued" || state === "deferred" || state === "up_for_retry";
}
