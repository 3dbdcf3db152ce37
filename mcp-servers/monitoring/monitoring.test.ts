import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
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
  home = await mkdtemp(join(tmpdir(), "monitoring-"));
  lake = await openLake({ root: join(home, "lake"), sourceRoots: [] });
  const write = (table: string, sql: string) =>
    lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "overwrite", txn: { appId: table, version: 1 } });
  const rows = (shift: number, day: string, kind: string) =>
    `SELECT i::DOUBLE + ${shift} AS amount, (i % 7)::DOUBLE AS steady, ${kind} AS kind, DATE '${day}' AS as_of, CASE WHEN i < 0 THEN 1.0 END AS nothing FROM range(200) t(i)`;
  await write("before", rows(0, "2026-01-01", "'a'"));
  await write(
    "now",
    `${rows(0, "2026-01-01", "'a'")} UNION ALL ${rows(150, "2026-01-02", "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END")}`,
  );
  pool = createMcpPool({
    servers: { monitoring: createMonitoringServer({ lake, reports: await openObjectStore(join(home, "reports")) }) },
  });
});
afterAll(async () => {
  await pool.close();
  await lake.close();
  await rm(home, { recursive: true });
});

const ask = { reference: { table: "before" }, current: { table: "now" }, columns: ["amount", "steady", "kind"] };
const client = () => pool.client(monitoring);

describe("detect_model_drift", () => {
  test("measures the rows of one day and keeps the report", async () => {
    const call = () =>
      pool
        .client(monitoring, { idempotencyKey: "run-1/drift" })
        .call("detect_model_drift", { ...ask, currentWhere: { column: "as_of", equals: "2026-01-02" } });
    const report = await call();
    expect(report).toMatchObject({
      drifted: true,
      driftedColumns: ["amount", "kind"],
      rows: { reference: 200, current: 200 },
    });
    expect(report.share).toBeCloseTo(2 / 3);
    expect(report.columns[0]?.ks).toMatchObject({ statistic: 0.75, drifted: true });
    expect(report.columns[1]).toMatchObject({ psi: { score: 0, drifted: false }, ks: { score: 1 }, drifted: false });
    expect(report.columns[2]?.ks).toBeNull();
    expect(await call()).toEqual(report);
    expect(await readdir(join(home, "reports", "drift"))).toHaveLength(1);
    const kept: unknown = JSON.parse(await readFile(fileURLToPath(report.reportUri), "utf8"));
    expect(kept).toMatchObject({ drifted: true, request: { threshold: 0.1, driftShare: 0.5 } });
  });

  test("finds nothing between equal rows", async () => {
    const answer = await client().call("detect_model_drift", {
      ...ask,
      currentWhere: { column: "as_of", equals: "2026-01-01T00:00:00" },
    });
    expect(answer).toMatchObject({ drifted: false, share: 0, driftedColumns: [] });
  });

  test.each([
    [{ columns: ["amont"] }, { code: "COLUMN_NOT_FOUND", field: "columns", hint: 'Did you mean "amount"?' }],
    [{ columns: ["nothing"] }, { code: "EMPTY_COLUMN", field: "columns" }],
    [{ currentWhere: { column: "as_of", equals: "1999-01-01" } }, { code: "NO_ROWS", field: "currentWhere" }],
    [{ currentWhere: { column: "as_of", equals: 7 } }, { code: "INVALID_FILTER", field: "currentWhere.equals" }],
    [{ current: { table: "nowhere" } }, { code: "TABLE_NOT_FOUND" }],
    [{ driftShare: 2 }, { code: "INVALID_ARGUMENTS", field: "driftShare" }],
  ])("refuses %j", async (wrong, error) => {
    await expect(client().call("detect_model_drift", { ...ask, ...wrong })).rejects.toMatchObject(error);
  });
});
