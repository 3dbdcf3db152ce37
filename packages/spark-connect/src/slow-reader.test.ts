/** A result larger than anyone wants to hold, and a reader that takes its time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SparkInterruptedError, SparkUnavailableError } from "./errors.ts";
import { connect, type SparkSession } from "./session.ts";
import { type CuttingProxy, installSparkServer, proxyTo, sparkServerName, startSparkServer } from "./testing.ts";

const missing = await installSparkServer();

const ROWS = 1_200_000;
/** Of about 190 bytes a row, 220 MB in all; Sail packs them on their way. */
const LARGE = `SELECT id, repeat(CAST(id AS STRING), 24) AS s FROM range(${ROWS})`;
/** Far above what is on its way to a reader, far below the whole result. */
const HELD_BYTES = 128e6;

describe.skipIf(missing !== undefined)(
  `a slow reader on ${sparkServerName}${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "slow-reader-"));
    let spark: Awaited<ReturnType<typeof startSparkServer>>;
    let proxy: CuttingProxy;
    let session: SparkSession;

    beforeAll(async () => {
      spark = await startSparkServer(folder);
    });
    beforeEach(async () => {
      proxy = await proxyTo(spark.port);
      session = connect(`sc://127.0.0.1:${proxy.port}`, { maxReattaches: 2 });
    });
    afterEach(async () => {
      await session.close();
      proxy.cut();
      proxy.server.close();
    });
    afterAll(async () => {
      await spark.stop();
      rmSync(folder, { recursive: true });
    });

    /** Waits until nothing more comes from the server. */
    async function atRest(): Promise<void> {
      for (let before = -1; before < proxy.carried(); ) {
        before = proxy.carried();
        await delay(500);
      }
    }

    test("holds the server back: memory stays far below the result", async () => {
      const before = process.memoryUsage().arrayBuffers;
      let [rows, most, arrived] = [0, 0, 0];
      for await (const batch of session.sql(LARGE)) {
        if (rows === 0) {
          await atRest();
          arrived = proxy.carried();
        }
        rows += batch.numRows;
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      expect(rows).toBe(ROWS);
      expect(arrived).toBeLessThan(proxy.carried() / 2);
      expect(most).toBeLessThan(HELD_BYTES);
    });

    test("whose stream drops, again and again, gets every row once", async () => {
      const seen = new Uint8Array(600_000);
      let batches = 0;
      // After 16 messages the server has been told that they may go; the others lie around it and amid what has arrived.
      const cuts = [1, 2, 15, 16, 17, 30, 48];
      for await (const batch of session.sql(`${LARGE} WHERE id < ${seen.length}`)) {
        for (const id of batch.getChild("id") ?? []) seen[Number(id)]! += 1;
        batches += 1;
        if (cuts.includes(batches)) {
          await atRest();
          proxy.cut();
        }
      }
      expect(seen.every((times) => times === 1)).toBe(true);
      expect(batches).toBeGreaterThan(30);
    });

    test("still gets what had arrived when the server went away", async () => {
      let after = 0;
      let gone = false;
      const reading = async () => {
        for await (const _ of session.sql(LARGE)) {
          if (gone) after += 1;
          else {
            await atRest();
            proxy.server.close();
            proxy.cut();
            await delay(100);
            gone = true;
          }
        }
      };
      await expect(reading()).rejects.toBeInstanceOf(SparkUnavailableError);
      expect(after).toBeGreaterThan(1);
    });

    test("who cancels amid the result gets nothing more, and one who leaves goes on with another statement", async () => {
      const controller = new AbortController();
      let batches = 0;
      const reading = async () => {
        for await (const _ of session.sql(LARGE, { signal: controller.signal })) {
          batches += 1;
          await atRest();
          controller.abort();
        }
      };
      await expect(reading()).rejects.toBeInstanceOf(SparkInterruptedError);
      expect(batches).toBe(1);
      for await (const _ of session.sql(LARGE)) break;
      let ones = 0;
      for await (const batch of session.sql("SELECT 1 AS one")) ones += batch.numRows;
      expect(ones).toBe(1);
    });
  },
);
