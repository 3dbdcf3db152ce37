import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SqliteDatabase from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openRunStore } from "./open-run-store.ts";
import { openSqliteRunStore } from "./sqlite-run-store.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sqlite-run-store-"));
  file = join(folder, "runs.db");
});
afterEach(() => rm(folder, { recursive: true }));

/** Turns a store into one of an earlier schema version. */
function turnBack(version: number, statements: string): void {
  const db = new SqliteDatabase(file);
  db.exec(statements);
  db.pragma(`user_version = ${version}`);
  db.close();
}

describe("a run store in a SQLite file", () => {
  it("of an earlier version keeps its runs and gets what it lacks", async () => {
    await openSqliteRunStore(file).close();
    const view = JSON.stringify({ runId: "daily/1", dagId: "daily", state: "success" });
    turnBack(
      1,
      `INSERT INTO runs VALUES ('daily/1', 'a', 'daily', '000000000000', '2026-01-01T00:00:00Z', 'success', 'manual',
         '2026-01-02T00:00:00.000Z', '2026-01-02T00:01:00.000Z', '${view}');
       INSERT INTO attempts VALUES ('daily/1', 'a', 'load', 1, 'success', '2026-01-02T00:00:00.000Z', NULL, NULL, NULL);
       DROP TABLE cached_outputs;`,
    );
    const store = openSqliteRunStore(file);
    expect((await store.listRuns()).map(({ runId, endedAt }) => [runId, endedAt])).toEqual([
      ["daily/1", "2026-01-02T00:01:00.000Z"],
    ]);
    expect((await store.getRun("daily/1"))?.view).toMatchObject({ state: "success" });
    expect(await store.listAttempts("daily/1")).toHaveLength(1);
    await store.putCachedOutput({ key: "k", output: 1, runId: "daily/1", at: "2026-01-02T00:00:00.000Z" });
    expect(await store.getCachedOutput("k")).toMatchObject({ output: 1 });
    await store.close();
  });

  it("of a later version is left alone", async () => {
    await openSqliteRunStore(file).close();
    turnBack(99, "");
    await expect(openRunStore({ file })).rejects.toMatchObject({
      code: "RUN_STORE_TOO_NEW",
      message: `The run store at ${file} has schema version 99: expected at most 2`,
    });
    const db = new SqliteDatabase(file);
    expect(db.pragma("user_version", { simple: true })).toBe(99);
    db.close();
  });

  it("that is no database, or cannot be made, says which", async () => {
    await writeFile(file, "not a database, but a text that is longer than the header of one ".repeat(20));
    for (const wrong of [file, join(file, "below", "runs.db")]) {
      const error = await openRunStore({ file: wrong }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "RUN_STORE_UNAVAILABLE", retryable: true });
      expect(String(error)).toContain(wrong);
    }
  });
});
