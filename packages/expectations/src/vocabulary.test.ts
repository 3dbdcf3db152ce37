import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Query } from "./run-plans.ts";
import { defineSuite, type SuiteDefinition } from "./suite.ts";
import { validate } from "./validate.ts";

let query: Query;
let close: () => void;
let queries = 0;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
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
  await query(`CREATE TABLE orders AS SELECT * FROM (VALUES
    (1, 1.0::DOUBLE, 'Oslo', '{"a": 1}', '2026-01-01', 1, 2),
    (2, 2.0::DOUBLE, 'Oslo', '{"a": "x"}', '2026-13-40', 2, 2),
    (3, 3.0::DOUBLE, 'Bergen', NULL, '1 Mar 2026', NULL, 2),
    (4, 10.0::DOUBLE, NULL, '[]', 'n/a', NULL, NULL)
  ) AS t(id, x, city, js, day, a, b)`);
});
afterAll(() => close());

type Definition = SuiteDefinition["expectations"][number];
async function all(...expectations: Definition[]) {
  return (await validate({ suite: defineSuite({ name: "all", expectations }), query, view: "orders" })).results;
}

test("statistics of a column: one query for the columns, a glance, one for all, one for the groups, one for the ranks", async () => {
  const before = queries;
  const observed = await all(
    { type: "expect_column_mean_to_be_between", kwargs: { column: "x", min_value: 4, strict_min: true } },
    { type: "expect_column_median_to_be_between", kwargs: { column: "x", max_value: 2.5 } },
    { type: "expect_column_sum_to_be_between", kwargs: { column: "x", min_value: 16, max_value: 16 } },
    { type: "expect_column_max_to_be_between", kwargs: { column: "city", max_value: "P" } },
    { type: "expect_column_unique_value_count_to_be_between", kwargs: { column: "city", max_value: 1 } },
    { type: "expect_column_proportion_of_non_null_values_to_be_between", kwargs: { column: "city", min_value: 0.75 } },
    {
      type: "expect_column_quantile_values_to_be_between",
      kwargs: {
        column: "x",
        quantile_ranges: {
          quantiles: [0.5, 1],
          value_ranges: [
            [3, 3],
            [null, 10],
          ],
        },
      },
    },
  );
  expect(queries - before).toBe(5);
  expect(observed.map(({ success, observed }) => [success, observed])).toEqual([
    [false, 4],
    [true, 2.5],
    [true, 16],
    [true, "Oslo"],
    [false, 2],
    [true, 0.75],
    [true, { quantiles: [0.5, 1], values: [3, 10] }],
  ]);
});

test("sets of values name what is too much and what is missing", async () => {
  const value_set = ["Oslo", "Lille"];
  const results = await all(
    { type: "expect_column_distinct_values_to_equal_set", kwargs: { column: "city", value_set } },
    { type: "expect_column_most_common_value_to_be_in_set", kwargs: { column: "city", value_set } },
    {
      type: "expect_column_kl_divergence_to_be_less_than",
      kwargs: { column: "city", partition_object: { values: ["Oslo"], weights: [1] }, threshold: 0.1 },
    },
  );
  expect(results).toMatchObject([
    { success: false, unexpectedValues: ["Bergen"], missingValues: ["Lille"] },
    { success: true, observed: ["Oslo"] },
    { success: false, observed: null },
  ]);
});

test("texts: JSON, schemas, dates, lengths and expressions", async () => {
  const json_schema = { type: "object", properties: { a: { type: "integer" } } };
  const results = await all(
    { type: "expect_column_values_to_match_json_schema", kwargs: { column: "js", json_schema } },
    { type: "expect_column_values_to_match_json_schema", kwargs: { column: "day", json_schema } },
    { type: "expect_column_values_to_be_dateutil_parseable", kwargs: { column: "day" } },
    { type: "expect_column_values_to_match_strftime_format", kwargs: { column: "day", strftime_format: "%Y-%m-%d" } },
    { type: "expect_column_value_lengths_to_equal", kwargs: { column: "city", value: 4 } },
    { type: "expect_column_values_to_match_regex", kwargs: { column: "city", regex: "'; DROP|slo$" } },
    { type: "expect_column_values_to_match_regex", kwargs: { column: "city", regex: "(?=x)" } },
    { type: "expect_column_mean_to_be_between", kwargs: { column: "city", min_value: 0 } },
  );
  expect(results.map(({ unexpectedCount, exception }) => unexpectedCount ?? exception)).toEqual([
    2,
    expect.stringContaining("which is not JSON"),
    2,
    3,
    1,
    1,
    3,
    'Column "city" holds VARCHAR; numbers are needed',
  ]);
});

test("several columns of a row: which rows are left out is said", async () => {
  const pair = { column_A: "a", column_B: "b" };
  const column_list = ["a", "b"];
  const results = await all(
    { type: "expect_column_pair_values_to_be_equal", kwargs: pair },
    { type: "expect_column_pair_values_to_be_equal", kwargs: { ...pair, ignore_row_if: "either_value_is_missing" } },
    { type: "expect_column_pair_values_to_be_in_set", kwargs: { ...pair, value_pairs_set: [[null, 2]] } },
    { type: "expect_compound_columns_to_be_unique", kwargs: { column_list } },
    { type: "expect_select_column_values_to_be_unique_within_record", kwargs: { column_list } },
    { type: "expect_multicolumn_sum_to_equal", kwargs: { column_list, sum_total: 4, ignore_row_if: "never" } },
    { type: "expect_column_values_to_be_decreasing", kwargs: { column: "id" } },
  );
  expect(results.map(({ missingCount, unexpectedCount }) => [missingCount, unexpectedCount])).toEqual([
    [1, 2],
    [2, 1],
    [1, 2],
    [1, 0],
    [1, 1],
    [0, 3],
    [0, 3],
  ]);
});

test("of columns with few values their groups are asked, which changes no answer", async () => {
  // The same rows, told apart by what comes first: a glance at the second table sees many values.
  const rows =
    "SELECT i % 7 AS n, 'city ' || (i % 5) AS city, CASE WHEN i % 9 = 0 THEN NULL ELSE i % 4 / 2.0 END AS x FROM range(12000) AS t(i)";
  await query(`CREATE TABLE few AS ${rows}`);
  await query(
    `CREATE TABLE many AS SELECT i AS n, 'c' || i AS city, i / 7.0 AS x, 0 AS place FROM range(11000) AS t(i)
      UNION ALL SELECT n, city, x, -1 FROM few`,
  );
  const row_condition = { column: "place", operator: "==" as const, value: -1 };
  const expectations = (kwargs: object): Definition[] => [
    { type: "expect_column_values_to_be_between", kwargs: { column: "n", min_value: 1, max_value: 4, ...kwargs } },
    { type: "expect_column_values_to_be_between", kwargs: { column: "x", min_value: 0.5, mostly: 0.6, ...kwargs } },
    { type: "expect_column_values_to_be_in_set", kwargs: { column: "city", value_set: ["city 1"], ...kwargs } },
    { type: "expect_column_values_to_match_regex", kwargs: { column: "city", regex: "[0-2]$", ...kwargs } },
    { type: "expect_column_values_to_match_like_pattern", kwargs: { column: "city", like_pattern: "%3", ...kwargs } },
    { type: "expect_column_value_lengths_to_equal", kwargs: { column: "city", value: 6, ...kwargs } },
    {
      type: "expect_column_quantile_values_to_be_between",
      kwargs: {
        column: "x",
        quantile_ranges: { quantiles: [0, 0.3, 0.5, 0.99], value_ranges: Array(4).fill([0, 1]) },
        allow_relative_error: "linear",
        ...kwargs,
      },
    },
  ];
  const told = async (view: string, kwargs: object) => {
    const suite = defineSuite({ name: "few", expectations: expectations(kwargs) });
    const { results } = await validate({ suite, query, view, sampleSize: 0 });
    return results.map(({ kwargs: _, ...result }) => result);
  };
  const [few, many] = [await told("few", {}), await told("many", { row_condition })];
  expect(few).toEqual(many);
  expect(few.map(({ unexpectedCount }) => unexpectedCount)).toEqual([5143, 2666, 9600, 4800, 9600, 0, null]);
});

test("however the engine is asked, by rows, by different values or by their order, the answer is the same", async () => {
  // A condition that every row meets is asked row by row.
  const row_condition = { column: "every", operator: "==" as const, value: 1 };
  const tables = {
    // Rises to the end; of 5,000 different prices each comes again and again.
    rising: "SELECT i AS id, hash(i) % 5000 / 8.0 AS price, 'c' || (i % 900) AS code FROM range(25000) AS t(i)",
    // Rises for as long as it is glanced at.
    falling: "SELECT i % 20000 AS id, hash(i) % 40000 / 8.0 AS price, 'c' || i AS code FROM range(25000) AS t(i)",
    odd: `SELECT CASE WHEN i % 3 > 0 THEN i END AS id, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'nan'::DOUBLE
      WHEN 2 THEN '-inf'::DOUBLE ELSE 'inf'::DOUBLE END AS price, NULL::VARCHAR AS code FROM range(25000) AS t(i)`,
    last: "SELECT least(i, 24998) AS id, i % 2 * 1e308 AS price, repeat('é', (i % 3)::INTEGER) AS code FROM range(25000) AS t(i)",
    small: "SELECT i // 2 AS id, i % 5 / 2.0 AS price, 'c' || (i % 7) AS code FROM range(60) AS t(i)",
  };
  const definitions = (given: object): Definition[] => [
    { type: "expect_column_values_to_be_unique", kwargs: { column: "id", mostly: 0.5, ...given } },
    { type: "expect_column_values_to_be_unique", kwargs: { column: "code", ...given } },
    { type: "expect_column_values_to_be_between", kwargs: { column: "price", min_value: 1, max_value: 500, ...given } },
    { type: "expect_column_median_to_be_between", kwargs: { column: "price", min_value: 100, ...given } },
    {
      type: "expect_column_unique_value_count_to_be_between",
      kwargs: { column: "code", min_value: 1, max_value: 1000, ...given },
    },
    { type: "expect_column_values_to_match_regex", kwargs: { column: "code", regex: "^c[0-4]+$", ...given } },
    { type: "expect_column_value_lengths_to_be_between", kwargs: { column: "code", min_value: 3, ...given } },
  ];
  const grouped: string[] = [];
  for (const [name, rows] of Object.entries(tables)) {
    await query(`CREATE TABLE asked_${name} AS SELECT *, 1 AS every FROM (${rows}) AS r`);
    const told = async (given: object) => {
      const suite = defineSuite({ name, expectations: definitions(given) });
      const { results } = await validate({ suite, query, view: `asked_${name}`, sampleSize: 3 });
      return results.map(({ kwargs: _, sample, ...result }) => ({ ...result, sample: sample.length }));
    };
    const free = await told({});
    expect(free, name).toEqual(await told({ row_condition }));
    expect(free.filter(({ exception }) => exception !== undefined)).toEqual([]);
    const asks = async (statement: string, params?: Parameters<typeof query>[1]) => {
      if (/"id" AS k0.* GROUP BY/.test(statement)) grouped.push(name);
      return await query(statement, params);
    };
    const suite = defineSuite({
      name,
      expectations: [{ type: "expect_column_values_to_be_unique", kwargs: { column: "id" } }],
    });
    await validate({ suite, query: asks, view: `asked_${name}`, sampleSize: 0 });
  }
  expect(grouped).toEqual(["falling", "last", "small"]);
});

test("infinite and huge numbers are counted, compared and told as what they are", async () => {
  await query(`CREATE OR REPLACE TABLE odd AS SELECT * FROM (VALUES
    (1.5::DOUBLE, true, 'a' || chr(1)), ('inf', false, 'b'), ('-inf', NULL, NULL), (NULL, true, 'c')) AS t(x, f, w)`);
  const column = "x";
  const suite = defineSuite({
    name: "odd",
    expectations: [
      { type: "expect_column_max_to_be_between", kwargs: { column, min_value: 1 } },
      { type: "expect_column_mean_to_be_between", kwargs: { column, min_value: 1 } },
      { type: "expect_column_stdev_to_be_between", kwargs: { column, min_value: 1 } },
      { type: "expect_column_value_z_scores_to_be_less_than", kwargs: { column, threshold: 1 } },
      { type: "expect_column_distinct_values_to_be_in_set", kwargs: { column, value_set: [1.5, 1e300] } },
      { type: "expect_column_values_to_be_between", kwargs: { column, min_value: -1e300, max_value: 1e300 } },
      {
        type: "expect_column_quantile_values_to_be_between",
        kwargs: {
          column,
          quantile_ranges: {
            quantiles: [0, 0.5],
            value_ranges: [
              [0, 1],
              [0, 2],
            ],
          },
        },
      },
      { type: "expect_column_values_to_be_between", kwargs: { column: "f", min_value: 0.5 } },
      { type: "expect_column_values_to_match_regex", kwargs: { column: "w", regex: "\\01|[b]" } },
      {
        type: "expect_table_row_count_to_equal",
        kwargs: { value: 1, row_condition: 'col("w") == date("c")', condition_parser: "great_expectations" },
      },
      { type: "expect_column_values_to_be_in_type_list", kwargs: { column: "w", type_list: ["datetime", "nope"] } },
    ],
  });
  const { results } = await validate({ suite, query, view: "odd" });
  await query("CREATE OR REPLACE TABLE vast AS SELECT unnest([1e300, -1e300, 2])::DOUBLE AS x");
  const { results: vast } = await validate({
    suite: defineSuite({
      name: "vast",
      expectations: [
        { type: "expect_column_stdev_to_be_between", kwargs: { column, min_value: 1 } },
        { type: "expect_column_value_z_scores_to_be_less_than", kwargs: { column, threshold: 1 } },
        { type: "expect_column_values_to_not_be_outliers", kwargs: { column, method: "std" } },
      ],
    }),
    ...{ query, view: "vast" },
  });
  expect(vast.map(({ success, observed }) => [success, observed])).toEqual([
    [true, "Infinity"],
    [true, null],
    [true, null],
  ]);
  expect(results.map(({ success, observed, unexpectedCount }) => [success, observed, unexpectedCount])).toEqual([
    [true, "Infinity", null],
    [false, null, null],
    [false, null, null],
    [true, null, 0],
    [false, null, 2],
    [false, null, 2],
    [false, { quantiles: [0, 0.5], values: ["-Infinity", 1.5] }, null],
    [false, null, 1],
    [false, null, 1],
    [true, 1, null],
    [false, null, 3],
  ]);
  expect(results[4]?.unexpectedValues).toEqual(["-Infinity", "Infinity"]);
  expect(results[5]?.sample.map(({ x }) => x).toSorted()).toEqual(["-Infinity", "Infinity"]);
});
