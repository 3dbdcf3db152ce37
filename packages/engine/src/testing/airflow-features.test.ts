import { expect, it } from "vitest";
import fixture from "./fixtures/airflow-features.json" with { type: "json" };
import { recordedCases, sketchedDag } from "./fixtures/sketched-dag.ts";
import { runInProcess } from "./index.ts";

/** Random DAGs as Airflow's scheduler ended them, in whatever order their tasks ran, but for what docs/semantics.md says differs. */
it.each(recordedCases.parse(fixture.cases).map((one) => [one.id, one] as const))(
  "%s ends as in Airflow: branches, short circuits, teardowns, mapped tasks, sensors, retries",
  async (id, { nodes, expect: expected }) => {
    const { state, tasks } = await runInProcess(sketchedDag(id, nodes));
    const states = Object.entries(tasks).map(([name, task]) => {
      const ofItems = task.mapped?.map((item) => item.state) ?? [];
      return [name, ofItems.length > 0 ? ofItems : task.state];
    });
    expect({ state, tasks: Object.fromEntries(states) }).toEqual(expected);
  },
);
