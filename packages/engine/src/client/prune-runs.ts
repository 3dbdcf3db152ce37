import { isOver } from "../core/decide.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { RunStore, StoredRunHead } from "../store/run-store.ts";
import type { PrunedRuns, PruneRuns } from "./engine-client.ts";
import { NoRunStoreError, PruneTooRecentError } from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { neededObjects } from "./needed-objects.ts";
import { isNotFound } from "./temporal-call.ts";

const DAY_MS = 86_400_000;

/** How many runs are read from the store at once. */
const PAGE = 200;

/**
 * Forgets runs that ended before a moment: in the run store with their attempts and cached outputs, on the Temporal
 * server where it still knows them, and then the objects that nothing refers to any more.
 */
export async function pruneRuns(
  ground: ClientGround,
  objects: ObjectStore | undefined,
  { before, dagId, dryRun = false }: PruneRuns,
): Promise<PrunedRuns> {
  const moment = new Date(before);
  if (!(moment.getTime() <= Date.now() - DAY_MS)) throw new PruneTooRecentError(before);
  const { store } = ground;
  if (store === null) throw new NoRunStoreError("prune runs");
  const runIds: string[] = [];
  const total = { attempts: 0, cachedOutputs: 0 };
  for await (const run of oldRuns(store, moment.toISOString(), dagId)) {
    if (!(await isForgettable(ground, run))) continue;
    if (!dryRun) {
      // The server first: what the store has forgotten is found no more.
      await forgetExecutions(ground, run.runId);
      const removed = await store.removeRun(run);
      total.attempts += removed.attempts;
      total.cachedOutputs += removed.cachedOutputs;
    }
    runIds.push(run.runId);
  }
  const pruned = { before: moment.toISOString(), runIds, ...total };
  if (dryRun || objects === undefined) return { ...pruned, objects: 0, bytes: 0 };
  const needed = await neededObjects(ground, store, objects);
  return { ...pruned, ...(await objects.sweep(moment, (sha256) => needed.has(sha256))) };
}

async function* oldRuns(store: RunStore, before: string, dagId: string | undefined): AsyncIterable<StoredRunHead> {
  let after = "";
  for (;;) {
    const page = await store.listOldRuns({ before, dagId, after, limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.runId;
  }
}

/** Whether no execution of the run goes on: one that has been started again, or whose end the store has missed. */
async function isForgettable({ temporal }: ClientGround, { runId, state }: StoredRunHead): Promise<boolean> {
  try {
    const { status } = await temporal.workflow.getHandle(runId).describe();
    return status.name !== "RUNNING" && isOver(state);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return true;
  }
}

async function forgetExecutions({ temporal, connection, namespace }: ClientGround, runId: string): Promise<void> {
  for await (const execution of temporal.workflow.list({ query: `WorkflowId = ${JSON.stringify(runId)}` })) {
    const workflowExecution = { workflowId: runId, runId: execution.runId };
    await connection.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
