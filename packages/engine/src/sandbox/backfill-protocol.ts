import type { Json } from "../core/graph.ts";
import type { TaskError } from "../core/state.ts";

/** What a backfill, its worker and its clients agree on; a backfill in flight holds these names. */
export const BACKFILL_WORKFLOW = "dagwrightBackfill";
export const SIGNAL_CANCEL = "cancel";
/** In the workflow's memo: its `BackfillView` as it was told last, for lists. */
export const MEMO_BACKFILL = "dagwright.backfill";

/** Id of the workflow of a backfill. */
export function backfillIdOf(dagId: string, id: string): string {
  return `backfill/${dagId}/${id}`;
}

/** Which dates are run: those without any run; those that failed too; all. A run that goes on is never started again. */
export const REPROCESS = ["missing", "failed", "all"] as const;
export type Reprocess = (typeof REPROCESS)[number];

/** Which runs tell the assets of what they make: none, each, or only the last one, when all others have ended. */
export const ASSET_EVENTS = ["none", "each", "once"] as const;
export type AssetEvents = (typeof ASSET_EVENTS)[number];

/** What a backfill is started with. */
export interface BackfillConfig {
  readonly dagId: string;
  /** First and last logical date, ISO-8601 in UTC. */
  readonly from: string;
  readonly to: string;
  readonly order: "forward" | "backward";
  /** How many runs go on at once; 1: one after another, in order. */
  readonly concurrency: number;
  readonly reprocess: Reprocess;
  readonly assetEvents: AssetEvents;
  /** Whether a run that fails keeps further ones from being started. */
  readonly stopOnFailure: boolean;
  readonly params: { readonly [key: string]: Json };
  /** What its runs say that started them: a schedule that catches up is no backfill to them. */
  readonly trigger: "backfill" | "schedule";
}

/** A backfill as it answers the query `state`. Moments are ISO-8601 in UTC. */
export interface BackfillView extends BackfillConfig {
  readonly backfillId: string;
  readonly state: "running" | "cancelling" | "success" | "failed" | "cancelled";
  /** Dates of the range whose interval was over when it began; null while a worker has not counted them. */
  readonly total: number | null;
  /** Of these: runs that have started, and what became of them. */
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Dates that have a run already. */
  readonly skipped: number;
  /** Ids of the runs that go on. */
  readonly running: readonly string[];
  /** Ids of runs that failed, the first hundred. */
  readonly failedRuns: readonly string[];
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Why it stopped before its end, in words. */
  readonly reason?: string;
  readonly error?: TaskError;
}

/** Asks a backfill to start no further runs. */
export interface BackfillCancel {
  /** Cancels those that go on as well. @default false */
  readonly runs?: boolean | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Asks the worker for the next dates of a backfill. */
export interface BackfillPageRequest
  extends Pick<BackfillConfig, "dagId" | "from" | "to" | "order" | "reprocess" | "params"> {
  /** When the backfill began: intervals that were not over then are left out. */
  readonly startedAt: string;
  /** The last date of the page before; none: this is the first page. */
  readonly after?: string | undefined;
}

/** Some dates of a backfill, in order. */
export interface BackfillPage {
  /** Dates to run. */
  readonly dates: readonly string[];
  /** How many dates of this page have a run already. */
  readonly skipped: number;
  /** The last date that was looked at; null: there are no further ones. */
  readonly last: string | null;
  /** Of the first page: how many dates the backfill has. */
  readonly total?: number;
}
