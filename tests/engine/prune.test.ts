/** Old runs are forgotten everywhere, and with them the large values that nothing else needs. */
import { readdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { approval, defineDag, task } from "@dagwright/engine";
import { PruneTooRecentError, RunNotFoundError } from "@dagwright/engine/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { type Embedded, startEmbedded } from "./embedded.ts";

const DAYS_AGO = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

const makeText = task("make_text", {
  input: z.object({ letter: z.string() }),
  output: z.object({ text: z.string() }),
  cache: { ttl: "90d" },
  run: ({ letter }) => ({ text: letter.repeat(400_000) }),
});
const lengthOf = task("length_of", {
  input: z.object({ text: z.string() }),
  output: z.string(),
  run: ({ text }) => `${text.length} ${text.slice(0, 1)}`,
});
const texts = defineDag({ id: "texts", params: z.object({ letter: z.string(), wait: z.boolean() }) }, ({ params }) => {
  const made = makeText({ letter: params.letter });
  const go = approval("go", { when: params.wait });
  return lengthOf({ text: made.text }, { after: [go], triggerRule: "none_failed" });
});

let embedded: Embedded;
beforeAll(async () => {
  embedded = await startEmbedded("prune");
  await embedded.worker([texts]);
});
afterAll(() => embedded.close());

it("an old run goes with what only it needs; what goes on, and what is newer, keeps its values", async () => {
  const { engine, store, home } = embedded;
  const start = (runId: string, letter: string, wait = false) =>
    engine.startRun({ dagId: "texts", runId, params: { letter, wait } });
  for (const [runId, letter] of [
    ["texts/old", "a"],
    ["texts/old-shared", "b"],
    ["texts/new", "b"],
    ["texts/old-again", "c"],
  ] as const) {
    await start(runId, letter);
    expect(await engine.waitForRun(runId)).toMatchObject({ state: "success", output: `400000 ${letter}` });
  }
  for (const [runId, letter] of [
    ["texts/waiting", "d"],
    ["texts/waiting-on-cached", "a"],
  ] as const) {
    await start(runId, letter, true);
    await expect
      .poll(async () => (await engine.getRun(runId)).tasks["go"]?.state, { timeout: 20_000 })
      .toBe("deferred");
  }
  // Three of them ended long ago, as far as the store knows; all objects are as old.
  for (const runId of ["texts/old", "texts/old-shared", "texts/old-again"]) {
    const stored = await store.getRun(runId);
    if (stored === null) throw new Error(`${runId} is not kept`);
    await store.saveRun({ ...stored, view: { ...stored.view, startedAt: DAYS_AGO(41), endedAt: DAYS_AGO(40) } });
  }
  const folder = join(home, "objects");
  const objects = async () => (await readdir(folder, { recursive: true })).filter((name) => name.length > 60);
  const old = new Date(DAYS_AGO(40));
  for (const name of await objects()) await utimes(join(folder, name), old, old);
  const before = (await objects()).length;
  expect(before).toBeGreaterThanOrEqual(4);

  await expect(engine.pruneRuns({ before: DAYS_AGO(0.5) })).rejects.toThrow(PruneTooRecentError);
  await expect(engine.pruneRuns({ before: "yesterday" })).rejects.toThrow(/before is "yesterday"/);
  const wouldBe = await engine.pruneRuns({ before: DAYS_AGO(30), dryRun: true });
  expect(wouldBe.runIds).toEqual(["texts/old", "texts/old-again", "texts/old-shared"]);
  expect(await engine.getRun("texts/old")).toMatchObject({ state: "success" });
  expect((await engine.pruneRuns({ before: DAYS_AGO(30), dagId: "other" })).runIds).toEqual([]);

  // One of the old ones has been started again, from what it had made.
  await engine.clearRun("texts/old-again", { tasks: ["go"], params: { letter: "c", wait: true } });
  const started = async () => (await engine.getRun("texts/old-again")).tasks["go"]?.state;
  await expect.poll(started, { timeout: 20_000 }).toBe("deferred");
  const pruned = await engine.pruneRuns({ before: DAYS_AGO(30) });
  expect(pruned).toMatchObject({ runIds: ["texts/old", "texts/old-shared"], cachedOutputs: 2 });
  expect(pruned.attempts).toBeGreaterThanOrEqual(4);
  // What goes on ends as if nothing had been: also with values that an old run has made.
  for (const [runId, letter] of [
    ["texts/waiting", "d"],
    ["texts/waiting-on-cached", "a"],
    ["texts/old-again", "c"],
  ] as const) {
    await engine.answerApproval(runId, { task: "go", approved: true, by: "tester" });
    expect(await engine.waitForRun(runId)).toMatchObject({ state: "success", output: `400000 ${letter}` });
  }
  const whole = await engine.withOutputs(await engine.getRun("texts/new"));
  expect(whole.tasks["make_text"]?.output).toEqual({ text: "b".repeat(400_000) });
  expect(await engine.pruneRuns({ before: DAYS_AGO(30) })).toMatchObject({ runIds: [], objects: 0 });
  // The server deletes once it has gone through what the run's end has left it to do: half a minute later.
  const codeOf = (runId: string) =>
    engine.getRun(runId).then(
      () => null,
      (error: unknown) => error,
    );
  for (const runId of pruned.runIds)
    await expect.poll(() => codeOf(runId), { timeout: 90_000 }).toBeInstanceOf(RunNotFoundError);
}, 180_000);

it("a large value that nothing refers to goes when it is old, and stays when it was put again", async () => {
  const { engine, store, home } = embedded;
  const folder = join(home, "objects");
  const run = async (runId: string) => {
    await engine.startRun({ dagId: "texts", runId, params: { letter: "e", wait: false } });
    return await engine.waitForRun(runId);
  };
  const known = new Set(await readdir(folder, { recursive: true }));
  await run("texts/short-lived");
  const made = (await readdir(folder, { recursive: true })).filter((name) => !known.has(name) && name.length > 60);
  expect(made.length).toBeGreaterThan(0);
  const old = new Date(DAYS_AGO(40));
  for (const name of made) await utimes(join(folder, name), old, old);
  const stored = await store.getRun("texts/short-lived");
  if (stored === null) throw new Error("The run is not kept");
  await store.saveRun({ ...stored, view: { ...stored.view, startedAt: DAYS_AGO(41), endedAt: DAYS_AGO(40) } });
  const swept = await engine.pruneRuns({ before: DAYS_AGO(30) });
  expect(swept).toMatchObject({ runIds: ["texts/short-lived"], objects: made.length });
  expect(swept.bytes).toBeGreaterThan(400_000);
  expect(await run("texts/again")).toMatchObject({ state: "success", output: "400000 e" });
  for (const name of made) expect((await stat(join(folder, name))).mtimeMs).toBeGreaterThan(old.getTime());
}, 60_000);
