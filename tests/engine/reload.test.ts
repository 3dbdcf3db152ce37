/** DAG files that change under a worker on a real Temporal server. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DagReload, type WatchedDags, watchDagFiles } from "@dagwright/engine/loader";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Embedded, startEmbedded } from "./embedded.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-reload-"));
const file = join(folder, "greeting.ts");
const gate = join(folder, "gate.txt");
const reloads: DagReload[] = [];
let embedded: Embedded;
let watched: WatchedDags;

/** Two tasks in a row (the first waits for a file), and `more` that the graph gets in a later version. */
const greeting = (word: string, more = "") => `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineDag, task } from "@dagwright/engine";
import { z } from "zod";
const Text = z.object({ text: z.string() });
const opened = task("opened", {
  input: z.object({ gate: z.string() }), output: Text, heartbeat: "10s",
  run: async ({ gate }) => { while (gate !== "" && !existsSync(gate)) await pause(20); return { text: "hello" }; },
});
const greet = task("greet", { input: Text, output: Text, run: ({ text }) => ({ text: text + " ${word}" }) });
export const greeting = defineDag({ id: "greeting", params: z.object({ gate: z.string().default("") }) }, ({ params }) => {
  const first = opened({ gate: params.gate });
  const last = greet({ text: first.text });
  ${more}
  return last.text;
});
`;

function write(text: string): void {
  writeFileSync(`${file}~`, text);
  renameSync(`${file}~`, file);
}

beforeAll(async () => {
  write(greeting("world"));
  embedded = await startEmbedded();
  watched = await watchDagFiles({
    paths: [folder],
    cacheFolder: join(embedded.home, "cache"),
    onReload: (reload) => void reloads.push(reload),
  });
  await embedded.worker(watched.registry);
});
afterAll(async () => {
  watched.close();
  await embedded.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(runId: string, params = {}) {
  await embedded.engine.startRun({ dagId: "greeting", runId, params });
  return await embedded.engine.waitForRun(runId, { pollMs: 50 });
}
const reloaded = async (count: number) =>
  await expect.poll(() => reloads.length, { timeout: 10_000, interval: 10 }).toBe(count);

it("a run in flight keeps its graph and runs the new code; the next run has both; a broken file changes nothing", async () => {
  const { engine } = embedded;
  expect((await run("greeting/1")).output).toBe("hello world");

  await engine.startRun({ dagId: "greeting", runId: "greeting/2", params: { gate } });
  await expect
    .poll(async () => (await engine.getRun("greeting/2")).tasks["opened"]?.state, { timeout: 10_000 })
    .toBe("running");
  const changedAt = Date.now();
  write(greeting("again", `greet({ text: "more" }, { id: "more" });`));
  await reloaded(1);
  // Under a second on a machine that does nothing else.
  expect(Date.now() - changedAt).toBeLessThan(30_000);
  expect(reloads[0]).toMatchObject({ changed: ["greeting"], broken: [], absent: [] });
  writeFileSync(gate, "");
  const inFlight = await engine.waitForRun("greeting/2");
  expect(inFlight.output).toBe("hello again");
  expect(Object.keys(inFlight.tasks)).toEqual(["opened", "greet"]);

  const next = await run("greeting/3");
  expect(Object.keys(next.tasks).sort()).toEqual(["greet", "more", "opened"]);
  expect(next.dagVersion).not.toBe(inFlight.dagVersion);

  write("export const nothing: = 1;\n");
  await reloaded(2);
  expect(reloads[1]?.broken.map(({ message }) => message)).toEqual([
    expect.stringMatching(/greeting\.ts: line 1: Unexpected "="$/),
  ]);
  expect((await run("greeting/4")).output).toBe("hello again");

  write(greeting("at last"));
  await reloaded(3);
  expect(reloads[2]).toMatchObject({ changed: ["greeting"], mended: [file] });
  expect((await run("greeting/5")).output).toBe("hello at last");

  rmSync(file);
  await reloaded(4);
  expect(await run("greeting/6")).toMatchObject({ state: "failed", error: { code: "DAG_NOT_FOUND" } });
}, 60_000);
