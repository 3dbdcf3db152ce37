/**
 * The feature store beside Feast, in one run on one machine: a point-in-time join of a million entity rows with three
 * views, and online reads of 100 entities from SQLite and Redis. Settings: docs/benchmarks.md. The last line is JSON.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openRedisOnlineStore } from "@dagwright/feature-store";
import { installRedis, startRedis } from "../../tests/servers/redis.ts";
import { median, quantile, rounded, secondsOf } from "../engine/measures.ts";
import { endAll } from "../engine/processes.ts";
import { FEAST, startFeast } from "./feast.ts";
import { fillLake, type Ours, openOurs, sameAsFeast } from "./ours.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: {
    rows: { type: "string", default: "1000000" },
    users: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    reads: { type: "string", default: "1000" },
  },
});
const count = (text: string) => {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`"${text}" is not a whole number above 0`);
};
const [rows, users] = [count(options.rows), count(options.users)];
const [rounds, reads] = [count(options.rounds), count(options.reads)];
const ENTITIES_OF_A_READ = 100;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void endAll().finally(() => process.exit(130)));
}
const missing = await installRedis();
if (missing !== undefined) throw new Error(missing);
const folder = await mkdtemp(join(tmpdir(), "bench-features-"));
const redis = await startRedis();
const skipped: { part: string; why: string }[] = [];
const load = [loadavg()[0] ?? 0];
try {
  const { lake, files } = await fillLake(folder, { rows, users });
  const { asked = "", ...tables } = files;
  const feast = await startFeast(folder, { tables, entities: asked, redis: new URL(redis.url).host });
  const onSqlite = await openOurs(join(folder, "features"), lake);
  const onRedis = await openOurs(
    join(folder, "features-redis"),
    lake,
    openRedisOnlineStore({ url: redis.url, prefix: "bench" }),
  );

  console.log(`\nPoint-in-time join of ${rows} entity rows with three views of ${rows} rows, Feast ${FEAST}`);
  const joins: Record<"ours" | "dask" | "duckdb", number[]> = { ours: [], dask: [], duckdb: [] };
  const same: Record<string, number> = {};
  await onSqlite.historical();
  for (let round = 0; round < rounds; round += 1) {
    joins.ours.push(await secondsOf(() => onSqlite.historical()));
    for (const store of ["dask", "duckdb"] as const) {
      if (skipped.some(({ part }) => part === `feast ${store}`)) continue;
      try {
        const saved = join(folder, `${store}.parquet`);
        const { seconds, rows: given } = await feast.historical(store, round === 0 ? saved : undefined);
        joins[store].push(seconds);
        if (round > 0) continue;
        const compared = await sameAsFeast(lake, saved);
        same[store] = compared.same;
        console.log(
          `  Feast's ${store} store gave ${given} rows of ${rows}; ${compared.same} have the same values as ours`,
        );
      } catch (error) {
        skipped.push({ part: `feast ${store}`, why: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  load.push(loadavg()[0] ?? 0);
  const historical = Object.fromEntries(Object.entries(joins).map(([name, times]) => [name, median(times)]));
  for (const [name, seconds] of Object.entries(historical)) console.log(`  ${name.padEnd(8)} ${seconds.toFixed(2)} s`);

  console.log(`\nOnline reads of ${ENTITIES_OF_A_READ} entities, 10 features, ${users} users, p50 / p99`);
  const online: Record<string, { p50: number; p99: number }> = {};
  const measured: readonly (readonly ["sqlite" | "redis", Ours])[] = [
    ["sqlite", onSqlite],
    ["redis", onRedis],
  ];
  for (const [name, ours] of measured) {
    const times: Record<"ours" | "feast", number[]> = { ours: [], feast: [] };
    for (let round = 0; round <= rounds; round += 1) {
      const asked = Array.from({ length: reads }, (_, read) =>
        Array.from({ length: ENTITIES_OF_A_READ }, (_, n) => (round * 7_877 + read * 104_729 + n * 7_919) % users),
      );
      const mine: number[] = [];
      let read: Awaited<ReturnType<Ours["online"]>> = [];
      for (const one of asked) {
        mine.push(
          await secondsOf(async () => {
            read = await ours.online(one);
          }),
        );
        const found = read.filter((values) => values["f0"] !== null).length;
        if (found !== one.length) throw new Error(`${found} of ${one.length} users were found in ${name}`);
      }
      const peer = await feast.online(name, asked);
      compareReads(name, asked.at(-1) ?? [], read, peer.last);
      // The first round warms up.
      if (round > 0) {
        times.ours.push(...mine);
        times.feast.push(...peer.times);
      }
    }
    console.log(`  ${name}: the values of the last reads are Feast's, to nine digits`);
    for (const side of ["ours", "feast"] as const) {
      const [p50, p99] = [quantile(times[side], 0.5) * 1_000, quantile(times[side], 0.99) * 1_000];
      online[`${name} ${side}`] = { p50: rounded(p50), p99: rounded(p99) };
      console.log(`  ${`${name}, ${side}`.padEnd(14)} ${p50.toFixed(3)} / ${p99.toFixed(3)} ms`);
    }
  }
  load.push(loadavg()[0] ?? 0);
  const p50 = (name: string) => online[name]?.p50 ?? Number.NaN;
  const ratios = {
    historicalDask: rounded((historical["dask"] ?? Number.NaN) / (historical["ours"] ?? Number.NaN), 1),
    historicalDuckdb: rounded((historical["duckdb"] ?? Number.NaN) / (historical["ours"] ?? Number.NaN), 1),
    onlineSqlite: rounded(p50("sqlite feast") / p50("sqlite ours"), 1),
    onlineRedis: rounded(p50("redis feast") / p50("redis ours"), 1),
  };
  for (const { part, why } of skipped) console.log(`\nSkipped: ${part}: ${why}`);
  await feast.end();
  for (const ours of [onSqlite, onRedis]) await ours.close();
  await lake.close();
  const seconds = Object.fromEntries(Object.entries(historical).map(([name, one]) => [name, rounded(one)]));
  console.log(
    JSON.stringify({
      bench: "features",
      rows,
      users,
      rounds,
      feast: FEAST,
      historicalSeconds: seconds,
      sameRowsAsFeast: same,
      onlineMs: online,
      feastToOurs: ratios,
      skipped,
      load,
    }),
  );
} finally {
  await endAll();
  await redis.close();
  await rm(folder, { recursive: true, force: true });
}

/** Fails unless a read gave the same users the same values on both sides. */
function compareReads(
  store: string,
  users: readonly number[],
  ours: Awaited<ReturnType<Ours["online"]>>,
  feast: Readonly<Record<string, readonly (number | null)[]>>,
): void {
  for (const [row, user] of users.entries()) {
    if (feast["user_id"]?.[row] !== user) throw new Error(`Feast answers for ${feast["user_id"]?.[row]}, not ${user}`);
    for (const [name, value] of Object.entries(ours[row] ?? {})) {
      const theirs = feast[name]?.[row];
      if (typeof value === "number" && typeof theirs === "number") {
        if (Math.abs(value - theirs) <= 1e-9 * Math.abs(value)) continue;
      } else if (value === null && theirs === null) continue;
      throw new Error(`${store}, user ${user}: ${name} is ${value} here and ${theirs} at Feast`);
    }
  }
}
