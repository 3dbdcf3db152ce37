import type { GraphNode } from "./graph.ts";
import type { AssetEvent, SchedulerEvent, SchedulerState, TaskStatus } from "./state.ts";

type Success = Extract<SchedulerEvent, { type: "task_succeeded" }>;

/**
 * What a success updates: an event for each outlet, with what the task said of it. None when the output came from the
 * cache (nothing was made anew), or when the run is to emit none.
 *
 * @param clears How often the task was cleared: what it makes then is new.
 */
export function eventsOfSuccess(
  node: GraphNode | undefined,
  { graph, run }: Pick<SchedulerState, "graph" | "run">,
  { id, index, cachedFrom, emitted = [], at }: Success,
  clears: number,
): readonly AssetEvent[] {
  if (node?.outlets === undefined || cachedFrom !== undefined || run.emitAssets === false) return [];
  const place = index === undefined ? id : `${id}[${index}]`;
  // As the task's idempotency key: an effect that is made twice is one event.
  const key = `${run.id}/${place}${clears > 0 ? `~${clears}` : ""}`;
  const source = { dagId: graph.dagId, runId: run.id, taskId: id, ...(index === undefined ? {} : { index }) };
  return node.outlets.map(({ uri }) => ({
    id: `${key}#${uri}`,
    uri,
    at: new Date(at).toISOString(),
    extra: emitted.find((one) => one.uri === uri)?.extra ?? {},
    source,
  }));
}

/** How a task stands that has succeeded. */
export function succeeded({ output, cachedFrom }: Success, assetEvents: readonly AssetEvent[]): Partial<TaskStatus> {
  return {
    ...{ state: "success", output },
    ...(cachedFrom === undefined ? {} : { cachedFrom }),
    ...(assetEvents.length === 0 ? {} : { assetEvents }),
  };
}
