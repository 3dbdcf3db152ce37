/** The same promises, kept by the embedded store, by our server over HTTP, and on PostgreSQL. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectTracking, openTracking, serveTracking, type TrackingServer } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPostgres, type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { trackingSuite } from "./suite.ts";

let root: string;
let server: TrackingServer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tracking-suite-"));
  server = await serveTracking({ root: join(root, "served"), port: 0 });
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

trackingSuite("the embedded store", () => openTracking({ root: join(root, "embedded") }));
trackingSuite("our server over HTTP", async () => connectTracking({ url: server.url }));

it("what a client logs over HTTP is there for who opens the store, and the other way round", async () => {
  const remote = connectTracking({ url: server.url });
  const local = await openTracking({ root: join(root, "served") });
  const { runId } = await remote.startRun({ experiment: "both", key: "both", tags: { a: "b" } });
  expect((await local.startRun({ experiment: "both", key: "both" })).runId).toBe(runId);
  await local.logBatch(runId, { metrics: { f1: 0.5 } });
  await remote.logArtifact(runId, "model/model.bin", new Uint8Array([1, 2]));
  expect(await local.getRun(runId)).toEqual(await remote.getRun(runId));
  expect(await local.readArtifact(runId, "model/model.bin")).toEqual(new Uint8Array([1, 2]));
  await local.close();
});

it("a server that is not there is a retryable error that says where it was looked for", async () => {
  const nobody = connectTracking({ url: "http://user:s3cret@127.0.0.1:9" });
  await expect(nobody.getRun("x")).rejects.toMatchObject({
    code: "TRACKING_UNREACHABLE",
    retryable: true,
    message: expect.stringMatching(/^The MLflow server http:\/\/127\.0\.0\.1:9 does not answer/),
  });
  expect(() => connectTracking({ url: "mlruns" })).toThrow(expect.objectContaining({ field: "url" }));
});

const missing = await installPostgres();
describe.skipIf(missing !== undefined)(`on PostgreSQL${missing === undefined ? "" : ` (${missing})`}`, () => {
  let postgres: PostgresServer;
  let databaseUrl: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.database("ml");
  });
  afterAll(async () => {
    await postgres.close();
  });

  trackingSuite("rows in PostgreSQL", () => openTracking({ root: join(root, "postgres"), databaseUrl }));

  it("several that open a fresh database at once all find it made", async () => {
    const url = await postgres.database("fresh");
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openTracking({ root: join(root, "fresh"), databaseUrl: url })),
    );
    const runs = await Promise.all(opened.map((one) => one.startRun({ experiment: "e", key: "k" })));
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1);
    for (const one of opened) await one.close();
  });

  it("a database of the first version is brought up to date with what it holds", async () => {
    const url = await postgres.database("first");
    const place = { root: join(root, "first"), databaseUrl: url };
    const before = await openTracking(place);
    const lineage = { tables: [{ table: "purchases", version: 3 }] };
    const { runId } = await before.startRun({ experiment: "e", key: "k", lineage });
    await before.close();
    // As the first version made it.
    await postgres.sql(
      url,
      `SET search_path = dagwright_tracking; DELETE FROM migrations WHERE version > 1;
       ALTER TABLE dataset_inputs DROP COLUMN place; ALTER TABLE run_models DROP COLUMN place;`,
    );
    const after = await openTracking(place);
    await after.logLineage(runId, { tables: [{ table: "another", version: 1 }] });
    expect((await after.getRun(runId)).key).toBe("k");
    const { version } = await after.registerModel({ name: "m", runId });
    const { tables } = await after.versionLineage({ name: "m", version });
    expect(tables.map(({ table }) => table)).toEqual(["purchases", "another"]);
    await after.close();
  });

  it("a text that PostgreSQL cannot keep is refused, not tried again", async () => {
    const tracking = await openTracking({ root: join(root, "postgres"), databaseUrl });
    const { runId } = await tracking.startRun({ experiment: "texts" });
    await expect(tracking.logBatch(runId, { params: { a: "x\0y" } })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      retryable: false,
    });
    await tracking.close();
  });

  it("a database that is away is a retryable error without its password, and works again when it is back", async () => {
    const tracking = await openTracking({ root: join(root, "postgres"), databaseUrl });
    await postgres.stop();
    const failed = await tracking.startRun({ experiment: "away" }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "TRACKING_STORE_FAILED", retryable: true });
    expect(String(failed)).not.toContain(new URL(databaseUrl).password);
    await postgres.start();
    expect((await tracking.startRun({ experiment: "away" })).status).toBe("RUNNING");
    await tracking.close();
  });
});
