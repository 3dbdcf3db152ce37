import type { z } from "zod";
import type { Json } from "../core/graph.ts";
import type { Answer, AssetEvent, RunSeed, RunTrigger, RunView } from "../core/state.ts";
import { Redactor } from "../execution/redactor.ts";
import type { TaskServices } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import { planRun } from "../language/plan.ts";
import { givenConnections } from "./given-connections.ts";
import { InProcessRun } from "./in-process-run.ts";
import type { TaskCache } from "./memory-cache.ts";
import { checkMocks, type Mocks } from "./mocks.ts";
import type { RunControl } from "./run-control.ts";
import { RunTime } from "./run-time.ts";

/** How to run a DAG in this process. */
export interface InProcessOptions<Params extends z.ZodObject = z.ZodObject> {
  readonly params?: z.input<Params>;
  readonly conf?: { readonly [key: string]: Json };
  /** A day or ISO-8601 moment. @default as for a manual run */
  readonly logicalDate?: string;
  /** @default "manual"; "asset" with `assetEvents` */
  readonly trigger?: RunTrigger;
  /** The events that it is started by; what is not said of one is made up. @default none */
  readonly assetEvents?: readonly (Pick<AssetEvent, "uri"> & Partial<AssetEvent>)[];
  /** Whether what its tasks update has events. @default true */
  readonly emitAssets?: boolean;
  /** @default `<dag id>/<logical date>` */
  readonly runId?: string;
  /**
   * What a person would answer, by the id of the `approval`; those in sub-DAGs too. One that is not here is rejected,
   * by "nobody": in this process there is nobody to ask. With `control` it waits for an answer.
   */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** Stand-ins by node id or task name; those in sub-DAGs too. */
  readonly mocks?: Mocks;
  /** The way to MCP servers, and logs. Without it a task that asks a server fails with `NO_MCP`. */
  readonly services?: TaskServices;
  /** What `ctx.connection(name)` gives, before `services` is asked: an object, or the text of a URL. */
  readonly connections?: Readonly<Record<string, unknown>>;
  /** What `ctx.secret(name)` gives, before `services` is asked. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where tasks with a `cache` keep their outputs. @default nowhere: each of them runs */
  readonly cache?: TaskCache;
  /** Outputs of earlier runs are not taken from the cache. @default false */
  readonly noCache?: boolean;
  /** How many slots pools have, by name. @default 1 each */
  readonly pools?: Readonly<Record<string, number>>;
  /** Knows the secrets that tasks were given. @default its own */
  readonly redactor?: Redactor;
  /** How tasks stand at first, as `clearedRun` gives it. @default untouched */
  readonly seed?: RunSeed;
  /** Called after every change of the run, progress included. */
  readonly onChange?: (view: RunView) => void;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  /**
   * Pauses before retries, waits and looks of sensors take no time: when nothing works, the clock jumps to the next of
   * them, and moments count what was skipped. @default true
   */
  readonly skipDelays?: boolean;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
  /** Called once before the run starts, with what steers it. */
  readonly control?: (run: RunControl) => void;
}

const NO_SERVICES: TaskServices = {
  mcp: ({ name }) => {
    const hint = "Mock the task, or pass `services`.";
    throw Object.assign(new Error(`The task asks the MCP server "${name}", and there is none`), {
      code: "NO_MCP",
      hint,
      retryable: false,
    });
  },
};

/**
 * Runs a DAG in this process, without a server: the same scheduler, tasks and states as on Temporal. For tests, and for
 * a person on a train. A failed run is a value, not an error.
 *
 * @throws InvalidParamsError, InvalidLogicalDateError, UnknownMockError
 */
export async function runInProcess<Params extends z.ZodObject>(
  dag: Dag<Params>,
  options: InProcessOptions<Params> = {},
): Promise<RunView> {
  const { clock = Date.now, params = {}, conf = {}, logicalDate, runId, noCache, emitAssets } = options;
  const { mocks = {}, services = NO_SERVICES, answers = {}, skipDelays = true } = options;
  const assetEvents = options.assetEvents?.map((event, place) => ({
    ...{ id: `given-${place}`, at: new Date(clock()).toISOString(), extra: {}, source: { by: "a test" } },
    ...event,
  }));
  const trigger = options.trigger ?? (assetEvents === undefined ? "manual" : "asset");
  // A DAG of any params is a DAG to whoever only runs it.
  const known = dag as unknown as Dag;
  checkMocks(known, mocks);
  const plan = planRun(known, {
    ...{ runId, params, conf, logicalDate, trigger, noCache, assetEvents, emitAssets },
    now: new Date(clock()),
  });
  const time = new RunTime(clock, skipDelays);
  const ground = {
    ...{ time, mocks, answers, cache: options.cache, steered: options.control !== undefined },
    pools: options.pools ?? {},
    services: givenConnections(options, services),
    redactor: options.redactor ?? new Redactor(),
  };
  const run = new InProcessRun(known, plan, ground, options.onChange, options.seed);
  options.control?.(run.control());
  return await run.toItsEnd(options.signal);
}
