import type { z } from "zod";
import type { TaskContext } from "./context.ts";
import type { Duration } from "./duration.ts";
import { type Task, task } from "./task.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** A sensor as written: `run` returns `undefined` for "not yet". */
export interface SensorDefinition<I extends z.ZodType, O extends z.ZodType>
  extends Omit<TaskDefinition<I, O>, "name" | "run" | "light" | "sensor" | "timeout"> {
  /** Pause between two looks. @default "30s" */
  readonly poke?: Duration;
  /** How long to look, counted from the first time. @default "7d" */
  readonly timeout?: Duration;
  /** What becomes of it when the time is over. @default "fail" */
  readonly onTimeout?: "fail" | "skip";
  run(input: z.output<I>, ctx: TaskContext): Promise<z.input<O> | undefined> | z.input<O> | undefined;
}

/**
 * Declares a task that looks whether something is there, every so often, until it is: a file, a row, another system's
 * answer. Between two looks it takes no worker's slot. Nothing there in time fails it with `SENSOR_TIMEOUT`, or skips it.
 *
 * @example const landed = sensor("landed", { input: z.object({ path: z.string() }), output: z.number(), poke: "1m",
 *   run: async ({ path }) => (await stat(path).catch(() => undefined))?.size });
 */
export function sensor<I extends z.ZodType, O extends z.ZodType>(
  name: string,
  { poke = "30s", timeout = "7d", onTimeout = "fail", run, ...definition }: SensorDefinition<I, O>,
): Task<I, O> {
  return task<I, O>(name, {
    ...definition,
    sensor: { poke, timeout, onTimeout },
    // "Not yet" is told from an output before the output's schema sees it.
    run: (input, ctx) => run(input, ctx) as z.input<O>,
  });
}
