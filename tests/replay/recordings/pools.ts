/** Tasks that wait for slots and for their turn, runs that wait in line, one of them cancelled there. */
import { keeper, poolDags } from "../../engine/pool-dags.ts";
import { named, type Recording, until } from "./recording.ts";

export const pools: Recording = {
  subject: "pools",
  dags: poolDags as never,
  record: async ({ engine }) => {
    await engine.setPool("cards", { slots: 2 });
    await engine.startRun({ dagId: "cards_by_task", runId: "cards_by_task/shared" });
    await engine.startRun({ dagId: "cards_by_item", runId: "cards_by_item/shared" });
    await engine.startRun({ dagId: "narrow", runId: "narrow/max_active_tasks" });
    for (const name of ["first", "second", "cancelled"]) {
      const params = { name, hold: name === "first" };
      await engine.startRun({ dagId: "one_by_one", runId: `one_by_one/${name}`, params });
    }
    await until(async () => keeper.began.includes("first"));
    await engine.cancelRun("one_by_one/cancelled", { by: "recorder", reason: "to be recorded" });
    keeper.open("first");
    const ids = [
      ...["cards_by_task/shared", "cards_by_item/shared", "narrow/max_active_tasks"],
      ...["one_by_one/first", "one_by_one/second", "one_by_one/cancelled"],
    ];
    for (const runId of ids) await engine.waitForRun(runId);
    return named([...ids, "pool/cards", "pool/runs/one_by_one"]);
  },
};
