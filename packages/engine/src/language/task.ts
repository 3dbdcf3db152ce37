import type { z } from "zod";
import { currentBody } from "./body.ts";
import type { MapOptions, NodeOptions } from "./node-options.ts";
import { makeRef, type Ref, type RefTo, type Wired } from "./ref.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** What a DAG writes as a task's input: each field a value or a `Ref` of it, as deep as the schema goes. */
export type TaskInput<I extends z.ZodType> = Wired<z.input<I>>;

/** A task: called inside a DAG body it wires a node and gives a `Ref` to the node's output. */
export interface Task<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  (input: TaskInput<I>, options?: NodeOptions): Ref<z.output<O>>;
  /**
   * Wires one node that runs once for each item of a list known only at run time. Each item has its own attempts and
   * retries; one that fails does not stop the others, and fails the node when they have ended. Over no items it succeeds.
   *
   * @param wire Called once, here, with stand-ins for the item and its place: gives the input of each.
   * @returns The outputs in the order of the list, without those of items that skipped themselves.
   * @example const sizes = measure.map(files.paths, (path, index) => ({ path, label: index }));
   */
  map<Item>(
    list: RefTo<readonly Item[]> | readonly Item[],
    wire: (item: Ref<Item>, index: Ref<number>) => TaskInput<I>,
    options?: MapOptions,
  ): Ref<z.output<O>[]>;
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
  const map = <Item>(
    list: RefTo<readonly Item[]> | readonly Item[],
    wireItem: (item: Ref<Item>, index: Ref<number>) => TaskInput<I>,
    { maxConcurrent, ...options }: MapOptions = {},
  ): Ref<z.output<O>[]> => {
    const itemOwner = {};
    const input = wireItem(
      makeRef<Item>({ owner: itemOwner, expression: { kind: "item", path: [] } }),
      makeRef<number>({ owner: itemOwner, expression: { kind: "index", path: [] } }),
    );
    const over = { over: list, maxConcurrent, itemOwner };
    return currentBody(`task "${name}"`).add({
      id: options.id ?? name,
      kind: "task",
      input,
      options,
      task: named,
      map: over,
    });
  };
  return Object.assign(wire, { map, definition: named });
}
