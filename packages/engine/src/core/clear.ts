import { decide, initialState } from "./decide.ts";
import { readBy } from "./expression.ts";
import type { DagGraph, GraphNode, Json } from "./graph.ts";
import { placeNamed } from "./mapped.ts";
import type {
  MappedStatus,
  MappedView,
  Mark,
  Place,
  RunInfo,
  RunSeed,
  RunView,
  SchedulerEvent,
  TaskStatus,
  TaskView,
} from "./state.ts";
import { topologyOf } from "./topology.ts";
import { isFinal } from "./trigger-rules.ts";

/** What to clear of a run. */
export interface Clearing {
  /** Tasks, or items of mapped tasks as `measure[3]`. @default those that failed, or did not come to run */
  readonly tasks?: readonly string[] | undefined;
  /** Whether what comes after them runs again too. @default true */
  readonly downstream?: boolean | undefined;
}

/** A run that is to begin anew: how its tasks stand, and which of them run again. */
export interface ClearedRun {
  readonly seed: RunSeed;
  /** In the order of the DAG; items of mapped tasks as `measure[3]`. */
  readonly cleared: readonly string[];
}

/**
 * What a run begins with that runs again from some tasks on: those and all that comes after them are untouched, and
 * counted as cleared once more; the others keep their outputs. Of a mapped task that failed only the failed items run
 * again, unless it is named.
 */
export function clearedRun(graph: DagGraph, view: RunView, clearing: Clearing): ClearedRun {
  const places = placesToClear(graph, view, clearing);
  const seed = seedAfter(graph, view, { type: "clear", places, downstream: clearing.downstream ?? true, at: 0 });
  return { seed, cleared: clearedNames(graph, view, seed, places) };
}

/** What a run that has ended begins with anew when somebody says how one of its tasks ended. */
export function markedRun(graph: DagGraph, view: RunView, place: Place, mark: Mark, at: number): RunSeed {
  return seedAfter(graph, view, { ...mark, ...place, type: "mark", at });
}

/**
 * The places that are meant: those named, else all that did not work.
 * @param goesOn Whether the run goes on: what has not ended yet is left alone then.
 */
export function placesToClear(graph: DagGraph, view: RunView, { tasks }: Clearing, goesOn = false): Place[] {
  if (tasks !== undefined) return tasks.map(placeNamed);
  return graph.nodes.flatMap(({ id }): Place[] => {
    const task = view.tasks[id];
    if (goesOn && !isFinal(task?.state ?? "none")) return [];
    if (!didNotWork(task)) return [];
    const failed = [...(task?.mapped ?? []).entries()].filter(([, item]) => didNotWork({ ...BLANK, ...item }));
    // Items that have worked, of a task that did not come to run again, follow those that they come from.
    const keepsItems = failed.length > 0 || ((task?.mapped ?? []).length > 0 && task?.state !== "failed");
    return keepsItems ? failed.map(([index]) => ({ id, index })) : [{ id }];
  });
}

/**
 * What runs again when places of a run that goes on are cleared, in the order of the DAG; of what comes after them, only
 * what has begun or ended.
 */
export function namesToClear(graph: DagGraph, view: RunView, places: readonly Place[], downstream: boolean): string[] {
  const after = downstream ? downstreamOf(graph, new Set(places.map(({ id }) => id))) : new Set<string>();
  const whole = new Set(places.filter(({ index }) => index === undefined).map(({ id }) => id));
  return graph.nodes.flatMap(({ id }) => {
    const touched = !["none", "scheduled"].includes(view.tasks[id]?.state ?? "none");
    if (whole.has(id) || (after.has(id) && touched)) return [id];
    return itemsNamed(places, id);
  });
}

/** All nodes that come after some, near and far. */
function downstreamOf({ nodes }: DagGraph, ids: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  // In topological order: what a node waits for was looked at before it.
  for (const { id, upstream } of nodes) if (upstream.some((one) => ids.has(one) || found.has(one))) found.add(id);
  return found;
}

/** All nodes that come before some, near and far, and those themselves. */
export function withUpstream({ nodes }: DagGraph, ids: readonly string[]): string[] {
  const found = new Set(ids);
  for (const { id, upstream } of [...nodes].reverse()) if (found.has(id)) for (const one of upstream) found.add(one);
  return nodes.flatMap(({ id }) => (found.has(id) ? [id] : []));
}

function itemsNamed(places: readonly Place[], id: string): string[] {
  const items = places.flatMap((place) => (place.id === id && place.index !== undefined ? [place.index] : []));
  return items.sort((a, b) => a - b).map((index) => `${id}[${index}]`);
}

const BLANK: TaskView = { state: "none", attempts: 0, startedAt: null, endedAt: null };

/** How the tasks of a run stand after something happened to it before it begins anew. */
function seedAfter(graph: DagGraph, view: RunView, event: SchedulerEvent): RunSeed {
  const { params, runId: id, logicalDate, dataInterval, trigger, conf, assetEvents } = view;
  const consumed = assetEvents === undefined ? {} : { assetEvents };
  const run: RunInfo = { id, logicalDate, dataInterval, trigger, conf, ...consumed };
  const seed: Record<string, TaskStatus> = {};
  for (const node of graph.nodes) {
    const values = { params, run, outputOf: (other: string) => seed[other]?.output };
    const source = topologyOf(graph).itemwise.get(node.id);
    const status = kept(node, view.tasks[node.id], values, source === undefined ? undefined : seed[source]?.mapped);
    if (status !== null) seed[node.id] = status;
  }
  return decide(initialState(graph, params, run, seed), event).state.tasks;
}

function clearedNames(graph: DagGraph, view: RunView, seed: RunSeed, places: readonly Place[]): string[] {
  const again = new Set(
    graph.nodes.map(({ id }) => id).filter((id) => (seed[id]?.clears ?? 0) > (view.tasks[id]?.clears ?? 0)),
  );
  const whole = places.filter(({ index }) => index === undefined).map(({ id }) => id);
  return graph.nodes.flatMap(({ id }) => {
    if (again.has(id) || whole.includes(id)) return [id];
    const before = view.tasks[id]?.mapped ?? [];
    const named = new Set(places.flatMap((place) => (place.id === id ? [place.index] : [])));
    return (seed[id]?.mapped ?? []).flatMap(({ clears = 0 }, index) =>
      named.has(index) || clears > (before[index]?.clears ?? 0) ? [`${id}[${index}]`] : [],
    );
  });
}

/** Failed, or kept from running by a failure, a cancel or the run's end: a task that chose to skip itself has worked. */
function didNotWork(task: TaskView | undefined): boolean {
  if (task === undefined || !isFinal(task.state)) return true;
  if (task.state === "failed" || task.state === "upstream_failed") return true;
  return task.state === "skipped" && task.attempts === 0 && /^the run was cancelled/i.test(task.reason ?? "");
}

/** @param sources The items that its own come from, of a node that is mapped over another mapped node's outputs. */
function kept(
  node: GraphNode,
  task: TaskView | undefined,
  values: Parameters<typeof readBy>[1],
  sources: readonly MappedStatus[] | undefined,
): TaskStatus | null {
  if (task === undefined) return null;
  const status = statusOfView(task);
  if (task.mapped === undefined || node.map === undefined) return isFinal(task.state) ? status : begunAnew(status);
  const list = readBy(node.map.over, values);
  const inputs = task.mapped.map(({ source = null }, index): Json => {
    const listed: Json = Array.isArray(list) ? (list[index] ?? null) : null;
    const value = sources === undefined ? listed : (sources[source ?? index]?.output ?? null);
    return readBy(node.input, { ...values, item: { value, index } });
  });
  return { ...status, mapped: itemsOf(task.mapped, inputs, task) };
}

/** Items with their inputs; of a long list that succeeded the outputs stand in the task's own. */
function itemsOf(mapped: readonly MappedView[], inputs: readonly Json[], task: TaskView): MappedStatus[] {
  const outputs = Array.isArray(task.output) ? [...task.output] : [];
  return mapped.map((item, index) => {
    const { startedAt = null, endedAt = null, ...rest } = item;
    const ofList: unknown = item.state === "success" ? outputs.shift() : undefined;
    const told = statusOfView({ ...rest, startedAt, endedAt });
    const status = isFinal(told.state) ? told : begunAnew(told);
    const withOutput = status.output === undefined && ofList !== undefined ? { output: ofList as Json } : {};
    return {
      ...status,
      ...withOutput,
      ...(item.error === undefined ? {} : { error: item.error }),
      ...(item.source === undefined ? {} : { source: item.source }),
      input: inputs[index] ?? null,
    };
  });
}

/** What the end of its run (a terminated one) has left open runs again; it was not cleared, so its effects are the same. */
function begunAnew({ clears = 0 }: TaskStatus): TaskStatus {
  return { state: "none", attempts: 0, lost: 0, clears };
}

function statusOfView(task: TaskView): TaskStatus {
  const {
    state,
    attempts,
    lost = 0,
    startedAt,
    endedAt,
    output,
    error,
    reason,
    clears,
    cachedFrom,
    assetEvents,
  } = task;
  return {
    ...{ state, attempts, lost },
    ...(startedAt === null ? {} : { startedAt: Date.parse(startedAt) }),
    ...(endedAt === null ? {} : { endedAt: Date.parse(endedAt) }),
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { reason }),
    ...(clears === undefined ? {} : { clears }),
    ...(cachedFrom === undefined ? {} : { cachedFrom }),
    ...(assetEvents === undefined ? {} : { assetEvents }),
  };
}
