/** A run store in PostgreSQL when that is away, hangs, refuses, or is of a later version. */
import { openRunStore } from "@dagwright/engine/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPostgres, type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { DONE, VIEW } from "./run-store-views.ts";

const missing = await installPostgres();

let server: PostgresServer;
beforeAll(async () => {
  if (missing === undefined) server = await startPostgres();
});
afterAll(() => server?.close());

describe.skipIf(missing !== undefined)("a run store in a PostgreSQL that fails", () => {
  it("says where it is, without its password, and is used again when it is back", async () => {
    const url = await server.database("comes_and_goes");
    const store = await openRunStore({ url });
    await store.saveRun({ view: VIEW, temporalRunId: "a" });
    for (const down of [server.stop, server.kill]) {
      await down();
      const error = await store.listRuns().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: "RUN_STORE_UNAVAILABLE",
        retryable: true,
        hint: expect.stringContaining("DAGWRIGHT_STORE_URL"),
        message: expect.stringContaining(`postgres://dagwright@127.0.0.1:${server.port}/comes_and_goes`),
      });
      expect(JSON.stringify(error) + String(error)).not.toContain("s3cret");
      await server.start();
      expect(await store.listRuns()).toHaveLength(1);
    }
    await store.close();
  }, 60_000);

  it("may be away when it is opened, and is made when it comes", async () => {
    const url = await server.database("away");
    await server.stop();
    const warnings: string[] = [];
    const store = await openRunStore({ url }, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining("ECONNREFUSED")]);
    await expect(store.saveRun({ view: DONE, temporalRunId: "a" })).rejects.toMatchObject({
      code: "RUN_STORE_UNAVAILABLE",
    });
    await server.start();
    await store.saveRun({ view: DONE, temporalRunId: "a" });
    expect(await store.listRuns()).toHaveLength(1);
    await store.close();
  }, 60_000);

  it("holds nobody up when it hangs, and goes on when it goes on", async () => {
    const url = await server.database("hangs");
    const store = await openRunStore({ url }, { timeoutMs: 500 });
    await store.saveRun({ view: DONE, temporalRunId: "a" });
    await server.hanging(async () => {
      await expect(store.getRun(DONE.runId)).rejects.toMatchObject({ code: "RUN_STORE_UNAVAILABLE" });
    });
    await expect.poll(() => store.getRun(DONE.runId), { timeout: 10_000 }).toMatchObject({ temporalRunId: "a" });
    await store.close();
  }, 60_000);

  it("asks again when the server ends its connections, in use or not", async () => {
    const url = await server.database("ends_connections");
    const store = await openRunStore({ url });
    await Promise.all(Array.from({ length: 10 }, () => store.saveRun({ view: DONE, temporalRunId: "a" })));
    const ours = "FROM pg_stat_activity WHERE datname = 'ends_connections' AND application_name = 'dagwright'";
    const lock = "BEGIN; LOCK TABLE dagwright.runs IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT";
    const locked = server.sql(url, lock);
    await expect
      .poll(() => server.sql(url, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'"))
      .toBe("1\n");
    const found = Promise.all([store.listRuns(), store.listRuns()]);
    await expect.poll(() => server.sql(server.url, `SELECT count(*) ${ours} AND wait_event_type = 'Lock'`)).toBe("2\n");
    await server.sql(server.url, `SELECT pg_terminate_backend(pid) ${ours}`);
    expect((await found).map((runs) => runs.length)).toEqual([1, 1]);
    await locked;
    await store.close();
  });

  it("tells a wrong password, a missing database and a missing right apart", async () => {
    const url = await server.database("rights");
    const refusal = async (at: string) => {
      const store = await openRunStore({ url: at });
      try {
        return await store.listRuns().catch((thrown: unknown) => thrown);
      } finally {
        await store.close();
      }
    };
    expect(await refusal(url.replace("s3cret", "guess"))).toMatchObject({
      code: "RUN_STORE_UNAVAILABLE",
      hint: expect.stringContaining("PGPASSWORD"),
      retryable: false,
    });
    expect(await refusal(url.replace("/rights", "/wrongs"))).toMatchObject({
      code: "RUN_STORE_UNAVAILABLE",
      hint: expect.stringContaining("createdb"),
      retryable: false,
    });
    await server.sql(url, "CREATE ROLE guest LOGIN PASSWORD 'guest'");
    const asGuest = url.replace(/\/\/[^@]*@/, "//guest:guest@");
    await expect(openRunStore({ url: asGuest })).rejects.toMatchObject({
      code: "RUN_STORE_REFUSED",
      hint: expect.stringContaining("GRANT CREATE"),
    });
    // One who finds the tables made needs no right to make any.
    await (await openRunStore({ url })).close();
    await server.sql(
      url,
      "GRANT USAGE ON SCHEMA dagwright TO guest; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA dagwright TO guest",
    );
    expect(await refusal(asGuest)).toEqual([]);
  });

  it("of a later version is left alone", async () => {
    const url = await server.database("later");
    await (await openRunStore({ url })).close();
    await server.sql(url, "INSERT INTO dagwright.migrations (version) VALUES (99)");
    await expect(openRunStore({ url })).rejects.toMatchObject({
      code: "RUN_STORE_TOO_NEW",
      message: expect.stringMatching(/has schema version 99: expected at most \d+$/),
    });
  });
});
