import { randomUUID } from "node:crypto";
import { conditionText } from "../core/asset-condition.ts";
import type { AssetEvent } from "../core/state.ts";
import { extraProblem, uriProblem } from "../language/asset.ts";
import { InvalidAssetError, InvalidExtraError } from "../language/errors.ts";
import {
  ASSET_WORKFLOW,
  type AssetLogView,
  type AssetTriggerView,
  assetLogIdOf,
  QUERY_STATE,
  SIGNAL_EMIT,
  SIGNAL_PAUSE,
  SIGNAL_RESUME,
  triggerIdOf,
} from "../sandbox/asset-protocol.ts";
import { findTrigger, listTriggers } from "./asset-schedules.ts";
import type { AssetExplanation, AssetRow, EmitAsset, ScheduleRow } from "./engine-client.ts";
import { AssetNotFoundError, NoAssetScheduleError, NoWorkerError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { isNotFound, isTooLate } from "./temporal-call.ts";

/** How long a worker may take to answer for an asset or trigger, in milliseconds. */
const QUERY_PATIENCE_MS = 2_500;

/** Assets, and the triggers of the DAGs that wait for them. */
export class AssetCalls {
  constructor(private readonly ground: ClientGround) {}

  async list(): Promise<AssetRow[]> {
    const rows: AssetRow[] = [];
    const query = `WorkflowType = "${ASSET_WORKFLOW}" AND ExecutionStatus = "Running"`;
    const uris: string[] = [];
    for await (const { workflowId } of this.ground.temporal.workflow.list({ query }))
      uris.push(workflowId.slice(assetLogIdOf("").length));
    for (const uri of uris.sort()) {
      const view = await this.query<AssetLogView>(assetLogIdOf(uri));
      if (view === null) rows.push({ uri, events: null, last: null, waiting: [] });
      else {
        const { events: _, subscribers, dropped: __, count, ...asset } = view;
        const waiting = subscribers.map(({ dagId }) => dagId).sort();
        rows.push({ ...asset, events: count, last: view.events[0]?.at ?? null, waiting });
      }
    }
    return rows;
  }

  /** @throws AssetNotFoundError, NoWorkerError */
  async get(uri: string): Promise<AssetLogView> {
    const id = assetLogIdOf(uri);
    const view = await this.query<AssetLogView>(id, () => new AssetNotFoundError(uri));
    if (view === null) throw new NoWorkerError(this.ground.taskQueue);
    return view;
  }

  /** @throws InvalidAssetError, InvalidExtraError */
  async emit(uri: string, { extra = {}, by = "a client", id = randomUUID() }: EmitAsset = {}): Promise<AssetEvent> {
    const wrong = uriProblem(uri);
    if (wrong !== null) throw new InvalidAssetError(wrong);
    const problem = extraProblem(extra);
    if (problem !== null) throw new InvalidExtraError(uri, problem);
    const event: AssetEvent = { id, uri, at: new Date().toISOString(), extra, source: { by } };
    await this.ground.temporal.workflow.signalWithStart(ASSET_WORKFLOW, {
      workflowId: assetLogIdOf(uri),
      taskQueue: this.ground.taskQueue,
      args: [{ uri }],
      signal: SIGNAL_EMIT,
      signalArgs: [[event]],
      staticSummary: `events of ${uri}`,
    });
    return event;
  }

  /** @throws NoAssetScheduleError when the DAG has no trigger on the server, NoWorkerError */
  async explain(dagId: string): Promise<AssetExplanation> {
    // One that was ended would still answer.
    if ((await findTrigger(this.ground.temporal, dagId)) === null) throw new NoAssetScheduleError(dagId);
    const view = await this.query<AssetTriggerView>(triggerIdOf(dagId));
    if (view === null) throw new NoWorkerError(this.ground.taskQueue);
    return { ...view, why: whyOf(view) };
  }

  /** Holds or goes on; false when the DAG has no trigger. */
  async pause(dagId: string, note: string): Promise<boolean> {
    return await this.signal(dagId, SIGNAL_PAUSE, note);
  }

  async unpause(dagId: string, note: string): Promise<boolean> {
    return await this.signal(dagId, SIGNAL_RESUME, note);
  }

  /** As a schedule: it fires at no moment that is known before. */
  async describe(dagId: string): Promise<Omit<ScheduleRow, "dagId"> | null> {
    const found = await findTrigger(this.ground.temporal, dagId);
    if (found === null) return null;
    // What has just been signalled is known to the trigger before its memo says it.
    const view = await this.query<AssetTriggerView>(triggerIdOf(dagId));
    if (view !== null) return { paused: view.paused, note: view.note, next: [] };
    return { paused: found.paused !== null, note: found.paused ?? "", next: [] };
  }

  async schedules(): Promise<ScheduleRow[]> {
    const found = await listTriggers(this.ground);
    return found.map(({ dagId, paused }) => ({ dagId, paused: paused !== null, note: paused ?? "", next: [] }));
  }

  private async signal(dagId: string, name: string, note: string): Promise<boolean> {
    try {
      await this.ground.temporal.workflow.getHandle(triggerIdOf(dagId)).signal(name, note);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** A workflow's own answer; null when no worker gives it in time, or there is no such workflow and nothing is said of it. */
  private async query<T>(workflowId: string, missing?: () => Error): Promise<T | null> {
    const { temporal, connection } = this.ground;
    try {
      return await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
        temporal.workflow.getHandle(workflowId).query<T>(QUERY_STATE),
      );
    } catch (error) {
      if (isNotFound(error)) {
        if (missing !== undefined) throw missing();
        return null;
      }
      if (isTooLate(error) || (error instanceof Error && error.name === "QueryRejectedError")) return null;
      throw error;
    }
  }
}

function whyOf({ condition, paused, note, waiting, due }: AssetTriggerView): string {
  const counts = waiting.map(
    ({ uri, events }) => `${uri}: ${events === 0 ? "none" : `${events} event${events === 1 ? "" : "s"}`}`,
  );
  const held = paused ? `It is paused${note === "" ? "" : ` (${note})`}, and its events are kept. ` : "";
  const starting = due > 0 ? `${due} ${due === 1 ? "run is" : "runs are"} about to start. ` : "";
  return `${held}${starting}It waits for ${conditionText(condition)}; ${counts.join("; ")}`;
}
