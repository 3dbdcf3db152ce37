import { Context } from "@temporalio/activity";
import { ASSET_WORKFLOW, assetLogIdOf, SIGNAL_EMIT } from "../sandbox/asset-protocol.ts";
import type { EmitRequest } from "../sandbox/protocol.ts";
import type { TaskGround } from "./task-activity.ts";

/** Tells events to the logs of their assets, and starts those logs that there are not yet. Twice is once: a log knows its events. */
export async function emitAssets({ temporal }: Pick<TaskGround, "temporal">, { events, assets }: EmitRequest) {
  const { taskQueue } = Context.current().info;
  for (const uri of new Set(events.map((event) => event.uri))) {
    const asset = assets.find((one) => one.uri === uri) ?? { uri };
    await temporal.workflow.signalWithStart(ASSET_WORKFLOW, {
      workflowId: assetLogIdOf(uri),
      taskQueue,
      args: [asset],
      signal: SIGNAL_EMIT,
      signalArgs: [events.filter((event) => event.uri === uri), asset],
      staticSummary: `events of ${uri}`,
    });
  }
}
