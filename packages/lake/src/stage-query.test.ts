/** The rows of a query kept for other queries, with columns that this process computes. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ComputedColumns, Lake } from "./api.ts";
import { openLake } from "./lake.ts";

let root: string;
let lake: Lake;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "stage-query-"));
  lake = await openLake({ root, sourceRoots: [] });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true });
});

const files = async () => (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".parquet"));

test("every row meets its own values, in order, beyond what one statement or one group of rows holds", async () => {
  const compute: ComputedColumns = {
    from: ["id"],
    columns: [
      { name: "twice", type: "bigint" },
      { name: "odd", type: "string" },
    ],
    row: ({ id }) => ({ twice: String(2 * Number(id)), ...(Number(id) % 2 === 1 && { odd: `no. ${id}` }) }),
  };
  const sql = "SELECT range AS id, CAST(range AS VARCHAR) AS s FROM range(CAST($rows AS BIGINT))";
  const staged = await lake.stageQuery({ sql, dialect: "duckdb", views: {}, params: { rows: 250_000 }, compute });
  expect(staged).toMatchObject({
    rows: 250_000,
    columns: [
      { name: "id", type: "bigint" },
      { name: "s", type: "string" },
      { name: "twice", type: "bigint" },
      { name: "odd", type: "string" },
    ],
  });
  const { rows } = await lake.query(
    `SELECT count(*) AS n, sum(CASE WHEN twice = 2 * id THEN 1 ELSE 0 END) AS same, count(odd) AS odd,
      sum(CASE WHEN odd = concat('no. ', s) THEN 1 ELSE 0 END) AS named FROM kept`,
    { views: { kept: staged.view } },
  );
  expect(rows).toEqual([{ n: 250_000, same: 250_000, odd: 125_000, named: 125_000 }]);
  await staged.close();
  expect(await files()).toEqual([]);
});

test("no rows, and no columns to read, give the computed columns all the same", async () => {
  const columns = [
    { name: "d", type: "decimal(4,2)" },
    { name: "at", type: "timestamp" },
  ];
  const compute = { from: [], columns, row: () => ({ d: 1.5, at: "1890-03-01T12:00:00.123456Z" }) };
  const of = async (count: number) => {
    const staged = await lake.stageQuery({
      sql: "SELECT 0 AS id WHERE :count > 0",
      views: {},
      params: { count },
      compute,
    });
    const { rows } = await lake.query("SELECT * FROM kept", { views: { kept: staged.view } });
    await staged.close();
    return { columns: staged.columns.slice(1), rows };
  };
  expect(await of(0)).toEqual({ columns, rows: [] });
  expect(await of(1)).toEqual({ columns, rows: [{ id: 0, d: 1.5, at: "1890-03-01T12:00:00.123456Z" }] });
});

test("what the function throws is thrown, values that do not fit are refused, and nothing is left", async () => {
  const stage = (compute: ComputedColumns) => lake.stageQuery({ sql: "SELECT 1 AS a", views: {}, compute });
  const columns = [{ name: "b", type: "int" }];
  const wrong = new RangeError("too far");
  const thrown = stage({
    from: ["a"],
    columns,
    row: () => {
      throw wrong;
    },
  });
  await expect(thrown).rejects.toBe(wrong);
  await expect(stage({ from: ["a"], columns, row: () => ({ b: "many" }) })).rejects.toThrow("many");
  await expect(stage({ from: ["a"], columns: [{ name: "A", type: "int" }], row: () => ({}) })).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
  });
  await expect(
    stage({ from: ["a"], columns: [{ name: "b", type: "array<int>" }], row: () => ({}) }),
  ).rejects.toMatchObject({ code: "UNSUPPORTED_TYPE", field: "compute" });
  expect(await files()).toEqual([]);
});
