/** What every run store must do, on each kind of database there is: a SQLite file, and a real PostgreSQL. */
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineDag, task } from "@dagwright/engine";
import { openRunStore, type RunStore, type RunStorePlace, type StoredAttempt } from "@dagwright/engine/store";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { installPostgres, type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { DONE, VIEW } from "./run-store-views.ts";

const missing = await installPostgres();

const ATTEMPT: StoredAttempt = {
  runId: VIEW.runId,
  temporalRunId: "a",
  taskId: "load",
  attempt: 1,
  state: "running",
  startedAt: "2026-01-02T00:00:00.000Z",
};

/** A text that a careless database would not give back: quotes, a NUL, half a surrogate pair, more than one plane. */
const HARD = 'it\'s "quoted" \\ \u0000 \ud800 ü 🚀 \u2028';

const { graph } = defineDag({ id: "sketch" }, () => {
  task("first", { input: z.object({}), output: z.number(), run: () => 1 })({});
});

/** A kind of database: gives a new place each time. */
interface Kind {
  readonly name: string;
  readonly missing?: string | undefined;
  open(): Promise<void>;
  place(): Promise<RunStorePlace>;
  close(): Promise<void>;
}

function sqlite(): Kind {
  let folder: string;
  let places = 0;
  return {
    name: "SQLite",
    async open() {
      folder = await mkdtemp(join(tmpdir(), "run-store-"));
    },
    place: async () => ({ file: join(folder, `deep-${places++}`, "runs.db") }),
    close: () => rm(folder, { recursive: true }),
  };
}

let server: PostgresServer;
beforeAll(async () => {
  if (missing === undefined) server = await startPostgres();
});
afterAll(() => server?.close());

function postgres(): Kind {
  let places = 0;
  return {
    name: "PostgreSQL",
    missing,
    open: async () => {},
    place: async () => ({ url: await server.database(`store${places++}`) }),
    close: async () => {},
  };
}

describe.each([sqlite(), postgres()])("a run store in $name", (kind) => {
  if (kind.missing !== undefined) {
    it.skip(kind.missing, () => {});
    return;
  }
  let place: RunStorePlace;
  let store: RunStore;
  beforeAll(() => kind.open());
  afterAll(() => kind.close());
  beforeEach(async () => {
    place = await kind.place();
    store = await openRunStore(place);
  });
  afterEach(() => store.close());

  it("keeps the latest view of a run, and survives being closed", async () => {
    await store.saveRun({ view: VIEW, temporalRunId: "a" });
    await store.saveRun({ view: DONE, temporalRunId: "a" });
    await store.close();
    await store.close();
    store = await openRunStore(place);
    expect(await store.getRun(VIEW.runId)).toEqual({ view: DONE, temporalRunId: "a" });
    expect(await store.getRun("daily/other")).toBeNull();
  });

  it("a late repetition of the start does not undo the end, but a new execution of the same run does", async () => {
    await store.saveRun({ view: DONE, temporalRunId: "a" });
    await store.saveRun({ view: VIEW, temporalRunId: "a" });
    expect((await store.getRun(VIEW.runId))?.view.state).toBe("success");
    await store.saveRun({ view: VIEW, temporalRunId: "b" });
    expect((await store.getRun(VIEW.runId))?.view.state).toBe("success");
    const again = { ...VIEW, startedAt: "2026-01-03T00:00:00.000Z" };
    await store.saveRun({ view: again, temporalRunId: "b" });
    expect(await store.getRun(VIEW.runId)).toEqual({ view: again, temporalRunId: "b" });
  });

  it("gives the newest end of a run, in whatever order and however often its records come", async () => {
    const records = [1, 2].flatMap((nth) => {
      const startedAt = `2026-01-0${nth + 1}T00:00:00.000Z`;
      const ended = { state: "failed", startedAt, endedAt: `2026-01-0${nth + 1}T00:01:00.000Z` } as const;
      return [
        { view: { ...VIEW, startedAt }, temporalRunId: `execution ${nth}` },
        { view: { ...VIEW, ...ended, output: nth }, temporalRunId: `execution ${nth}` },
      ];
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...records, ...records], { minLength: 8 }),
        fc.boolean(),
        async (order, together) => {
          const runId = `daily/${runs++}`;
          const saved = order.map((one) => ({ ...one, view: { ...one.view, runId } }));
          if (together) await Promise.all(saved.map((one) => store.saveRun(one)));
          else for (const one of saved) await store.saveRun(one);
          expect(await store.getRun(runId)).toMatchObject({ view: { output: 2 }, temporalRunId: "execution 2" });
        },
      ),
      { numRuns: 40 },
    );
  });

  it("takes twenty writers of one run at once", async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => openRunStore(place)));
    const views = Array.from({ length: 20 }, (_, nth) => (nth === 7 ? DONE : { ...VIEW, output: nth }));
    await Promise.all(
      views.map((view, nth) => (stores[nth % stores.length] ?? store).saveRun({ view, temporalRunId: "a" })),
    );
    expect(await store.getRun(VIEW.runId)).toEqual({ view: DONE, temporalRunId: "a" });
    expect(await store.listRuns()).toHaveLength(1);
    await Promise.all(stores.map((one) => one.close()));
  });

  it("removes what is old, with its attempts and cached outputs, and nothing that is newer", async () => {
    const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
    const save = (runId: string, day: number, state: "success" | "running", dagId = "daily") => {
      const ended = state === "running" ? {} : { endedAt: at(day) };
      return store.saveRun({
        view: { ...VIEW, runId, dagId, state, startedAt: at(day), ...ended },
        temporalRunId: "a",
      });
    };
    await save("daily/B", 1, "success");
    await save("daily/a", 2, "running");
    await save("daily/c", 3, "success");
    await save("weekly/1", 2, "success", "weekly");
    await store.saveAttempts([1, 2].map((attempt) => ({ ...ATTEMPT, runId: "daily/B", attempt })));
    await store.saveAttempt({ ...ATTEMPT, runId: "daily/c" });
    for (const runId of ["daily/B", "daily/c"])
      await store.putCachedOutput({ key: runId, output: { of: runId, hard: HARD }, runId, at: at(1) });
    const old = async (some: { dagId?: string; after?: string; limit?: number } = {}) =>
      (await store.listOldRuns({ before: at(3), limit: 9, ...some })).map(({ runId }) => runId);
    expect(await old()).toEqual(["daily/B", "daily/a", "weekly/1"]);
    expect(await old({ dagId: "daily", limit: 1 })).toEqual(["daily/B"]);
    expect(await old({ after: "daily/B" })).toEqual(["daily/a", "weekly/1"]);
    const nothing = { runs: 0, attempts: 0, cachedOutputs: 0 };
    expect(await store.removeRun({ runId: "daily/B", temporalRunId: "another" })).toEqual(nothing);
    expect(await store.removeRun({ runId: "daily/B", temporalRunId: "a" })).toEqual({
      ...{ runs: 1, attempts: 2, cachedOutputs: 1 },
    });
    expect(await store.removeRun({ runId: "daily/B", temporalRunId: "a" })).toEqual(nothing);
    expect(await old()).toEqual(["daily/a", "weekly/1"]);
    expect([await store.listAttempts("daily/B"), await store.getCachedOutput("daily/B")]).toEqual([[], null]);
    expect(await store.listAttempts("daily/c")).toHaveLength(1);
    const kept: unknown[] = [];
    for await (const text of store.valueTexts()) kept.push(JSON.parse(text));
    const named = (what: unknown) => expect.objectContaining({ runId: what });
    expect(kept).toEqual([
      ...["daily/a", "daily/c", "weekly/1"].map(named),
      ...[expect.objectContaining({ of: "daily/c", hard: expect.any(String) })],
    ]);
  });

  it("gives the text of every value, of more than are read at once", async () => {
    for (let nth = 0; nth < 120; nth += 1)
      await store.saveRun({ view: { ...DONE, runId: `daily/${nth}`, output: `output ${nth}` }, temporalRunId: "a" });
    const found = new Set<string>();
    for await (const text of store.valueTexts()) for (const [one] of text.matchAll(/output \d+/g)) found.add(one);
    expect(found.size).toBe(120);
  });

  it("lists the newest first, by DAG and state, without what may be large", async () => {
    for (const [id, startedAt] of [
      ["daily/1", "2026-01-01T00:00:00.000Z"],
      ["daily/3", "2026-01-03T00:00:00.000Z"],
      ["daily/2", "2026-01-02T00:00:00.000Z"],
      // The same moment: by id, byte by byte and not as English orders letters.
      ["daily/a", "2026-01-02T00:00:00.000Z"],
      ["daily/B", "2026-01-02T00:00:00.000Z"],
    ] as const) {
      await store.saveRun({ view: { ...VIEW, runId: id, startedAt }, temporalRunId: "a" });
    }
    const { startedAt: _, ...unstarted } = VIEW;
    await store.saveRun({ view: { ...unstarted, runId: "daily/never", state: "queued" }, temporalRunId: "a" });
    await store.saveRun({
      view: { ...DONE, runId: "weekly/1", dagId: "weekly", startedAt: "2026-01-01T12:00:00.000Z" },
      temporalRunId: "b",
    });
    const ids = async (filter: Parameters<RunStore["listRuns"]>[0]) =>
      (await store.listRuns(filter)).map(({ runId }) => runId);
    expect(await ids({ dagId: "daily" })).toEqual([
      ...["daily/3", "daily/2", "daily/B", "daily/a"],
      ...["daily/1", "daily/never"],
    ]);
    expect(await ids({ dagId: "daily", state: "success" })).toEqual([]);
    expect(await ids({ limit: 1 })).toEqual(["daily/3"]);
    expect(await store.listRuns({ state: "success" })).toEqual([
      {
        runId: "weekly/1",
        dagId: "weekly",
        dagVersion: VIEW.dagVersion,
        logicalDate: VIEW.logicalDate,
        state: "success",
        trigger: "manual",
        startedAt: "2026-01-01T12:00:00.000Z",
        endedAt: DONE.endedAt,
        temporalRunId: "b",
      },
    ]);
  });

  it("keeps attempts, the one that took a lost one's place instead of it", async () => {
    const error = { code: "BROKEN", message: HARD, retryable: true };
    const ended = {
      ...ATTEMPT,
      state: "failed",
      endedAt: "2026-01-02T00:00:01.000Z",
      error,
      logFile: "1.jsonl",
    } as const;
    const kept = async (...attempts: StoredAttempt[]) => {
      for (const one of attempts) await store.saveAttempt(one);
      return await store.listAttempts(VIEW.runId);
    };
    expect(await kept(ATTEMPT, ended, ended)).toEqual([ended]);
    expect(await kept(ATTEMPT)).toEqual([ended]);
    const later = { ...ATTEMPT, startedAt: "2026-01-02T00:05:00.000Z" };
    expect(await kept(later, ended)).toEqual([later]);
    const before = { ...ended, taskId: "extract", startedAt: "2026-01-01T00:00:00.000Z" };
    const cleared = { ...ended, temporalRunId: "b", startedAt: "2026-01-05T00:00:00.000Z" };
    expect(await kept(cleared, before)).toEqual([before, later, cleared]);
    expect(await store.listAttempts("daily/other")).toEqual([]);
  });

  it("keeps each version of a DAG", async () => {
    await Promise.all([store.saveDag(graph), store.saveDag(graph)]);
    expect(await store.getDag("sketch", graph.version)).toEqual(graph);
    expect(await store.getDag("sketch", "none")).toBeNull();
  });

  it("keeps outputs by what they were made from, the newest of each", async () => {
    const cached = { key: "k", output: { text: HARD }, runId: "daily/1", at: "2026-01-02T00:00:00.000Z" };
    expect(await store.getCachedOutput("k")).toBeNull();
    await store.putCachedOutput(cached);
    await store.putCachedOutput({ ...cached, output: "older", at: "2026-01-01T00:00:00.000Z" });
    expect(await store.getCachedOutput("k")).toEqual(cached);
    const newer = { ...cached, output: null, runId: "daily/2", at: "2026-01-03T00:00:00.000Z" };
    await store.putCachedOutput(newer);
    expect(await store.getCachedOutput("k")).toEqual(newer);
  });

  it("gives back any text as it came", async () => {
    const view = { ...VIEW, params: { [HARD]: HARD }, output: HARD };
    await store.saveRun({ view, temporalRunId: "a" });
    expect((await store.getRun(VIEW.runId))?.view).toEqual(view);
  });

  it("keeps a run of over 100 MB, and lists it without reading it", async () => {
    const output = "abcdefghij".repeat(10_500_000);
    await store.saveRun({ view: { ...DONE, output }, temporalRunId: "a" });
    expect(await store.listRuns()).toHaveLength(1);
    const found = (await store.getRun(VIEW.runId))?.view.output;
    // Not by `toBe`: what differs would be printed.
    expect(found === output).toBe(true);
  }, 60_000);

  it("is made once by several processes that open it at the same moment", async () => {
    const fresh = await kind.place();
    const program = fileURLToPath(new URL("run-store-writer.ts", import.meta.url));
    const codes = [0, 1].map(
      (nth) =>
        new Promise<number | null>((resolve) => {
          const writer = fork(program, [JSON.stringify(fresh), JSON.stringify(VIEW), `process-${nth}`], {
            execArgv: ["--conditions=source", "--import", "tsx"],
            stdio: ["ignore", "inherit", "inherit", "ipc"],
          });
          writer.once("exit", resolve);
        }),
    );
    expect(await Promise.all(codes)).toEqual([0, 0]);
    const made = await openRunStore(fresh);
    expect((await made.listRuns()).map(({ runId }) => runId)).toEqual(
      [0, 1].flatMap((nth) => [0, 1, 2, 3].map((store) => `process-${nth}/${store}`)),
    );
    await made.close();
  }, 60_000);
});
