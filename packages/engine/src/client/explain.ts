import { isOver } from "../core/decide.ts";
import type { DagGraph, GraphNode } from "../core/graph.ts";
import { placeNamed } from "../core/mapped.ts";
import type { RunView, TaskView } from "../core/state.ts";
import { isFinal } from "../core/trigger-rules.ts";
import { FAILURE } from "../sandbox/protocol.ts";
import { explainLine, explainQueued, isWaiting, type PoolsByName } from "./explain-pools.ts";

/** Why a task stands where it stands, and what can be done about it. */
export interface TaskExplanation {
  readonly task: string;
  readonly state: TaskView["state"];
  readonly why: string;
  /** What to do next, where there is something to do. */
  readonly next?: string;
  /** The last lines of its log, of a task that failed. */
  readonly log?: readonly string[];
}

/** Why a run stands where it stands. */
export interface RunExplanation {
  readonly runId: string;
  readonly state: RunView["state"];
  readonly why: string;
  readonly next?: string;
  /** Every task, in the order of the DAG, and then the items that were asked for. */
  readonly tasks: readonly TaskExplanation[];
}

/** What an explanation is made from. */
export interface ExplanationGround {
  readonly view: RunView;
  /** The graph of the run's DAG version, when it is known: says what a task waits for. */
  readonly graph: DagGraph | null;
  /** Items of mapped tasks to be explained too, as `measure[3]`. @default none */
  readonly items?: readonly string[];
  /** How many workers poll the task queue. */
  readonly workers: number;
  readonly taskQueue: string;
  /** How many poll the task queues of their own that tasks name. @default not known */
  readonly workersOn?: ReadonlyMap<string, number>;
  /** The last lines of a task's log. */
  readonly logOf: (task: string) => readonly string[];
  /** The pools that the run and its tasks wait for, of those that could be read. @default none */
  readonly pools?: PoolsByName;
}

/** Says of a run and each of its tasks why it waits, failed, or did not run. */
export function explain(ground: ExplanationGround): RunExplanation {
  const { view } = ground;
  const nodes = new Map(ground.graph?.nodes.map((node) => [node.id, node]));
  const tasks = Object.entries(view.tasks).map(([task, status]) => ({
    task,
    state: status.state,
    ...explainTask(ground, task, status, nodes.get(task)),
  }));
  const items = (ground.items ?? []).flatMap((name) => {
    const { id, index = -1 } = placeNamed(name);
    const item = view.tasks[id]?.mapped?.[index];
    if (item === undefined) return [];
    const told = explainTask(ground, name, { startedAt: null, endedAt: null, ...item }, nodes.get(id));
    return [{ task: name, state: item.state, ...told }];
  });
  const { why, ...whole } = explainWhole(ground, tasks);
  const notice = view.notice === undefined ? "" : `. ${view.notice}`;
  return {
    runId: view.runId,
    state: view.state,
    why: `${why}${belonging(view)}${callbacksOf(view)}${notice}`,
    ...whole,
    tasks: [...tasks, ...items],
  };
}

/** Which backfill a run belongs to, if it does. */
function belonging({ conf: { backfill } }: RunView): string {
  return typeof backfill === "string" ? ` (a run of ${backfill})` : "";
}

/** What holds up a run that has ended, or went wrong without a trace in its state: its callbacks. */
function callbacksOf({ callbacks = {} }: RunView): string {
  return Object.entries(callbacks)
    .map(([name, { state, error }]) => {
      if (state === "running")
        return `. Its callback ${name} has not ended yet: it runs, or waits for its next attempt`;
      if (state === "success") return "";
      return `. Its callback ${name} failed${error ? `: ${error.code}: ${error.message}` : ""}`;
    })
    .join("");
}

function explainWhole(
  { view, workers, taskQueue, pools = NONE }: ExplanationGround,
  tasks: readonly TaskExplanation[],
): Told {
  const { runId, state, error, endedAt } = view;
  const noWorker = `no worker polls task queue "${taskQueue}"`;
  switch (state) {
    case "success":
      return { why: `It succeeded${endedAt ? ` at ${endedAt}` : ""}` };
    case "cancelled":
      return { why: error?.message ?? "It was cancelled" };
    case "failed":
      return {
        why: error ? `${error.code}: ${error.message}` : "It failed",
        next: error?.hint ?? `When what failed is mended: dagwright runs clear ${runId}`,
      };
    case "paused":
      return { why: "It is paused: what runs ends, nothing further starts", next: `dagwright runs resume ${runId}` };
    case "queued":
      return workers === 0
        ? { why: `It waits to be planned, and ${noWorker}`, next: "dagwright worker" }
        : (explainLine(view, pools) ?? { why: "It waits to be planned by a worker" });
    case "running": {
      const active = tasks.filter((one) =>
        ["running", "queued", "deferred", "up_for_retry", "scheduled"].includes(one.state),
      );
      if (workers === 0) return { why: `It makes no progress: ${noWorker}`, next: "dagwright worker" };
      return { why: `It waits for ${active.map((one) => `${one.task} (${one.state})`).join(", ") || "its next step"}` };
    }
  }
}

const NONE: PoolsByName = new Map();

interface Told {
  readonly why: string;
  readonly next?: string;
  readonly log?: readonly string[];
}

function explainTask(ground: ExplanationGround, task: string, status: TaskView, node: GraphNode | undefined): Told {
  const { view, workers, pools = NONE } = ground;
  const { state, attempts, lost, startedAt, dueAt, reason, error, progress } = status;
  // Only Temporal's own means end a run and leave its tasks as they were.
  if (isOver(view.state) && !isFinal(state) && state !== "none")
    return { why: `It was ${state} when the run was ended; nobody has waited for what became of it` };
  switch (state) {
    case "success":
      // A reason is there when a person marked it.
      if (reason !== undefined) return { why: `It succeeded: ${reason}` };
      return {
        why: `${attempts > 1 ? `It succeeded at attempt ${attempts}` : "It succeeded"}${markedItems(task, status)}`,
      };
    case "running": {
      const far = progress
        ? `, ${progress.done}${progress.total ? ` of ${progress.total}` : ""} ${progress.note ?? ""}`
        : "";
      const losses = lost ? `; ${lost} ${lost === 1 ? "worker" : "workers"} died under it` : "";
      const looks = node?.sensor === undefined ? "" : `; it looks every ${node.sensor.pokeMs / 1_000} s`;
      const told = { why: `Attempt ${Math.max(attempts, 1)} runs since ${startedAt}${far.trimEnd()}${looks}${losses}` };
      if (workers === 0) return { why: `${told.why}; no worker is there to go on`, next: "dagwright worker" };
      if (node?.queue !== undefined && ground.workersOn?.get(node.queue) === 0)
        return {
          why: `It was given out at ${startedAt}, and no worker polls its task queue "${node.queue}"`,
          next: `DAGWRIGHT_TASK_QUEUE=${node.queue} dagwright worker`,
        };
      if (status.childRunId !== undefined)
        return {
          why: `${told.why}; it waits for run ${status.childRunId}`,
          next: `dagwright runs explain ${status.childRunId}`,
        };
      if (node === undefined || !isWaiting(status)) return told;
      const { why, next } = explainQueued(view, node, status, pools);
      return { why: `${told.why}; ${why}`, ...(next === undefined ? {} : { next }) };
    }
    case "queued":
      return explainQueued(view, node ?? { id: task }, status, pools);
    case "deferred":
      if (status.asks === undefined) return { why: `It waits until ${dueAt}` };
      return {
        why: `It waits for a person${patienceOf(status, node)}: ${JSON.stringify(status.asks)}`,
        next: `dagwright approvals approve ${view.runId} ${task}`,
      };
    case "up_for_retry":
      if (error?.code === FAILURE.versionMismatch)
        return {
          why: `A worker refused it (${error.message}), which counts as no attempt; it is offered again at ${dueAt}`,
          ...(error.hint ? { next: error.hint } : {}),
        };
      return {
        why: `Attempt ${attempts} failed (${error?.message ?? "no reason given"}); the next one starts at ${dueAt}`,
      };
    case "failed": {
      const { name, tries } = whereItFailed(task, status);
      return {
        why: `${error?.code ?? "TASK_FAILED"} at attempt ${tries}: ${error?.message ?? "no reason given"}`,
        ...(error?.hint ? { next: error.hint } : {}),
        log: ground.logOf(name),
      };
    }
    case "scheduled":
      return view.state === "paused"
        ? { why: "It may start, but the run is paused", next: `dagwright runs resume ${view.runId}` }
        : { why: reason === undefined ? "It is about to start" : reason };
    case "none":
      return { why: waitingFor(view, node) };
    default:
      return { why: reason ?? `It is ${state}` };
  }
}

/** The task queues of their own that running tasks of a run were given out to. */
export function queuesInUse({ tasks }: RunView, graph: DagGraph | null): readonly string[] {
  const named = (graph?.nodes ?? []).filter(({ id }) => tasks[id]?.state === "running");
  return [...new Set(named.flatMap(({ queue }) => queue ?? []))];
}

/** Until when an approval waits for its answer, and what becomes of it then. */
function patienceOf({ startedAt }: TaskView, node: GraphNode | undefined): string {
  const { timeoutMs, onTimeout } = node?.approval ?? {};
  if (timeoutMs === undefined || startedAt === null) return "";
  const until = new Date(Date.parse(startedAt) + timeoutMs).toISOString();
  return ` until ${until}, and ${onTimeout === "skip" ? "is skipped" : "fails"} when nobody answers`;
}

/** Of a mapped task the item whose error it has: the attempts and logs of others say nothing of that. */
function whereItFailed(task: string, { attempts, mapped = [] }: TaskView): { name: string; tries: number } {
  const index = mapped.findIndex(({ state }) => state === "failed");
  const item = mapped[index];
  return item === undefined ? { name: task, tries: attempts } : { name: `${task}[${index}]`, tries: item.attempts };
}

/** How many items it names, at most, of those that people have marked. */
const MOST_ITEMS = 10;

/** Which items of a mapped task succeeded because a person said so. */
function markedItems(task: string, { mapped = [] }: TaskView): string {
  const marked = mapped.flatMap(({ state, reason }, index) =>
    state === "success" && reason !== undefined ? [`${task}[${index}]: ${reason}`] : [],
  );
  const more = marked.length > MOST_ITEMS ? `; and ${marked.length - MOST_ITEMS} more items` : "";
  return marked.length === 0 ? "" : `; ${marked.slice(0, MOST_ITEMS).join("; ")}${more}`;
}

function waitingFor(view: RunView, node: GraphNode | undefined): string {
  if (isOver(view.state)) return "The run ended before it";
  if (view.state === "queued") return "It waits for the run to begin";
  const open = (node?.upstream ?? []).filter((id) => !isFinal(view.tasks[id]?.state ?? "none"));
  if (node === undefined) return "It waits for its upstream tasks";
  // A live run decides at once: what is shown is older, because no worker has answered.
  if (open.length === 0) return "The run has not said yet what becomes of it: ask again";
  return `It waits for ${open.map((id) => `${id} (${view.tasks[id]?.state ?? "none"})`).join(", ")}`;
}
