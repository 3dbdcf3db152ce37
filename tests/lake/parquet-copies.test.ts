/**
 * A Parquet file that a table takes as it is: what readers then see is what they see of its rows written anew. Files come
 * from pyarrow, with odd types, names, encodings and footers; `LAKE_FUZZ=1000 PROPERTY_SEED=random` tries more of them.
 */
import { mkdir, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lake, LakeError, openLake } from "@dagwright/lake";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { installDeltalake, python } from "../servers/deltalake.ts";

const COUNT = Number(process.env["LAKE_FUZZ"] ?? 90);
const SEED = process.env["PROPERTY_SEED"] === "random" ? Date.now() % 1e6 : 5;
const noDeltalake = await installDeltalake();

let root: string;
let lake: Lake;
let duckdb: DuckDBInstance;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "lake-copies-")));
  await mkdir(join(root, "data"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [join(root, "data")], threads: 1 });
  duckdb = await DuckDBInstance.create(":memory:", { threads: "1" });
});
afterAll(async () => {
  await lake?.close();
  duckdb?.closeSync();
  await rm(root, { recursive: true, force: true });
});

/** Loads sources into a table; gives the code of the error where they cannot be loaded. */
async function load(table: string, source: string | string[]): Promise<string | undefined> {
  try {
    const staged = await lake.stage({ source });
    try {
      const txn = { appId: table, version: 1 };
      await lake.write({
        ...{ table, sql: "SELECT * FROM source", views: { source: staged.view }, mode: "append", txn },
      });
    } finally {
      await staged.close();
    }
    return undefined;
  } catch (error) {
    if (error instanceof LakeError) return error.code;
    throw error;
  }
}

/** A writer of ours makes one zero of both. */
const zeros = (text: string) => text.replace(/-(0\.0\b)/g, "$1");
const rowsOf = async (table: string) =>
  zeros(JSON.stringify((await lake.native("SELECT COLUMNS(*)::VARCHAR FROM t", { views: { t: { table } } })).rows));
/** What the log says of the files of a table's first version. */
async function statsOf(table: string): Promise<unknown[]> {
  const log = await readFile(join(root, "lake", table, "_delta_log", `${"0".repeat(20)}.json`), "utf8");
  const adds = log
    .trim()
    .split("\n")
    .map((line) => z.object({ add: z.object({ stats: z.string() }).optional() }).parse(JSON.parse(line)).add);
  // Numbers as texts: beyond 2^53 JSON.parse tells none apart.
  return adds.flatMap((add) => (add ? [JSON.parse(zeros(add.stats.replace(/":(-?\d[\d.eE+-]*)/g, '":"$1"')))] : []));
}

/** Which of the pairs of tables differ for deltalake, by pyarrow or by DataFusion. */
const COMPARE = `
import json, sys
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
def texts(rows): return [json.dumps(row, default=repr).replace("-0.0,", "0.0,").replace("-0.0}", "0.0}") for row in rows]
def read(table):
    whole = table.to_pyarrow_table()
    queried = pa.table(QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all())
    return [str(whole.schema.types), texts(whole.to_pylist()), str(queried.schema.types), sorted(texts(queried.to_pylist()))]
differing = []
for copied, anew in json.loads(sys.argv[1]):
    if read(DeltaTable(copied)) != read(DeltaTable(anew)): differing.append(copied)
print(json.dumps(differing))
`;

it.skipIf(noDeltalake)(
  `files taken as they are read like files written anew${noDeltalake === undefined ? "" : ` (skipped: ${noDeltalake})`}`,
  async () => {
    const script = await readFile(fileURLToPath(new URL("odd_parquet.py", import.meta.url)), "utf8");
    const files = z
      .array(z.object({ path: z.string(), what: z.string() }))
      .parse(await python(script, [join(root, "data"), String(SEED), String(COUNT)]));
    const empty = join(root, "data", "empty.parquet");
    const connection = await duckdb.connect();
    const pairs = new Map<string, string>();
    for (const [i, { path, what }] of files.entries()) {
      const [copied, anew] = [`copied_${i}`, `anew_${i}`];
      if ((await load(copied, path)) !== undefined) continue;
      const [file] = (await lake.snapshot({ table: copied })).files;
      if (!file || !(await readFile(path)).equals(await readFile(join(root, "lake", copied, file.path)))) continue;
      // Two files are never taken as they are.
      const read = `read_parquet('${path}', hive_partitioning = false)`;
      await connection.run(`COPY (FROM ${read} LIMIT 0) TO '${empty}' (FORMAT parquet)`);
      expect(await load(anew, [path, empty]), what).toBeUndefined();
      expect(await rowsOf(copied), what).toBe(await rowsOf(anew));
      expect(await statsOf(copied), what).toEqual(await statsOf(anew));
      for (const table of [copied, anew]) {
        const sql = "SELECT 1 AS added_later";
        const more = { mergeSchema: true, txn: { appId: table, version: 2 } };
        await lake.write({ table, sql, dialect: "duckdb", views: {}, mode: "append", ...more });
      }
      expect(await rowsOf(copied), what).toBe(await rowsOf(anew));
      pairs.set(join(root, "lake", copied), what);
    }
    connection.closeSync();
    // Of the odd files few are taken as they are.
    expect(pairs.size).toBeGreaterThan(COUNT / 20);
    const uris = [...pairs.keys()].map((uri) => [uri, uri.replace("/copied_", "/anew_")]);
    const differing = z.array(z.string()).parse(await python(COMPARE, [JSON.stringify(uris)]));
    expect(differing.map((uri) => pairs.get(uri))).toEqual([]);
  },
  60_000 + COUNT * 2_000,
);
