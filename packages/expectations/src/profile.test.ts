import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderDataDocs } from "./data-docs.ts";
import { proposeSuite } from "./profile.ts";
import type { Query } from "./run-plans.ts";
import { defineSuite } from "./suite.ts";
import { validate } from "./validate.ts";

let query: Query;
let close: () => void;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  query = async (sql, params) => {
    const reader = await connection.runAndReadAll(sql, params);
    const types = reader.columnTypes();
    const columns = reader.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
    return { columns, rows: reader.getRowObjectsJS() };
  };
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  await query(`CREATE TABLE odd AS SELECT
    i AS id, CASE WHEN i % 3 = 0 THEN 'nan'::DOUBLE ELSE i / 7 END AS x, (i / 3)::DECIMAL(9, 2) AS money,
    CASE WHEN i % 4 = 0 THEN NULL ELSE '<b>' || i % 2 END AS "a ""tier""", NULL::VARCHAR AS nothing,
    DATE '2026-01-01' + i::INTEGER AS day, 9007199254740993 + i AS big FROM range(50) AS t(i)`);
});
afterAll(() => close());

test("a table fulfils the suite that its profile proposes, and so does an empty one", async () => {
  const suite = await proposeSuite({ name: "proposed", query, view: "odd" });
  const report = await validate({ suite, query, view: "odd" });
  expect(report.results.filter(({ success }) => !success)).toEqual([]);
  expect(suite.expectations.map(({ type, kwargs }) => [type, kwargs])).toEqual(
    expect.arrayContaining([
      ["expect_column_values_to_be_unique", { column: "id" }],
      ["expect_column_values_to_not_be_null", { column: "x", mostly: 0.66 }],
      ["expect_column_values_to_be_in_set", { column: 'a "tier"', value_set: ["<b>0", "<b>1"] }],
    ]),
  );
  expect(suite.expectations).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({
        type: "expect_column_values_to_be_between",
        kwargs: expect.objectContaining({ column: "money", min_value: 0, max_value: 17 }),
      }),
    ]),
  );

  await query("CREATE TABLE none AS SELECT * FROM odd LIMIT 0");
  const empty = await proposeSuite({ name: "proposed", query, view: "none" });
  expect(await validate({ suite: empty, query, view: "none" })).toMatchObject({ success: true });
});

test("a report shows verdicts and rows, and no value is read as HTML", async () => {
  const suite = defineSuite({
    name: "odd & even",
    expectations: [
      { type: "expect_column_values_to_not_match_regex", kwargs: { column: 'a "tier"', regex: "<b>1" } },
      { type: "expect_column_to_exist", kwargs: { column: "<script>" }, severity: "warning" },
      { type: "expect_column_mean_to_be_between", kwargs: { column: "gone", min_value: 0 } },
      { type: "expect_column_distinct_values_to_contain_set", kwargs: { column: "nothing", value_set: ["'x'"] } },
    ],
  });
  const report = await validate({ suite, query, view: "odd" });
  const page = renderDataDocs(report, { suite: suite.name, table: "odd", version: 3 });
  expect(page).toContain("odd &amp; even: failed");
  expect(page).toContain("Table odd, version 3");
  expect(page).toContain("<dt>Critical failed</dt><dd>3</dd>");
  expect(page).toContain("25 (67.57 %)");
  expect(page).toContain("Column &quot;gone&quot; does not exist");
  expect(page).toContain("missing: <code>[&quot;&#39;x&#39;&quot;]</code>");
  expect(page).not.toMatch(/<b>|<script>/);
});
