/** Runs that are cleared and marked, whole tasks and single items, while they go on and after they have ended. */
import type { Dag } from "@dagwright/engine";
import { twinDags } from "../../engine/twins-dags.ts";
import { executionsOf, named, type Recording, until } from "./recording.ts";

export const interventions: Recording = {
  subject: "interventions",
  dags: twinDags as unknown as readonly Dag[],
  record: async (ground) => {
    const { engine, client } = ground;
    const hangs = async (runId: string) => {
      const { tasks } = await engine.getRun(runId);
      return tasks["hangs"]?.state === "running" && tasks["beside"]?.state === "success";
    };
    for (const how of ["cleared", "marked", "failed", "signalled"]) {
      await engine.startRun({ dagId: "steered", runId: `steered/${how}` });
      await until(async () => await hangs(`steered/${how}`));
    }
    await engine.clearRun("steered/cleared", { tasks: ["hangs", "before"] });
    const by = "recorder";
    await engine.markTask("steered/marked", { task: "hangs", as: "success", output: 7, by, reason: "known" });
    await engine.markTask("steered/failed", { task: "hangs", as: "failed", by });
    const signalled = client.workflow.getHandle("steered/signalled");
    await signalled.signal("approve", "nonsense");
    await signalled.signal("pause", { by });
    await signalled.signal("resume");
    await signalled.signal("markSuccess", { task: "hangs", output: 7, by });

    const items = ["ok", "ok", "ok"].map((how, value) => ({ how, value }));
    const item = "chain/item_in_flight";
    await engine.startRun({ dagId: "chain", runId: item, params: { items, last: "hang" } });
    const mapped = async (task: string) => (await engine.getRun(item)).tasks[task]?.mapped ?? [];
    await until(async () => {
      const all = await mapped("c");
      return all.length === 3 && all.every(({ state }) => state === "running");
    });
    await engine.clearRun(item, { tasks: ["a[1]"] });
    await until(async () => (await mapped("c"))[1]?.state === "success");
    await engine.markTask(item, { task: "c[0]", as: "success", output: "marked", by });
    await engine.clearRun(item, { tasks: ["c[2]"] });

    const mend = ["ok", "mend", "skip_once"].map((how, value) => ({ how, value }));
    await engine.startRun({ dagId: "chain", runId: "chain/cleared", params: { items: mend } });
    await engine.waitForRun("chain/cleared");
    await engine.clearRun("chain/cleared");
    await engine.waitForRun("chain/cleared");
    await engine.clearRun("chain/cleared", { tasks: ["a[2]"] });
    const ids = ["steered/cleared", "steered/marked", "steered/failed", "steered/signalled", item];
    for (const runId of [...ids, "chain/cleared"]) await engine.waitForRun(runId);
    await until(async () => (await executionsOf(ground, "chain/cleared")).length === 3);
    return [...named(ids), ...(await executionsOf(ground, "chain/cleared"))];
  },
};
