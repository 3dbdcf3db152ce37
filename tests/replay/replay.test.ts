/** Runs in flight survive a change of the interpreter: every history ever recorded replays on today's code. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { largePayloads, type ObjectStore } from "@dagwright/engine/store";
import { bundleWorkflows } from "@dagwright/engine/worker";
import proto from "@temporalio/proto";
import { Worker, type WorkflowBundle } from "@temporalio/worker";
import { beforeAll, describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("histories", import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith(".binpb"));

function read(file: string) {
  return proto.temporal.api.history.v1.History.decode(readFileSync(`${folder}/${file}`));
}

/** Large values are packed in histories; none of those that are kept refers to an object that replay would read. */
const objects: Pick<ObjectStore, "put" | "get"> = {
  get: async (sha256) => await Promise.reject(new Error(`Replay reads object ${sha256}`)),
  put: async () => {},
};
const dataConverter = { payloadCodecs: [largePayloads(objects)] };

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  workflowBundle = await bundleWorkflows();
});

describe("recorded histories replay", () => {
  it("and there are some of each kind", () => {
    for (const kind of [
      "shapes.small",
      "shapes.refused",
      "flaky.failed",
      "slow.paused",
      "slow.cancelled",
      "retraining-controller",
      "cards_by_task.shared",
      "one_by_one.cancelled",
      "pool.cards",
      "sells.once",
      "either.asset",
      "asset-trigger.each",
      "asset.lake.orders",
      "launcher.often",
      "handing.launcher.often",
      "handing.launched.often",
      "backfill.shapes.whole",
      "backfill.often.cancelled",
      "narrow.max_active_tasks",
      "parent.failed",
      "child.parent.good.child",
      "triggers.one",
      "called.mended",
      "missed.deadline",
      "policies.jitter_total",
      "cached.taken",
      "steered.cleared",
      "steered.marked",
      "steered.signalled",
      "chain.item_in_flight",
      "chain.cleared.2",
      "long.continued.1",
      "long.continued.2",
      "versioned.mismatch",
      "stored.output",
      "packed.list",
      "series.good",
      "series.flaky",
      "series.cancelled",
    ])
      expect(files.filter((file) => file.includes(kind)).length).toBeGreaterThan(0);
  });

  it.each(files)("%s", async (file) => {
    await Worker.runReplayHistory({ workflowBundle, dataConverter }, read(file));
  });

  it("a history that another interpreter would have made does not", async () => {
    const history = read(files.find((file) => file.includes("flaky.mended")) ?? "");
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType?.name === "flaky") scheduled.activityType.name = "another";
    }
    await expect(Worker.runReplayHistory({ workflowBundle, dataConverter }, history)).rejects.toMatchObject({
      name: "DeterminismViolationError",
    });
  });
});
