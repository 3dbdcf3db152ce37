/** Tables in a bucket, on a real S3 server: what holds on files holds there. */

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Lake, type LakeError, openLake, type WriteOptions } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../product.ts";
import { installVersitygw, type S3Server, startVersitygw } from "../servers/versitygw.ts";

const missing = await installVersitygw();

describe.skipIf(missing !== undefined)(`tables on S3${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let server: S3Server;
  let scratch: string;
  const lakes: Lake[] = [];
  let ordinal = 0;

  beforeAll(async () => {
    server = await startVersitygw();
    scratch = await mkdtemp(join(tmpdir(), "lake-on-s3-"));
    await server.bucket("lakes");
  });
  afterAll(async () => {
    for (const lake of lakes) await lake.close();
    await server?.close();
    await rm(scratch, { recursive: true, force: true });
  });

  const open = async (prefix: string, o: { endpoint?: string; cacheBytes?: number } = {}) => {
    const { cacheBytes, ...s3 } = o;
    const root = `s3://lakes/${prefix}`;
    const lake = await openLake({
      root,
      s3: { ...server.s3, ...s3 },
      scratch,
      cacheBytes,
      sourceRoots: [],
      threads: 1,
    });
    lakes.push(lake);
    return lake;
  };
  const write = (lake: Lake, o: Partial<WriteOptions> & { sql: string }) =>
    lake.write({ table: "t", views: {}, mode: "append", txn: { appId: `s3-${ordinal++}`, version: 1 }, ...o });
  const rows = async (lake: Lake, version?: number) =>
    (await lake.native("FROM t ORDER BY ALL", { views: { t: { table: "t", version } } })).rows;
  const failure = (work: Promise<unknown>): Promise<LakeError> =>
    work.then(
      () => Promise.reject(new Error("it succeeded")),
      (e) => e,
    );

  it("makes, appends, replaces, travels in time, and another process reads it", async () => {
    const lake = await open("basic");
    expect(await lake.listTables()).toEqual([]);
    await write(lake, { sql: "SELECT 1 AS a, 'we b/ü%=' AS p", partitionBy: ["p"] });
    await write(lake, { sql: "SELECT 2 AS a, CAST(NULL AS STRING) AS p" });
    await write(lake, {
      sql: "SELECT 3 AS a, 'x' AS p",
      mode: "replace_where",
      replaceWhere: { column: "a", equals: 1 },
    });
    for (const reader of [lake, await open("basic"), await open("basic", { cacheBytes: 0 })]) {
      expect(await rows(reader)).toEqual([
        { a: 2, p: null },
        { a: 3, p: "x" },
      ]);
      expect(await rows(reader, 1)).toEqual([
        { a: 1, p: "we b/ü%=" },
        { a: 2, p: null },
      ]);
      expect(await reader.listTables()).toEqual(["t"]);
      expect((await reader.snapshot({ table: "t" })).uri).toBe("s3://lakes/basic/t");
      expect((await reader.readColumns({ table: "t" }, { columns: ["a"] })).rowCount).toBe(2);
    }
  });

  it("reads through checkpoints in the bucket", async () => {
    const lake = await open("checkpoints");
    for (let i = 0; i < 12; i++) await write(lake, { sql: "SELECT :i AS i", params: { i } });
    const names = await readdir(join(server.folder("lakes"), "checkpoints", "t", "_delta_log"));
    expect(names.filter((n) => n.includes("checkpoint"))).toHaveLength(2);
    expect(await rows(await open("checkpoints"))).toHaveLength(12);
  });

  it("keeps every row of eight writers at once, each a lake of its own", async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, () => open("eight")));
    const results = await Promise.all(writers.map((lake, i) => write(lake, { sql: `SELECT ${i} AS a` })));
    expect((await rows(writers[0]!)).map((r) => r["a"])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(results.map((r) => r.version)).size).toBe(8);
    const files = await readdir(join(server.folder("lakes"), "eight", "t"));
    expect(files.filter((f) => f.startsWith("part-"))).toHaveLength(8);
  });

  it("uploads large files in parts", async () => {
    const lake = await open("large");
    const sql = "SELECT range AS a, hash(range)::DOUBLE AS x, md5(range::VARCHAR) AS s FROM range(1500000)";
    const { rowsWritten } = await write(lake, { dialect: "duckdb", sql });
    expect(rowsWritten).toBe(1_500_000);
    const { files } = await lake.snapshot({ table: "t" });
    expect(Math.max(...files.map((f) => f.size))).toBeGreaterThan(32 * 2 ** 20);
    const other = await open("large");
    const { rows } = await other.query("SELECT count(*) AS n, sum(a) AS s FROM t", { views: { t: { table: "t" } } });
    expect(rows).toEqual([{ n: 1_500_000, s: 1_124_999_250_000 }]);
  }, 60_000);

  it("fetches from the bucket no file that a query's condition rules out", async () => {
    const filled = await open("skipping");
    for (let i = 0; i < 4; i++)
      await write(filled, { dialect: "duckdb", sql: `SELECT range + ${i * 1000} AS a FROM range(1000)` });
    const files = (await filled.snapshot({ table: "t" })).files.map(({ path }) => path);
    const way = await unreliableWay(server.endpoint);
    const fetched = new Set<string>();
    way.loseAnswers = (method, url) => {
      const file = files.find((path) => url.includes(path));
      if (method === "GET" && file !== undefined) fetched.add(file);
      return false;
    };
    const count = async (condition: string) => {
      fetched.clear();
      const lake = await open("skipping", { endpoint: way.endpoint, cacheBytes: 0 });
      const sql = `SELECT count(*) AS n FROM t WHERE ${condition}`;
      const { rows } = await lake.query(sql, { views: { t: { table: "t" } } });
      return [rows[0]?.["n"], fetched.size];
    };
    expect(await count("a % 2 = 0")).toEqual([2_000, 4]);
    expect(await count("a = 1500")).toEqual([1, 1]);
    expect(await count("a >= 1999 AND a < 2001")).toEqual([2, 2]);
    expect(await count("a > 5000")).toEqual([0, 0]);
    await way.close();
  });

  it("knows its own commit again when the answer to it was lost, and loses no row when the way breaks", async () => {
    const way = await unreliableWay(server.endpoint);
    const lake = await open("lost", { endpoint: way.endpoint });
    await write(lake, { sql: "SELECT 0 AS a" });
    way.loseAnswers = (method, url) => method === "PUT" && url.includes("_delta_log/0");
    for (let i = 1; i <= 5; i++) await write(lake, { sql: "SELECT CAST(:i AS INT) AS a", params: { i } });
    expect(way.lost).toBeGreaterThanOrEqual(5);
    expect((await rows(await open("lost"))).map((r) => r["a"])).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await lake.snapshot({ table: "t" })).version).toBe(5);
    await way.close();
  }, 60_000);

  it("reads sources from the bucket: patterns, prefixes, packed files and tables, within its roots alone", async () => {
    const folder = join(server.folder("lakes"), "in");
    await mkdir(join(folder, "2026"), { recursive: true });
    await mkdir(join(folder, "bad"));
    await writeFile(join(folder, "2026", "a.csv"), "id,s\n1,x\n");
    await writeFile(join(folder, "2026", "b.csv.gz"), gzipSync("id,s\n2,ü\n"));
    await writeFile(join(folder, "2026", "_SUCCESS"), "");
    await writeFile(join(folder, "bad", "b.csv"), "id,s\nx,y\n");
    const table = await open("in/2026-tables");
    await write(table, { sql: "SELECT 7 AS id, 'table' AS s" });
    const sourceRoots = ["s3://lakes/in/2026", "s3://lakes/in/2026-tables/", "s3://lakes/in/bad"];
    const lake = await openLake({ root: join(scratch, "local"), s3: server.s3, sourceRoots });
    lakes.push(lake);
    const columns = [
      { name: "id", type: "int" },
      { name: "s", type: "string" },
    ] as const;
    const ids = async (source: string | string[], version?: number) => {
      const staged = await lake.stage({ source, columns, version });
      const { rows } = await lake.native("SELECT id FROM v ORDER BY id", { views: { v: staged.view } });
      await staged.close();
      return rows.map((r) => r["id"]);
    };
    expect(await ids("s3://lakes/in/2026/*.csv")).toEqual([1]);
    expect(await ids("s3://lakes/in/2026/**")).toEqual([1, 2]);
    expect(await ids("s3://lakes/in/2026/")).toEqual([1, 2]);
    expect(await ids(["s3://lakes/in/2026/a.csv", "s3://lakes/in/2026/b.csv.gz"])).toEqual([1, 2]);
    expect(await ids("s3://lakes/in/2026-tables/t")).toEqual([7]);
    expect((await failure(ids("s3://lakes/in/bad/*"))).message).toContain("s3://lakes/in/bad/b.csv, line 2: column id");
    expect(await failure(ids("s3://lakes/in/2026/c.csv"))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    for (const source of [
      "s3://lakes/in/*",
      "s3://lakes/in/2026/../secret/x.csv",
      "s3://lakes/in/20261/x.csv",
      "s3://other/x",
    ])
      expect([source, (await failure(ids(source))).code]).toEqual([source, "SOURCE_OUTSIDE_ROOTS"]);
  });

  it("says what is wrong with the place or the keys", async () => {
    const s3 = { ...server.s3, credentials: { accessKeyId: "tests", secretAccessKey: "wrong" } };
    const locked = await openLake({ root: "s3://lakes/x", s3, scratch, sourceRoots: [] });
    const nowhere = await openLake({ root: "s3://no-such-bucket/x", s3: server.s3, scratch, sourceRoots: [] });
    lakes.push(locked, nowhere);
    expect(await failure(locked.listTables())).toMatchObject({ code: "STORE_DENIED", retryable: false });
    expect(await failure(nowhere.listTables())).toMatchObject({ code: "STORE_LOCATION" });
    expect(await failure(openLake({ root: "s3://Lakes/x", scratch, sourceRoots: [] }))).toMatchObject({
      code: "STORE_LOCATION",
    });
  });
});

/** A proxy that loses the answers to some requests after the server has done them: the first answer of each. */
async function unreliableWay(endpoint: string) {
  const target = new URL(endpoint);
  const seen = new Set<string>();
  const way = {
    endpoint: "",
    lost: 0,
    loseAnswers: (_method: string, _url: string): boolean => false,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
  const server: Server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const forward = request({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
      if (!seen.has(`${method} ${url}`) && way.loseAnswers(method, url)) {
        seen.add(`${method} ${url}`);
        way.lost++;
        answer.resume();
        answer.once("end", () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forward.once("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  const port = await freePort();
  way.endpoint = `http://127.0.0.1:${port}`;
  server.keepAliveTimeout = 1;
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return way;
}
