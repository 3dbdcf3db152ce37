import { type Client, WorkflowIdConflictPolicy } from "@temporalio/client";
import { conditionText, urisOf } from "../core/asset-condition.ts";
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
import {
  type FieldChange,
  isOwned,
  type ScheduleChange,
  type ScheduleKeeper,
  type SyncPlan,
  type SyncScope,
} from "./schedule-plan.ts";
import { isNotFound } from "./temporal-call.ts";

/** A trigger on the server, as its memo tells of it. */
export interface FoundTrigger {
  readonly dagId: string;
  readonly taskQueue: string;
  readonly condition: AssetCondition | null;
  /** The file that its DAG came from, if it was known. */
  readonly source: string | null;
  /** The note, while it is paused. */
  readonly paused: string | null;
}

/** DAGs that wait for assets: each has a trigger of its own, and the logs of its assets tell it of their events. */
export class AssetSchedules implements ScheduleKeeper {
  constructor(private readonly ground: Pick<ClientGround, "temporal" | "taskQueue">) {}

  async plan(dags: readonly Dag[], scope: SyncScope): Promise<SyncPlan> {
    const plan = {
      create: [] as ScheduleChange[],
      update: [] as ScheduleChange[],
      unchanged: [] as string[],
      remove: [] as ScheduleChange[],
      kept: [] as SyncPlan["kept"][number][],
    };
    const wanted = new Set<string>();
    for (const config of this.configsOf(dags, scope)) {
      const { dagId, paused } = config;
      wanted.add(dagId);
      const found = await findTrigger(this.ground.temporal, dagId);
      const changes = changesOf(found, config);
      if (found === null) plan.create.push({ dagId, kind: "assets", changes, paused: paused !== undefined });
      else if (changes.length === 0) plan.unchanged.push(dagId);
      else plan.update.push({ dagId, kind: "assets", changes, paused: found.paused !== null });
    }
    const known = new Set(dags.map(({ id }) => id));
    for (const found of await listTriggers(this.ground)) {
      const { dagId, source } = found;
      if (wanted.has(dagId)) continue;
      if (known.has(dagId)) plan.remove.push(removal(found, "the DAG waits for no assets any more"));
      else if (scope.prune === true) plan.remove.push(removal(found, "no DAG at hand has it"));
      else if (isOwned(source, scope)) plan.remove.push(removal(found, "the DAG is gone from the code"));
      else plan.kept.push({ dagId, source });
    }
    return plan;
  }

  /** Twice is once; what was interrupted is mended by the next plan. Unchanged ones are made sure of all the same. */
  async apply({ create, update, remove }: SyncPlan, dags: readonly Dag[], scope: SyncScope): Promise<void> {
    const { temporal, taskQueue } = this.ground;
    for (const { dagId, kind } of remove) {
      const found = kind === "assets" ? await findTrigger(temporal, dagId) : null;
      if (found !== null) await removeTrigger(temporal, dagId, found.condition);
    }
    const changed = new Set([...create, ...update].map(({ dagId }) => dagId));
    for (const config of this.configsOf(dags, scope)) {
      const { dagId, condition, source, paused } = config;
      // First the logs: from here on no event is missed.
      for (const uri of urisOf(condition)) await subscribe(temporal, taskQueue, uri, dagId);
      if (!changed.has(dagId)) continue;
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
          [MEMO.source]: source ?? null,
          [MEMO.paused]: paused?.note ?? null,
        },
        staticSummary: `starts ${dagId} when assets are updated`,
      });
    }
  }

  private configsOf(dags: readonly Dag[], { sources }: SyncScope): TriggerConfig[] {
    const { taskQueue } = this.ground;
    return dags.flatMap(({ id: dagId, graph: { schedule }, options: { paused } }) => {
      if (schedule?.kind !== "assets") return [];
      const source = sources?.get(dagId);
      return {
        ...{ dagId, condition: schedule.condition, taskQueue },
        ...(source === undefined ? {} : { source }),
        ...(paused === undefined ? {} : { paused }),
      };
    });
  }
}

function changesOf(found: FoundTrigger | null, { condition, taskQueue, source }: TriggerConfig): FieldChange[] {
  const is = found?.condition ? conditionText(found.condition) : null;
  const wanted = conditionText(condition);
  return [
    ...(is === wanted ? [] : [{ field: "assets", from: is, to: wanted }]),
    ...(found === null || found.taskQueue === taskQueue
      ? []
      : [{ field: "taskQueue", from: found.taskQueue, to: taskQueue }]),
    ...(found === null || source === undefined || found.source === source
      ? []
      : [{ field: "source", from: found.source, to: source }]),
  ];
}

function removal({ dagId, condition, paused }: FoundTrigger, why: string): ScheduleChange {
  const from = condition === null ? null : conditionText(condition);
  return { dagId, kind: "assets", changes: [{ field: "assets", from, to: null }], paused: paused !== null, why };
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
  const { [MEMO.queue]: taskQueue, [MEMO.condition]: condition, [MEMO.source]: source, [MEMO.paused]: paused } = memo;
  return {
    dagId: workflowId.slice(triggerIdOf("").length),
    taskQueue: typeof taskQueue === "string" ? taskQueue : "",
    condition: isCondition(condition) ? condition : null,
    source: typeof source === "string" ? source : null,
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
