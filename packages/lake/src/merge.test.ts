import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failure, freshTable, lake, lakeOfEachTest, merge, rows, values, write } from "./fixtures/changed-table.ts";

lakeOfEachTest();

describe("merging", () => {
  it("updates, inserts, deletes", async () => {
    await write({
      sql: values(
        [
          [1, "'a'", 10],
          [2, "'b'", 20],
          [3, "'c'", 30],
        ],
        "k, s, n",
      ),
    });
    await write({ sql: "SELECT 4 AS k, 'd' AS s, 40 AS n" });
    const sql = values(
      [
        [2, "'B'", 21],
        [5, "'e'", 50],
        ["NULL", "'null'", 0],
      ],
      "k, s, n",
    );
    expect(await merge({ sql, info: { why: "test" } })).toMatchObject({
      rowsInserted: 2,
      rowsUpdated: 1,
      rowsDeleted: 0,
      info: { why: "test" },
    });
    expect((await rows()).map((r) => `${r["k"]} ${r["s"]} ${r["n"]}`)).toEqual([
      "null null 0",
      "1 a 10",
      "2 B 21",
      "3 c 30",
      "4 d 40",
      "5 e 50",
    ]);
    expect(await merge({ sql: "SELECT 1 AS k", whenMatched: "delete", whenNotMatched: "ignore" })).toMatchObject({
      rowsDeleted: 1,
    });
  });

  it("agrees with a model, whatever the clauses, the layout of files and the order of merges", async () => {
    const key = fc.option(fc.integer({ min: 0, max: 6 }), { nil: null });
    const row = fc.record({ k: key, n: fc.integer({ min: 0, max: 99 }) });
    const clauses = fc.record({
      whenMatched: fc.constantFrom("update" as const, "delete" as const, "ignore" as const),
      whenNotMatched: fc.constantFrom("insert" as const, "ignore" as const),
      whenNotMatchedBySource: fc.constantFrom("keep" as const, "delete" as const),
      rows: fc.uniqueArray(row, { maxLength: 6, selector: (r) => r.k ?? {} }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 8 }),
        fc.array(clauses, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (start, merges, partitioned) => {
          const table = freshTable();
          const select = (list: typeof start) =>
            `SELECT k, n, n % 3 AS p FROM (VALUES (NULL::INT, NULL::INT)${list.map((r) => `, (${r.k ?? "NULL"}, ${r.n})`).join("")}) v(k, n) WHERE n IS NOT NULL`;
          let model = start.map((r) => ({ ...r }));
          await write({ table, sql: select(start.slice(0, 4)), ...(partitioned ? { partitionBy: ["p"] } : {}) });
          await write({ table, sql: select(start.slice(4)) });
          for (const m of merges) {
            if (m.whenMatched === "ignore" && m.whenNotMatched === "ignore" && m.whenNotMatchedBySource === "keep")
              continue;
            const { rows: source, ...how } = m;
            const result = await merge({ table, sql: select(source), ...how });
            const met = (a: { k: number | null }, list: typeof start) => list.find((b) => a.k !== null && b.k === a.k);
            const inserts = m.whenNotMatched === "insert" ? source.filter((s) => !met(s, model)) : [];
            const before = model.length;
            model = model.flatMap((t) => {
              const s = met(t, source);
              if (!s) return m.whenNotMatchedBySource === "delete" ? [] : [t];
              if (m.whenMatched === "delete") return [];
              return [m.whenMatched === "update" ? { k: t.k, n: s.n } : t];
            });
            expect(result.rowsDeleted).toBe(before - model.length);
            expect(result.rowsInserted).toBe(inserts.length);
            model.push(...inserts);
          }
          const text = (list: readonly { k?: unknown; n?: unknown }[]) => list.map((r) => `${r.k} ${r.n}`).sort();
          expect(text(await rows({ table }))).toEqual(text(model));
          expect((await lake.snapshot({ table })).rowCount).toBe(model.length);
        },
      ),
      { numRuns: 8 },
    );
  }, 90_000);

  it("refuses what is ambiguous or means nothing, before any effect", async () => {
    await write({ sql: "SELECT 1 AS k, 0 AS n" });
    const twice = values(
      [
        [1, 5],
        [1, 6],
      ],
      "k, n",
    );
    expect(await failure(merge({ sql: twice }))).toMatchObject({ code: "MERGE_AMBIGUOUS", field: "sql" });
    expect(await failure(merge({ sql: "SELECT 1 AS k", on: [] }))).toMatchObject({
      code: "WRITE_ARGUMENT",
      field: "on",
    });
    expect(await failure(merge({ sql: "SELECT 1 AS k", on: ["z"] }))).toMatchObject({ field: "on" });
    expect(await failure(merge({ table: "none", sql: "SELECT 1 AS k" }))).toMatchObject({ code: "TABLE_NOT_FOUND" });
    expect(
      await failure(merge({ sql: "SELECT 1 AS k, 2 AS n", whenMatched: "ignore", whenNotMatched: "ignore" })),
    ).toMatchObject({ field: "whenMatched" });
    expect(await rows()).toEqual([{ k: 1, n: 0 }]);
    const once = { appId: "merge", version: 3 };
    const first = await merge({ sql: "SELECT 2 AS k, 2 AS n", txn: once });
    expect(await merge({ sql: "SELECT 2 AS k, 2 AS n", txn: once })).toEqual({ ...first, alreadyDone: true });
  });
});
