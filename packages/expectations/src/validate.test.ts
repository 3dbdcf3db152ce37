import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { InvalidIntervalError, InvalidSampleSizeError, InvalidSuiteError } from "./errors.ts";
import type { Query } from "./run-plans.ts";
import { defineSuite, type SuiteDefinition } from "./suite.ts";
import { validate } from "./validate.ts";

let query: Query;
let close: () => void;
let queries = 0;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run("SET timezone = 'UTC'");
  query = async (sql, params) => {
    queries += 1;
    const reader = await connection.runAndReadAll(sql, params);
    const types = reader.columnTypes();
    const columns = reader.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
    return { columns, rows: reader.getRowObjectsJS() };
  };
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  await query(`CREATE TABLE purchases AS SELECT * FROM (VALUES
    (1, DATE '1998-01-01', 1, 10.0::DOUBLE, 'a'),
    (2, DATE '1998-01-02', 2, 0.0::DOUBLE, 'a'),
    (3, DATE '1998-01-03', 0, -1.5::DOUBLE, 'b'),
    (NULL, DATE '1998-01-03', 5, 'nan'::DOUBLE, 'c'),
    (9007199254740993, DATE '1998-01-04', NULL, 7.0::DOUBLE, NULL)
  ) AS t(customer_id, date, cds, dollars, "odd ""name")`);
});
afterAll(() => close());

function one(expectation: SuiteDefinition["expectations"][number], interval?: { start: string; end: string }) {
  const suite = defineSuite({ name: "one", expectations: [expectation] });
  return validate({ suite, query, view: "purchases", interval }).then(({ results }) => results[0]);
}

const day = (start: string, end: string) => ({ start: `${start}T00:00:00Z`, end: `${end}T00:00:00Z` });

describe("single values", () => {
  test("nulls are counted over all rows and shown whole, integers beyond 2^53 unharmed", async () => {
    expect(await one({ type: "expect_column_values_to_not_be_null", kwargs: { column: "cds" } })).toEqual({
      type: "expect_column_values_to_not_be_null",
      kwargs: { column: "cds" },
      severity: "critical",
      success: false,
      observed: null,
      elementCount: 5,
      missingCount: null,
      unexpectedCount: 1,
      unexpectedPercent: 20,
      sample: [
        { customer_id: "9007199254740993", date: "1998-01-04T00:00:00.000Z", cds: null, dollars: 7, 'odd "name': null },
      ],
    });
  });

  test("NaN is missing, and a missing value is not out of range", async () => {
    const nan = await one({ type: "expect_column_values_to_not_be_null", kwargs: { column: "dollars" } });
    expect(nan).toMatchObject({ success: false, unexpectedCount: 1, sample: [{ dollars: "NaN" }] });
    const range = await one({
      type: "expect_column_values_to_be_between",
      kwargs: { column: "dollars", min_value: 0, max_value: 10 },
    });
    expect(range).toMatchObject({ missingCount: 1, unexpectedCount: 1, unexpectedPercent: 25 });
  });

  test("bounds are inclusive unless strict, and mostly counts on values that are there", async () => {
    const strict = { column: "dollars", min_value: 0, strict_min: true };
    const type = "expect_column_values_to_be_between";
    expect(await one({ type, kwargs: strict })).toMatchObject({ success: false, unexpectedCount: 2 });
    expect(await one({ type, kwargs: { ...strict, mostly: 0.5 } })).toMatchObject({
      success: true,
      unexpectedCount: 2,
    });
    expect(await one({ type, kwargs: { ...strict, mostly: 0.51 } })).toMatchObject({ success: false });
    const dates = { column: "date", min_value: "1998-01-02", max_value: "1998-01-03" };
    expect(await one({ type, kwargs: dates })).toMatchObject({ unexpectedCount: 2 });
  });

  test("sets, repeated values and row conditions", async () => {
    const odd = 'odd "name';
    expect(
      await one({ type: "expect_column_values_to_be_in_set", kwargs: { column: odd, value_set: ["a", "b'; DROP"] } }),
    ).toMatchObject({ success: false, missingCount: 1, unexpectedCount: 2, unexpectedPercent: 50 });
    expect(
      await one({ type: "expect_column_values_to_be_in_set", kwargs: { column: odd, value_set: [] } }),
    ).toMatchObject({ unexpectedCount: 4 });
    expect(await one({ type: "expect_column_values_to_be_unique", kwargs: { column: odd } })).toMatchObject({
      success: false,
      unexpectedCount: 2,
      sample: [{ customer_id: 1 }, { customer_id: 2 }],
    });
    const row_condition = { column: "cds", operator: ">" as const, value: 1 };
    expect(
      await one({ type: "expect_column_values_to_be_unique", kwargs: { column: odd, row_condition } }),
    ).toMatchObject({ success: true, elementCount: 2 });
    expect(
      await one({
        type: "expect_table_row_count_to_be_between",
        kwargs: { min_value: 2, max_value: 2, row_condition },
      }),
    ).toMatchObject({ success: true, observed: 2 });
  });

  test("counts equal a count by hand, whatever the values, bounds and mostly", async () => {
    const cell = fc.option(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.NaN)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { maxLength: 12 }),
        fc.integer({ min: -3, max: 3 }),
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (cells, min, strict, mostly) => {
          await query("CREATE OR REPLACE TEMP TABLE cells (x DOUBLE)");
          for (const x of cells)
            await query("INSERT INTO cells VALUES (CAST($x AS DOUBLE))", { x: x === null ? null : String(x) });
          const suite = defineSuite({
            name: "cells",
            expectations: [
              {
                type: "expect_column_values_to_be_between",
                kwargs: { column: "x", min_value: min, strict_min: strict, mostly },
              },
              { type: "expect_column_values_to_be_unique", kwargs: { column: "x" } },
            ],
          });
          const [range, unique] = (await validate({ suite, query, view: "cells" })).results;
          const there = cells.filter((x): x is number => x !== null && !Number.isNaN(x));
          const low = there.filter((x) => (strict ? x <= min : x < min)).length;
          const success = there.length === 0 || (there.length - low) / there.length >= mostly;
          expect(range).toMatchObject({ elementCount: cells.length, unexpectedCount: low, success });
          const repeated = there.filter((x) => there.filter((y) => x === y).length > 1).length;
          expect(unique).toMatchObject({ missingCount: cells.length - there.length, unexpectedCount: repeated });
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("the table", () => {
  test("columns and types", async () => {
    const all = ["customer_id", "date", "cds", "dollars", 'odd "name'];
    const list = "expect_table_columns_to_match_ordered_list";
    expect(await one({ type: list, kwargs: { column_list: all } })).toMatchObject({ success: true });
    expect(await one({ type: list, kwargs: { column_list: all.toReversed() } })).toMatchObject({ success: false });
    const set = "expect_table_columns_to_match_set";
    expect(await one({ type: set, kwargs: { column_set: all.toReversed() } })).toMatchObject({ success: true });
    expect(await one({ type: set, kwargs: { column_set: ["date"] } })).toMatchObject({ success: false });
    expect(await one({ type: set, kwargs: { column_set: ["date"], exact_match: false } })).toMatchObject({
      success: true,
    });
    const type = "expect_column_values_to_be_of_type";
    expect(await one({ type, kwargs: { column: "customer_id", type_: "long" } })).toMatchObject({ success: true });
    expect(await one({ type, kwargs: { column: "date", type_: "TIMESTAMP" } })).toMatchObject({
      success: false,
      observed: "DATE",
    });
  });

  test("an empty table passes what is said about values", async () => {
    await query("CREATE OR REPLACE TEMP TABLE nothing (x DOUBLE)");
    const suite = defineSuite({
      name: "empty",
      expectations: [
        { type: "expect_column_values_to_not_be_null", kwargs: { column: "x" } },
        { type: "expect_column_values_to_be_in_set", kwargs: { column: "x", value_set: [1] } },
      ],
    });
    const report = await validate({ suite, query, view: "nothing" });
    expect(report.success).toBe(true);
    expect(report.results.map(({ unexpectedPercent }) => unexpectedPercent)).toEqual([null, null]);
  });
});

describe("a data interval", () => {
  test("freshness: the newest row of the interval's end, not of the table", async () => {
    const suite = defineSuite({
      name: "fresh",
      timestampColumn: "date",
      expectations: [{ type: "expect_column_max_to_be_within_interval", kwargs: { column: "date" } }],
    });
    const at = async (start: string, end: string) =>
      (await validate({ suite, query, view: "purchases", interval: day(start, end) })).results[0];
    expect(await at("1998-01-02", "1998-01-03")).toMatchObject({ success: true, observed: "1998-01-02T00:00:00.000Z" });
    expect(await at("1998-01-05", "1998-01-06")).toMatchObject({
      success: false,
      observed: "1998-01-04T00:00:00.000Z",
    });
    expect(await at("1997-12-01", "1997-12-02")).toMatchObject({ success: false, observed: null });
  });

  test("rows of the interval against the mean of the days before, as many as there are", async () => {
    const type = "expect_interval_row_count_to_be_near_trailing_mean";
    const kwargs = { column: "date", trailingDays: 28, minFactor: 0.5, maxFactor: 1.5 };
    const observed = (rows: number, mean: number, days: number) => ({
      observed: { rows, trailingMeanPerDay: mean, trailingDays: days },
    });
    expect(await one({ type, kwargs }, day("1998-01-02", "1998-01-03"))).toMatchObject({
      success: true,
      ...observed(1, 1, 1),
    });
    expect(await one({ type, kwargs }, day("1998-01-03", "1998-01-04"))).toMatchObject({
      success: false,
      ...observed(2, 1, 2),
    });
    expect(await one({ type, kwargs: { ...kwargs, trailingDays: 2 } }, day("1998-01-05", "1998-01-06"))).toMatchObject({
      success: false,
      ...observed(0, 1.5, 2),
    });
    expect(await one({ type, kwargs }, day("1998-01-01", "1998-01-02"))).toMatchObject({
      success: true,
      observed: { rows: 1, trailingMeanPerDay: null },
    });
  });

  test("rows without a date stay in view, so that not_be_null can find them", async () => {
    await query(
      "CREATE OR REPLACE TEMP TABLE undated AS SELECT * FROM (VALUES (DATE '1998-01-01'), (NULL), (DATE '1998-02-01')) t(date)",
    );
    const suite = defineSuite({
      name: "dated",
      timestampColumn: "date",
      expectations: [{ type: "expect_column_values_to_not_be_null", kwargs: { column: "date" } }],
    });
    const report = await validate({ suite, query, view: "undated", interval: day("1998-01-01", "1998-01-02") });
    expect(report.results[0]).toMatchObject({ success: false, elementCount: 2, unexpectedCount: 1 });
  });

  test("is checked", async () => {
    const kwargs = { column: "date" };
    const type = "expect_column_max_to_be_within_interval";
    await expect(one({ type, kwargs }, day("1998-01-02", "1998-01-02"))).rejects.toThrow(InvalidIntervalError);
    expect(await one({ type, kwargs })).toMatchObject({
      success: false,
      exception: expect.stringContaining("data interval"),
    });
  });
});

describe("a suite", () => {
  test("all counts come from one query; only what failed asks for rows", async () => {
    const suite = defineSuite({
      name: "few queries",
      expectations: ["cds", "dollars", "customer_id", "date"].map((column) => ({
        type: "expect_column_values_to_not_be_null" as const,
        kwargs: { column },
      })),
    });
    queries = 0;
    const report = await validate({ suite, query, view: "purchases" });
    expect(report.statistics).toEqual({ evaluated: 4, successful: 1, failed: { critical: 3, warning: 0, info: 0 } });
    expect(queries).toBe(2 + 3);
  });

  test("what cannot be evaluated fails alone, with a reason", async () => {
    const report = await validate({
      query,
      view: "purchases",
      suite: defineSuite({
        name: "wrong",
        expectations: [
          { type: "expect_column_values_to_not_be_null", kwargs: { column: "nope" }, severity: "warning" },
          { type: "expect_column_values_to_be_between", kwargs: { column: "date", min_value: 3 }, severity: "warning" },
          {
            type: "expect_column_values_to_be_between",
            kwargs: { column: "date", min_value: "soon" },
            severity: "warning",
          },
          { type: "expect_column_values_to_be_unique", kwargs: { column: "dollars" } },
        ],
      }),
    });
    expect(report.success).toBe(true);
    expect(report.statistics).toEqual({ evaluated: 4, successful: 1, failed: { critical: 0, warning: 3, info: 0 } });
    expect(report.results.map(({ exception }) => exception)).toEqual([
      'Column "nope" does not exist; the columns are customer_id, date, cds, dollars, odd "name',
      'Column "date" holds DATE and cannot be compared with the number 3',
      expect.stringContaining("soon"),
      undefined,
    ]);
  });

  test("a table that is not there is the caller's error, not a verdict", async () => {
    const suite = defineSuite({
      name: "x",
      expectations: [{ type: "expect_table_row_count_to_be_between", kwargs: { min_value: 0 } }],
    });
    await expect(validate({ suite, query, view: "no such table" })).rejects.toThrow("no such table");
  });

  test("a table with bytes is validated, and shows them as text", async () => {
    await query("CREATE OR REPLACE TABLE blobs AS SELECT 1 AS id, 'xy'::BLOB AS bytes");
    const suite = defineSuite({
      name: "blobs",
      expectations: [
        { type: "expect_column_values_to_be_null", kwargs: { column: "bytes" } },
        { type: "expect_column_distinct_values_to_be_in_set", kwargs: { column: "bytes", value_set: ["z"] } },
      ],
    });
    const { results } = await validate({ suite, query, view: "blobs" });
    expect(results[0]?.sample).toEqual([{ id: 1, bytes: "xy" }]);
    expect(results[1]).toMatchObject({ success: false, unexpectedValues: ["xy"] });
    await expect(validate({ suite, query, view: "blobs", sampleSize: Number.NaN })).rejects.toThrow(
      new InvalidSampleSizeError(Number.NaN),
    );
  });

  test("a table to compare with that is not there, and a date that is none, fail as not evaluated", async () => {
    await query("CREATE OR REPLACE TABLE blobs AS SELECT 1 AS id, 'xy' AS word");
    const definition: SuiteDefinition = {
      name: "other",
      expectations: [
        { type: "expect_table_row_count_to_equal_other_table", kwargs: { other_table_name: "gone" } },
        { type: "expect_column_values_to_be_unique", kwargs: { column: "id" } },
      ],
    };
    const at = { query, view: "blobs", otherRows: async () => undefined };
    const { results } = await validate({ suite: defineSuite(definition), ...at });
    expect(results.map(({ exception }) => exception)).toEqual(['There is no table "gone" to compare with', undefined]);
    await query("CREATE OR REPLACE TABLE days AS SELECT DATE '2024-02-29' AS day");
    const among = (value_set: string[]) => ({ kwargs: { column: "day", value_set } });
    const days = defineSuite({
      name: "days",
      expectations: [
        { type: "expect_column_values_to_be_in_set", ...among(["1", "soon", "2024-2-29"]) },
        { type: "expect_column_distinct_values_to_be_in_set", ...among(["2023-02-29"]) },
        { type: "expect_column_values_to_not_be_in_set", ...among(["2023-02-29"]) },
      ],
    });
    const found = (await validate({ suite: days, query, view: "days" })).results;
    expect(found.map(({ unexpectedCount, exception }) => exception ?? unexpectedCount)).toEqual([
      0,
      1,
      'Column "day" holds DATE; "2023-02-29" is not a date or moment (expected ISO-8601)',
    ]);
    const interval = { start: "2026-01-01", end: "2026-01-02" };
    const dated = await validate({ suite: defineSuite({ ...definition, timestampColumn: "word" }), ...at, interval });
    expect(dated.results[1]?.exception).toBe('Column "word" holds VARCHAR; a date or timestamp is needed');
  });

  test("is checked when it is defined", () => {
    const type = "expect_column_value_lengths_to_be_between";
    expect(() => defineSuite({ name: "s", expectations: [{ type, kwargs: { column: "x" } }] })).toThrow(
      new InvalidSuiteError("s", [
        { field: "expectations.0.kwargs", problem: "min_value and max_value cannot both be missing" },
      ]),
    );
    expect(() =>
      defineSuite({
        name: "s",
        expectations: [{ type: "expect_column_values_to_not_be_null", kwargs: { column: "x", mostly: 95 } }],
      }),
    ).toThrow("expectations.0.kwargs.mostly");
    // @ts-expect-error an unknown type does not compile
    expect(() => defineSuite({ name: "s", expectations: [{ type: "expect_wonders", kwargs: {} }] })).toThrow(
      "expectations.0.type",
    );
  });
});
