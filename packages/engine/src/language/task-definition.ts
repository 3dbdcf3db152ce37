import type { z } from "zod";
import type { Asset } from "./asset.ts";
import type { CacheOption } from "./cache.ts";
import type { TaskContext } from "./context.ts";
import type { Duration } from "./duration.ts";
import type { Names } from "./known-options.ts";
import { POLICY_NAMES, type Policy } from "./policy.ts";
import { SLOT_NAMES, type SlotOptions } from "./slots.ts";

/** A task as written: schemas in and out, and ordinary Node code between them. */
export interface TaskDefinition<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType>
  extends Policy,
    SlotOptions {
  readonly name: string;
  readonly input: I;
  readonly output: O;
  /** Task queue of the workers that are to run it. @default the run's own */
  readonly queue?: string;
  /** Run it inside the scheduler's own step: for work of milliseconds. @default false */
  readonly light?: boolean;
  /** Takes the output of an earlier run that gave it the same input, with the same code. @default false */
  readonly cache?: CacheOption;
  /** What it updates: each has an event when the task succeeds; `ctx.emit` says more of it. @default nothing */
  readonly outlets?: readonly Asset[];
  /** It is tried again every so often as long as it returns `undefined`: see `sensor`. */
  readonly sensor?: { readonly poke: Duration; readonly timeout: Duration; readonly onTimeout: "fail" | "skip" };
  /** What it does and why, in Markdown. */
  readonly doc?: string;
  run(input: z.output<I>, ctx: TaskContext): Promise<z.input<O>> | z.input<O>;
}

export const TASK_NAMES: Names<TaskDefinition> = {
  ...{ ...POLICY_NAMES, ...SLOT_NAMES, name: true, input: true, output: true, queue: true, light: true, cache: true },
  ...{ outlets: true, sensor: true, doc: true, run: true },
};
