import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openFeatureStore, openRedisOnlineStore } from "@dagwright/feature-store";
import { type Lake, openLake } from "@dagwright/lake";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installRedis, type RedisServer, startRedis } from "../servers/redis.ts";
import { HOURS, hour, USERS, user, visits } from "./visits.ts";

/** More with `FEATURES_KILLS=100`. */
const KILLS = Number(process.env["FEATURES_KILLS"] ?? 3);

const noRedis = await installRedis();
const script = fileURLToPath(new URL("materializer.ts", import.meta.url));

let root: string;
let lake: Lake;
let redis: RedisServer | undefined;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "materialize-crash-"));
  lake = await openLake({ root: join(root, "lake"), sourceRoots: [], threads: 1 });
  const sql = `SELECT u AS user_id, TIMESTAMPTZ '${hour(0)}' + to_hours(h) AS since, CAST(h AS INTEGER) AS "at"
    FROM range(${USERS}) AS a(u), range(${HOURS}) AS b(h)`;
  await lake.write({
    table: "visits",
    sql,
    dialect: "duckdb",
    views: {},
    mode: "append",
    txn: { appId: "t", version: 1 },
  });
  if (noRedis === undefined) redis = await startRedis();
});
afterAll(async () => {
  await redis?.close();
  await lake.close();
  rmSync(root, { recursive: true });
});

/** Materialises in another process, which is killed so long after it begins its n-th hour; gives the last hour it said was done. */
async function materialize(args: readonly string[], kill?: { readonly nth: number; readonly afterMs: number }) {
  const command = ["--conditions=source", "--import", "tsx", script, join(root, "lake"), ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let done = -1;
  let begun = 0;
  for await (const line of createInterface(child.stdout)) {
    const [what, at] = line.split(" ");
    if (what === "done") done = Number(at);
    else if (kill !== undefined && begun++ === kill.nth) void delay(kill.afterMs).then(() => child.kill("SIGKILL"));
  }
  await exited;
  return done;
}

test.each([
  ["SQLite", undefined],
  ["Redis", noRedis],
] as const)(
  `materialising into %s, killed ${KILLS} times at random points: nothing older wins, nothing is lost`,
  async (kind, missing) => {
    if (missing !== undefined) return;
    const folder = join(root, kind);
    const url = kind === "Redis" ? redis?.url : undefined;
    const store = await openFeatureStore({
      ...{ root: folder, lake, entities: [user], views: [visits] },
      ...(url !== undefined && { online: openRedisOnlineStore({ url, prefix: "crash", timeoutMs: 20_000 }) }),
    });
    const entityRows = Array.from({ length: USERS }, (_, user_id) => ({ user_id }));
    const read = async () => {
      const features = ["visits:at"] as const;
      const { results } = await store.getOnlineFeatures({ features, entityRows, beforeMaterialization: "not_found" });
      return results.map(({ values }) => values.at ?? -1);
    };
    let before = await read();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const point = { nth: Math.floor(Math.random() * 4), afterMs: Math.random() * 150 };
      const done = await materialize([folder, ...(url === undefined ? [] : [url])], point);
      // Someone who brings in old hours at the same time does no harm.
      await store.materialize({ views: ["visits"], start: hour(0), until: hour(1) });
      const now = await read();
      const wrong = now.filter((at, index) => at < done || at < (before[index] ?? -1));
      expect([point, done, wrong]).toEqual([point, done, []]);
      const [listed] = await store.listViews();
      const until = listed?.materializedUntil ?? hour(-1);
      // The registry never says more than is there.
      expect(now.filter((at) => hour(at) < until)).toEqual([]);
      before = now;
    }
    expect(await materialize([folder, ...(url === undefined ? [] : [url])])).toBe(HOURS - 1);
    expect(new Set(await read())).toEqual(new Set([HOURS - 1]));
    expect(await store.listViews()).toMatchObject([{ materializedUntil: hour(HOURS - 1) }]);
    const again = { views: ["visits"], until: hour(HOURS) };
    expect(await store.materialize(again)).toMatchObject([{ rows: 0, entities: USERS }]);
    await store.close();
  },
  120_000,
);
