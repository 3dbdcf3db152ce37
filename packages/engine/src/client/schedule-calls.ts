import type { Dag } from "../language/dag.ts";
import type { ScheduleRow, SyncResult } from "./engine-client.ts";
import { ScheduleNotFoundError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { mergedPlan, type ScheduleKeeper, type SyncPlan, type SyncScope } from "./schedule-plan.ts";
import { isNotFound } from "./temporal-call.ts";
import type { TimeSchedules } from "./time-schedules.ts";

/** Schedules on the Temporal server. */
export class ScheduleCalls {
  /** @param keepers of every kind of schedule, those by time among them. */
  constructor(
    private readonly ground: ClientGround,
    private readonly byTime: TimeSchedules,
    private readonly keepers: readonly ScheduleKeeper[] = [byTime],
  ) {}

  async plan(dags: readonly Dag[], scope: SyncScope = {}): Promise<SyncPlan> {
    return mergedPlan(await Promise.all(this.keepers.map((keeper) => keeper.plan(dags, scope))));
  }

  async apply(plan: SyncPlan, dags: readonly Dag[], scope: SyncScope = {}): Promise<void> {
    for (const keeper of this.keepers) await keeper.apply(plan, dags, scope);
  }

  async sync(dags: readonly Dag[], scope: SyncScope = {}): Promise<SyncResult> {
    const plan = await this.plan(dags, scope);
    await this.apply(plan, dags, scope);
    const ids = (changes: SyncPlan["create"]) => changes.map(({ dagId }) => dagId);
    const { create, update, remove, unchanged } = plan;
    return { created: ids(create), updated: ids(update), unchanged, removed: ids(remove) };
  }

  async list(): Promise<ScheduleRow[]> {
    const rows: ScheduleRow[] = [];
    for await (const { scheduleId, state, info } of this.byTime.ours()) {
      rows.push({
        dagId: scheduleId,
        paused: state.paused,
        note: state.note ?? "",
        next: moments(info.nextActionTimes),
      });
    }
    return rows.sort((a, b) => a.dagId.localeCompare(b.dagId));
  }

  async describe(dagId: string): Promise<Omit<ScheduleRow, "dagId"> | null> {
    const described = await this.byTime.find(dagId);
    if (described === null) return null;
    const { state, info } = described;
    return { paused: state.paused, note: state.note ?? "", next: moments(info.nextActionTimes) };
  }

  async pause(dagId: string, note?: string): Promise<void> {
    await this.change(dagId, () =>
      this.ground.temporal.schedule.getHandle(dagId).pause(note ?? "Paused through Dagwright"),
    );
  }

  async unpause(dagId: string, note?: string): Promise<void> {
    await this.change(dagId, () =>
      this.ground.temporal.schedule.getHandle(dagId).unpause(note ?? "Unpaused through Dagwright"),
    );
  }

  private async change(dagId: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      throw isNotFound(error) ? new ScheduleNotFoundError(dagId) : error;
    }
  }
}

function moments(dates: readonly Date[]): string[] {
  return dates.map((date) => date.toISOString().replace(".000Z", "Z"));
}
