/**
 * Two writers at once, one of them killed at random moments: no acknowledged row is lost, none is there twice, and the
 * table stays readable to others. `LAKE_KILLS=100` (`npm run test:lake-crash`) kills more often, `LAKE_SEED` repeats.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openLake } from "@dagwright/lake";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installDeltalake, readByDeltalake } from "../servers/deltalake.ts";
import { installVersitygw, type S3Server, startVersitygw } from "../servers/versitygw.ts";

const KILLS = Number(process.env["LAKE_KILLS"] ?? 3);
const SEED = Number(process.env["LAKE_SEED"] ?? 1);
const noDeltalake = await installDeltalake();
const noS3 = await installVersitygw();
const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "lake-crash-")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Place {
  readonly root: string;
  readonly s3?: S3Server["s3"];
  readonly env: NodeJS.ProcessEnv;
  readonly storage: Readonly<Record<string, string>>;
}

/** One writer with all that was acknowledged to it, over all of its processes. */
class Writer {
  readonly #place: Place;
  readonly #id: number;
  #process: ChildProcess | undefined;
  #gone = Promise.resolve();
  #stderr = "";
  acknowledged = -1;
  onStep: () => void = () => {};

  constructor(place: Place, id: number) {
    this.#place = place;
    this.#id = id;
  }

  start(): void {
    const { root, s3, env } = this.#place;
    const reach = s3 && { endpoint: s3.endpoint, region: s3.region };
    const task = { root, s3: reach, scratch: join(folder, "scratch"), writer: this.#id, from: this.acknowledged + 1 };
    const args = ["--conditions=source", "--import", "tsx", WRITER, JSON.stringify(task)];
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    this.#gone = new Promise((resolve) => child.once("close", () => resolve()));
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.acknowledged = Math.max(this.acknowledged, Number(line));
        this.onStep();
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
  }

  /** Waits for so many steps more, then for a moment. */
  async progress(steps: number, ms: number): Promise<void> {
    const until = this.acknowledged + steps;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.onStep = () => this.acknowledged >= until && resolve();
        this.onStep();
      }),
      this.#gone.then(() => {
        throw new Error(`The writer ended by itself: ${this.#stderr}`);
      }),
    ]);
    await delay(ms);
  }

  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#gone;
  }
}

async function killAtRandom(place: Place): Promise<void> {
  const next = random(SEED);
  const [victim, other] = [new Writer(place, 1), new Writer(place, 2)];
  try {
    other.start();
    for (let i = 0; i < KILLS; i++) {
      victim.start();
      // From within its first step on; a step takes some tens of milliseconds.
      await victim.progress(i % 3 === 0 ? 1 : Math.floor(next() * 3), next() * 120);
      await victim.kill();
      if (i % 10 === 0)
        await readByDeltalake(`${place.root}/t`, { storage: place.storage }).catch(ignoreNoTable(victim, other));
    }
    // What was in doubt at the last kill is settled by the same step taken again.
    victim.start();
    await victim.progress(1, 0);
    await other.progress(1, 0);
  } finally {
    await victim.kill();
    await other.kill();
  }
  const theirs = await readByDeltalake(`${place.root}/t`, { storage: place.storage });
  for (const writer of [1, 2]) {
    const { acknowledged } = writer === 1 ? victim : other;
    const found = theirs.rows
      .filter((row) => row["writer"] === writer)
      .map((row) => Number(row["n"]))
      .sort((a, b) => a - b);
    // The last step may have been written and not acknowledged.
    const steps = Math.max(acknowledged, ...found.map((n) => Math.floor(n / 10)));
    expect(steps - acknowledged).toBeLessThanOrEqual(1);
    const expected = Array.from({ length: steps + 1 }, (_, step) => [0, 1, 2, 3].map((r) => step * 10 + r)).flat();
    expect(found).toEqual(expected);
  }
  const lake = await openLake({ root: place.root, s3: place.s3, scratch: join(folder, "scratch"), sourceRoots: [] });
  try {
    expect((await lake.snapshot({ table: "t" })).rowCount).toBe(theirs.rows.length);
    const vacuumed = await lake.vacuum({ table: "t", retentionHours: 0, allowShortRetention: true });
    expect(vacuumed.dryRun).toBe(false);
    expect((await readByDeltalake(`${place.root}/t`, { storage: place.storage })).rows).toEqual(theirs.rows);
  } finally {
    await lake.close();
  }
}

/** Before the first commit there is no table to read. */
function ignoreNoTable(...writers: readonly Writer[]) {
  return (error: unknown) => {
    if (writers.some((w) => w.acknowledged >= 0)) throw error;
  };
}

const title = (missing: string | undefined) => (missing === undefined ? "" : ` (skipped: ${missing})`);

describe(`a writer killed ${KILLS} times (seed ${SEED})`, () => {
  it.skipIf(noDeltalake !== undefined)(
    `on files${title(noDeltalake)}`,
    () => killAtRandom({ root: join(folder, "lake"), env: {}, storage: {} }),
    120_000 + KILLS * 15_000,
  );

  it.skipIf((noDeltalake ?? noS3) !== undefined)(
    `on S3${title(noDeltalake ?? noS3)}`,
    async () => {
      const server = await startVersitygw();
      try {
        await server.bucket("lakes");
        const storage = { ...server.env, AWS_ALLOW_HTTP: "true" };
        await killAtRandom({ root: "s3://lakes/crash", s3: server.s3, env: server.env, storage });
      } finally {
        await server.close();
      }
    },
    120_000 + KILLS * 15_000,
  );
});
