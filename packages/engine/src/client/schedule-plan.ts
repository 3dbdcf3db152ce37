import type { Dag } from "../language/dag.ts";
import { type DesiredSchedule, desiredSchedule, type ScheduleFields } from "./schedule-spec.ts";

/** Whose schedules a sync looks after: those of DAGs that were read from some files or folders. */
export interface SyncScope {
  /** The source of each DAG, by its id. @default unknown: such schedules belong to syncs that name no files */
  readonly sources?: ReadonlyMap<string, string>;
  /** The files and folders that were read, whole: what came from them and is no more is removed. @default none named */
  readonly owned?: readonly string[];
  /** Removes what belongs to no DAG at hand, whatever it came from. @default false */
  readonly prune?: boolean;
}

/** One field of a schedule that changes; null: not set. */
export interface FieldChange {
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What is to be done to the schedule of a DAG. */
export interface ScheduleChange {
  readonly dagId: string;
  /** Who looks after it: schedules by time, or DAGs that wait for assets. */
  readonly kind: "time" | "assets";
  readonly changes: readonly FieldChange[];
  /** Whether it is paused, and stays so. */
  readonly paused: boolean;
  /** Why it is removed. */
  readonly why?: string;
}

/** What a sync would do. */
export interface SyncPlan {
  readonly create: readonly ScheduleChange[];
  readonly update: readonly ScheduleChange[];
  readonly remove: readonly ScheduleChange[];
  /** Ids of DAGs whose schedules are as the code says. */
  readonly unchanged: readonly string[];
  /** Schedules of DAGs that are not at hand and came from elsewhere: left alone unless `prune`. */
  readonly kept: readonly { readonly dagId: string; readonly source: string | null }[];
}

/** Who keeps a kind of schedules in line with the code: plans without changing anything, then carries the plan out. */
export interface ScheduleKeeper {
  plan(dags: readonly Dag[], scope: SyncScope): Promise<SyncPlan>;
  /** Carries out its own kind of changes; what has been done already is done. */
  apply(plan: SyncPlan, dags: readonly Dag[], scope: SyncScope): Promise<void>;
}

/** A schedule as the server has it. */
export interface PresentSchedule {
  readonly dagId: string;
  /** Null when an older version of the engine made it. */
  readonly fields: ScheduleFields | null;
  readonly source: string | null;
  readonly paused: boolean;
}

/** What differs between the schedules on the server and those that DAGs want. */
export function planSync(
  dags: readonly Dag[],
  present: readonly PresentSchedule[],
  taskQueue: string,
  scope: SyncScope = {},
): SyncPlan {
  const there = new Map(present.map((one) => [one.dagId, one]));
  const plan = {
    create: [] as ScheduleChange[],
    update: [] as ScheduleChange[],
    remove: [] as ScheduleChange[],
    unchanged: [] as string[],
    kept: [] as SyncPlan["kept"][number][],
  };
  const ids = new Set<string>();
  for (const dag of dags) {
    ids.add(dag.id);
    const source = scope.sources?.get(dag.id) ?? null;
    const desired = desiredSchedule(dag, taskQueue, source ?? undefined);
    const found = there.get(dag.id);
    if (desired === null) {
      if (found !== undefined) plan.remove.push(removal(found, "the DAG has no schedule any more"));
      continue;
    }
    if (found === undefined) {
      const changes = fieldChanges({}, shownFields(desired));
      plan.create.push({ dagId: dag.id, kind: "time", changes, paused: dag.options.paused !== undefined });
      continue;
    }
    const changes = changesOf(found, desired, source);
    if (changes.length === 0) plan.unchanged.push(dag.id);
    else plan.update.push({ dagId: dag.id, kind: "time", changes, paused: found.paused });
  }
  for (const one of present) {
    if (ids.has(one.dagId)) continue;
    if (scope.prune === true) plan.remove.push(removal(one, "no DAG at hand has it"));
    else if (isOwned(one.source, scope)) plan.remove.push(removal(one, "the DAG is gone from the code"));
    else plan.kept.push({ dagId: one.dagId, source: one.source });
  }
  return plan;
}

/** The plans of several keepers as one. */
export function mergedPlan(plans: readonly SyncPlan[]): SyncPlan {
  return {
    create: plans.flatMap(({ create }) => create),
    update: plans.flatMap(({ update }) => update),
    remove: plans.flatMap(({ remove }) => remove),
    unchanged: plans.flatMap(({ unchanged }) => unchanged),
    kept: plans.flatMap(({ kept }) => kept),
  };
}

/** Whether what came from a source is looked after by a sync of these files and folders. */
export function isOwned(source: string | null, { owned }: SyncScope): boolean {
  if (source === null || owned === undefined) return source === null && owned === undefined;
  return owned.some((one) => source === one || source.startsWith(one.endsWith(":") ? one : `${one}/`));
}

function removal({ dagId, paused, fields }: PresentSchedule, why: string): ScheduleChange {
  return { dagId, kind: "time", changes: fieldChanges(fields ?? {}, {}), paused, why };
}

function changesOf(found: PresentSchedule, desired: DesiredSchedule, source: string | null): FieldChange[] {
  if (found.fields === null) return [{ field: "form", from: null, to: desired.fields["form"] ?? null }];
  const moved = source !== null && source !== found.source;
  return [
    ...fieldChanges(found.fields, desired.fields),
    ...(moved ? [{ field: "source", from: found.source, to: source }] : []),
  ];
}

/** What a person wants to see of a new schedule. */
function shownFields({ fields: { form, taskQueue, ...shown } }: DesiredSchedule): ScheduleFields {
  return shown;
}

function fieldChanges(from: ScheduleFields, to: ScheduleFields): FieldChange[] {
  const fields = [...new Set([...Object.keys(to), ...Object.keys(from)])];
  return fields
    .filter((field) => from[field] !== to[field])
    .map((field) => ({ field, from: from[field] ?? null, to: to[field] ?? null }));
}
