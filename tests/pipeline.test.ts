/** The daily pipeline on the real data, through the commands a person types, against a real Temporal server. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RunView } from "@dagwright/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT, Product } from "./product.ts";

const CSV = join(PROJECT, "data", "cdnow-purchases.csv");

/** Lines of the CSV dated before a day, sorted, as "customer,date,count,value". */
async function csvRowsBefore(day: string): Promise<string[]> {
  const rows: string[] = [];
  let header = true;
  for await (const line of createInterface({ input: createReadStream(CSV) })) {
    if (!header) {
      const [customer, date, cds, dollars] = line.split(",");
      if (date !== undefined && date < day) rows.push(`${customer},${date},${cds},${Number(dollars)}`);
    }
    header = false;
  }
  return rows.sort();
}

async function tableRows(product: Product): Promise<string[]> {
  const rows = await product.rows(
    "purchases",
    "SELECT customer_id, CAST(date AS VARCHAR) AS date, number_of_cds, dollar_value FROM t",
  );
  return rows
    .map((row) => `${row["customer_id"]},${row["date"]},${row["number_of_cds"]},${Number(row["dollar_value"])}`)
    .sort();
}

describe("the daily pipeline on real data", () => {
  let product: Product;
  let first: RunView;

  beforeAll(async () => {
    product = await Product.create();
    await product.up();
    const { code, value } = await product.json(["run", "daily_ml_pipeline", "--logical-date", "1998-01-31", "--wait"]);
    first = value as RunView;
    expect(first.error).toBeUndefined();
    expect(code).toBe(0);
  }, 240_000);
  afterAll(async () => await product.destroy(), 60_000);

  const output = (view: RunView, id: string) => view.tasks[id]?.output as Record<string, never>;

  it("runs all seven stages of the day and one gate to success", () => {
    expect(first).toMatchObject({
      dagId: "daily_ml_pipeline",
      runId: "daily_ml_pipeline/1998-01-31T00:00:00Z",
      logicalDate: "1998-01-31T00:00:00Z",
      state: "success",
    });
    expect(Object.entries(first.tasks).map(([id, { state }]) => [id, state])).toEqual(
      ["ingest", "quality", "features", "materialize", "train", "good_enough", "register", "deploy"].map((id) => [
        id,
        "success",
      ]),
    );
  });

  it("holds exactly the source's rows before the interval's end, duplicates too", async () => {
    expect(await tableRows(product)).toEqual(await csvRowsBefore("1998-02-01"));
  });

  it("reports the duplicates and the zero values instead of hiding them", () => {
    expect(output(first, "ingest")["duplicateRows"]).toBeGreaterThan(0);
    expect(output(first, "quality")).toMatchObject({ suite: "purchases" });
  });

  it("beats the majority class where it counts", () => {
    const { metrics } = output(first, "train") as unknown as { metrics: Record<string, number> };
    expect(metrics["val_f1"]).toBeGreaterThan(0.85);
    expect(metrics["val_roc_auc"]).toBeGreaterThan(0.7);
  });

  it("serves the registered version and keeps it in production", async () => {
    const deployed = output(first, "deploy") as unknown as {
      endpoint: string;
      version: number;
      example: { features: Record<string, number> };
    };
    const health = await (await fetch(`${deployed.endpoint}/health`)).json();
    expect(health).toMatchObject({ model: "customer_repurchase", version: deployed.version });
    const response = await fetch(`${deployed.endpoint}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ features: deployed.example.features }),
    });
    expect(response.status).toBe(200);
  });

  it("finds the same run done when it is started again, and writes nothing", async () => {
    const { code, value } = await product.json(["run", "daily_ml_pipeline", "--logical-date", "1998-01-31", "--wait"]);
    expect(code).toBe(0);
    expect(value).toEqual(first);
  });

  it("adds the next day and nothing else; a challenger that is no better is not registered, and says so", async () => {
    const { code, value } = await product.json(["run", "daily_ml_pipeline", "--logical-date", "1998-02-01", "--wait"]);
    const view = value as RunView;
    expect(code).toBe(0);
    expect(await tableRows(product)).toEqual(await csvRowsBefore("1998-02-02"));
    const { register } = view.tasks;
    if (register?.state === "skipped") expect(register.reason).toMatch(/ROC AUC .* does not beat the champion's/);
    else expect(register?.state).toBe("success");
  }, 120_000);

  it("starts from the Temporal CLI with nothing else known", async () => {
    const { code, stdout, stderr } = await product.temporal([
      "workflow",
      "execute",
      "--type",
      "daily_ml_pipeline",
      "--task-queue",
      "dagwright",
      "--workflow-id",
      "by-hand",
      "--input",
      '{"params":{}}',
      "--output",
      "json",
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: "COMPLETED" });
  }, 120_000);

  it("has both schedules, paused with a note, firing daily at midnight and on Mondays", async () => {
    const { value } = await product.json(["schedules", "list"]);
    const schedules = value as { dagId: string; paused: boolean; note: string; next: string[] }[];
    expect(schedules.map(({ dagId, paused }) => [dagId, paused]).sort()).toEqual([
      ["daily_ml_pipeline", true],
      ["weekly_model_retraining", true],
    ]);
    for (const { dagId, note, next } of schedules) {
      expect(note).toContain("1998-06-30");
      const times = next.map((time) => new Date(time));
      expect(times.length).toBeGreaterThan(0);
      expect(times.every((time) => time.getUTCHours() === 0 && time.getUTCMinutes() === 0)).toBe(true);
      if (dagId === "weekly_model_retraining") expect(times.every((time) => time.getUTCDay() === 1)).toBe(true);
    }
  });

  it("measures drift weekly and starts one retraining run with its reason", async () => {
    const { code, value } = await product.json(["run", "weekly_model_retraining", "--wait"]);
    const view = value as RunView;
    expect(view.error).toBeUndefined();
    expect(code).toBe(0);
    expect(view.tasks["drift_check"]?.state).toBe("success");
    expect(view.tasks["retrain_trigger"]?.state).toBe("success");
    expect(view.tasks["skip_retraining"]?.state).toBe("skipped");
    const { runId } = output(view, "retrain_trigger") as unknown as { runId: string };
    const retraining = (await product.json(["runs", "show", runId])).value as RunView;
    expect(retraining.conf).toMatchObject({ retraining: true, reason: expect.stringContaining("features drifted") });
  }, 120_000);

  it("starts exactly one retraining run for ten drift signals in a second, sent with the Temporal CLI", async () => {
    const before = await retrainingRuns();
    await Promise.all(
      Array.from({ length: 10 }, (_, nth) =>
        product.temporal([
          "workflow",
          "signal",
          "--workflow-id",
          "retraining-controller/customer_repurchase",
          "--name",
          "drift",
          "--input",
          JSON.stringify({ reason: `test ${nth}` }),
        ]),
      ),
    );
    await expect
      .poll(async () => (await retrainingRuns()).length, { timeout: 60_000, interval: 500 })
      .toBe(before.length + 1);
    await new Promise((later) => setTimeout(later, 8_000));
    expect((await retrainingRuns()).length).toBe(before.length + 1);

    async function retrainingRuns() {
      const { value } = await product.json(["runs", "list", "--dag", "daily_ml_pipeline", "--limit", "100"]);
      return (value as { runId: string }[]).filter(({ runId }) => runId.includes("/retraining-customer_repurchase"));
    }
  }, 120_000);
});
