import { nearest } from "@dagwright/mcp-kit/nearest";
import type { z } from "zod";
import type { TaskContext } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import type { Task } from "../language/task.ts";
import type { TaskDefinition } from "../language/task-definition.ts";

/** What stands in for a task: its output, or a function that gives it. Input and output are checked by the task's schemas. */
export type Mock = unknown | ((input: never, ctx: TaskContext) => unknown);

/**
 * Mocks by node id or task name; a node's own goes before its task's. One by the id of a `subdag` or `trigger` stands in
 * for its run, one by `@onSuccess`, `@onFailure` or `@onDeadline` for that callback.
 */
export type Mocks = Readonly<Record<string, Mock>>;

/** A mock is for a node or task that the DAG does not have. */
export class UnknownMockError extends Error {
  readonly code = "UNKNOWN_MOCK";
  readonly retryable = false;
  readonly hint: string;
  constructor(
    readonly field: string,
    dagId: string,
    known: readonly string[],
  ) {
    const meant = nearest(field, known);
    super(`DAG "${dagId}" has no task "${field}" to mock${meant ? `; did you mean "${meant}"?` : ""}`);
    this.name = "UnknownMockError";
    this.hint = `It has: ${known.join(", ")}`;
  }
}

/**
 * A mock that the compiler checks against the task.
 *
 * @example await runInProcess(dag, { mocks: { ...mock(train, { runId: "r1", metrics: { val_f1: 0.9 } }) } });
 */
export function mock<I extends z.ZodType, O extends z.ZodType>(
  task: Task<I, O>,
  output: z.input<O> | ((input: z.output<I>, ctx: TaskContext) => z.input<O> | Promise<z.input<O>>),
): Mocks {
  return { [task.definition.name]: output };
}

/**
 * Checks that each mock is for something that the DAG, or one that it runs as a sub-DAG, has.
 * @throws UnknownMockError for a mock that nothing answers to.
 */
export function checkMocks(dag: Dag, mocks: Mocks): void {
  const known = namesOf(dag, new Set());
  for (const key of Object.keys(mocks)) if (!known.has(key)) throw new UnknownMockError(key, dag.id, [...known].sort());
}

function namesOf(dag: Dag, known: Set<string>, seen = new Set<Dag>()): Set<string> {
  if (seen.has(dag)) return known;
  seen.add(dag);
  for (const [nodeId, { name }] of dag.tasks) known.add(nodeId).add(name);
  for (const name of dag.callbacks.keys()) known.add(`@${name}`);
  for (const { id, kind } of dag.graph.nodes) {
    if (kind !== "subdag" && kind !== "trigger") continue;
    known.add(id);
    const child = dag.children.get(id);
    if (kind === "subdag" && child !== undefined) namesOf(child, known, seen);
  }
  return known;
}

/** What to run in place of a node's task (or sub-DAG, or callback as `@onFailure`), if it is mocked. */
export function mockOf(dag: Dag, mocks: Mocks, nodeId: string): TaskDefinition["run"] | undefined {
  const key = [nodeId, dag.tasks.get(nodeId)?.name ?? nodeId].find((one) => Object.hasOwn(mocks, one));
  if (key === undefined) return undefined;
  const given = mocks[key];
  return (input, ctx) => (typeof given === "function" ? Reflect.apply(given, undefined, [input, ctx]) : given);
}
