import {
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  type ScheduleOptions,
  type ScheduleSummary,
} from "@temporalio/client";
import { z } from "zod";
import { timesOf } from "../core/graph.ts";
import { catchupRule } from "../language/catchup.ts";
import type { Dag } from "../language/dag.ts";
import { intervalsWithin } from "../language/schedule-times.ts";
import type { BackfillCalls } from "./backfill-calls.ts";
import type { ClientGround } from "./ground.ts";
import { type PresentSchedule, planSync, type ScheduleKeeper, type SyncPlan, type SyncScope } from "./schedule-plan.ts";
import { desiredSchedule, MEMO_FIELDS, MEMO_QUEUE, MEMO_SOURCE } from "./schedule-spec.ts";
import { isNotFound } from "./temporal-call.ts";

/** How many schedules are read from the server at once. */
const READ_AT_ONCE = 20;

/** How many runs of a new schedule that is to catch up go on at once, where its overlap policy allows more than one. */
const CATCHUP_CONCURRENCY = 16;

/** Longest catch-up of a new schedule without a limit of its own, in runs. */
const LONGEST_CATCHUP = 50_000;

const Fields = z.record(z.string(), z.string());

/** Schedules by time: each is a schedule of Temporal, whose id is its DAG's. */
export class TimeSchedules implements ScheduleKeeper {
  constructor(
    private readonly ground: ClientGround,
    private readonly backfills: BackfillCalls,
  ) {}

  async plan(dags: readonly Dag[], scope: SyncScope): Promise<SyncPlan> {
    return planSync(dags, await this.present(dags), this.ground.taskQueue, scope);
  }

  async apply({ create, update, remove }: SyncPlan, dags: readonly Dag[], { sources }: SyncScope): Promise<void> {
    const known = new Map(dags.map((dag) => [dag.id, dag]));
    for (const { dagId, kind } of [...create, ...update]) {
      const dag = known.get(dagId);
      if (dag !== undefined && kind === "time") await this.bringInLine(dag, sources?.get(dagId));
    }
    for (const { dagId, kind } of remove) if (kind === "time") await this.remove(dagId);
  }

  /** Our schedules on the server. */
  async *ours(): AsyncGenerator<ScheduleSummary> {
    for await (const one of this.ground.temporal.schedule.list())
      if (one.memo?.[MEMO_QUEUE] === this.ground.taskQueue) yield one;
  }

  /** Null when there is none. */
  async find(dagId: string): Promise<ScheduleDescription | null> {
    try {
      return await this.ground.temporal.schedule.getHandle(dagId).describe();
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  private async present(dags: readonly Dag[]): Promise<PresentSchedule[]> {
    const ids = new Set(dags.filter(({ graph }) => graph.schedule !== null).map(({ id }) => id));
    for await (const { scheduleId } of this.ours()) ids.add(scheduleId);
    const all = [...ids];
    const found: PresentSchedule[] = [];
    for (let at = 0; at < all.length; at += READ_AT_ONCE) {
      const described = await Promise.all(all.slice(at, at + READ_AT_ONCE).map((id) => this.find(id)));
      found.push(...described.flatMap((one) => (one === null ? [] : [presentOf(one)])));
    }
    return found;
  }

  private async bringInLine(dag: Dag, source: string | undefined): Promise<void> {
    const { temporal, taskQueue } = this.ground;
    const desired = desiredSchedule(dag, taskQueue, source);
    if (desired === null) return;
    const found = await this.find(dag.id);
    if (found === null) {
      const { paused } = dag.options;
      const made = await this.create(dag.id, {
        ...desired.options,
        ...(paused === undefined ? {} : { state: { paused: true, note: paused.note } }),
      });
      if (made && paused === undefined) await this.catchUp(dag);
      return;
    }
    if (found.memo?.[MEMO_QUEUE] !== taskQueue) {
      // Whose it is stands in its memo, which no update changes.
      await this.remove(dag.id);
      await this.create(dag.id, { ...desired.options, state: found.state });
      return;
    }
    await temporal.schedule.getHandle(dag.id).update(({ state }) => ({ ...desired.options, state }));
  }

  /** Whether it was made; somebody else may have been faster. */
  private async create(
    dagId: string,
    options: Pick<ScheduleOptions, "spec" | "action" | "policies" | "state">,
  ): Promise<boolean> {
    const { temporal, taskQueue } = this.ground;
    try {
      await temporal.schedule.create({ scheduleId: dagId, ...options, memo: { [MEMO_QUEUE]: taskQueue } });
      return true;
    } catch (error) {
      if (error instanceof ScheduleAlreadyRunning) return false;
      throw error;
    }
  }

  /** A new schedule whose `start` has passed: Temporal looks back only as far as a schedule has existed. */
  private async catchUp({ id, graph, options }: Dag): Promise<void> {
    const schedule = timesOf(graph.schedule);
    const { windowMs, limit } = catchupRule(options.catchup);
    if (!schedule?.start || limit === 1 || Date.parse(schedule.start) >= Date.now()) return;
    const now = new Date();
    const to = schedule.end === undefined ? now : new Date(Math.min(now.getTime(), Date.parse(schedule.end)));
    const missed = intervalsWithin(schedule, {
      ...{ from: new Date(schedule.start), to, endsBy: to, order: "backward", limit: limit ?? LONGEST_CATCHUP },
    }).filter(({ end }) => windowMs === null || end.getTime() >= now.getTime() - windowMs);
    const [last, first] = [missed[0], missed.at(-1)];
    if (first === undefined || last === undefined) return;
    await this.backfills.create({
      dagId: id,
      id: `catchup-${now.toISOString()}`,
      from: first.start.toISOString(),
      to: last.start.toISOString(),
      concurrency: schedule.overlap === "allow_all" ? CATCHUP_CONCURRENCY : 1,
      trigger: "schedule",
    });
  }

  private async remove(dagId: string): Promise<void> {
    try {
      await this.ground.temporal.schedule.getHandle(dagId).delete();
    } catch (error) {
      // Somebody else has removed it in the meantime.
      if ((await this.find(dagId)) !== null) throw error;
    }
  }
}

function presentOf({ scheduleId, action, state, memo }: ScheduleDescription): PresentSchedule {
  const fields = Fields.safeParse(action.memo?.[MEMO_FIELDS]);
  const source = action.memo?.[MEMO_SOURCE];
  const queue = memo?.[MEMO_QUEUE];
  return {
    dagId: scheduleId,
    // Of another queue's schedule its own memo knows better.
    fields: fields.success ? { ...fields.data, taskQueue: typeof queue === "string" ? queue : "" } : null,
    source: typeof source === "string" ? source : null,
    paused: state.paused,
  };
}
