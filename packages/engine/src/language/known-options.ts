import { nearest } from "@dagwright/mcp-kit/nearest";
import type { CallbackOptions } from "./callbacks.ts";
import type { DagOptions } from "./dag-definition.ts";
import type { MapOptions } from "./node-options.ts";
import type { Policy } from "./policy.ts";
import type { CronOptions, EveryOptions } from "./schedule.ts";
import type { SlotOptions } from "./slots.ts";
import type { SubdagOptions } from "./subdag.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** Every name that an object may bear: one that is forgotten here does not compile. */
type Names<Options> = Readonly<Record<keyof Options, true>>;

const POLICY: Names<Policy> = {
  ...{ retries: true, retryDelay: true, backoff: true, maxRetryDelay: true, timeout: true, heartbeat: true },
  ...{ jitter: true, noRetryOn: true, totalTimeout: true },
};
const SLOTS: Names<SlotOptions> = { pool: true, poolSlots: true, priority: true, maxConcurrent: true };
const TIMES: Names<CronOptions> = { timezone: true, jitter: true, overlap: true, start: true, end: true };
const PERIOD: Names<EveryOptions> = { offset: true, jitter: true, overlap: true, start: true, end: true };
const NODE: Names<MapOptions & SubdagOptions> = {
  ...{ ...POLICY, ...SLOTS, after: true, when: true, triggerRule: true, doc: true, summary: true, id: true },
  ...{ queue: true, light: true, cache: true, outlets: true, teardown: true },
};
const TASK: Names<TaskDefinition> = {
  ...{ ...POLICY, ...SLOTS, name: true, input: true, output: true, queue: true, light: true, cache: true },
  ...{ outlets: true, sensor: true, doc: true, run: true },
};
const CALLBACKS: Names<CallbackOptions> = { onSuccess: true, onFailure: true, deadline: true };
const DAG: Names<DagOptions> = {
  ...{ ...CALLBACKS, id: true, description: true, schedule: true, params: true, defaults: true, tags: true },
  ...{ owner: true, catchup: true, maxActiveRuns: true, maxActiveTasks: true, manualLogicalDate: true, paused: true },
};

/** What objects in a DAG file may say, by what they are. */
export const NAMES = {
  dag: Object.keys(DAG),
  defaults: Object.keys({ ...POLICY, ...SLOTS }),
  node: Object.keys(NODE),
  task: Object.keys(TASK),
  cron: [...Object.keys(TIMES), "kind", "expressions"],
  every: [...Object.keys(PERIOD), "kind", "interval"],
  callback: ["run", ...Object.keys(POLICY)],
  deadline: ["after", "from", "onMissed"],
};

/**
 * Tells of what an object says that nobody reads: a misspelt name, or another tool's. The types do as well, but DAG
 * files run without a compiler.
 */
export function checkNames(given: object, known: readonly string[], mistake: (message: string) => void): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const meant = known.includes(camel) ? camel : nearest(name, known);
    mistake(
      `there is no option ${JSON.stringify(name)}${meant === undefined ? `; there are ${known.join(", ")}` : `; did you mean "${meant}"?`}`,
    );
  }
}
