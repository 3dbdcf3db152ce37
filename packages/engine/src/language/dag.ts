import { z } from "zod";
import type { DagGraph, Json } from "../core/graph.ts";
import type { RunInfo } from "../core/state.ts";
import { asBody, DagBody, isId, type NodeFunction } from "./body.ts";
import { DagDefinitionError } from "./errors.ts";
import { parseLogicalDate } from "./logical-date.ts";
import type { Policy } from "./policy.ts";
import { makeRef, type Ref } from "./ref.ts";
import { graphScheduleOf, type Schedule } from "./schedule.ts";
import { sha256 } from "./sha256.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** What a DAG says of itself. */
export interface DagOptions<Params extends z.ZodObject = z.ZodObject> {
  /** Letters, digits, `_`, `-`, `.`; also the Temporal workflow type of its runs. */
  readonly id: string;
  /** One sentence: what it makes of what. */
  readonly description?: string;
  /** When it runs by itself: `cron(…)`, `every(…)`; null or none: only when it is started. */
  readonly schedule?: Schedule | null;
  /** What a run may be given, with defaults; values must be JSON. @default none */
  readonly params?: Params;
  /** Policy of nodes and tasks that say nothing else. */
  readonly defaults?: Policy;
  readonly tags?: readonly string[];
  readonly owner?: string;
  /** Whether intervals missed while nothing ran are made up for. @default false */
  readonly catchup?: boolean;
  /** How many runs may be active at once. @default 16 */
  readonly maxActiveRuns?: number;
  /** Logical date of a manual run that names none. @default the last complete interval before the start */
  readonly manualLogicalDate?: string;
  /** Its schedule is created paused, with this note. */
  readonly paused?: { readonly note: string };
}

/** A DAG: its graph as plain JSON, and the code behind its nodes. */
export interface Dag<Params extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly graph: DagGraph;
  readonly params: Params;
  readonly options: DagOptions<Params>;
  /** The task behind each `task` node, by node id. */
  readonly tasks: ReadonlyMap<string, TaskDefinition>;
  /** The function behind each `derive` node, by node id. */
  readonly functions: ReadonlyMap<string, NodeFunction>;
}

/** What a DAG body is given: values of the run to come. */
export interface DagContext<Params extends z.ZodObject> {
  readonly params: Ref<z.output<Params>>;
  readonly run: Ref<RunInfo>;
}

/** Marks a DAG across copies of this package (a DAG file may load its own). */
const BRAND = Symbol.for("dagwright.dag");

/**
 * Defines a DAG. The body runs once, here: it wires nodes and computes nothing.
 *
 * @returns The DAG; what the body returns is the output of its runs.
 * @throws DagDefinitionError with all mistakes at once.
 */
export function defineDag<Params extends z.ZodObject = z.ZodObject<Record<never, never>>>(
  options: DagOptions<Params>,
  body: (context: DagContext<Params>) => unknown,
): Dag<Params> {
  const mistakes: string[] = [];
  const report = (message: string) => mistakes.push(`DAG "${options.id}", ${message}`);
  checkOptions(options, report);
  // A DAG without params takes the empty object, which is what `Params` is by default.
  const params = options.params ?? (z.object({}) as unknown as Params);
  const schedule = options.schedule
    ? graphScheduleOf(options.schedule, (message) => report(`schedule: ${message}`))
    : null;
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
  };
  if (mistakes.length > 0) throw new DagDefinitionError(options.id, mistakes);
  const version = sha256(JSON.stringify(content)).slice(0, 12);
  const graph: DagGraph = { dagId: options.id, version, ...content };
  const dag: Dag<Params> = { id: options.id, graph, params, options, tasks: draft.tasks, functions: draft.functions };
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
  const run = makeRef<RunInfo>({ owner: draft, expression: { kind: "run", path: [] } });
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

function checkOptions(options: DagOptions, report: (mistake: string) => void): void {
  const { id, maxActiveRuns, manualLogicalDate, paused } = options;
  if (!isId(id)) report('id: expected 1 to 200 letters, digits, "_", "-" and ".", beginning with none of the last two');
  if (maxActiveRuns !== undefined && !(Number.isInteger(maxActiveRuns) && maxActiveRuns >= 1)) {
    report(`maxActiveRuns is ${maxActiveRuns}: expected a whole number of at least 1`);
  }
  if (paused !== undefined && !paused.note?.trim()) report("paused.note is empty: say why the schedule is paused");
  if (manualLogicalDate === undefined) return;
  try {
    parseLogicalDate(manualLogicalDate);
  } catch {
    report(
      `manualLogicalDate is ${JSON.stringify(manualLogicalDate)}: expected a day such as 1998-01-31 or an ISO-8601 moment`,
    );
  }
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
