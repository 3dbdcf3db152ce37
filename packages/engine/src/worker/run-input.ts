import { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { AssetEvent, RunSeed, TaskStatus } from "../core/state.ts";
import { problemsOf } from "../language/problems.ts";

/** What a run may be started with, by whatever speaks Temporal. */
export interface RunInput {
  readonly params: Readonly<Record<string, unknown>>;
  readonly conf: { readonly [key: string]: Json };
  readonly logicalDate?: string | undefined;
  /** Of a run that begins anew: see `clearedRun`. */
  readonly seed?: RunSeed | undefined;
  /** Outputs of earlier runs are not taken from the cache. @default false */
  readonly noCache?: boolean | undefined;
  /** Of a sub-DAG's run: the interval of the run that it stands in. @default as the DAG's schedule says */
  readonly dataInterval?: { readonly start: string; readonly end: string } | undefined;
  /** Whether its assets are told of what it makes. @default true */
  readonly emitAssets?: boolean | undefined;
  /** Its tasks run anew even where an earlier execution of this run has run them: their effects are new ones. */
  readonly anew?: boolean | undefined;
  readonly trigger?: "schedule" | "manual" | "backfill" | "asset" | "signal" | undefined;
  /** The events that it is started by. @default none */
  readonly assetEvents?: readonly AssetEvent[] | undefined;
}

/** Made by `clearedRun` of a run's own view. */
const Seed = z.record(
  z.string(),
  z.custom<TaskStatus>((value) => z.looseObject({ state: z.string() }).safeParse(value).success),
);

const Event = z.strictObject({
  id: z.string(),
  uri: z.string(),
  at: z.iso.datetime(),
  extra: z.record(z.string(), z.json()),
  source: z.union([
    z.strictObject({ dagId: z.string(), runId: z.string(), taskId: z.string(), index: z.int().exactOptional() }),
    z.strictObject({ by: z.string() }),
  ]),
});

const Input = z
  .strictObject({
    params: z.record(z.string(), z.unknown()).default({}),
    conf: z.record(z.string(), z.json()).default({}),
    logicalDate: z.string().optional(),
    seed: Seed.optional(),
    noCache: z.boolean().optional(),
    dataInterval: z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime() }).optional(),
    anew: z.boolean().optional(),
    trigger: z.enum(["schedule", "manual", "backfill", "asset", "signal"]).optional(),
    assetEvents: z.array(Event).optional(),
    emitAssets: z.boolean().optional(),
  })
  .default({ params: {}, conf: {} });

/** A run was started with an input that is none. */
export class InvalidRunInputError extends Error {
  readonly code = "INVALID_RUN_INPUT";
  readonly retryable = false;
  readonly hint = 'A run takes {"params": {…}, "conf": {…}, "logicalDate": "1998-01-31"}, each of them optional.';
  constructor(
    readonly field: string,
    problems: readonly string[],
  ) {
    super(`Input of the run: ${problems.join("; ")}`);
    this.name = "InvalidRunInputError";
  }
}

/** @throws InvalidRunInputError naming the field, its value and what was expected. */
export function readRunInput(input: unknown): RunInput {
  const parsed = Input.safeParse(input ?? undefined);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error.issues, input);
  throw new InvalidRunInputError(
    problems[0]?.field || "input",
    problems.map(({ message }) => message),
  );
}
