import { readFileSync } from "node:fs";

/*
 * Expressions and queries that a server must answer as DuckDB does, where DuckDB answers at all: it may refuse or raise,
 * never differ. Rows of the table t have nulls, NaN, infinities, minus zero, odd texts, dates before 1970 and leap days.
 */

function lines(name: string): readonly string[] {
  const text = readFileSync(new URL(`spark-parity/${name}.txt`, import.meta.url), "utf8");
  return text.split("\n").filter((line) => line !== "");
}

/** A table t, in DuckDB's SQL. */
export const TABLE = `SELECT * FROM (VALUES
  (1, 1::INTEGER, 10::BIGINT, 1.5::DOUBLE, 1.25::DECIMAL(10,2), 'abc', DATE '1998-01-31', TIMESTAMPTZ '1998-01-31 10:11:12.123456+00', true, 'a', 0.5::FLOAT),
  (2, 0, 3, 0.0, 0.00, '', DATE '1970-01-01', TIMESTAMPTZ '1970-01-01 00:00:00+00', false, 'a', 0.1::FLOAT),
  (3, -7, -3, -0.0, -1.55, ' pad ', DATE '1969-12-31', TIMESTAMPTZ '1969-12-31 23:59:59.5+00', true, 'b', -1.5::FLOAT),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL::FLOAT),
  (5, 2, 2, 'NaN', 99.99, 'ABC', DATE '2024-02-29', TIMESTAMPTZ '2024-02-29 23:59:59+00', NULL, 'b', 'NaN'::FLOAT),
  (6, 100, 100000, 'Infinity', 12345.67, 'äöü,b', DATE '2000-01-01', TIMESTAMPTZ '2000-01-01 00:00:00+00', false, 'a', 16777216::FLOAT),
  (7, 1, 10, -2.5, 2.50, 'a,b,c', DATE '1998-01-31', TIMESTAMPTZ '1998-01-31 00:00:00+00', true, NULL, 2.25::FLOAT),
  (8, 3, 1, 'NaN', 0.01, '10', DATE '1999-12-31', TIMESTAMPTZ '2026-03-29 01:30:00+00', true, 'c', -0.75::FLOAT),
  (9, -1, 7, 0.1, 0.05, '9%', DATE '2001-05-05', TIMESTAMPTZ '2001-05-05 05:05:05+00', false, 'c', 3::FLOAT),
  (10, 5, -5, 2.675, 3.33, '😀x', DATE '2010-10-10', TIMESTAMPTZ '2010-10-10 10:10:10+00', true, 'a', 1e10::FLOAT)
) t(id, i, b, x, d, s, dt, ts, bo, g, f)`;

/** One value a row of t. */
export const EXPRESSIONS = lines("expressions");

/** One value a group of t by g. */
export const AGGREGATIONS = lines("aggregations");

export const QUERIES = lines("queries");

/** Where Sail 0.7.2 is not as Apache Spark 4.1.1: NaN, odd texts, and forms that it lacks. */
export const SAIL_DIFFERS: ReadonlySet<string> = new Set([
  "log(x)",
  "least(i, d, x)",
  "isnan(x)",
  "x IN (1.5, 2)",
  "CAST('1e2' AS DECIMAL(10, 2))",
  "CAST(' 1998-01-31 ' AS DATE)",
  "CAST('1998-01-31T10:00:00' AS DATE)",
  "weekday(dt)",
  "sum(x) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
  "nvl2(s, 1, 0)",
  "greatest(dt, ts)",
  "power(1, x)",
  "power(-1, x)",
  "year('2024-01-01 00:00:00+02:00')",
  "min(x)",
  "max(x)",
  "SELECT I, S FROM T ORDER BY ID",
  "SELECT l.*, z FROM (SELECT 1 AS a, 2 AS b) l LEFT JOIN (SELECT 5 AS z, 2 AS b) m USING (b)",
  "SELECT dt AS v FROM t UNION ALL SELECT ts FROM t ORDER BY v",
  "SELECT g, sum(x) AS x FROM t WHERE id < 4 GROUP BY g HAVING sum(x) > -1 ORDER BY g",
  "SELECT l.a, r.a AS ra FROM (SELECT 1 AS a) l FULL OUTER JOIN (SELECT 2 AS a) r ON l.a = r.a ORDER BY 1, 2",
  "SELECT * EXCEPT (i, b, x, d, s, dt, ts, bo, f) FROM t ORDER BY id",
]);
