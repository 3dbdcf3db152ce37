import type { z } from "zod";
import { currentBody } from "./body.ts";
import { type Dag, isDag, type OutputOf } from "./dag.ts";
import type { CommonNodeOptions } from "./node-options.ts";
import type { Policy } from "./policy.ts";
import type { Ref, Wired } from "./ref.ts";

/** What a node that stands for another DAG may say besides that DAG's params. */
export interface SubdagOptions
  extends CommonNodeOptions,
    Pick<Policy, "retries" | "retryDelay" | "backoff" | "maxRetryDelay" | "jitter" | "noRetryOn" | "totalTimeout"> {
  /** @default the DAG's id */
  readonly id?: string;
}

/** What a node that triggers another DAG may say besides that DAG's params. */
export interface TriggerOptions extends CommonNodeOptions {
  /** @default the DAG's id */
  readonly id?: string;
  /** Free data that the run reads as `run.conf`. */
  readonly conf?: unknown;
}

/**
 * Runs another DAG within this one and waits for it: a run of its own, with the same logical date and data interval,
 * that is cancelled with this one. If it fails, so does the node; `retries` start it again from its beginning.
 *
 * @returns The output of the other DAG's run.
 * @example const report = subdag(countryReport, { country: params.country });
 */
export function subdag<Child extends Dag>(
  dag: Child,
  params: Wired<z.input<Child["params"]>>,
  options: SubdagOptions = {},
): Ref<OutputOf<Child>> {
  const id = options.id ?? dag.id;
  return currentBody(`subdag "${id}"`).add({ id, kind: "subdag", input: params, options, dag });
}

/**
 * Starts a run of another DAG and does not wait for it: it goes its own way, also when this run fails or is cancelled.
 * An attempt that is made twice starts it once. In process nothing is started.
 *
 * @param dag The DAG, or its id where the other file cannot be imported.
 * @returns The id of the run.
 * @example trigger(weeklyReport, { week: params.week }, { after: [published] });
 */
export function trigger<Child extends Dag>(
  dag: Child | string,
  params: Wired<z.input<Child["params"]>> = {} as Wired<z.input<Child["params"]>>,
  options: TriggerOptions = {},
): Ref<{ runId: string }> {
  const name = isDag(dag) ? dag.id : String(dag);
  const { id = name, conf = {}, ...rest } = options;
  const input = { params, conf };
  return currentBody(`trigger "${id}"`).add({
    id,
    kind: "trigger",
    input,
    options: rest,
    dag: isDag(dag) ? dag : name,
  });
}
