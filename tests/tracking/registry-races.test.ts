/**
 * Processes that change one model at once: whatever they promote, archive, alias, register and delete, the registry is as
 * if they had done so one after another, and each was answered so.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MODEL_STAGES, openTracking, type Tracking } from "@dagwright/tracking";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPostgres, type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { type Answer, type Change, EMPTY, outcomes, type Registry, seen } from "./registry-model.ts";

/** Rounds for each database; `RACES=2000` for more. */
const ROUNDS = Number(process.env["RACES"] ?? 100);
const PROCESSES = 2;
const CLIENT = fileURLToPath(new URL("./fixtures/registry-client.ts", import.meta.url));
/** So many rounds change one model: then most of its versions are gone. */
const ROUNDS_OF_MODEL = 5;

/** Another process that uses the same registry. */
class Contender {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(place: readonly string[]) {
    this.#process = spawn(process.execPath, ["--conditions=source", "--import", "tsx", CLIENT, ...place], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    if (typeof value !== "string") throw new Error("the other process has ended");
    return value;
  }

  async change(name: string, changes: readonly Change[]): Promise<Answer[]> {
    this.#process.stdin!.write(`${JSON.stringify({ name, changes })}\n`);
    return JSON.parse(await this.line());
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}

const Version = fc.integer({ min: 1, max: 5 });
const Alias = fc.constantFrom("champion", "challenger");

/** Mostly what people do: promote. */
const Stage = fc.oneof(fc.constant("production" as const), fc.constantFrom(...MODEL_STAGES));
const OneChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("move" as const),
      version: Version,
      stage: Stage,
      archiveExisting: fc.constant(true),
      aliases: fc.subarray(["champion"]),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("alias" as const), version: Version, alias: Alias }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), version: Version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("register" as const), key: fc.constantFrom("e", "f", "g") }) },
);
const Round = fc.array(fc.array(OneChange, { minLength: 1, maxLength: 3 }), {
  minLength: PROCESSES,
  maxLength: PROCESSES,
});

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** @param place arguments of the other processes: the folder, and the database where it is another */
function races(open: () => Promise<Tracking>, place: () => readonly string[]): void {
  it(`${ROUNDS} rounds of ${PROCESSES} processes end as if one had waited for the other`, async () => {
    const tracking = await open();
    const first = ["a", "b", "c", "d"].map((key): Change => ({ kind: "register", key }));
    // Orders that look alike may differ in what is not seen (who archived whom): all of them go on.
    let possible: Registry[] = [];
    const contenders = Array.from({ length: PROCESSES }, () => new Contender(place()));
    try {
      for (const one of contenders) expect(await one.line()).toBe("ready");
      for (const [at, asked] of fc.sample(Round, ROUNDS).entries()) {
        const name = `raced-${Math.floor(at / ROUNDS_OF_MODEL)}`;
        if (at % ROUNDS_OF_MODEL === 0) {
          await contenders[0]?.change(name, first);
          possible = [...outcomes(EMPTY, [first])].map(([after]) => after);
        }
        const answers = await Promise.all(contenders.map((one, who) => one.change(name, asked[who] ?? [])));
        const versions = await tracking.listModelVersions(name);
        const state = versions.map(({ version, stage, aliases }) => [version, stage, aliases]);
        const story = JSON.stringify({ before: possible.map(seen), asked, answers, after: state });
        const explained = possible
          .flatMap((registry) => [...outcomes(registry, asked)])
          .filter(([after, said]) => same(seen(after), state) && same(said, answers))
          .map(([after]) => after);
        if (explained.length === 0) throw new Error(`no order explains it: ${story}`);
        possible = [...new Map(explained.map((after) => [JSON.stringify([...after.versions]), after])).values()];
        const production = versions.filter(({ stage }) => stage === "production");
        expect(production.length, story).toBeLessThanOrEqual(1);
      }
    } finally {
      for (const one of contenders) one.end();
      await tracking.close();
    }
  }, 600_000);
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "registry-races-"));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe("in SQLite", () => {
  races(
    () => openTracking({ root }),
    () => [root],
  );
});

const missing = await installPostgres();
describe.skipIf(missing !== undefined)(`in PostgreSQL${missing === undefined ? "" : ` (${missing})`}`, () => {
  let postgres: PostgresServer;
  let databaseUrl: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    databaseUrl = await postgres.database("races");
  }, 60_000);
  afterAll(async () => {
    await postgres.close();
  });
  races(
    () => openTracking({ root, databaseUrl }),
    () => [root, databaseUrl],
  );
});
