import type { Json } from "../core/graph.ts";

/** What a retraining controller, its worker and its clients agree on; a controller in flight holds these names. */
export const CONTROLLER_WORKFLOW = "retrainingController";
export const SIGNAL_DRIFT = "drift";
export const SIGNAL_CONFIGURE = "configure";
export const QUERY_STATE = "state";

/** Id of the workflow that controls the retraining of a model. */
export function controllerIdOf(model: string): string {
  return `retraining-controller/${model}`;
}

/** What a controller is started with. */
export interface ControllerConfig {
  readonly model: string;
  /** The DAG whose run retrains the model. */
  readonly dagId: string;
  /** How long signals are collected before a run starts, counted from the first, in milliseconds. */
  readonly debounceMs: number;
  /** Least time between the starts of two runs, in milliseconds. */
  readonly coolDownMs: number;
  /** Params of the runs. @default the DAG's defaults */
  readonly params?: { readonly [key: string]: Json };
}

/** A report of drift. */
export interface DriftSignal {
  /** The same id twice counts once. */
  readonly id?: string;
  readonly reason: string;
  /** The numbers behind it. */
  readonly evidence?: Json;
  /** The logical date that the retraining run is to have. */
  readonly logicalDate?: string;
  /** Do not wait for the cool-down to end. */
  readonly ignoreCoolDown?: boolean;
}

/** A controller as it answers the query `state`. Moments are ISO-8601 in UTC. */
export interface ControllerView extends Omit<ControllerConfig, "params"> {
  /** Signals that wait for the next run. */
  readonly pending: number;
  /** Number of the last run. */
  readonly started: number;
  readonly lastRunId: string | null;
  /** When the next run starts. */
  readonly dueAt: string | null;
  readonly coolDownUntil: string | null;
  /** The last reasons, oldest first. */
  readonly reasons: readonly { readonly at: string; readonly reason: string }[];
}
