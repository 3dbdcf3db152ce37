import type { TriggerRule } from "../core/graph.ts";
import type { Asset } from "./asset.ts";
import type { CacheOption } from "./cache.ts";
import type { Names } from "./known-options.ts";
import { POLICY_NAMES, type Policy } from "./policy.ts";
import type { AnyRef, RefTo } from "./ref.ts";
import { SLOT_NAMES, type SlotOptions } from "./slots.ts";

/** What any node may say besides what it works on. */
export interface CommonNodeOptions {
  /** Nodes to wait for without taking data from them. */
  readonly after?: readonly AnyRef[];
  /** The node is skipped unless this is true. */
  readonly when?: RefTo<boolean> | boolean;
  /** @default "all_success" */
  readonly triggerRule?: TriggerRule;
  /** What it does and why, in Markdown. */
  readonly doc?: string;
  /** One line for the Temporal UI. */
  readonly summary?: string;
}

/** What a mapped task's node may say besides. */
export interface MapOptions extends NodeOptions {
  /** How many items run at once. @default 200 */
  readonly maxConcurrent?: number;
}

/** What a task's node may say besides its input. */
export interface NodeOptions extends CommonNodeOptions, Policy, SlotOptions {
  /** @default the task's name */
  readonly id?: string;
  /** Task queue of the workers that are to run it. @default the run's own */
  readonly queue?: string;
  /** Run it inside the scheduler's own step: for work of milliseconds. @default false */
  readonly light?: boolean;
  /** Takes the output of an earlier run that gave it the same input, with the same code. @default false */
  readonly cache?: CacheOption;
  /** What it updates: each has an event when the task succeeds. @default the task's own */
  readonly outlets?: readonly Asset[];
  /**
   * It cleans up: it runs once its upstream nodes have ended, whatever became of them, also after a cancel, if one of
   * them has run. What becomes of it does not change the run's state. @default false
   */
  readonly teardown?: boolean;
}

export const NODE_NAMES: Names<MapOptions> = {
  ...{ ...POLICY_NAMES, ...SLOT_NAMES, after: true, when: true, triggerRule: true, doc: true, summary: true, id: true },
  ...{ queue: true, light: true, cache: true, outlets: true, teardown: true },
};
