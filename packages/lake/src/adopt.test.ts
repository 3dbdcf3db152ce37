import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { type Lake, openLake, type Staged } from "./index.ts";

let folder: string;
let lake: Lake;
let staged: Staged;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lake-adopt-")));
  lake = await openLake({ root: join(folder, "lake"), sourceRoots: [folder], threads: 2 });
  const lines = Array.from(
    { length: 5000 },
    (_, i) => `${5000 - i},2026-01-${String((i % 31) + 1).padStart(2, "0")},${i % 7 === 0 ? "" : `t${i}`}`,
  );
  await writeFile(join(folder, "rows.csv"), `id,day,note\n${lines.join("\n")}\n`);
  staged = await lake.stage({
    source: join(folder, "rows.csv"),
    columns: [
      { name: "id", type: "bigint" },
      { name: "day", type: "date" },
      { name: "note", type: "string", nullable: true },
    ],
  });
});
afterEach(async () => {
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

const write = (table: string, sql: string, more: object = {}) =>
  lake.write({
    table,
    sql,
    views: { source: staged.view },
    mode: "append",
    txn: { appId: table + sql, version: 1 },
    ...more,
  });
const all = async (table: string) => (await lake.query("SELECT * FROM t", { views: { t: { table } } })).rows;
/** The statistics in the log of a table's first version. */
const statsOf = async (table: string) => {
  const log = await readFile(join(folder, "lake", table, "_delta_log", `${"0".repeat(20)}.json`), "utf8");
  const lines = log
    .trim()
    .split("\n")
    .map((line) => z.object({ add: z.object({ stats: z.string() }).optional() }).parse(JSON.parse(line)));
  return lines.flatMap(({ add }) => (add ? [JSON.parse(add.stats)] : []));
};

test("a source written whole is the same as one whose rows are written again", async () => {
  await write("whole", "SELECT * FROM source");
  await write("again", "SELECT id, day, note FROM source WHERE true");
  expect(await all("whole")).toEqual(await all("again"));
  expect((await all("whole"))[0]).toEqual({ id: 5000, day: "2026-01-01", note: null });
  expect(await statsOf("whole")).toEqual(await statsOf("again"));
});

test("the copy may be written twice, and closed, and its rows stay", async () => {
  await write("t", "SELECT * FROM source");
  await write("t", "select * from source ;");
  await write("u", "SELECT * FROM source", { mode: "overwrite" });
  await staged.close();
  expect((await lake.snapshot({ table: "t" })).rowCount).toBe(10_000);
  expect((await all("u")).length).toBe(5000);
  await lake.vacuum({ table: "t", retentionHours: 0, allowShortRetention: true });
  expect((await all("t")).length).toBe(10_000);
});

test("rows that must be kept, partitions, wider columns and new ones are written as ever", async () => {
  await write("p", "SELECT * FROM source", { partitionBy: ["day"] });
  expect((await lake.snapshot({ table: "p" })).files.length).toBe(31);
  await write("w", "SELECT 1L AS id, DATE '2026-01-01' AS day, 'x' AS note, 1 AS more");
  await write("w", "SELECT * FROM source", { mergeSchema: true });
  expect((await all("w")).length).toBe(5001);
  await write(
    "k",
    "SELECT 1L AS id, DATE '2026-01-01' AS day, 'kept' AS note UNION ALL SELECT 9L, DATE '2026-01-02', 'gone'",
  );
  await write("k", "SELECT * FROM source", { mode: "replace_where", replaceWhere: [{ column: "id", equals: 9 }] });
  expect((await all("k")).filter((r) => r["note"] === "kept" || r["note"] === "gone")).toEqual([
    { id: 1, day: "2026-01-01", note: "kept" },
  ]);
});
