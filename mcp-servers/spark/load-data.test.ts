import { copyFile, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lake } from "@dagwright/lake";
import { onApacheSpark } from "@dagwright/spark-connect/testing";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { failure, HEADER, onBothEngines, SLOW_MS } from "./fixtures/both-engines.ts";

onBothEngines(({ place, load, csv }) => {
  let home: string;
  let source: string;
  let lake: Lake;
  beforeEach(() => {
    ({ home, source, lake } = place());
  });
  const dates = async () =>
    (await lake.query("SELECT date FROM p ORDER BY date", { views: { p: { table: "purchases" } } })).rows.map(
      (r) => r.date,
    );

  describe("load_data_to_spark", () => {
    it(
      "loads the real purchases, catching up all days before",
      async () => {
        await copyFile(new URL("../../data/cdnow-purchases.csv", import.meta.url), source);
        const day1 = await load("1998-01-31T00:00:00.000Z", "1998-02-01T00:00:00.000Z");
        const expected = (await readFile(source, "utf8"))
          .trim()
          .split("\n")
          .slice(1)
          .filter((l) => (l.split(",")[1] ?? "") < "1998-02-01").length;
        expect(day1).toMatchObject({
          version: 0,
          rowsIngested: expected,
          rowsReplaced: 0,
          rowsInTable: expected,
          newest: "1998-01-31",
          alreadyDone: false,
        });
        expect(day1.caughtUp).toMatchObject({ from: "1997-01-01", until: "1998-01-30" });
        const again = await load("1998-01-31T00:00:00.000Z", "1998-02-01T00:00:00.000Z");
        expect(again).toMatchObject({ rowsIngested: again.rowsReplaced, rowsInTable: expected });
        const all = await load("1998-06-30", "1998-07-01");
        expect(all.rowsInTable).toBe(69_659);
        expect(day1.duplicateRows + all.duplicateRows).toBe(255);
      },
      SLOW_MS,
    );

    it("writes once per key and answers the same the second time", async () => {
      await csv("1,1997-01-01,1,10", "1,1997-01-01,1,10", "2,1997-01-02,2,20.5");
      const first = await load("1997-01-02", "1997-01-03", "run-1");
      expect(first).toMatchObject({
        rowsIngested: 3,
        duplicateRows: 1,
        caughtUp: { rows: 2, from: "1997-01-01", until: "1997-01-01" },
      });
      expect(await load("1997-01-02", "1997-01-03", "run-1")).toEqual({ ...first, alreadyDone: true });
      expect(await dates()).toHaveLength(3);
    });

    it("keeps days apart when two loads run at once", async () => {
      await csv("1,1997-01-01,1,10", "2,1997-01-02,2,20", "3,1997-01-03,3,30");
      await Promise.all([
        load("1997-01-02", "1997-01-03"),
        load("1997-01-03", "1997-01-04"),
        load("1997-01-01", "1997-01-02"),
      ]);
      expect(await dates()).toEqual(["1997-01-01", "1997-01-02", "1997-01-03"]);
    });

    it("succeeds with nothing when no row is dated within the interval but the source goes on", async () => {
      await csv("1,1997-01-01,1,10", "2,1997-01-05,2,20");
      expect(await load("1997-01-01", "1997-01-02")).toMatchObject({ rowsIngested: 1 });
      expect(await load("1997-01-03", "1997-01-04")).toMatchObject({
        rowsIngested: 0,
        rowsReplaced: 0,
        rowsInTable: 1,
        newest: "1997-01-01",
      });
    });

    it(
      "equals a brute-force model over random loads",
      async () => {
        const iso = (d: number) => new Date(Date.UTC(1997, 0, 25 + d)).toISOString().slice(0, 10);
        const day = fc.integer({ min: 0, max: 12 });
        const step = fc.record({
          rows: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 }), day), { minLength: 1, maxLength: 10 }),
          start: day,
          length: fc.integer({ min: 1, max: 5 }),
        });
        let tables = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
            const table = `t${tables++}`;
            let model: string[] = [];
            for (const { rows, start, length } of steps) {
              await csv(...rows.map(([id, d]) => `${id},${iso(d)},1,1`));
              const [from, until] = [iso(start), iso(start + length)];
              const given = rows.map(([id, d]) => `${iso(d)} ${id}`);
              if (given.every((r) => r.slice(0, 10) < from)) {
                expect(await failure(load(from, until, undefined, { table }))).toMatchObject({
                  code: "SOURCE_ENDS_BEFORE_INTERVAL",
                  retryable: false,
                });
                continue;
              }
              const held = new Set(model.map((r) => r.slice(0, 10)));
              const within = (r: string) => r.slice(0, 10) >= from && r.slice(0, 10) < until;
              const caughtUp = given.filter((r) => r.slice(0, 10) < from && !held.has(r.slice(0, 10)));
              const loaded = await load(from, until, undefined, { table });
              expect(loaded.rowsReplaced).toBe(model.filter(within).length);
              model = [...model.filter((r) => !within(r)), ...given.filter(within), ...caughtUp].sort();
              const now = await lake.query("SELECT date, customer_id AS id FROM t ORDER BY date, id", {
                views: { t: { table } },
              });
              expect(now.rows.map((r) => `${r.date} ${r.id}`)).toEqual(model);
              expect(loaded).toMatchObject({ rowsInTable: model.length, caughtUp: { rows: caughtUp.length } });
            }
          }),
          { numRuns: onApacheSpark ? 3 : 12 }, // a load takes seconds on Apache Spark
        );
      },
      SLOW_MS,
    );

    it("loads JSON lines of several files, and CSV of other dialects", async () => {
      const row = (id: number) =>
        JSON.stringify({ customer_id: id, date: "1997-01-01", number_of_cds: 1, dollar_value: 2.5 });
      await writeFile(join(home, "data", "a.jsonl"), `${row(1)}\n${row(2)}\n`);
      await writeFile(join(home, "data", "b.jsonl"), `${row(3)}\n`);
      const many = await load("1997-01-01", "1997-01-02", undefined, { source: join(home, "data", "*.jsonl") });
      expect(many).toMatchObject({ rowsIngested: 3 });
      await writeFile(source, "7;1997-01-01;1;2.5\n");
      const dialect = { csv: { delimiter: ";", header: false } };
      const other = await load("1997-01-01", "1997-01-02", undefined, dialect);
      expect(other).toMatchObject({ rowsIngested: 1, rowsReplaced: 3 });
    });

    it("names file, line, column and value of the first bad row, counts all, writes nothing", async () => {
      const cases: [string, string[]][] = [
        ["1,1997-01-01,1", ["line 3", "has 3 columns, 4 were expected"]],
        ["1,1997-02-30,1,1", ["line 3", "column date", "1997-02-30", "a date of the calendar"]],
        ["1,1997-01-01,-1,1", ["column number_of_cds", "-1", "at least 0"]],
        ["1,1997-01-01,,1", ["column number_of_cds", '""', "not nullable"]],
        ["1,1997-01-01,one,1", ["column number_of_cds", "one", "a whole number"]],
        ["1,1997-01-01,1,abc", ["column dollar_value", "abc", "a number"]],
        ["1,1997-01-01,1,NaN", ["column dollar_value", "NaN"]],
        ["1,1997-01-01,99999999999,1", ["number_of_cds", "fits an int"]],
        ['1,"1997-01-01,1,1', ["line 3", "quote"]],
      ];
      for (const [bad, parts] of cases) {
        await csv("1,1997-01-01,1,1", bad);
        const error = await failure(load("1997-01-01", "1997-01-02"));
        expect(error).toMatchObject({ code: "BAD_ROW", retryable: false });
        for (const part of [source, ...parts]) expect(String(error)).toContain(part);
      }
      await csv("1,1997-01-01,1,1", "x,1997-01-01,1,1", "", "2,1997-13-01,1,1");
      expect(String(await failure(load("1997-01-01", "1997-01-02")))).toMatch(
        /line 3: column customer_id.*2 rows are bad in all/,
      );
      expect(await lake.listTables()).toEqual([]);
    });

    it("refuses sources that are not there, no file, empty, outside, or of other columns", async () => {
      const at = (path: string) => failure(load("1997-01-01", "1997-01-02", undefined, { source: path }));
      expect(await at(source)).toMatchObject({ code: "SOURCE_NOT_FOUND", field: "source", retryable: false });
      expect(await at(join(home, "data"))).toMatchObject({ code: "SOURCE_IS_DIRECTORY" });
      await writeFile(source, "");
      expect(await at(source)).toMatchObject({ code: "SOURCE_EMPTY" });
      await csv();
      expect(await at(source)).toMatchObject({ code: "SOURCE_EMPTY" });
      await writeFile(source, "customer_id,day,number_of_cds,dollar_value\n1,1997-01-01,1,1\n");
      expect(String(await at(source))).toMatch(/missing "date"; unknown "day"/);
      await writeFile(join(home, "secret.csv"), `${HEADER}\n1,1997-01-01,1,1\n`);
      await symlink(join(home, "secret.csv"), join(home, "data", "link.csv"));
      for (const path of [
        join(home, "secret.csv"),
        join(home, "data", "..", "secret.csv"),
        join(home, "data", "link.csv"),
        "/etc/passwd",
        "/etc/none",
      ]) {
        expect(await at(path)).toMatchObject({ code: "SOURCE_OUTSIDE_ROOTS" });
      }
    });

    it("refuses intervals without sense and sources that end before theirs", async () => {
      await csv("1,1997-01-01,1,1");
      expect(await failure(load("1997-01-02", "1997-01-02"))).toMatchObject({ code: "INTERVAL_INVALID" });
      const error = await failure(load("1997-01-02", "1997-01-03"));
      expect(error).toMatchObject({ code: "SOURCE_ENDS_BEFORE_INTERVAL" });
      expect(String(error)).toContain("ends on 1997-01-01, the interval starts on 1997-01-02");
      expect(
        await failure(
          load("1997-01-01", "1997-01-03", undefined, {
            incremental: { column: "dollar_value", interval: { start: "1997-01-01", end: "1997-01-03" } },
          }),
        ),
      ).toMatchObject({ code: "INCREMENTAL_COLUMN" });
    });
  });
});
