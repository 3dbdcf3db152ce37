import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lake, openLake, openObjectStore } from "@dagwright/lake";
import { createMcpPool } from "@dagwright/mcp-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { monitoring } from "./contract.ts";
import { createMonitoringServer } from "./server.ts";

let home: string;
let lake: Lake;
let pool: ReturnType<typeof createMcpPool>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "performance-"));
  lake = await openLake({ root: join(home, "lake"), sourceRoots: [] });
  const write = (table: string, wrong: number) =>
    lake.write({
      table,
      // Every `wrong`th row is predicted the other way round, and 10 too high.
      sql: `SELECT (i % 3 = 0)::INT AS bought, i % 3 = 0 AS flag, CASE WHEN i % ${wrong} = 0 THEN 1 - (i % 3 = 0)::INT ELSE (i % 3 = 0)::INT END AS guess, 0.1 + 0.8 * (CASE WHEN i % ${wrong} = 0 THEN 1 - (i % 3 = 0)::INT ELSE (i % 3 = 0)::INT END) AS chance, 100.0 + i AS price, 100.0 + i + CASE WHEN i % ${wrong} = 0 THEN 10 ELSE 0 END AS estimate, 'k' AS kind, DATE '2026-01-01' + CAST(i % 2 AS INTEGER) AS day FROM range(300) t(i)`,
      dialect: "duckdb",
      views: {},
      mode: "overwrite",
      txn: { appId: table, version: 1 },
    });
  await write("good", 50);
  await write("bad", 2);
  pool = createMcpPool({
    servers: { monitoring: createMonitoringServer({ lake, reports: await openObjectStore(join(home, "reports")) }) },
  });
});
afterAll(async () => {
  await pool.close();
  await lake.close();
  await rm(home, { recursive: true });
});

const client = (idempotencyKey?: string) =>
  pool.client(monitoring, idempotencyKey === undefined ? {} : { idempotencyKey });
const labels = { task: "classification", target: "bought", prediction: "guess" } as const;

describe("monitor_model_performance", () => {
  test("measures labels beside a reference, and names what broke", async () => {
    const found = await client().call("monitor_model_performance", {
      ...labels,
      current: { table: "bad" },
      reference: { table: "good" },
      atLeast: { Accuracy: 0.9, Recall: 0.1 },
      atMost: { FPR: 0.1 },
      maxDrop: 0.05,
    });
    expect(found).toMatchObject({
      degraded: true,
      metrics: { Accuracy: 0.5, Recall: 0.5 },
      referenceMetrics: { Accuracy: 0.98 },
      rows: { current: 300, reference: 300 },
    });
    expect(found.failures.map(({ metric }) => metric)).toEqual(["Accuracy", "FPR", "F1Score"]);
    expect(found.failures[0]?.message).toBe("Accuracy is 0.5: expected at least 0.9");
    expect(await readFile(fileURLToPath(found.pageUri), "utf8")).toContain("Confusion matrix");
  });

  test("measures probabilities, and the rows of one day", async () => {
    const found = await client().call("monitor_model_performance", {
      ...{ task: "classification", target: "bought", probability: "chance" },
      current: { table: "good" },
      currentWhere: { column: "day", equals: "2026-01-01" },
      atLeast: { RocAuc: 0.9 },
    });
    expect(found).toMatchObject({ degraded: false, failures: [], rows: { current: 150, reference: null } });
  });

  test("takes a boolean's positive label as a boolean", async () => {
    const ask = { ...labels, target: "flag", current: { table: "bad" } };
    const [yes, no, one] = await Promise.all(
      [true, false, 1].map((positiveLabel) => client().call("monitor_model_performance", { ...ask, positiveLabel })),
    );
    expect(yes?.metrics).toEqual(one?.metrics);
    expect(no?.metrics).toMatchObject({ TPR: yes?.metrics["TNR"], Accuracy: yes?.metrics["Accuracy"] });
  });

  test("measures a regression", async () => {
    const found = await client().call("monitor_model_performance", {
      ...{ task: "regression", target: "price", prediction: "estimate" },
      current: { table: "bad" },
      reference: { table: "good" },
      atMost: { "MAE mean": 1, RMSE: 100 },
    });
    expect(found.metrics["MAE mean"]).toBe(5);
    expect(found.failures.map(({ metric }) => metric)).toEqual(["MAE mean"]);
  });

  test.each([
    [{ probability: "chance" }, { code: "INVALID_ARGUMENTS", field: "prediction" }],
    [{ prediction: undefined }, { code: "INVALID_ARGUMENTS", field: "prediction" }],
    [
      { task: "regression", prediction: undefined, probability: "chance" },
      { code: "INVALID_ARGUMENTS", field: "probability" },
    ],
    [{ maxDrop: 0.1 }, { code: "INVALID_ARGUMENTS", field: "reference" }],
    [{ atLeast: { F1: 0.5 } }, { code: "UNKNOWN_METRIC", field: "atLeast" }],
    [{ positiveLabel: "yes" }, { code: "UNKNOWN_LABEL", field: "positiveLabel" }],
    [{ target: "baught" }, { code: "COLUMN_NOT_FOUND", field: "target", hint: 'Did you mean "bought"?' }],
    [
      { prediction: undefined, probability: "chanse" },
      { code: "COLUMN_NOT_FOUND", field: "probability" },
    ],
    [{ positiveLabel: "yes" }, { message: expect.stringContaining('positiveLabel "yes" does not occur') }],
    [{ current: { table: "good", version: 9 } }, { code: "VERSION_NOT_FOUND", field: "current.version" }],
    [{ reference: { table: "god" } }, { code: "TABLE_NOT_FOUND", field: "reference.table" }],
    [
      { task: "regression", prediction: "kind", target: "price" },
      { code: "NOT_A_NUMBER", field: "prediction" },
    ],
    [{ monitor: "../x" }, { code: "INVALID_ARGUMENTS", field: "monitor" }],
  ] as const)("refuses %j", async (wrong, error) => {
    const ask = { ...labels, current: { table: "good" }, ...wrong };
    await expect(client().call("monitor_model_performance", ask)).rejects.toMatchObject(error);
  });
});

describe("generate_monitoring_dashboard", () => {
  test("shows what the other tools have kept, once for a call that is made again", async () => {
    const current = { table: "good" };
    const performance = (day: number, table: string) =>
      client(`performance-${day}`).call("monitor_model_performance", {
        ...labels,
        current: { table },
        monitor: "shop",
        at: `2026-02-0${day}T00:00:00Z`,
      });
    await performance(1, "good");
    await performance(3, "bad");
    await performance(3, "bad");
    const drift = () =>
      client("drift-2").call("detect_model_drift", {
        reference: current,
        current: { table: "bad" },
        columns: ["price", "guess"],
        monitor: "shop",
      });
    await drift();
    const before = await client().call("generate_monitoring_dashboard", { monitor: "shop" });
    await drift();
    const page = await client().call("generate_monitoring_dashboard", { monitor: "shop", title: "The <shop>" });
    expect(page).toMatchObject({
      snapshots: 3,
      drifted: true,
      from: "2026-02-01T00:00:00.000Z",
      metrics: { Accuracy: 0.5 },
    });
    expect(page.pageUri).toBe(before.pageUri);
    expect(page.until).toBe(before.until);
    const html = await readFile(fileURLToPath(page.pageUri), "utf8");
    expect(html).toContain("The &#60;shop&#62;");
    expect(html).toContain("Share of drifted columns");
    const late = await client().call("generate_monitoring_dashboard", {
      monitor: "shop",
      since: "2026-02-02T00:00:00Z",
    });
    expect(late.snapshots).toBe(2);
  });

  test("names the monitors that there are", () =>
    expect(client().call("generate_monitoring_dashboard", { monitor: "shup" })).rejects.toMatchObject({
      code: "MONITOR_NOT_FOUND",
      hint: "There are: shop.",
    }));
});

test("what a served model was asked is refused where none is served", () =>
  expect(
    client().call("detect_model_drift", {
      reference: { table: "good" },
      current: { model: "m", since: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z" },
      columns: ["price"],
    }),
  ).rejects.toMatchObject({ code: "NOT_SERVED", field: "current.model" }));
