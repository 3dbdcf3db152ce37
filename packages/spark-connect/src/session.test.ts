import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SparkConnectError, SparkInterruptedError, SparkSqlError, SparkUnavailableError } from "./errors.ts";
import { connect, type SparkSession, type SqlOptions } from "./session.ts";
import { inlineParameters } from "./sql-text.ts";
import { installSparkServer, onApacheSpark, proxyTo, sparkServerName, startSparkServer } from "./testing.ts";

const missing = await installSparkServer();

async function rows(session: SparkSession, query: string, options?: SqlOptions): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const batch of session.sql(query, options)) for (const row of batch) found.push({ ...row.toJSON() });
  return found;
}

describe.skipIf(missing !== undefined)(
  `a session on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "spark-connect-"));
    let sail: Awaited<ReturnType<typeof startSparkServer>>;
    let session: SparkSession;

    beforeAll(async () => {
      sail = await startSparkServer(folder);
      session = connect(`sc://127.0.0.1:${sail.port}`);
    });
    afterAll(async () => {
      await session.close();
      await sail.stop();
      rmSync(folder, { recursive: true });
    });

    // Apache Spark binds nothing by name while Delta's session extension is on (UNBOUND_SQL_PARAMETER).
    test.each(onApacheSpark ? ["as literals"] : ["by the server", "as literals"])(
      "binds every kind of value %s",
      async (how) => {
        const at = new Date("2026-03-29T01:30:00.123Z");
        const query = "SELECT :s AS s, :i AS i, :big AS big, :d AS d, :b AS b, unix_micros(:t) AS t, :n AS n, :y AS y";
        const params = {
          s: "x'; DROP TABLE t; --",
          i: -7,
          big: 2n ** 62n,
          d: 0.5,
          b: true,
          t: at,
          n: null,
          y: Buffer.from([0, 255]),
        };
        const inline = how === "as literals";
        const [row] = await rows(session, inline ? inlineParameters(query, params) : query, inline ? {} : { params });
        expect(row).toEqual({ ...params, t: BigInt(at.getTime()) * 1000n, y: new Uint8Array([0, 255]) });
      },
    );

    test("streams a result in batches, every row once", async () => {
      let batches = 0;
      let sum = 0n;
      for await (const batch of session.sql("SELECT id FROM range(100000)")) {
        batches += 1;
        for (const id of batch.getChild("id") ?? []) sum += id;
      }
      expect(batches).toBeGreaterThan(1);
      expect(sum).toBe(4_999_950_000n);
    });

    test("runs DDL and writes once, and a Delta table reads back", async () => {
      const path = join(folder, "points");
      await session.execute(`CREATE TABLE points (x INT, y STRING) USING delta LOCATION '${path}'`);
      await session.execute("INSERT INTO points VALUES (1, 'ä'), (2, NULL)");
      expect(await rows(session, "SELECT * FROM points ORDER BY x")).toEqual([
        { x: 1, y: "ä" },
        { x: 2, y: null },
      ]);
    });

    test.skipIf(onApacheSpark)("Sail refuses parameters in a write with an error, and writes nothing", async () => {
      await session.execute(`CREATE TABLE bound (x INT) USING delta LOCATION '${join(folder, "bound")}'`);
      const write = session.execute("INSERT INTO bound VALUES (:x)", { params: { x: 1 } });
      await expect(write).rejects.toThrow("command with parameters");
      expect(await rows(session, "SELECT * FROM bound")).toEqual([]);
    });

    test("an error of the server is a SparkSqlError", async () => {
      const error = await session.execute("SELECT * FROM nowhere").catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SparkSqlError);
      expect(error).toMatchObject({ code: "SPARK_SQL", message: expect.stringContaining("nowhere") });
      await expect(session.execute("SELEC 1")).rejects.toBeInstanceOf(SparkSqlError);
      expect(await rows(session, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("an abort interrupts the statement, and the session goes on", async () => {
      const controller = new AbortController();
      // Its rows come to the client: Sail hears of nothing while all of its threads are in a loop that gives none.
      const query = "SELECT a.id + b.id AS n FROM range(1000000) a CROSS JOIN range(1000000) b";
      const running = session.execute(query, { signal: controller.signal });
      setTimeout(() => controller.abort(), 200);
      await expect(running).rejects.toBeInstanceOf(SparkInterruptedError);
      await expect(session.execute("SELECT 1", { signal: controller.signal })).rejects.toBeInstanceOf(
        SparkInterruptedError,
      );
      expect(await rows(session, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test.each([
      ["is taken up again: no row lost, none twice", 5],
      ["is a SparkUnavailableError where reattaching is off", 0],
    ])("a dropped stream %s", async (_, maxReattaches) => {
      const proxy = await proxyTo(sail.port);
      const through = connect(`sc://127.0.0.1:${proxy.port}`, { maxReattaches });
      const seen: bigint[] = [];
      let cut = false;
      const reading = async () => {
        for await (const batch of through.sql("SELECT id FROM range(300000)")) {
          for (const id of batch.getChild("id") ?? []) seen.push(id);
          if (!cut) proxy.cut();
          cut = true;
        }
      };
      try {
        if (maxReattaches === 0) await expect(reading()).rejects.toBeInstanceOf(SparkUnavailableError);
        else {
          await reading();
          expect(seen.length).toBe(300_000);
          expect(new Set(seen).size).toBe(300_000);
        }
      } finally {
        await through.close();
        proxy.server.close();
      }
    });

    test("a server that is not there yet is tried again, and the statement runs once", async () => {
      const proxy = await proxyTo(sail.port);
      const { port } = proxy;
      await new Promise((closed) => proxy.server.close(closed));
      const early = connect(`sc://127.0.0.1:${port}`);
      setTimeout(() => proxy.server.listen(port, "127.0.0.1"), 300);
      expect(await rows(early, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await early.close();
      proxy.cut();
      proxy.server.close();
    });

    test("sessions of one connection keep views and settings to themselves, and files come and go by them", async () => {
      const [one, two] = [session.newSession(), session.newSession()];
      const path = join(folder, "written");
      await one.configure({ "spark.sql.session.timeZone": "UTC" });
      await one.write("SELECT id, :s AS s FROM range(3)", { format: "parquet", path }, { params: { s: "it's \\ :x" } });
      await expect(one.write("SELECT 1 AS a", { format: "parquet", path })).rejects.toBeInstanceOf(SparkSqlError);
      await one.createTempView("v", { format: "parquet", paths: [path] });
      expect(await rows(one, "SELECT count(*) AS n, max(s) AS s FROM v")).toEqual([{ n: 3n, s: "it's \\ :x" }]);
      await expect(two.execute("SELECT * FROM v")).rejects.toThrow("v");
      await one.close();
      await two.close();
      expect(await rows(session, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a closed session says so", async () => {
      const closed = connect(`sc://127.0.0.1:${sail.port}`);
      await closed.close();
      await closed.close();
      await expect(closed.execute("SELECT 1")).rejects.toMatchObject({ code: "SPARK_CLOSED" });
    });
  },
);

test("a server that is not there is a SparkUnavailableError", async () => {
  const session = connect("sc://127.0.0.1:1");
  const error = await session.execute("SELECT 1").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SparkUnavailableError);
  expect(error).toBeInstanceOf(SparkConnectError);
  await session.close();
});

test("a token travels over TLS, to a server whose certificate is signed by an authority that is trusted", async () => {
  const folder = mkdtempSync(join(tmpdir(), "spark-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"];
  const names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert];
  await promisify(execFile)("openssl", [...request, ...names]);
  const heard: unknown[] = [];
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on("stream", (stream, headers) => {
    heard.push(headers["authorization"]);
    const refusal = { "grpc-status": "16", "grpc-message": "who are you" };
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...refusal }, { endStream: true });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const remote = `sc://localhost:${port}/;token=s3cret`;
  const trusting = connect(remote, { rootCertificates: readFileSync(cert) });
  await expect(trusting.execute("SELECT 1")).rejects.toThrow("who are you");
  expect(heard).toContain("Bearer s3cret");
  const stranger = connect(remote, { maxReattaches: 0 });
  await expect(stranger.execute("SELECT 1")).rejects.toBeInstanceOf(SparkUnavailableError);
  await trusting.close();
  await stranger.close();
  await new Promise((closed) => server.close(closed));
  rmSync(folder, { recursive: true });
});
