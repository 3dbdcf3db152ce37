import { z } from "zod";
import type { DagGraph, Json } from "../core/graph.ts";
import type { AssetEvent, RunInfo } from "../core/state.ts";
import { asBody, DagBody } from "./body.ts";
import { checkedCallbacks } from "./callbacks.ts";
import { catchupRule } from "./catchup.ts";
import { DAG_NAMES, type Dag, type DagOptions } from "./dag-definition.ts";
import { DagDefinitionError } from "./errors.ts";
import { isId } from "./id.ts";
import { checkNames } from "./known-options.ts";
import { parseLogicalDate } from "./logical-date.ts";
import { makeRef, type Ref, type Resolved } from "./ref.ts";
import { graphScheduleOf, isSchedule } from "./schedule.ts";
import { sha256 } from "./sha256.ts";
import { whole } from "./slots.ts";

export type { Dag, DagOptions, OutputOf } from "./dag-definition.ts";

/** An event of an asset as a DAG body wires it: an input of `z.json()` takes its `extra`. */
export interface WiredAssetEvent extends Omit<AssetEvent, "extra"> {
  readonly extra: Record<string, z.core.util.JSONType>;
}

/** The run as a DAG body wires it. */
export interface WiredRun extends Omit<RunInfo, "assetEvents"> {
  /** The events that it was started by, in the order in which they came; empty unless assets started it. */
  readonly assetEvents: WiredAssetEvent[];
}

/** What a DAG body is given: values of the run to come. */
export interface DagContext<Params extends z.ZodObject> {
  readonly params: Ref<z.output<Params>>;
  readonly run: Ref<WiredRun>;
}

/** Marks a DAG across copies of this package (a DAG file may load its own). */
const BRAND = Symbol.for("dagwright.dag");

/**
 * Defines a DAG. The body runs once, here: it wires nodes and computes nothing.
 *
 * @returns The DAG; what the body returns is the output of its runs.
 * @throws DagDefinitionError with all mistakes at once.
 */
export function defineDag<Params extends z.ZodObject = z.ZodObject<Record<never, never>>, Result = unknown>(
  options: DagOptions<Params>,
  body: (context: DagContext<Params>) => Result,
): Dag<Params, Resolved<Result>> {
  const mistakes: string[] = [];
  const report = (message: string) => mistakes.push(`DAG "${options.id}", ${message}`);
  checkNames(options, DAG_NAMES, report);
  const limits = checkedOptions(options, report);
  // A DAG without params takes the empty object, which is what `Params` is by default.
  const params = options.params ?? (z.object({}) as unknown as Params);
  const ofSchedule = (message: string) => report(`schedule: ${message}`);
  const { schedule: written } = options;
  const schedule = written && isSchedule(written, ofSchedule) ? graphScheduleOf(written, ofSchedule) : null;
  const callbacks = checkedCallbacks(options, report);
  const draft = new DagBody(options.id, options.defaults ?? {}, report);
  const result = runBody(draft, body, report);
  const content: Omit<DagGraph, "dagId" | "version"> = {
    ...(options.description === undefined ? {} : { description: options.description }),
    tags: options.tags ?? [],
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    schedule,
    params: jsonSchemaOf(params, report),
    nodes: [...draft.nodes.values()],
    output: draft.expression(result, "its result"),
    ...callbacks.graph,
    ...limits,
  };
  if (mistakes.length > 0) throw new DagDefinitionError(options.id, mistakes);
  const version = sha256(JSON.stringify(content)).slice(0, 12);
  const graph: DagGraph = { dagId: options.id, version, ...content };
  const { tasks, functions, children } = draft;
  const dag: Dag<Params, Resolved<Result>> = {
    ...{ id: options.id, graph, params, options, tasks, functions, children },
    callbacks: callbacks.functions,
  };
  return Object.defineProperty(dag, BRAND, { value: true });
}

/** Whether a value is a DAG, whichever copy of this package defined it. */
export function isDag(value: unknown): value is Dag {
  return typeof value === "object" && value !== null && BRAND in value;
}

function runBody<Params extends z.ZodObject>(
  draft: DagBody,
  body: (context: DagContext<Params>) => unknown,
  report: (mistake: string) => void,
): unknown {
  const params = makeRef<z.output<Params>>({ owner: draft, expression: { kind: "params", path: [] } });
  const run = makeRef<WiredRun>({ owner: draft, expression: { kind: "run", path: [] } });
  try {
    const result = asBody(draft, () => body({ params, run }));
    if (!(result instanceof Promise)) return result;
    report("its body is asynchronous: wiring must be done when the function returns");
    // What an asynchronous body throws later has no one else to catch it.
    result.catch(() => undefined);
  } catch (error) {
    report(`its body threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
  }
  return undefined;
}

/** @returns What of the options limits the DAG's runs. */
function checkedOptions(
  options: DagOptions,
  report: (mistake: string) => void,
): Pick<DagGraph, "maxActiveRuns" | "maxActiveTasks"> {
  const { id, maxActiveRuns, maxActiveTasks, manualLogicalDate, paused, catchup } = options;
  if (!isId(id)) report('id: expected 1 to 200 letters, digits, "_", "-" and ".", beginning with none of the last two');
  const limits = {
    ...whole("maxActiveRuns", maxActiveRuns, 1, report),
    ...whole("maxActiveTasks", maxActiveTasks, 1, report),
  };
  catchupRule(catchup, report);
  if (paused !== undefined && !paused.note?.trim()) report("paused.note is empty: say why the schedule is paused");
  if (manualLogicalDate === undefined) return limits;
  try {
    parseLogicalDate(manualLogicalDate);
  } catch {
    report(
      `manualLogicalDate is ${JSON.stringify(manualLogicalDate)}: expected a day such as 1998-01-31 or an ISO-8601 moment`,
    );
  }
  return limits;
}

function jsonSchemaOf(params: z.ZodObject, report: (mistake: string) => void): Json {
  try {
    const { $schema, ...schema } = z.toJSONSchema(params, { io: "input", unrepresentable: "any" });
    // Through text: zod's result carries what JSON does not.
    return JSON.parse(JSON.stringify(schema)) as Json;
  } catch (error) {
    report(`params: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}
