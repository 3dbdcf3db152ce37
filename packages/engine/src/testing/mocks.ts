import { nearest } from "@dagwright/mcp-kit/nearest";
import type { z } from "zod";
import type { TaskContext } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import type { Task } from "../language/task.ts";
import type { TaskDefinition } from "../language/task-definition.ts";

/** What stands in for a task: its output, or a function that gives it. Input and output are checked by the task's schemas. */
export type Mock = unknown | ((input: never, ctx: TaskContext) => unknown);

/** Mocks by node id or task name; a node's own goes before its task's. */
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
 * What to run in place of a node's task, if it is mocked.
 * @throws UnknownMockError for a mock that no task answers to.
 */
export function implementationsOf(dag: Dag, mocks: Mocks): (nodeId: string) => TaskDefinition["run"] | undefined {
  const names = new Map([...dag.tasks].map(([nodeId, { name }]) => [nodeId, name]));
  const known = new Set([...names.keys(), ...names.values()]);
  for (const key of Object.keys(mocks)) if (!known.has(key)) throw new UnknownMockError(key, dag.id, [...known].sort());
  return (nodeId) => {
    const key = [nodeId, names.get(nodeId) ?? nodeId].find((one) => Object.hasOwn(mocks, one));
    if (key === undefined) return undefined;
    const given = mocks[key];
    return (input, ctx) => (typeof given === "function" ? Reflect.apply(given, undefined, [input, ctx]) : given);
  };
}
