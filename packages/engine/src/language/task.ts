import type { z } from "zod";
import { currentBody } from "./body.ts";
import type { NodeOptions } from "./node-options.ts";
import type { Ref, Wired } from "./ref.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** What a DAG writes as a task's input: each field a value or a `Ref` of it, as deep as the schema goes. */
export type TaskInput<I extends z.ZodType> = Wired<z.input<I>>;

/** A task: called inside a DAG body it wires a node and gives a `Ref` to the node's output. */
export interface Task<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  (input: TaskInput<I>, options?: NodeOptions): Ref<z.output<O>>;
  readonly definition: TaskDefinition<I, O>;
}

/**
 * Declares a task. It may throw `SkipTask`, or any error with `code`, `message`, `field?`, `hint?`, `retryable?`.
 *
 * @param name Stable name: the node's id unless it is given another, and what workers know the task by.
 * @example
 * const double = task("double", { input: z.object({ n: z.number() }), output: z.number(), run: ({ n }) => 2 * n });
 */
export function task<I extends z.ZodType, O extends z.ZodType>(
  name: string,
  definition: Omit<TaskDefinition<I, O>, "name">,
): Task<I, O> {
  const named: TaskDefinition<I, O> = { ...definition, name };
  const wire = (input: TaskInput<I>, options: NodeOptions = {}): Ref<z.output<O>> =>
    currentBody(`task "${name}"`).add({ id: options.id ?? name, kind: "task", input, options, task: named });
  return Object.assign(wire, { definition: named });
}
