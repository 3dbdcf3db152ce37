import type { Contract, Progress, ToolClient } from "@dagwright/mcp-kit/contract";
import type { Json } from "../core/graph.ts";
import type { Emitted, RunInfo } from "../core/state.ts";
import { extraProblem } from "../language/asset.ts";
import type { TaskContext, TaskLog, TaskServices } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import { AssetNotOutletError, InvalidExtraError } from "../language/errors.ts";
import { problemsOf } from "../language/problems.ts";
import type { TaskDefinition } from "../language/task-definition.ts";
import { outcomeOfValue } from "./json-output.ts";
import { finalFailure, type TaskOutcome } from "./outcome.ts";
import { Redactor } from "./redactor.ts";
import { connectionsOf } from "./task-connections.ts";
import { outcomeOfThrown } from "./task-error.ts";

/** One attempt of one task. */
export interface TaskExecution {
  readonly dag: Dag;
  readonly nodeId: string;
  /** Of the item, when the node is mapped; from 0. */
  readonly index?: number | undefined;
  readonly input: Json;
  /** Counts from 1. */
  readonly attempt: number;
  /** How often the task was cleared. @default 0 */
  readonly clears?: number | undefined;
  readonly run: RunInfo;
  /** Codes of errors, and names of their classes, that no further attempt can mend. */
  readonly noRetryOn?: readonly string[] | undefined;
  readonly services: TaskServices;
  /** Knows the secrets of all that runs in this process. @default those that this attempt asks for */
  readonly redactor?: Redactor | undefined;
  /** The uris of what the node updates. @default none */
  readonly outlets?: readonly string[] | undefined;
  /** Aborts the attempt. @default never */
  readonly signal?: AbortSignal;
  /** Called with each progress the task reports. */
  readonly onProgress?: (progress: Progress) => void;
  /** Runs in place of the task's own function (a test's mock). */
  readonly implementation?: TaskDefinition["run"];
}

/** How many of the problems of an input or output are named. */
const MOST_PROBLEMS = 10;

const SILENT: TaskLog = { debug() {}, info() {}, warn() {}, error() {} };

/** What an effect of a task is remembered by: the same for every attempt of a task in a run, another after a clear. */
export function idempotencyKeyOf(run: RunInfo, nodeId: string, index?: number, clears = 0): string {
  return `${run.id}/${taskIdOf(nodeId, index)}${clears > 0 ? `~${clears}` : ""}`;
}

/** What a task, or an item of a mapped one, is called in logs: `features`, `features[3]`. */
export function taskIdOf(nodeId: string, index: number | undefined): string {
  return index === undefined ? nodeId : `${nodeId}[${index}]`;
}

/**
 * Runs one attempt of a task: checks the input by the task's schema, runs it, checks the output. Never throws. Secrets
 * that it asked for are replaced in its outcome, its log and its progress.
 *
 * Errors of its own: `TASK_NOT_FOUND` (this worker's code does not have the node), `INVALID_INPUT`, `INVALID_OUTPUT`,
 * `OUTPUT_TOO_LARGE`; what the task throws: see `taskErrorOf`.
 */
export async function executeTask(execution: TaskExecution): Promise<TaskOutcome> {
  const { dag, nodeId, redactor = new Redactor() } = execution;
  const definition = dag.tasks.get(nodeId);
  if (definition === undefined) return unknownNode(dag, nodeId, "task");
  const said = new Map<string, Emitted>();
  const context = contextOf({ ...execution, redactor }, said);
  const outcome = await outcomeOf(execution, definition, context, redactor);
  const told = outcome.type === "success" && said.size > 0 ? { ...outcome, emitted: [...said.values()] } : outcome;
  return redactor.outcome(told, context.log);
}

async function outcomeOf(
  { nodeId, input, implementation, noRetryOn }: TaskExecution,
  definition: TaskDefinition,
  context: TaskContext,
  { text: shown }: Redactor,
): Promise<TaskOutcome> {
  const what = `task "${nodeId}"`;
  try {
    const given = await definition.input.safeParseAsync(input);
    if (!given.success) return misfit("INVALID_INPUT", `Input of ${what}`, problemsOf(given.error.issues, input));
    const returned: unknown = await (implementation ?? definition.run).call(definition, given.data, context);
    if (definition.sensor !== undefined && returned === undefined) return { type: "not_yet" };
    const output = await definition.output.safeParseAsync(returned);
    if (!output.success)
      return misfit("INVALID_OUTPUT", `Output of ${what}`, problemsOf(output.error.issues, returned, shown));
    return outcomeOfValue(output.data, what);
  } catch (thrown) {
    return outcomeOfThrown(thrown, { shown, noRetryOn });
  }
}

/** Runs the function of a `derive` node over its arguments. Never throws; the same errors as `executeTask`. */
export async function executeFunction(dag: Dag, nodeId: string, args: Json): Promise<TaskOutcome> {
  const run = dag.functions.get(nodeId);
  if (run === undefined) return unknownNode(dag, nodeId, "derive");
  try {
    const list: readonly Json[] = Array.isArray(args) ? args : [args];
    return outcomeOfValue(await Reflect.apply(run, undefined, list), `derive "${nodeId}"`);
  } catch (thrown) {
    return outcomeOfThrown(thrown);
  }
}

/** What the context of an attempt is made of. */
export type ContextGround = Pick<
  TaskExecution,
  "nodeId" | "index" | "clears" | "attempt" | "run" | "services" | "outlets" | "signal" | "onProgress" | "redactor"
>;

/**
 * What a running task, or callback, is given.
 * @param said Takes what it says of its outlets, by uri.
 */
export function contextOf(
  {
    nodeId,
    index,
    clears,
    attempt,
    run,
    services,
    outlets = [],
    signal,
    onProgress,
    redactor = new Redactor(),
  }: ContextGround,
  said: Map<string, Emitted> = new Map(),
): TaskContext {
  const key = idempotencyKeyOf(run, nodeId, index, clears);
  const taskId = taskIdOf(nodeId, index);
  const aborts = signal ?? new AbortController().signal;
  const progress = ({ note, ...far }: Progress) =>
    onProgress?.(note === undefined ? far : { ...far, note: redactor.text(note) });
  const calls = new Map<string, number>();
  return {
    attempt,
    idempotencyKey: key,
    signal: aborts,
    run: { ...run, assetEvents: run.assetEvents ?? [] },
    taskId,
    log: redactor.log(services.log?.({ run, taskId, attempt }) ?? SILENT),
    progress,
    emit: ({ uri }, extra) => {
      if (!outlets.includes(uri)) throw new AssetNotOutletError(taskId, uri, outlets);
      const problem = extraProblem(extra);
      if (problem !== null) throw new InvalidExtraError(uri, problem);
      // A copy: nothing that the task still holds can change it.
      said.set(uri, { uri, extra: structuredClone(extra) });
    },
    mcp: <C extends Contract>(contract: C): ToolClient<C> =>
      services.mcp(contract, { signal: aborts, idempotencyKey: key, onProgress: progress, calls }),
    ...connectionsOf(services, redactor),
  };
}

function misfit(code: string, what: string, problems: readonly { field: string; message: string }[]): TaskOutcome {
  const field = problems[0]?.field;
  const named = problems.slice(0, MOST_PROBLEMS).map((problem) => problem.message);
  const more = problems.length > MOST_PROBLEMS ? `; and ${problems.length - MOST_PROBLEMS} more` : "";
  const message = `${what}: ${named.join("; ")}${more}`;
  return finalFailure({ code, message, ...(field ? { field } : {}) });
}

function unknownNode(dag: Dag, nodeId: string, kind: string): TaskOutcome {
  const message = `This worker's DAG "${dag.id}" (version ${dag.graph.version}) has no ${kind} "${nodeId}"`;
  const hint = "The run was started with another version of the DAG: run a worker that still has the node.";
  return { type: "failed", error: { code: "TASK_NOT_FOUND", message, hint, retryable: true } };
}
