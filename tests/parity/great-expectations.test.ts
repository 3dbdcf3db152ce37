import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Dialect, Query } from "@dagwright/expectations";
import { connect } from "@dagwright/spark-connect";
import { installSail, startSail } from "@dagwright/spark-connect/testing";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { z } from "zod";
import { answerOf, INDEX, Input, ROW_EXPECTATION } from "./ops/quality.ts";

// What Great Expectations itself answered, recorded by great-expectations/record.py.
const Recorded = z.object({
  datasets: z.record(z.string(), Input.pick({ columns: true, rows: true, data: true })),
  cases: z.array(
    z.object({
      id: z.string(),
      input: Input.pick({ expectation: true, resultFormat: true }).extend({ dataset: z.string() }),
      expect: z.union([
        z.object({ error: z.literal(true) }),
        z.object({ success: z.boolean(), exception: z.boolean(), result: z.record(z.string(), z.unknown()) }),
      ]),
    }),
  ),
});
const { datasets, cases } = Recorded.parse(
  JSON.parse(readFileSync(new URL("great-expectations/fixtures/recorded.json", import.meta.url), "utf8")),
);
const TYPES = {
  duckdb: { number: "DOUBLE", string: "VARCHAR", boolean: "BOOLEAN", datetime: "TIMESTAMP" },
  spark: { number: "DOUBLE", string: "STRING", boolean: "BOOLEAN", datetime: "TIMESTAMP" },
} as const;

const NAMES = { number: "double", string: "string", boolean: "boolean", datetime: "timestamp" };

/** Cases that we answer otherwise on purpose, and why. */
const OTHERWISE: readonly (readonly [string, readonly string[]])[] = [
  ["texts are compared with bounds of text", ["0137", "0257", "0262"]],
  ["pairs are looked up where Great Expectations breaks off", ["1364", "1397"]],
];
const EXCEPTED = new Set(OTHERWISE.flatMap(([, ids]) => ids));

/** A view's SELECT with the frame's rows, numbered. */
function selectOf(name: string, dialect: Dialect, numbered: boolean): string {
  const frame = datasets[name];
  if (frame === undefined) throw new Error(`no frame ${name}`);
  const names = Object.keys(frame.columns);
  const quote = (text: string) => (dialect === "duckdb" ? `"${text}"` : `\`${text}\``);
  const literal = (cell: unknown) =>
    cell === null || cell === undefined
      ? "NULL"
      : `'${String(cell)
          .replaceAll("\\", dialect === "spark" ? "\\\\" : "\\")
          .replaceAll("'", dialect === "spark" ? "\\'" : "''")}'`;
  const rows = Array.from({ length: frame.rows }, (_, row) =>
    [`${row}`, ...names.map((column) => literal(frame.data[column]?.[row]))].join(", "),
  );
  // A row of nulls, filtered out again, gives an empty frame its columns.
  const lines = [...rows, ["-1", ...names.map(() => `CAST(NULL AS ${TYPES[dialect].string})`)].join(", ")];
  const casts = names.map(
    (column, index) => `CAST(c${index} AS ${TYPES[dialect][frame.columns[column] ?? "string"]}) AS ${quote(column)}`,
  );
  const list = [...(numbered ? [`n AS ${quote(INDEX)}`] : []), ...casts].join(", ");
  return `SELECT ${list} FROM (VALUES ${lines.map((line) => `(${line})`).join(", ")}) AS t(n, ${names.map((_, index) => `c${index}`).join(", ")}) WHERE n >= 0 ORDER BY n`;
}

/** As a lake names them, whatever its engine. */
function columnsOf(name: string, numbered: boolean) {
  const columns = Object.entries(datasets[name]?.columns ?? {}).map(([column, type]) => ({
    name: column,
    type: NAMES[type],
  }));
  return numbered ? [{ name: INDEX, type: "bigint" }, ...columns] : columns;
}

/** A number, or what stands for one, as it is compared: missing and not a number are one. */
function same(got: unknown, want: unknown): boolean {
  if (want === null || want === undefined || want === "NaN") return got === null || got === undefined || got === "NaN";
  if (typeof want === "number")
    return typeof got === "number" && Math.abs(got - want) <= 1e-9 * Math.max(1, Math.abs(want));
  if (Array.isArray(want))
    return Array.isArray(got) && got.length === want.length && want.every((item, index) => same(got[index], item));
  if (typeof want === "object") {
    return (
      typeof got === "object" &&
      got !== null &&
      Object.entries(want).every(([key, item]) => same(Reflect.get(got, key), item))
    );
  }
  return got === want;
}

const bag = (list: unknown) => (Array.isArray(list) ? list.map((item) => JSON.stringify(item)).toSorted() : list);
/** Lists that have no order there: counts, and sets of values. */
const UNORDERED = new Set(["partial_unexpected_counts", "partial_missing_list"]);

async function differences(
  asked: typeof cases,
  at: (dataset: string, numbered: boolean) => { view: string; query: Query; dialect: Dialect },
) {
  const found: string[] = [];
  for (const { id, input, expect: want } of asked) {
    const frame = datasets[input.dataset];
    // What is refused there when it is written (text bounds, empty sets, nested conditions) is understood here.
    if (frame === undefined || "error" in want || EXCEPTED.has(id.slice(0, 4))) continue;
    const numbered = ROW_EXPECTATION.test(input.expectation.type);
    const got = await answerOf({ ...frame, ...input }, at(input.dataset, numbered)).catch((error: unknown) => ({
      success: null,
      exception: String(error),
      result: {},
    }));
    if (got.success !== want.success || got.exception !== want.exception) {
      found.push(`${id}: ${JSON.stringify(got).slice(0, 300)}, expected ${JSON.stringify(want).slice(0, 300)}`);
    }
    if (want.exception) continue;
    for (const [key, item] of Object.entries(want.result)) {
      if (key === "details" || key === "unexpected_index_query") continue;
      const [a, b] = UNORDERED.has(key)
        ? [bag(Reflect.get(got.result, key)), bag(item)]
        : [Reflect.get(got.result, key), item];
      if (!same(a, b)) found.push(`${id}: ${key} is ${JSON.stringify(a)}, expected ${JSON.stringify(b)}`);
    }
  }
  return found;
}

test("DuckDB answers as Great Expectations does", async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run("SET timezone = 'UTC'");
  try {
    const views = new Map<string, Query>();
    for (const name of Object.keys(datasets)) {
      for (const numbered of [true, false]) {
        const view = `${name}_${numbered}`;
        await connection.run(`CREATE TABLE ${view} AS ${selectOf(name, "duckdb", numbered)}`);
        views.set(view, async (sql, params) => {
          const reader = await connection.runAndReadAll(sql, params);
          return { columns: columnsOf(name, numbered), rows: reader.getRowObjectsJS() };
        });
      }
    }
    expect(await differences(cases, atOf(views, "duckdb"))).toEqual([]);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}, 120_000);

const missing = await installSail();
/** All of them with `QUALITY_CASES=1`, else one in so many. */
const EVERY = Number(process.env["QUALITY_CASES"] ?? 5);

test.skipIf(missing !== undefined)(
  `Spark answers as Great Expectations does${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  async () => {
    const sail = await startSail(tmpdir());
    const session = connect(`sc://127.0.0.1:${sail.port}`);
    try {
      const views = new Map<string, Query>();
      for (const name of Object.keys(datasets)) {
        for (const numbered of [true, false]) {
          const view = `${name}_${numbered}`;
          await session.execute(`CREATE TEMPORARY VIEW ${view} AS ${selectOf(name, "spark", numbered)}`);
          views.set(view, async (sql, params) => {
            const rows: Record<string, unknown>[] = [];
            for await (const batch of session.sql(sql, { params: params ?? {} })) {
              const moments = batch.schema.fields.filter(({ type }) => String(type).startsWith("Timestamp"));
              for (const row of batch) {
                const cells: Record<string, unknown> = row.toJSON();
                for (const { name: moment } of moments) {
                  const value = cells[moment];
                  cells[moment] = value === null ? null : new Date(Number(value));
                }
                rows.push(cells);
              }
            }
            return { columns: columnsOf(name, numbered), rows };
          });
        }
      }
      const asked = cases.filter((_, index) => index % EVERY === 0);
      expect(await differences(asked, atOf(views, "spark"))).toEqual([]);
    } finally {
      await session.close();
      await sail.stop();
    }
  },
  600_000,
);

function atOf(views: ReadonlyMap<string, Query>, dialect: Dialect) {
  return (dataset: string, numbered: boolean) => {
    const view = `${dataset}_${numbered}`;
    const query = views.get(view);
    if (query === undefined) throw new Error(`no view ${view}`);
    return { view, query, dialect };
  };
}
