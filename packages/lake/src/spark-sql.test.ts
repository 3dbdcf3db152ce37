import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Lake } from "./api.ts";
import { openLake } from "./lake.ts";
import { OTHER_IN_CAPITALS, OTHER_IN_SMALL } from "./spark-macros.ts";

let root: string;
let lake: Lake;
const views = { t: { table: "t" } };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lake-sql-"));
  lake = await openLake({ root, sourceRoots: [], threads: 1, memoryLimit: "512MB" });
  await lake.write({
    table: "t",
    sql: "SELECT 1 AS a, 2.5D AS x, 'ab' AS s, DATE '1998-01-31' AS d UNION ALL SELECT 2, -2.5D, NULL, DATE '1998-03-01'",
    views: {},
    mode: "append",
    txn: { appId: "setup", version: 1 },
  });
});
afterAll(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const value = async (expression: string) => {
  const { columns, rows } = await lake.query(`SELECT ${expression} AS v FROM t WHERE a = 1`, { views });
  return [rows[0]?.v, columns[0]?.type];
};

/** Results as Apache Spark 4.1 gives them (ANSI mode, UTC). */
describe("Spark's results on DuckDB", () => {
  it.each<[string, unknown, string?]>([
    ["1 / 2", 0.5, "double"],
    ["7 % 4", 3],
    ["trim('\u00a0a\u3000 ')", "\u00a0a\u3000", "string"],
    ["round(1.005D, 2)", 1.01, "double"],
    ["round(-2.5D)", -3],
    ["CAST(2.7D AS INT)", 2, "int"],
    ["CAST(-2.7D AS BIGINT)", -2, "bigint"],
    ["CAST(' 12 ' AS INT)", 12],
    ["CAST(true AS INT)", 1],
    ["ceil(x)", 3, "bigint"],
    ["floor(-x)", -3, "bigint"],
    ["ln(0)", null],
    ["sign(x)", 1, "double"],
    ["coalesce(NULL, s)", "ab"],
    ["nvl(NULL, 3)", 3],
    ["if(a = 1, 'y', 'n')", "y"],
    ["CASE a WHEN 1 THEN 'one' ELSE 'other' END", "one"],
    ["greatest(1, NULL, 3)", 3],
    ["concat(s, '-', a, d)", "ab-11998-01-31"],
    ["concat(s, NULL)", null],
    ["s || 'c'", "abc"],
    ["length(s)", 2, "int"],
    ["dayofweek(d)", 7, "int"],
    ["weekday(d)", 5, "int"],
    ["-2147483648", -2147483648, "int"],
    ["pmod(-7, 3)", 2],
    ["isnull(NULL) AND isnotnull(s)", true],
    ["nvl2(s, 1, 2)", 1],
    ["ceil(1e30D)", "9223372036854775807", "bigint"],
    ["floor(sqrt(-1D))", 0, "bigint"],
    ["d IN ('1998-01-31', '1998-02-01')", true],
    ["substring(s, 2, 5)", "b"],
    ["upper(trim('  x '))", "X"],
    ["s LIKE 'a%'", true, "boolean"],
    ["NULL <=> NULL", true],
    ["datediff(DATE '1998-03-01', d)", 29, "int"],
    ["date_add(d, 1)", "1998-02-01", "date"],
    ["date_sub(d, 31)", "1997-12-31", "date"],
    ["add_months(d, 1)", "1998-02-28", "date"],
    ["trunc(d, 'MM')", "1998-01-01", "date"],
    ["date_trunc('month', d)", "1998-01-01T00:00:00.000Z", "timestamp"],
    ["date_format(d, 'yyyy-MM')", "1998-01", "string"],
    ["year(d) * 100 + month(d)", 199801],
    ["last_day(DATE '1996-02-03')", "1996-02-29", "date"],
    ["to_date('1998-01-31') = d", true],
    ["CAST('1998-01-31' AS TIMESTAMP) - INTERVAL 1 DAY", "1998-01-30T00:00:00.000Z", "timestamp"],
    ["d BETWEEN '1998-01-01' AND '1998-02-01'", true],
    ['"double quoted"', "double quoted"],
    ["EXISTS (SELECT 1 FROM t u WHERE u.a = t.a)", true],
    ["'it''s \\'a\\' \\\\ \\t'", "it's 'a' \\ \t"],
    ["r'a\\n'", "a\\n"],
    ["ceil(9007199254740993)", "9007199254740993", "bigint"],
    ["ceil(12345678901234567890.5)", "12345678901234567891", "decimal(21,0)"],
    ["CAST(9999999999.9999999999 AS BIGINT)", 9999999999, "bigint"],
    ["power(1, CAST('NaN' AS DOUBLE))", null, "double"],
    ["nvl(CAST(a AS TINYINT), 0)", 1, "int"],
    ["if(a > 1, CAST(a AS SMALLINT), -1)", -1, "int"],
    ["100 + CAST(a AS TINYINT) * 100", 200, "int"],
    ["date_format('1998-02-01 00:00:00+02:00', 'yyyy-MM')", "1998-01", "string"],
    ["CASE WHEN a > 1 THEN CASE WHEN x > 0 THEN a END ELSE 2.5 END", 2.5],
  ])("%s", async (expression, expected, type) => {
    const [got, gotType] = await value(expression);
    expect(got).toEqual(expected);
    if (type !== undefined) expect(gotType).toBe(type);
  });

  it("aggregates, windows, joins and orders nulls as Spark does", async () => {
    const { rows } = await lake.query(
      `WITH u AS (SELECT a, s FROM t)
       SELECT t.a, sum(x) OVER (ORDER BY t.a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS total, lag(t.a) OVER (ORDER BY t.a) AS before,
         row_number() OVER w AS n
       FROM t LEFT JOIN u ON t.a = u.a WINDOW w AS (ORDER BY t.s) ORDER BY t.s`,
      { views },
    );
    expect(rows).toEqual([
      { a: 2, total: 0, before: 1, n: 1 },
      { a: 1, total: 2.5, before: null, n: 2 },
    ]);
    const stats = await lake.query(
      "SELECT count(*) n, count(s) s, count(DISTINCT d) d, avg(x) m, stddev(x) sd, max(d) AS hi FROM t HAVING count(*) > 1",
      { views },
    );
    expect(stats.rows).toEqual([{ n: 2, s: 1, d: 2, m: 0, sd: Math.sqrt(12.5), hi: "1998-03-01" }]);
    expect((await lake.query("SELECT a FROM t LEFT ANTI JOIN (SELECT 1 AS a) o USING (a)", { views })).rows).toEqual([
      { a: 2 },
    ]);
  });

  it.each([
    "1 / 0",
    "1 % 0",
    "CAST('abc' AS INT)",
    "CAST('2.7' AS INT)",
    "d - DATE '1998-01-01'",
    "d + INTERVAL 1 DAY",
    "CAST(x AS STRING)",
    "concat(x, 'a')",
    "CAST('1997-02-30' AS DATE)",
    "CAST(x AS DECIMAL(10, 2))",
    "1.0 / 3",
    "CAST('1_000' AS DOUBLE)",
    "CAST('1998/01/31' AS DATE)",
    "CAST('12345-01-01' AS DATE)",
    "CAST('infinity' AS TIMESTAMP)",
    "d = '1998/01/31'",
    "d > '1998'",
    "a > '0.5'",
    "s = 1",
    "a = true",
    "date_add(d, 1.5)",
    "2147483647 + 1",
    "-2147483648 - 1",
    "(SELECT sum(v) FROM (SELECT 9223372036854775807 AS v UNION ALL SELECT 1))",
    "(SELECT sum(a > 1) FROM t)",
    "(SELECT avg(CAST(a AS DECIMAL(10, 2))) FROM t)",
    "upper('Straße')",
    "lower('ΟΔΟΣ')",
    "lower('İ')",
    "CAST(date_add(DATE '9999-12-31', 1) AS STRING)",
    "CAST('1998-01-31 24:00:00' AS TIMESTAMP)",
    "CAST('1970-01-01 00:00:00+19:00' AS TIMESTAMP)",
    "CAST('1999-01-01 00:00:60' AS TIMESTAMP)",
    "md5(a)",
    "power(a, a > 1)",
    "power(x, '1_0')",
    "(SELECT avg(d) FROM t)",
    "(SELECT percentile(a > 1, 0.5) FROM t)",
    "(SELECT sum(v) FROM (SELECT CAST('99999999999999999999' AS DECIMAL(38, 18)) AS v UNION ALL SELECT 1))",
    "year(nullif(a, a))",
    "CAST(nullif(d, d) AS INT)",
    "coalesce(a, s)",
    "if(a > 1, s, a)",
    "CASE WHEN a > 1 THEN 'a' ELSE a END",
    "nullif(s, a)",
    "greatest(a, s)",
    "a = s",
    "a IN (x, s)",
    "x BETWEEN s AND x",
    "CASE s WHEN a THEN 1 ELSE 2 END",
    "(SELECT f + 1 FROM (SELECT avg(x) AS f FROM t) JOIN t ON s = a)",
  ])("%s raises, never a silent difference", async (expression) => {
    await expect(value(expression)).rejects.toMatchObject({ code: "SQL_FAILED" });
  });
});

it.each([
  ["SELECT a FROM t UNION ALL SELECT s FROM t", "UNION of a INTEGER and a VARCHAR in column 1"],
  ["SELECT a, x FROM t EXCEPT SELECT a, d FROM t", "EXCEPT of a DOUBLE and a DATE in column 2"],
  [
    "WITH u AS (SELECT * FROM t), w(z) AS (SELECT s FROM u) SELECT a FROM u INTERSECT SELECT z FROM w",
    "INTERSECT of a",
  ],
  ["SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT s FROM t", "UNION of a INTEGER and a VARCHAR"],
  ["SELECT * FROM t u UNION SELECT s, a, x, d FROM t", "in column 1"],
  ["SELECT a FROM t WHERE a IN (SELECT a FROM t UNION SELECT s FROM t)", "UNION of a"],
])("%s is refused: to Spark and DuckDB its columns are of other types", async (sql, named) => {
  await expect(lake.query(sql, { views })).rejects.toMatchObject({
    code: "UNSUPPORTED_SQL",
    message: expect.stringContaining(named),
  });
});

it.each([
  ["SELECT * FROM (SELECT 1 AS a, 2 AS b) l JOIN (SELECT 5 AS z, 2 AS b) m USING (b)", "b a z"],
  ["SELECT l.*, z FROM (SELECT 1 AS a, 2 AS b) l LEFT JOIN (SELECT 5 AS z, 2 AS B) m USING (b)", "b a z"],
  ["SELECT * EXCEPT (b) FROM (SELECT 1 AS a, 2 AS b) l JOIN (SELECT 5 AS z, 2 AS b) m USING (b)", "a z"],
  ["SELECT * FROM (SELECT 1 AS a, 2 AS b) l LEFT SEMI JOIN (SELECT 2 AS b) m USING (b)", "b a"],
  [
    "SELECT * FROM (SELECT 1 a, 2 b, 3 c) l JOIN (SELECT 2 b, 3 d) m USING (b) JOIN (SELECT 3 d, 9 e) n USING (d)",
    "d b a c e",
  ],
])("%s has Spark's order of columns", async (sql, order) => {
  const { columns } = await lake.query(sql, { views: {} });
  expect(columns.map((c) => c.name).join(" ")).toBe(order);
});

it("set operations of columns that both engines bring to one type run", async () => {
  const sql = "SELECT a, d FROM t UNION ALL SELECT x, d FROM t UNION ALL SELECT NULL, NULL UNION ALL SELECT :n, NULL";
  expect((await lake.query(sql, { views, params: { n: 7 } })).rowCount).toBe(6);
});

it("whole parameters are INT where they fit, as on a server", async () => {
  const params = { n: 5, wide: 2 ** 31, x: 1.5, most: 2147483647, zero: -0, far: 1e20 };
  const ask = (expression: string) => lake.query(`SELECT ${expression}`, { views: {}, params });
  const all = ":n AS n, :n * 2 AS twice, :wide AS wide, :x AS x, :far AS far, 1 / sign(:zero + 1D) AS zero";
  const { columns, rows } = await ask(all);
  expect(columns.map((c) => c.type)).toEqual(["int", "int", "bigint", "double", "double", "double"]);
  expect(rows).toEqual([{ n: 5, twice: 10, wide: 2 ** 31, x: 1.5, far: 1e20, zero: 1 }]);
  await expect(ask(":most + 1 AS v")).rejects.toMatchObject({ code: "SQL_FAILED" });
  expect((await ask("date_add(DATE '2024-01-01', :n) AS v")).rows).toEqual([{ v: "2024-01-06" }]);
});

/** Of JavaScript: it has Unicode's rules for single letters and for words, as Spark's ICU has. */
describe("capitals and small letters", () => {
  it.each([
    ["upper", OTHER_IN_CAPITALS, (text: string) => text.toUpperCase()],
    ["lower", OTHER_IN_SMALL, (text: string) => text.toLowerCase()],
  ])("%s of every letter is Unicode's, or raises", async (name, pattern, unicode) => {
    const raising = new RegExp(pattern.replaceAll(/\\x\{(\w+)\}/g, "\\u{$1}"), "u");
    const codes = Array.from({ length: 0x1ffff }, (_, code) => code).filter((c) => c > 0 && (c < 0xd800 || c > 0xdfff));
    // Between small letters, so that a sigma ends no word.
    const letters = codes.map((c) => `${String.fromCodePoint(c)}x`).filter((c) => unicode(c) !== c && !raising.test(c));
    expect(letters.length).toBeGreaterThan(1000);
    const params = { text: letters.join("") };
    const { rows } = await lake.query(`SELECT ${name}(:text) AS v`, { views: {}, params });
    const ours = [...String(rows[0]?.v)];
    const differing = [...unicode(params.text)].filter((letter, at) => letter !== ours[at]);
    expect(differing).toEqual([]);
  });

  it("a small sigma within a word is not that at its end", async () => {
    const params = { text: "ΣΟΦΟσ ΣΑ" };
    const { rows } = await lake.query("SELECT lower(:text) AS v", { views: {}, params });
    expect(rows).toEqual([{ v: params.text.toLowerCase() }]);
  });
});

describe("what is outside of the subset is refused before it runs", () => {
  it.each([
    ["SELECT read_csv('x')", "read_csv"],
    ["SELECT * FROM read_csv('x')", "read_csv"],
    ["SELECT * FROM parquet.`/etc/passwd`", "parquet./etc/passwd"],
    ["SELECT * FROM '/etc/passwd'", "/etc/passwd"],
    ["SELECT * FROM information_schema.tables", "information_schema.tables"],
    ["SELECT * FROM other", "other"],
    ["SELECT * FROM (WITH c AS (SELECT 1 AS a) SELECT * FROM c) JOIN c", '"c"'],
    ["WITH `x.csv` AS (SELECT 1 AS a) SELECT * FROM `x.csv`", "x.csv"],
    ["SELECT 1; SELECT 2", "2 statements"],
    ["DROP TABLE t", "DROP TABLE"],
    ["INSERT INTO t SELECT 1", "INSERT"],
    ["SELECT current_date()", "current_date"],
    ["SELECT rand()", "rand"],
    ["SELECT percentile(a, array(0.5)) FROM t", "percentile"],
    ["SELECT percentile_approx(a, 0.5) FROM t", "percentile"],
    ["SELECT a IN (SELECT a FROM t) FROM t", "IN (SELECT"],
    ["SELECT a FROM t WHERE NOT (a IN (SELECT a FROM t) OR a > 1)", "IN (SELECT"],
    ["SELECT DISTINCT a FROM t ORDER BY d", "SELECT DISTINCT"],
    ["SELECT 1 AS v UNION ALL SELECT 'x'", "a number and a string"],
    ["SELECT DATE '1998-01-31' UNION SELECT '1998-02-01'", "a date and a string"],
    ["SELECT count(DISTINCT a) OVER () FROM t", "DISTINCT"],
    ["SELECT 99999999999999999999", "99999999999999999999"],
    ["SELECT hash(a) FROM t", "hash"],
    ["SELECT split(s, 'a')[0] FROM t", "subscript"],
    ["SELECT first(a) FROM t", "first"],
    ["SELECT getenv('HOME')", "getenv"],
    ["SELECT a FROM t TABLESAMPLE (1 ROWS)", "sample"],
    ["SELECT a FROM t GROUP BY ROLLUP (a)", "ROLLUP"],
    ["SELECT s RLIKE 'a' FROM t", "regexp_like"],
    ["SELECT substring(s, -1) FROM t", "substring"],
    ["SELECT round(x, a) FROM t", "round"],
    ["SELECT date_format(d, 'EEEE') FROM t", "date_format"],
    ["SELECT s LIKE 'a\\_' FROM t", "backslash"],
    ["SELECT CAST(a AS BINARY) FROM t", "CAST"],
    ["SELECT ? FROM t", "placeholder"],
    [`SELECT ${"(".repeat(200)}1${")".repeat(200)}`, "nested"],
  ])("%s", async (sql, named) => {
    await expect(lake.query(sql, { views })).rejects.toMatchObject({
      code: "UNSUPPORTED_SQL",
      message: expect.stringContaining(named),
    });
  });

  it("reads IN (SELECT …) as a condition, and exact percentiles", async () => {
    const sql = "SELECT a FROM t WHERE a IN (SELECT a FROM t WHERE a > 1) AND a NOT IN (SELECT 5)";
    expect((await lake.query(sql, { views })).rows).toEqual([{ a: 2 }]);
    const { rows } = await lake.query("SELECT percentile(x, 0.75) AS p, median(a) AS m FROM t", { views });
    expect(rows).toEqual([{ p: 1.25, m: 1.5 }]);
    const having = "SELECT s, sum(a) AS total FROM t GROUP BY s HAVING total > 1 AND (s IS NULL OR total < 0)";
    expect((await lake.query(having, { views })).rows).toEqual([{ s: null, total: 2 }]);
  });

  it.each([
    "SELECT a FROM t WHERE a",
    "SELECT a FROM t WHERE (s)",
    "SELECT a FROM t WHERE d AND a > 0",
    "SELECT a FROM t WHERE NOT x",
    "SELECT a FROM t WHERE a > 0 OR a",
    "SELECT CASE WHEN a THEN 1 END FROM t",
    "SELECT if(a + 1, 1, 2) FROM t",
    "SELECT count(*) FILTER (WHERE a) FROM t",
    "SELECT count(*) FROM t HAVING count(*)",
    "SELECT l.a FROM t l JOIN t r ON l.a",
    "SELECT a FROM t WHERE coalesce(a, 1)",
    "SELECT a FROM t WHERE 1",
  ])("%s is refused: a condition is a boolean", async (sql) => {
    await expect(lake.query(sql, { views })).rejects.toThrow(/DATATYPE_MISMATCH: a condition is of type \w+/);
  });

  it("takes booleans and nulls of any form for conditions", async () => {
    const from = "(SELECT 1 AS a, true AS bo, CAST(NULL AS BOOLEAN) AS no) t";
    const sql = `SELECT a, CASE WHEN bo THEN 1 END AS b, if(coalesce(no, bo), 2, 3) AS c FROM ${from} WHERE bo AND (bo) AND (no OR bo) AND CASE WHEN no THEN no ELSE bo END`;
    expect((await lake.query(sql, { views: {} })).rows).toEqual([{ a: 1, b: 1, c: 2 }]);
    expect((await lake.query(`SELECT a FROM ${from} WHERE NULL`, { views: {} })).rows).toEqual([]);
  });

  it("reads names and deep expressions in HAVING as Spark does", async () => {
    const from = "(SELECT 'a' AS g, 2 AS i, 3L AS b, 0.5D AS x) AS t";
    const rows = async (sql: string) => (await lake.query(sql.replace("FROM t", `FROM ${from}`), { views: {} })).rows;
    // Within an aggregate, and where it is grouped by, a name is the column's; otherwise the selected one's.
    expect(await rows("SELECT g, sum(x) AS x FROM t GROUP BY g HAVING sum(x) > 0 AND x < 1")).toEqual([
      { g: "a", x: 0.5 },
    ]);
    expect(await rows("SELECT sum(i) AS g FROM t GROUP BY g HAVING g = 'a'")).toEqual([{ g: 2 }]);
    expect(await rows("SELECT g, round(sum(i * b), 1) AS q FROM t GROUP BY g HAVING q = 6 AND sum(b + i) > 4")).toEqual(
      [{ g: "a", q: 6 }],
    );
    expect(await rows("SELECT g FROM t GROUP BY g HAVING round(sum(b * i) / sum(b), 2) > 2")).toEqual([]);
    await expect(
      rows("SELECT g, row_number() OVER (ORDER BY g) AS n FROM t GROUP BY g HAVING round(sum(b * i) / sum(b), 2) > 0"),
    ).rejects.toThrow("a HAVING nested this deeply beside a window");
  });

  it("says where text does not parse", async () => {
    await expect(lake.query("SELEC 1", { views })).rejects.toMatchObject({
      code: expect.stringMatching(/SQL_SYNTAX|UNSUPPORTED_SQL/),
    });
    await expect(lake.query("SELECT a FROM t WHERE", { views })).rejects.toMatchObject({ code: "SQL_SYNTAX" });
  });

  it("reads keywords as columns and drops comments", async () => {
    await expect(lake.query("SELECT current_user FROM t", { views })).rejects.toMatchObject({
      code: expect.stringMatching(/SQL_FAILED|UNSUPPORTED_SQL/),
    });
    expect(
      (await lake.query("SELECT a -- */ FROM read_csv('x') /*\n FROM t ORDER BY a LIMIT 1", { views })).rows,
    ).toEqual([{ a: 1 }]);
  });
});
