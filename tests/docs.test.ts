/** The guide's DAG files run as they stand. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry } from "@dagwright/engine";
import { loadDagFiles } from "@dagwright/engine/loader";
import { runInProcess } from "@dagwright/engine/testing";
import { afterAll, describe, expect, it } from "vitest";
import { PROJECT } from "./product.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Code blocks that name their file: "```ts orders.ts". */
const guide = readFileSync(join(PROJECT, "docs", "guide.md"), "utf8");
for (const [, name = "", code = ""] of guide.matchAll(/^```ts (\S+)\n(.*?)^```$/gms)) {
  writeFileSync(join(folder, name), code);
}

async function dagOf(id: string) {
  const { dags } = await loadDagFiles([folder], join(folder, ".cache"));
  return createRegistry(dags).get(id);
}

describe("docs/guide.md", () => {
  it("orders: tasks, a map and a derive", async () => {
    const dag = await dagOf("orders");
    expect(await runInProcess(dag, { params: { rate: 3 }, logicalDate: "2026-01-31" })).toMatchObject({
      state: "success",
      output: { total: 180 },
    });
  });

  it("release: a sensor, a wait, an approval and a teardown", async () => {
    const dag = await dagOf("release");
    const answers = { go: { approved: true, by: "ada" } };
    expect(await runInProcess(dag, { answers })).toMatchObject({
      state: "success",
      output: "day.csv, released by ada",
      tasks: { clean_up: { state: "success" } },
    });
    const late = await runInProcess(dag, { params: { file: "day.txt" } });
    expect(late.tasks["landed"]?.error?.code).toBe("SENSOR_TIMEOUT");
  });

  it("sales and revenue: what one updates, the other reads", async () => {
    const sold = await runInProcess(await dagOf("sales"), { logicalDate: "2026-01-31" });
    const events = sold.tasks["load"]?.assetEvents ?? [];
    expect(events).toMatchObject([{ uri: "lake://sales", extra: { day: "2026-01-31T00:00:00Z", rows: 120 } }]);
    const assetEvents = [...events, ...events, { uri: "lake://prices" }];
    expect(await runInProcess(await dagOf("revenue"), { assetEvents })).toMatchObject({
      state: "success",
      trigger: "asset",
      output: 240,
    });
  });
});
