import type { DagGraph, GraphNode } from "../core/graph.ts";
import { runsPoolOf } from "../core/slot-pool.ts";
import type { RunView, TaskView } from "../core/state.ts";
import type { PoolPlace, PoolView } from "../sandbox/pool-protocol.ts";

/** The pools that an explanation looks at, by name; those that could not be read are missing. */
export type PoolsByName = ReadonlyMap<string, PoolView>;

/** How many holders are named one by one. */
const NAMED = 5;

/** Why it waits, and what to do. */
interface Told {
  readonly why: string;
  readonly next?: string;
}

/** The pools that a run and its tasks wait for. */
export function poolsAskedBy(view: RunView, graph: DagGraph | null): string[] {
  if (view.state === "queued") return [runsPoolOf(view.dagId)];
  const asking = graph?.nodes.filter(({ id }) => isWaiting(view.tasks[id])) ?? [];
  return [...new Set(asking.flatMap(({ pools = [] }) => pools.map(({ pool }) => pool)))];
}

/** Of a run that waits until another one of its DAG has ended; null when it does not. */
export function explainLine({ runId, dagId }: RunView, pools: PoolsByName): Told | null {
  const line = pools.get(runsPoolOf(dagId));
  const place = line?.waiting.findIndex((one) => one.runId === runId) ?? -1;
  if (line === undefined || place < 0) return null;
  const most = line.slots === 1 ? "one run" : `${line.slots} runs`;
  const before = place === 0 ? "it is the next" : `${place} ${place === 1 ? "waits" : "wait"} before it`;
  return {
    why: `It waits in line: at most ${most} of ${dagId} may be active (maxActiveRuns), now ${holdersOf(line)}; ${before}`,
    next: `Wait, raise maxActiveRuns of ${dagId}, or end one: dagwright runs cancel ${line.holders[0]?.runId ?? "RUN"}`,
  };
}

/** Of a task that waits for slots, or of items of a mapped one. */
export function explainQueued(
  view: RunView,
  node: Pick<GraphNode, "id" | "pools">,
  status: TaskView,
  pools: PoolsByName,
): Told {
  const isMine = ({ runId, task }: PoolPlace) =>
    runId === view.runId && (task === node.id || task?.startsWith(`${node.id}[`) === true);
  for (const { pool: name } of node.pools ?? []) {
    const pool = pools.get(name);
    const place = pool?.waiting.findIndex(isMine) ?? -1;
    const request = pool?.waiting[place];
    if (pool === undefined || request === undefined) continue;
    const wanted = request.slots === 1 ? "a slot" : `${request.slots} slots`;
    const count = pool.waiting.filter(isMine).length;
    const who = status.mapped === undefined ? "It waits" : `${count} of its items ${count === 1 ? "waits" : "wait"}`;
    const told = poolName(pool);
    const line = place === 0 ? "it is the next" : `${place} ${place === 1 ? "waits" : "wait"} before it`;
    return {
      why: `${who} for ${wanted} of ${told} since ${request.since}: ${pool.free} of ${pool.slots} free, held by ${holdersOf(pool)}; ${line}`,
      next: adviceOf(pool, node.id),
    };
  }
  return { why: status.reason === undefined ? "It waits for slots" : sentence(status.reason) };
}

/** Whether a task, or an item of it, waits for slots. */
export function isWaiting(task: TaskView | undefined): boolean {
  return task?.state === "queued" || (task?.mapped?.some(({ state }) => state === "queued") ?? false);
}

function poolName({ name, kind }: PoolView): string {
  return kind === "task" ? "this task across all runs (maxConcurrent)" : `pool "${name}"`;
}

function adviceOf({ name, kind, slots }: PoolView, task: string): string {
  if (kind === "task") return `Wait, or raise maxConcurrent of ${task}`;
  return `Wait, or give it more slots: dagwright pools set ${name} ${slots + 1}`;
}

function holdersOf({ holders, kind }: PoolView): string {
  if (holders.length === 0) return "nobody";
  const named = holders.slice(0, NAMED).map(({ runId, task, slots, since }) => {
    const many = slots === 1 ? "" : ` (${slots} slots)`;
    return kind === "runs" ? `${runId} since ${since}` : `${runId} ${task ?? ""}${many} since ${since}`;
  });
  const more = holders.length > NAMED ? ` and ${holders.length - NAMED} more` : "";
  return `${named.join(", ")}${more}`;
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
