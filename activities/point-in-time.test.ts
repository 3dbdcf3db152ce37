import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lake, openLake } from "@dagwright/lake";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CUSTOMER_FEATURES_SQL } from "./features.ts";
import { LABELS_SQL } from "./train.ts";

interface Purchase {
  readonly customer: number;
  /** Days since 1997-01-01. */
  readonly day: number;
  readonly cds: number;
  readonly dollars: number;
}

const DAY = 86_400_000;
const dateOf = (day: number) => new Date(Date.UTC(1997, 0, 1) + day * DAY).toISOString().slice(0, 10);
const purchase = fc.record({
  customer: fc.integer({ min: 1, max: 5 }),
  day: fc.integer({ min: 0, max: 120 }),
  cds: fc.integer({ min: 1, max: 9 }),
  dollars: fc.integer({ min: 0, max: 9000 }).map((cents) => cents / 100),
});

describe("what a training row knows", () => {
  let folder: string;
  let lake: Lake;
  let writes = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "point-in-time-"));
    lake = await openLake({ root: folder, sourceRoots: [] });
  });
  afterEach(async () => {
    await lake.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function tableOf(purchases: readonly Purchase[]) {
    const rows = purchases.map(
      ({ customer, day, cds, dollars }) =>
        `(${customer}::BIGINT, DATE '${dateOf(day)}', ${cds}::INT, ${dollars}::DOUBLE)`,
    );
    writes += 1;
    return await lake.write({
      table: "purchases",
      sql: `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(customer_id, date, number_of_cds, dollar_value)`,
      dialect: "duckdb",
      views: {},
      mode: "overwrite",
      txn: { appId: "test", version: writes },
    });
  }

  async function featuresAt(purchases: readonly Purchase[], day: number) {
    const { version } = await tableOf(purchases);
    const { rows } = await lake.query(`SELECT * FROM (${CUSTOMER_FEATURES_SQL}) AS f ORDER BY customer_id`, {
      views: { purchases: { table: "purchases", version } },
      params: { as_of: dateOf(day) },
    });
    return rows;
  }

  it("no purchase on or after the cut reaches a feature", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(purchase, { minLength: 1, maxLength: 20 }),
        fc.array(purchase, { maxLength: 20 }),
        fc.integer({ min: 1, max: 100 }),
        async (past, other, cut) => {
          const before = past.filter(({ day }) => day < cut);
          fc.pre(before.length > 0);
          const after = other.map((one) => ({ ...one, day: cut + (one.day % 30) }));
          expect(await featuresAt([...before, ...after], cut)).toEqual(await featuresAt(before, cut));
        },
      ),
      { numRuns: 15 },
    );
  });

  it("the features equal what a loop over the purchases gives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(purchase, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 121 }),
        async (purchases, cut) => {
          const before = purchases.filter(({ day }) => day < cut);
          const customers = [...new Set(before.map(({ customer }) => customer))].sort((a, b) => a - b);
          const rows = await featuresAt(purchases, cut);
          expect(rows.map((row) => row["customer_id"])).toEqual(customers);
          for (const row of rows) {
            const own = before.filter(({ customer }) => customer === row["customer_id"]);
            const days = own.map(({ day }) => day);
            const spent = own.reduce((sum, { dollars }) => sum + dollars, 0);
            const tenure = cut - Math.min(...days);
            expect(row["total_purchases"]).toBe(own.length);
            expect(row["total_spent"]).toBeCloseTo(spent, 6);
            expect(row["avg_purchase_value"]).toBeCloseTo(spent / own.length, 6);
            expect(row["days_since_last_purchase"]).toBe(cut - Math.max(...days));
            expect(row["tenure_days"]).toBe(tenure);
            expect(row["purchase_frequency"]).toBeCloseTo((own.length * 30) / Math.max(tenure, 1), 6);
            expect(row["cds_per_purchase"]).toBeCloseTo(own.reduce((sum, { cds }) => sum + cds, 0) / own.length, 6);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it("the label looks from the cut on and stops before the end", async () => {
    const cut = 60;
    const at = (customer: number, day: number): Purchase => ({ customer, day, cds: 1, dollars: 1 });
    const { version } = await tableOf([
      at(1, 10),
      at(1, 60),
      at(2, 10),
      at(2, 59),
      at(3, 10),
      at(3, 89),
      at(4, 10),
      at(4, 90),
      at(5, 60),
    ]);
    const { rows } = await lake.query(`SELECT customer_id, label FROM (${LABELS_SQL}) AS l ORDER BY customer_id`, {
      views: { purchases: { table: "purchases", version } },
      params: { cut: dateOf(cut), until: dateOf(90) },
    });
    expect(rows.map((row) => [row["customer_id"], row["label"]])).toEqual([
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 0],
    ]);
  });
});
