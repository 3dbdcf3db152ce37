/** What a recording is: runs of some DAGs on a server of their own, and which of their histories are kept. */
import { setTimeout } from "node:timers/promises";
import type { Dag } from "@dagwright/engine";
import type { EngineClient } from "@dagwright/engine/client";
import type { DagWorkerOptions } from "@dagwright/engine/worker";
import type { Client } from "@temporalio/client";
import type { Embedded } from "../../engine/embedded.ts";

export interface Ground {
  readonly embedded: Embedded;
  readonly engine: EngineClient;
  readonly client: Client;
  readonly taskQueue: string;
  /** Stops the recording's worker, for those that go on with another. */
  stopWorker(): Promise<void>;
}

/** A history to keep: its file's name, the workflow, and which of its executions. @default the latest */
export interface Kept {
  readonly name: string;
  readonly workflowId: string;
  readonly execution?: string;
}

export interface Recording {
  readonly subject: string;
  readonly dags: readonly Dag[];
  readonly worker?: Partial<DagWorkerOptions>;
  record(ground: Ground): Promise<readonly Kept[]>;
}

/** Histories whose files are named as their workflows are. */
export function named(ids: readonly string[]): readonly Kept[] {
  return ids.map((id) => ({ name: id, workflowId: id }));
}

/** Every execution of a workflow, the oldest first. */
export async function executionsOf(
  { client }: Ground,
  workflowId: string,
  name = workflowId,
): Promise<readonly Kept[]> {
  const found: { runId: string; startTime: Date }[] = [];
  for await (const one of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) found.push(one);
  found.sort((a, b) => a.startTime.getTime() - b.startTime.getTime());
  return found.map(({ runId }, place) => ({ name: `${name}.${place + 1}`, workflowId, execution: runId }));
}

export async function pause(milliseconds: number): Promise<void> {
  await setTimeout(milliseconds);
}

/** Waits until something is so. */
export async function until(wanted: () => Promise<boolean | undefined>): Promise<void> {
  for (let tries = 0; !(await wanted()); tries += 1) {
    if (tries > 600) throw new Error(`It did not come to be so: ${wanted}`);
    await pause(100);
  }
}
