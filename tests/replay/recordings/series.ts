/** Light tasks that follow one another and run in one go: to their end, with a failure that is mended, cancelled. */
import type { Dag } from "@dagwright/engine";
import { series as dag } from "../../engine/twins-dags.ts";
import { named, pause, type Recording } from "./recording.ts";

export const series: Recording = {
  subject: "series",
  dags: [dag as unknown as Dag],
  record: async ({ engine }) => {
    await engine.startRun({ dagId: "series", runId: "series/good" });
    await engine.startRun({ dagId: "series", runId: "series/flaky", params: { how: "flaky" } });
    await engine.startRun({ dagId: "series", runId: "series/cancelled", params: { how: "hang" } });
    await pause(500);
    await engine.cancelRun("series/cancelled", { by: "recorder", reason: "to be recorded" });
    const ids = ["series/good", "series/flaky", "series/cancelled"];
    for (const runId of ids) await engine.waitForRun(runId);
    return named(ids);
  },
};
