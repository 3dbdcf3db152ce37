import { nearest } from "@dagwright/mcp-kit/nearest";
import type { DagGraph, GraphSchedule, Json } from "../core/graph.ts";
import type { AssetEvent, RunInfo, RunTrigger } from "../core/state.ts";
import type { Dag } from "./dag.ts";
import { InvalidLogicalDateError, InvalidParamsError } from "./errors.ts";
import { dataIntervalFor, type Interval, intervalEndingAt, lastCompleteInterval } from "./interval.ts";
import { normalMoment, parseLogicalDate, workflowIdFor } from "./logical-date.ts";
import { problemsOf } from "./problems.ts";

/** What is known when a run is started. */
export interface RunRequest {
  /** @default `<dag id>/<logical date>` */
  readonly runId?: string | undefined;
  /** As given by whoever starts the run; defaults are filled in by `planRun`. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Free data that tasks can read as `run.conf`. */
  readonly conf: { readonly [key: string]: Json };
  /** A day (1998-01-31) or an ISO-8601 moment. */
  readonly logicalDate?: string | undefined;
  readonly trigger: RunTrigger;
  readonly now: Date;
  /** When the schedule fired: the end of the run's interval. */
  readonly scheduledFor?: Date | undefined;
  /** @default as the schedule says */
  readonly dataInterval?: RunInfo["dataInterval"] | undefined;
  /** Outputs of earlier runs are not taken from the cache. @default false */
  readonly noCache?: boolean | undefined;
  /** The events that it is started by. @default none */
  readonly assetEvents?: readonly AssetEvent[] | undefined;
  /** Whether what its tasks update has events. @default true */
  readonly emitAssets?: boolean | undefined;
}

/** All that a run needs besides the code of its tasks: recorded once, when it starts. */
export interface RunPlan {
  readonly graph: DagGraph;
  readonly params: Json;
  readonly run: RunInfo;
}

/**
 * Plans a run: checks params and works out the logical date and data interval. The logical date is the one given;
 * else the start of the interval that ends at `scheduledFor`; else the DAG's `manualLogicalDate`; else the start of the
 * last complete interval before `now`.
 *
 * @throws InvalidParamsError naming the param, its value and what was expected.
 * @throws InvalidLogicalDateError
 */
export function planRun(dag: Dag, request: RunRequest): RunPlan {
  const { conf, trigger } = request;
  const params = checkedParams(dag, request.params);
  const { logicalDate: date, interval } = datesOf(dag.graph.schedule, request, dag.options.manualLogicalDate);
  const logicalDate = normalMoment(date);
  const dataInterval = request.dataInterval ?? { start: normalMoment(interval.start), end: normalMoment(interval.end) };
  const id = request.runId ?? workflowIdFor(dag.id, date);
  const run: RunInfo = {
    ...{ id, logicalDate, dataInterval, trigger, conf },
    ...(request.noCache === true ? { noCache: true } : {}),
    ...(request.assetEvents === undefined ? {} : { assetEvents: request.assetEvents }),
    ...(request.emitAssets === false ? { emitAssets: false } : {}),
  };
  return { graph: dag.graph, params, run };
}

const FIRST_YEAR = 1000;
const LAST_YEAR = 9998;

function datesOf(
  schedule: GraphSchedule | null,
  { logicalDate, scheduledFor, now }: RunRequest,
  manualLogicalDate: string | undefined,
): { logicalDate: Date; interval: Interval } {
  if (logicalDate === undefined && scheduledFor !== undefined) {
    const interval = schedule === null ? dataIntervalFor(null, scheduledFor) : intervalEndingAt(schedule, scheduledFor);
    return { logicalDate: interval.start, interval };
  }
  const named = logicalDate ?? manualLogicalDate;
  if (named === undefined) {
    const interval = lastCompleteInterval(schedule, now);
    return { logicalDate: interval.start, interval };
  }
  const date = parseLogicalDate(named);
  // Beyond them a schedule finds no fire before or after.
  if (date.getUTCFullYear() < FIRST_YEAR || date.getUTCFullYear() > LAST_YEAR)
    throw new InvalidLogicalDateError(named, `one of the years ${FIRST_YEAR} to ${LAST_YEAR}`);
  return { logicalDate: date, interval: dataIntervalFor(schedule, date) };
}

function checkedParams(dag: Dag, given: Readonly<Record<string, unknown>>): Json {
  const known = Object.keys(dag.params.shape);
  const problems: { field: string; message: string }[] = [];
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    problems.push({ field: name, message: `there is no param "${name}"${meant ? `; did you mean "${meant}"?` : ""}` });
  }
  const parsed = dag.params.safeParse(given);
  if (!parsed.success) {
    // What a strict schema says of unknown names has been said above, with a suggestion.
    const issues = parsed.error.issues.filter(({ code, path }) => code !== "unrecognized_keys" || path.length > 0);
    problems.push(...problemsOf(issues, given));
  }
  const [first] = problems;
  if (first !== undefined) {
    throw new InvalidParamsError(
      dag.id,
      first.field,
      problems.map(({ message }) => message),
      known,
    );
  }
  // Through text: what is recorded is JSON, without `undefined`.
  return JSON.parse(JSON.stringify(parsed.data)) as Json;
}
