import { z } from "zod";
import { type TimeSchedule, timesOf } from "../core/graph.ts";
import type { RunSeed } from "../core/state.ts";
import { taskErrorOf } from "../execution/task-error.ts";
import type { Dag } from "../language/dag.ts";
import { launchFor } from "../language/launch.ts";
import { planRun } from "../language/plan.ts";
import type { PlannedLaunch, PlannedRun, PlanRequest, RunLimits } from "../sandbox/protocol.ts";
import type { RunStore } from "../store/run-store.ts";
import { limitsOf } from "./carried-values.ts";
import { type RunInput, readRunInput } from "./run-input.ts";
import { patiently } from "./store-patience.ts";
import { failureOf, type TaskGround } from "./task-activity.ts";

/** Largest plan that a launcher hands on, in characters of JSON: two histories carry it, one of them twice. */
const LARGEST_HANDED = 65_536;

/** What plans stand on. */
type PlanGround = Pick<TaskGround, "registry" | "store" | "objects" | "continueAfterEvents">;

/**
 * Plans what was started as a run of a DAG: the run; or, of what a schedule started, the run that it stands for.
 * @throws ApplicationFailure with the error of a run that cannot be planned
 */
export async function planned(
  { registry, store, objects, continueAfterEvents }: PlanGround,
  request: PlanRequest,
): Promise<PlannedRun | PlannedLaunch> {
  const { dagId, runId, startedAt, scheduledFor } = request;
  try {
    const input = readRunInput(request.input);
    const dag = registry.get(dagId);
    const launch = await plannedLaunch(store, dag, request, input);
    const limits = limitsOf(objects, continueAfterEvents);
    if (launch === "by_hand")
      return { ...planRun(dag, { ...input, runId, trigger: "manual", now: new Date(startedAt) }), limits };
    if (launch !== null) return withPlan(launch, dag, input, limits);
    const { conf, logicalDate, trigger, dataInterval, noCache, assetEvents, emitAssets } = input;
    const params = input.seed === undefined ? input.params : await paramsStillTaken(store, dag, runId, input.params);
    const plan = planRun(dag, {
      ...{ runId, params, conf, logicalDate, dataInterval, noCache, assetEvents, emitAssets },
      trigger: trigger ?? (scheduledFor === undefined ? "manual" : "schedule"),
      now: new Date(startedAt),
      scheduledFor: scheduledFor === undefined ? undefined : new Date(scheduledFor),
    });
    const seed = input.seed ?? (input.anew === true ? await seedAnew(store, dag, runId) : undefined);
    return seed === undefined ? { ...plan, limits } : { ...plan, limits, seed };
  } catch (error) {
    throw failureOf(taskErrorOf(error));
  }
}

/**
 * The launch that a fire of the DAG's schedule asks for; null when this is a run of its own. A fire at no time of the
 * schedule was triggered by hand.
 */
async function plannedLaunch(
  store: RunStore | null,
  dag: Dag,
  { runId, startedAt, scheduledFor, takenUpAt = startedAt, busyUntil, firedBy }: PlanRequest,
  { logicalDate }: RunInput,
): Promise<PlannedLaunch | "by_hand" | null> {
  const schedule = scheduleOf(firedBy) ?? timesOf(dag.graph.schedule);
  if (scheduledFor === undefined || logicalDate !== undefined || schedule === null) return null;
  const launch = launchFor(dag, {
    ...{ schedule, firedFor: new Date(scheduledFor), now: new Date(takenUpAt) },
    busyUntil: busyUntil === undefined ? undefined : new Date(busyUntil),
  });
  if (launch === null) return "by_hand";
  if (launch.runId === runId) return null;
  const { logicalDate: date, dataInterval } = launch;
  const plan = { runAs: launch.runId, logicalDate: date, dataInterval };
  // Beyond Temporal's retention only the store knows. While it is away the run is rather started twice than never.
  const before =
    store === null ? null : await patiently("Former runs could not be asked for", store.getRun(launch.runId));
  if (before?.view.state === "success")
    return { ...plan, instead: { outcome: "already_done", why: "The run of this logical date has succeeded" } };
  if (launch.passedOver !== undefined) return { ...plan, instead: { outcome: "passed_over", why: launch.passedOver } };
  return schedule.overlap === "terminate_other" ? { ...plan, terminates: true } : plan;
}

/** A launch with the plan of its run, unless that would weigh on the histories or says an error that the run has to say. */
function withPlan(launch: PlannedLaunch, dag: Dag, input: RunInput, limits: RunLimits): PlannedLaunch {
  const { runAs: runId, logicalDate, dataInterval } = launch;
  if (launch.instead !== undefined || input.seed !== undefined || input.anew === true) return launch;
  try {
    const request = {
      ...input,
      runId,
      logicalDate,
      dataInterval,
      trigger: "schedule",
      now: new Date(logicalDate),
    } as const;
    const plan = planRun(dag, request);
    if (JSON.stringify(plan).length > LARGEST_HANDED) return launch;
    return { ...launch, plan: { ...plan, limits, recorded: "apart" } };
  } catch {
    return launch;
  }
}

/** A schedule as `desiredSchedule` notes it in the memo of what it starts. */
const Times = z.custom<TimeSchedule>(
  (value) =>
    z
      .union([
        z.looseObject({ kind: z.literal("cron"), expressions: z.array(z.string()).min(1), timezone: z.string() }),
        z.looseObject({ kind: z.literal("every"), everyMs: z.number().positive(), offsetMs: z.number() }),
      ])
      .safeParse(value).success,
);

/** Null of what an older version of the engine, or somebody else, has scheduled. */
function scheduleOf(firedBy: unknown): TimeSchedule | null {
  const parsed = Times.safeParse(firedBy);
  return parsed.success ? parsed.data : null;
}

/** The params of a run that begins anew, without those that it had before and that its DAG takes no more. */
async function paramsStillTaken(
  store: RunStore | null,
  { params: { shape } }: Dag,
  runId: string,
  params: RunInput["params"],
): Promise<RunInput["params"]> {
  const gone = Object.keys(params).filter((name) => !Object.hasOwn(shape, name));
  if (gone.length === 0) return params;
  const former = Had.parse((await store?.getRun(runId))?.view.params);
  // What it had not before is given now: whether there is such a param is for the plan to say.
  const dropped = gone.filter(
    (name) => Object.hasOwn(former, name) && JSON.stringify(former[name]) === JSON.stringify(params[name]),
  );
  return Object.fromEntries(Object.entries(params).filter(([name]) => !dropped.includes(name)));
}

/** Params that a run had; none of one that is not known. */
const Had = z.record(z.string(), z.unknown()).catch({});

/** All tasks untouched, and counted as cleared once more than the last execution of the run had them. */
async function seedAnew(store: RunStore | null, { graph }: Dag, runId: string): Promise<RunSeed | undefined> {
  const former = await store?.getRun(runId);
  if (former === null || former === undefined) return undefined;
  const clears = (id: string) => {
    const { clears: own = 0, mapped = [] } = former.view.tasks[id] ?? {};
    return own + mapped.reduce((most, item) => Math.max(most, item.clears ?? 0), 0);
  };
  return Object.fromEntries(
    graph.nodes.map(({ id }) => [id, { state: "none", attempts: 0, lost: 0, clears: clears(id) + 1 }]),
  );
}
