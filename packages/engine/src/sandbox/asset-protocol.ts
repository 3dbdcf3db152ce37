import type { LogView } from "../core/asset-log.ts";
import type { TriggerView } from "../core/asset-trigger.ts";
import type { AssetCondition, GraphAsset } from "../core/graph.ts";

/** What the logs of assets, the triggers of DAGs, their worker and their clients agree on; those in flight hold these names. */
export const ASSET_WORKFLOW = "dagwrightAsset";
export const TRIGGER_WORKFLOW = "dagwrightAssetTrigger";

/** Of a log: events of its asset come; a DAG wants to be told, or not any more. */
export const SIGNAL_EMIT = "emit";
export const SIGNAL_SUBSCRIBE = "subscribe";
export const SIGNAL_UNSUBSCRIBE = "unsubscribe";

/** Of a trigger: events come from a log; its DAG says something else; runs are held, or go on. */
export const SIGNAL_EVENTS = "events";
export const SIGNAL_CONFIGURE = "configure";
export const SIGNAL_PAUSE = "pause";
export const SIGNAL_RESUME = "resume";

export const QUERY_STATE = "state";

/** Id of the workflow that keeps the events of an asset. */
export function assetLogIdOf(uri: string): string {
  return `asset/${uri}`;
}

/** Id of the workflow that starts the runs of a DAG that waits for assets. */
export function triggerIdOf(dagId: string): string {
  return `asset-trigger/${dagId}`;
}

/** What a trigger is started with, and may be told again. */
export interface TriggerConfig {
  readonly dagId: string;
  readonly condition: AssetCondition;
  /** Of the workers whose code the DAG is. */
  readonly taskQueue: string;
  /** The file that the DAG came from, if it is known. */
  readonly source?: string;
  /** It starts paused, with this note. */
  readonly paused?: { readonly note: string };
}

/** Largest state that is carried over, in characters of JSON: Temporal refuses 2 MiB. What is larger is soon smaller. */
export const LARGEST_MEMORY = 1_400_000;

/** The memo of a trigger, by which it is found and compared without asking it. */
export const MEMO = {
  queue: "dagwright.taskQueue",
  condition: "dagwright.assetCondition",
  source: "dagwright.source",
  paused: "dagwright.paused",
} as const;

/** A log as it answers the query `state`. */
export interface AssetLogView extends GraphAsset, LogView {}

/** A trigger as it answers the query `state`. */
export interface AssetTriggerView extends TriggerView {
  readonly dagId: string;
  readonly note: string;
  readonly lastRunId: string | null;
}
