/** Tables that we write, read by others; tables that others write, read by us. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, type LakeError, openLake, type WriteOptions } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installDeltalake, python, readByDeltalake } from "../servers/deltalake.ts";
import { installDuckDelta, readByDuckDelta } from "../servers/duckdb-delta.ts";
import { installVersitygw, type S3Server, startVersitygw } from "../servers/versitygw.ts";

const noDeltalake = await installDeltalake();
const noDuckDelta = await installDuckDelta();
const noS3 = await installVersitygw();
const skipped = (missing: string | undefined) => (missing === undefined ? "" : ` (skipped: ${missing})`);

let root: string;
let lake: Lake;
let ordinal = 0;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "lake-readers-")));
  lake = await openLake({ root, sourceRoots: [], threads: 1 });
});
afterAll(async () => {
  await lake?.close();
  await rm(root, { recursive: true, force: true });
});

const write = (o: Partial<WriteOptions> & { table: string; sql: string }, on = lake) =>
  on.write({ views: {}, mode: "append", dialect: "duckdb", txn: { appId: `r-${ordinal++}`, version: 1 }, ...o });
const ours = async (table: string, on = lake) =>
  (await on.native("FROM t", { views: { t: { table } } })).rows
    .map((row) => ({ ...row }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const failure = (work: Promise<unknown>): Promise<LakeError> =>
  work.then(
    () => Promise.reject(new Error("it succeeded")),
    (e) => e,
  );

/** Every type, nulls, odd partitions, added columns, replaced rows, a merge, and a checkpoint. */
async function writeEverything(table: string, on = lake) {
  const columns = (i: number, p: string) => `SELECT ${i}::BIGINT AS i, ${p} AS p, DATE '1998-01-31' + ${i} AS day,
    ${i}::INT AS n, ${i}::SMALLINT AS sh, ${i}::TINYINT AS ti, ${i} / 4 AS x, (${i} / 8)::FLOAT AS f,
    (${i} * 1.01)::DECIMAL(9, 2) AS d, (${i} * 12345678901234.01)::DECIMAL(30, 2) AS dd, ${i} % 2 = 0 AS b,
    TIMESTAMPTZ '1969-12-31 23:59:59.123456Z' + INTERVAL (${i}) SECOND AS t, CASE WHEN ${i} % 3 > 0 THEN repeat('ü', 40) || ${i} END AS s`;
  await write({ table, sql: columns(0, "'we b/ü%='"), partitionBy: ["p", "day"] }, on);
  for (let i = 1; i < 10; i++) await write({ table, sql: columns(i, i % 2 === 0 ? "NULL::VARCHAR" : "'a b'") }, on);
  await write(
    { table, sql: `${columns(20, "'new'")}`.replace("END AS s", "END AS s, 'added' AS extra"), mergeSchema: true },
    on,
  );
  const where = { column: "i", equals: 3 };
  await write(
    {
      table,
      sql: `${columns(30, "'a b'")}`.replace("END AS s", "END AS s, 'x' AS extra"),
      mode: "replace_where",
      replaceWhere: where,
    },
    on,
  );
  await on.merge({
    table,
    on: ["i"],
    sql: "SELECT 4::BIGINT AS i, 'merged' AS s",
    dialect: "duckdb",
    views: {},
    whenNotMatched: "ignore",
    txn: { appId: `r-${ordinal++}`, version: 1 },
  });
}

/** The same values in the words of our rows. */
function asOurs(rows: readonly Readonly<Record<string, unknown>>[]) {
  const value = (v: unknown): unknown => {
    if (typeof v !== "string") return v;
    if (/^\d{4}-\d{2}-\d{2}T/.test(v)) {
      const iso = v.replace(/(\+00:00|Z)$/, "Z");
      return /\.\d+Z$/.test(iso) ? iso.replace(/(\.\d{3})000Z$/, "$1Z") : iso.replace(/Z$/, ".000Z");
    }
    return /^-?\d+\.\d+$/.test(v) && v.replace(/\D/g, "").length <= 15 ? Number(v) : v;
  };
  return rows
    .map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, value(v)])))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe.skipIf(noDeltalake !== undefined)(`deltalake for Python${skipped(noDeltalake)}`, () => {
  it("reads what we write, at every version, and its filters find the same rows", async () => {
    await writeEverything("everything");
    const theirs = await readByDeltalake(join(root, "everything"));
    expect(theirs.version).toBe((await lake.snapshot({ table: "everything" })).version);
    expect(asOurs(theirs.rows)).toEqual(await ours("everything"));
    for (const version of [0, 5, 11]) {
      const then = await readByDeltalake(join(root, "everything"), { version });
      const { rows } = await lake.native("FROM t", { views: { t: { table: "everything", version } } });
      expect(asOurs(then.rows)).toEqual(asOurs(rows));
    }
    // Its readers skip files by our statistics: each filter must find what is there.
    const found = await python(
      `
import json, sys, datetime as d
from decimal import Decimal
from deltalake import DeltaTable
import pyarrow.compute as pc
utc = d.timezone.utc
data = DeltaTable(sys.argv[1]).to_pyarrow_dataset()
whole = data.to_table()
filters = {"i": 7, "x": 1.75, "f": 0.875, "d": Decimal("7.07"), "b": True, "n": 7, "p": "we b/ü%=", "day": d.date(1998, 2, 7),
  "t": d.datetime(1970, 1, 1, 0, 0, 6, 123456, utc), "s": "ü" * 40 + "7", "extra": "added"}
print(json.dumps({k: [data.to_table(filter=pc.field(k) == v).num_rows, whole.filter(pc.field(k) == v).num_rows] for k, v in filters.items()}))`,
      [join(root, "everything")],
    );
    for (const [column, [skipping, whole]] of Object.entries(found as Record<string, [number, number]>)) {
      expect([column, skipping]).toEqual([column, whole]);
      expect([column, whole > 0]).toEqual([column, true]);
    }
  }, 60_000);

  it("writes what we read: appends, deletes, merges, checkpoints, vacuums, added columns, odd partitions", async () => {
    await python(
      `
import sys, json, datetime as d
from decimal import Decimal
import pyarrow as pa
from deltalake import write_deltalake, DeltaTable
def rows(*ids):
  return pa.table({"i": pa.array(ids, pa.int64()), "p": pa.array([None if i % 3 == 0 else "we b/ü%=" for i in ids]),
    "t": pa.array([d.datetime(1998, 1, 31, 12, 0, i % 60, 123456, d.timezone.utc) for i in ids], pa.timestamp("us", "UTC")),
    "m": pa.array([Decimal(i).scaleb(-2) for i in ids], pa.decimal128(20, 2)), "s": pa.array([None if i % 2 else f"text {i}" for i in ids])})
for i in range(12):
  write_deltalake(sys.argv[1], rows(i, i + 100), mode="append", partition_by=["p"])
t = DeltaTable(sys.argv[1])
t.create_checkpoint()
t.delete("i = 5")
t.update(updates={"s": "'updated'"}, predicate="i = 6")
wider = rows(7, 200).append_column("extra", pa.array([1.5, 2.5]))
(t.merge(wider, "t.i = s.i", source_alias="s", target_alias="t", merge_schema=True).when_matched_update_all().when_not_matched_insert_all().execute())
print("{}")`,
      [join(root, "theirs")],
    );
    const theirs = await readByDeltalake(join(root, "theirs"));
    expect(theirs.rows).toHaveLength(24);
    expect(await ours("theirs")).toEqual(asOurs(theirs.rows));
    expect((await lake.snapshot({ table: "theirs" })).partitionColumns).toEqual(["p"]);
    await write({
      table: "theirs",
      sql: "SELECT 300::BIGINT AS i, 'ours' AS p, 'x' AS s, now() AS t, 3.25::DECIMAL(20,2) AS m, 1.0::DOUBLE AS extra",
    });
    expect((await readByDeltalake(join(root, "theirs"))).rows).toHaveLength(25);
  }, 60_000);

  it("tables with features that we do not honour are refused, not misread", async () => {
    await python(
      `
import sys, pyarrow as pa
from deltalake import write_deltalake, DeltaTable
rows = pa.table({"i": pa.array([1, 2], pa.int64())})
root = sys.argv[1]
write_deltalake(root + "/constrained", rows)
DeltaTable(root + "/constrained").alter.add_constraint({"positive": "i > 0"})
write_deltalake(root + "/fed", rows, configuration={"delta.enableChangeDataFeed": "true"})
write_deltalake(root + "/only", rows, configuration={"delta.appendOnly": "true"})
write_deltalake(root + "/local", pa.table({"t": pa.array([0], pa.timestamp("us"))}))
write_deltalake(root + "/nested", pa.table({"l": pa.array([[1]])}))
print("{}")`,
      [root],
    );
    for (const table of ["constrained", "fed"]) {
      expect(await ours(table)).toEqual([{ i: 1 }, { i: 2 }]);
      expect(await failure(write({ table, sql: "SELECT 3::BIGINT AS i" }))).toMatchObject({
        code: "TABLE_UNSUPPORTED",
      });
    }
    expect(await write({ table: "only", sql: "SELECT 3::BIGINT AS i" })).toMatchObject({ rowsWritten: 1 });
    const overwrite = write({ table: "only", sql: "SELECT 3::BIGINT AS i", mode: "overwrite" });
    expect(await failure(overwrite)).toMatchObject({ code: "TABLE_UNSUPPORTED" });
    expect((await failure(ours("local"))).message).toContain("timestamp_ntz");
    expect((await failure(ours("nested"))).message).toContain("array");
  }, 60_000);
});

describe.skipIf(noDuckDelta !== undefined)(`DuckDB's delta extension${skipped(noDuckDelta)}`, () => {
  it("reads what we write, checkpoint, odd partitions and added columns too", async () => {
    await writeEverything("ducks");
    const theirs = await readByDuckDelta(join(root, "ducks"), "extra = 'added' OR i = 7 OR p = 'we b/ü%='");
    expect(theirs.count).toBe((await lake.snapshot({ table: "ducks" })).rowCount);
    const { rows } = await lake.native("SELECT i, s, p FROM t ORDER BY i", { views: { t: { table: "ducks" } } });
    expect(theirs.rows).toEqual(rows.map((r) => [String(r["i"]), r["s"], r["p"]]));
    expect(theirs.filtered).toBe(3);
  }, 60_000);
});

describe.skipIf((noDeltalake ?? noS3) !== undefined)(`a bucket${skipped(noDeltalake ?? noS3)}`, () => {
  let server: S3Server;
  let inBucket: Lake;
  beforeAll(async () => {
    server = await startVersitygw();
    await server.bucket("lakes");
    inBucket = await openLake({ root: "s3://lakes/x", s3: server.s3, scratch: join(root, ".s3"), sourceRoots: [] });
  });
  afterAll(async () => {
    await inBucket?.close();
    await server?.close();
  });

  it("is read by deltalake, and what deltalake puts there is read by us", async () => {
    const storage = { ...server.env, AWS_ALLOW_HTTP: "true", aws_conditional_put: "etag" };
    await writeEverything("everything", inBucket);
    const theirs = await readByDeltalake("s3://lakes/x/everything", { storage });
    expect(asOurs(theirs.rows)).toEqual(await ours("everything", inBucket));
    await python(
      `
import sys, json, pyarrow as pa
from deltalake import write_deltalake
write_deltalake("s3://lakes/x/theirs", pa.table({"i": pa.array([1, 2], pa.int64()), "p": ["a b/ü", None]}), partition_by=["p"], storage_options=json.loads(sys.argv[1]))
print("{}")`,
      [JSON.stringify(storage)],
    );
    expect(await ours("theirs", inBucket)).toEqual([
      { i: 1, p: "a b/ü" },
      { i: 2, p: null },
    ]);
  }, 60_000);
});
