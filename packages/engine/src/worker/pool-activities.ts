import { Context } from "@temporalio/activity";
import { isNotFound } from "../client/temporal-call.ts";
import {
  POOL_ACTIVITY,
  POOL_WORKFLOW,
  type PoolCall,
  type PoolConfig,
  type PoolParty,
  poolIdOf,
  SIGNAL_SLOTS,
} from "../sandbox/pool-protocol.ts";
import type { TaskGround } from "./task-activity.ts";

/** How many executions are looked at at once. */
const AT_ONCE = 20;

/** What runs and pools need of a worker: to be brought together, and to see who is gone. */
export function poolActivitiesOf({ temporal }: Pick<TaskGround, "temporal">) {
  return {
    [POOL_ACTIVITY.tell]: async ({ pool, message }: PoolCall): Promise<void> => {
      const config: PoolConfig = { name: pool };
      await temporal.workflow.signalWithStart(POOL_WORKFLOW, {
        workflowId: poolIdOf(pool),
        taskQueue: Context.current().info.taskQueue,
        args: [config],
        signal: SIGNAL_SLOTS,
        signalArgs: [message],
        staticSummary: `slots of pool ${pool}`,
      });
    },
    [POOL_ACTIVITY.ended]: async (parties: readonly PoolParty[]): Promise<readonly PoolParty[]> => {
      const ended: PoolParty[] = [];
      for (let from = 0; from < parties.length; from += AT_ONCE) {
        const some = parties.slice(from, from + AT_ONCE);
        const gone = await Promise.all(some.map((party) => hasEnded(temporal, party)));
        ended.push(...some.filter((_, index) => gone[index]));
      }
      return ended;
    },
  };
}

/** Whether the execution is closed, or its run has begun anew as another one. */
async function hasEnded(temporal: TaskGround["temporal"], { run, execution }: PoolParty): Promise<boolean> {
  try {
    const { status, raw } = await temporal.workflow.getHandle(run).describe();
    const first = raw.workflowExecutionInfo?.firstRunId;
    return status.name !== "RUNNING" || (first !== undefined && first !== null && first !== "" && first !== execution);
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
