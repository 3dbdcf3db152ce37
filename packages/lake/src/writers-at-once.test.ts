import { describe, expect, it } from "vitest";
import {
  dataFiles,
  during,
  failure,
  lakeOfEachTest,
  merge,
  rows,
  store,
  values,
  write,
} from "./fixtures/changed-table.ts";

lakeOfEachTest();

describe("writers at once", () => {
  it("an overwrite fails rather than drop the rows of an append that came between", async () => {
    await write({ sql: "SELECT 1 AS a" });
    const overwriting = () => write({ sql: `SELECT 2 AS a`, mode: "overwrite" });
    expect(await failure(during(overwriting, () => write({ sql: "SELECT 3 AS a" })))).toMatchObject({
      code: "TABLE_MOVED",
      retryable: true,
    });
    expect(await rows()).toEqual([{ a: 1 }, { a: 3 }]);
    expect(await dataFiles()).toHaveLength(2);
  });

  it("a replacement goes on when the commit between left its rows alone, and fails when it did not", async () => {
    await write({
      sql: values(
        [
          [1, "'x'"],
          [10, "'y'"],
        ],
        "a, s",
      ),
    });
    const replacing = () =>
      write({
        sql: `SELECT 5 AS a, 'new' AS s`,
        mode: "replace_where",
        replaceWhere: { column: "a", from: "0", until: "8" },
      });
    expect(await during(replacing, () => write({ sql: "SELECT 20 AS a, 'z' AS s" }))).toMatchObject({
      version: 2,
      rowsRemoved: 1,
    });
    expect((await rows()).map((r) => r["a"])).toEqual([5, 10, 20]);
    expect(await failure(during(replacing, () => write({ sql: "SELECT 6 AS a, 'w' AS s" })))).toMatchObject({
      code: "TABLE_MOVED",
    });
    expect((await rows()).map((r) => r["a"])).toEqual([5, 6, 10, 20]);
  });

  it("an append that reads the table is run again on what is there", async () => {
    await write({ sql: "SELECT 1::BIGINT AS a" });
    const next = () => write({ sql: `SELECT max(a) + 1 AS a FROM t`, views: { t: { table: "t" } } });
    await during(next, () => write({ sql: "SELECT 10::BIGINT AS a" }));
    expect((await rows()).map((r) => r["a"])).toEqual([1, 10, 11]);
  });

  it("a merge goes on when the commit between holds none of its keys, and is worked out again when it may", async () => {
    await write({
      sql: values(
        [
          [1, 0],
          [5, 0],
        ],
        "k, n",
      ),
    });
    const merging = () =>
      merge({
        sql: values(
          [
            [1, 1],
            [3, 1],
            ["NULL", 1],
          ],
          "k, n",
        ),
      });
    expect(await during(merging, () => write({ sql: "SELECT 4 AS k, 9 AS n" }))).toMatchObject({
      version: 2,
      rowsUpdated: 1,
      rowsInserted: 2,
    });
    // The table's first file, the other's, and the merge's own, made once.
    expect(store.taken).toBe(3);
    expect(await rows()).toEqual([
      { k: null, n: 1 },
      { k: 1, n: 1 },
      { k: 3, n: 1 },
      { k: 4, n: 9 },
      { k: 5, n: 0 },
    ]);
    const next = () =>
      merge({
        sql: values(
          [
            [4, 2],
            [7, 2],
          ],
          "k, n",
        ),
      });
    expect(await during(next, () => write({ sql: "SELECT 7 AS k, 8 AS n" }))).toMatchObject({
      rowsUpdated: 2,
      rowsInserted: 0,
    });
    expect((await rows()).filter((r) => r["n"] === 2).map((r) => r["k"])).toEqual([4, 7]);
  });

  it("an append between a change of columns is checked anew", async () => {
    await write({ sql: "SELECT 1 AS a" });
    const appending = () => write({ sql: `SELECT 2 AS a` });
    const widening = () => write({ sql: "SELECT 3 AS a, 'x' AS s", mergeSchema: true });
    expect(await failure(during(appending, widening))).toMatchObject({ code: "SCHEMA_MISMATCH" });
  });

  it("eight merge into the same rows, and every one of them counts", async () => {
    await write({ sql: "SELECT 1 AS k, 0 AS n" });
    const add = (i: number) =>
      merge({ sql: `SELECT k, n + 1 AS n FROM t UNION ALL SELECT ${i + 2}, 1`, views: { t: { table: "t" } } });
    await Promise.all(Array.from({ length: 8 }, (_, i) => add(i)));
    const found = await rows();
    expect(found).toHaveLength(9);
    expect(found[0]).toEqual({ k: 1, n: 8 });
  }, 30_000);
});
