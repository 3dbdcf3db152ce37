import type { Dag } from "../language/dag.ts";
import type { ScheduleRow, SyncResult } from "./engine-client.ts";
import { ScheduleNotFoundError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { desiredSchedule, MEMO_DIGEST, MEMO_QUEUE } from "./schedule-spec.ts";
import { isNotFound } from "./temporal-call.ts";

/** Schedules on the Temporal server; the id of each is its DAG's. */
export class ScheduleCalls {
  constructor(private readonly ground: ClientGround) {}

  async sync(dags: readonly Dag[]): Promise<SyncResult> {
    const result = {
      created: [] as string[],
      updated: [] as string[],
      unchanged: [] as string[],
      removed: [] as string[],
    };
    for (const dag of dags) {
      const outcome = await this.bringInLine(dag);
      if (outcome !== null) result[outcome].push(dag.id);
    }
    const scheduled = new Set([...result.created, ...result.updated, ...result.unchanged]);
    for (const dagId of await this.ours()) {
      if (scheduled.has(dagId)) continue;
      await this.remove(dagId);
      result.removed.push(dagId);
    }
    return result;
  }

  async list(): Promise<ScheduleRow[]> {
    const rows: ScheduleRow[] = [];
    for await (const { scheduleId, memo, state, info } of this.ground.temporal.schedule.list()) {
      if (memo?.[MEMO_QUEUE] !== this.ground.taskQueue) continue;
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
    const described = await this.find(dagId);
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

  private async bringInLine(dag: Dag): Promise<"created" | "updated" | "unchanged" | null> {
    const { temporal, taskQueue } = this.ground;
    const desired = desiredSchedule(dag, taskQueue);
    if (desired === null) return null;
    const { digest, ...schedule } = desired;
    const found = await this.find(dag.id);
    const elsewhere = found !== null && found.memo?.[MEMO_QUEUE] !== taskQueue;
    // Whose it is stands in its memo, which no update changes.
    if (elsewhere) await this.remove(dag.id);
    const present = elsewhere ? null : found;
    if (present === null) {
      const { paused } = dag.options;
      await temporal.schedule.create({
        scheduleId: dag.id,
        ...schedule,
        memo: { [MEMO_QUEUE]: taskQueue },
        ...(elsewhere
          ? { state: found.state }
          : paused === undefined
            ? {}
            : { state: { paused: true, note: paused.note } }),
      });
      return "created";
    }
    if (present.action.memo?.[MEMO_DIGEST] === digest) return "unchanged";
    await temporal.schedule.getHandle(dag.id).update(({ state }) => ({ ...schedule, state }));
    return "updated";
  }

  private async remove(dagId: string): Promise<void> {
    try {
      await this.ground.temporal.schedule.getHandle(dagId).delete();
    } catch (error) {
      // Somebody else has removed it in the meantime.
      if ((await this.find(dagId)) !== null) throw error;
    }
  }

  private async find(dagId: string) {
    try {
      return await this.ground.temporal.schedule.getHandle(dagId).describe();
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  private async ours(): Promise<string[]> {
    return (await this.list()).map(({ dagId }) => dagId);
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
