import { type Client, WorkflowIdConflictPolicy } from "@temporalio/client";
import { urisOf } from "../core/asset-condition.ts";
import type { AssetCondition } from "../core/graph.ts";
import type { Dag } from "../language/dag.ts";
import {
  ASSET_WORKFLOW,
  assetLogIdOf,
  MEMO,
  SIGNAL_CONFIGURE,
  SIGNAL_SUBSCRIBE,
  SIGNAL_UNSUBSCRIBE,
  TRIGGER_WORKFLOW,
  type TriggerConfig,
  triggerIdOf,
} from "../sandbox/asset-protocol.ts";
import type { ClientGround } from "./ground.ts";
import { isNotFound } from "./temporal-call.ts";

/** What has to change so that the triggers on the server are those of the code; unchanged ones are made sure of all the same. */
export interface AssetScheduleDiff {
  readonly created: readonly TriggerConfig[];
  readonly updated: readonly TriggerConfig[];
  readonly unchanged: readonly TriggerConfig[];
  readonly removed: readonly FoundTrigger[];
}

/** A trigger on the server, as its memo tells of it. */
export interface FoundTrigger {
  readonly dagId: string;
  readonly taskQueue: string;
  readonly condition: AssetCondition | null;
  /** The note, while it is paused. */
  readonly paused: string | null;
}

/** Compares the triggers on the server with what these DAGs wait for. Changes nothing. */
export async function planAssetSchedules(
  ground: Pick<ClientGround, "temporal" | "taskQueue">,
  dags: readonly Dag[],
): Promise<AssetScheduleDiff> {
  const { temporal, taskQueue } = ground;
  const created: TriggerConfig[] = [];
  const updated: TriggerConfig[] = [];
  const unchanged: TriggerConfig[] = [];
  const wanted = new Set<string>();
  for (const { id: dagId, graph, options } of dags) {
    if (graph.schedule?.kind !== "assets") continue;
    wanted.add(dagId);
    const { condition } = graph.schedule;
    const config: TriggerConfig = {
      ...{ dagId, condition, taskQueue },
      ...(options.paused === undefined ? {} : { paused: options.paused }),
    };
    const found = await findTrigger(temporal, dagId);
    if (found === null) created.push(config);
    else if (found.taskQueue === taskQueue && JSON.stringify(found.condition) === JSON.stringify(condition))
      unchanged.push(config);
    else updated.push(config);
  }
  const ours = await listTriggers(ground);
  return { created, updated, unchanged, removed: ours.filter(({ dagId }) => !wanted.has(dagId)) };
}

/** Brings the triggers in line, as planned. Twice is once; what was interrupted is mended by the next plan. */
export async function applyAssetSchedules(
  { temporal, taskQueue }: Pick<ClientGround, "temporal" | "taskQueue">,
  { created, updated, unchanged, removed }: AssetScheduleDiff,
): Promise<void> {
  for (const { dagId, condition } of removed) await removeTrigger(temporal, dagId, condition);
  for (const config of [...created, ...updated, ...unchanged]) {
    const { dagId, condition } = config;
    // First the logs: from here on no event is missed.
    for (const uri of urisOf(condition)) await subscribe(temporal, taskQueue, uri, dagId);
    if (unchanged.includes(config)) continue;
    await temporal.workflow.signalWithStart(TRIGGER_WORKFLOW, {
      workflowId: triggerIdOf(dagId),
      taskQueue,
      args: [config],
      signal: SIGNAL_CONFIGURE,
      signalArgs: [config],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      memo: {
        [MEMO.queue]: taskQueue,
        [MEMO.condition]: condition,
        [MEMO.paused]: config.paused?.note ?? null,
      },
      staticSummary: `starts ${dagId} when assets are updated`,
    });
  }
}

/** The triggers of this task queue's DAGs. */
export async function listTriggers({
  temporal,
  taskQueue,
}: Pick<ClientGround, "temporal" | "taskQueue">): Promise<FoundTrigger[]> {
  const query = `WorkflowType = "${TRIGGER_WORKFLOW}" AND ExecutionStatus = "Running"`;
  const found: FoundTrigger[] = [];
  for await (const { workflowId, memo } of temporal.workflow.list({ query })) {
    const trigger = foundTrigger(workflowId, memo);
    if (trigger.taskQueue === taskQueue) found.push(trigger);
  }
  return found.sort((a, b) => a.dagId.localeCompare(b.dagId));
}

/** The trigger of a DAG; null when none runs. */
export async function findTrigger(temporal: Client, dagId: string): Promise<FoundTrigger | null> {
  try {
    const { workflowId, memo, status } = await temporal.workflow.getHandle(triggerIdOf(dagId)).describe();
    return status.name === "RUNNING" ? foundTrigger(workflowId, memo) : null;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function foundTrigger(workflowId: string, memo: Record<string, unknown> = {}): FoundTrigger {
  const { [MEMO.queue]: taskQueue, [MEMO.condition]: condition, [MEMO.paused]: paused } = memo;
  return {
    dagId: workflowId.slice(triggerIdOf("").length),
    taskQueue: typeof taskQueue === "string" ? taskQueue : "",
    condition: isCondition(condition) ? condition : null,
    paused: typeof paused === "string" ? paused : null,
  };
}

/** Ours wrote it; a memo of somebody else's is no condition. */
function isCondition(value: unknown): value is AssetCondition {
  return typeof value === "object" && value !== null && "kind" in value;
}

async function subscribe(temporal: Client, taskQueue: string, uri: string, dagId: string): Promise<void> {
  await temporal.workflow.signalWithStart(ASSET_WORKFLOW, {
    workflowId: assetLogIdOf(uri),
    taskQueue,
    args: [{ uri }],
    signal: SIGNAL_SUBSCRIBE,
    signalArgs: [dagId],
    staticSummary: `events of ${uri}`,
  });
}

async function removeTrigger(temporal: Client, dagId: string, condition: AssetCondition | null): Promise<void> {
  for (const uri of condition === null ? [] : urisOf(condition)) {
    await temporal.workflow.getHandle(assetLogIdOf(uri)).signal(SIGNAL_UNSUBSCRIBE, dagId).catch(unlessNotFound);
  }
  await temporal.workflow
    .getHandle(triggerIdOf(dagId))
    .terminate("its DAG waits for no assets any more")
    .catch(unlessNotFound);
}

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
