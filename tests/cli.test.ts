/** The command line as a person types it, against one `dagwright up`. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunView } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { isTemporalRunning } from "@dagwright/engine/server";
import { openRunStore } from "@dagwright/engine/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Product } from "./product.ts";

const folder = mkdtempSync(join(tmpdir(), "dagwright-cli-"));
const file = join(folder, "steps.ts");
const gate = join(folder, "gate.txt");
let product: Product;
let engine: EngineClient;
/** What `up` says while it runs. */
let said = "";

/** A chain whose middle fails when it is told to, a mapped task, and a run that waits until a file is there. */
const source = (word: string) => `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { approval, cron, defineDag, derive, task } from "@dagwright/engine";
import { z } from "zod";
const Value = z.object({ value: z.number() });
const load = task("load", { input: Value, output: Value, cache: true, run: (input) => input });
const check = task("check", {
  input: z.object({ value: z.number(), fail: z.boolean() }), output: Value,
  run: ({ value, fail }) => { if (fail) throw Object.assign(new Error("bad rows"), { code: "BAD_ROWS" }); return { value }; },
});
const publish = task("publish", { input: Value, output: z.string(), run: ({ value }) => "${word} " + value });
const measure = task("measure", { input: z.object({ item: z.number(), bad: z.number() }), output: z.number(),
  run: ({ item, bad }) => { if (item === bad) throw new Error("item"); return item; } });
export const steps = defineDag(
  { id: "steps", schedule: cron("0 4 * * *"), paused: { note: "a test's" }, owner: "ada",
    params: z.object({ value: z.number().default(1), fail: z.boolean().default(false).describe("Fails on purpose") }) },
  ({ params }) => {
    const loaded = load({ value: params.value });
    const checked = check({ value: loaded.value, fail: params.fail });
    return publish({ value: checked.value });
  },
);
export const many = defineDag({ id: "many", params: z.object({ bad: z.number().default(-1) }) }, ({ params }) => {
  const list = derive("list", [], () => [0, 1, 2]);
  return measure.map(list, (item) => ({ item, bad: params.bad }));
});
const waits = task("waits", { input: z.object({ gate: z.string() }), output: z.string(), heartbeat: "10s",
  run: async ({ gate }, ctx) => { while (!existsSync(gate)) await pause(50, undefined, { signal: ctx.signal }); return "open"; } });
export const gated = defineDag({ id: "gated", params: z.object({ gate: z.string() }) }, ({ params }) => {
  const first = waits({ gate: params.gate });
  return publish({ value: 2 }, { after: [first] });
});
export const asks = defineDag({ id: "asks" }, () => approval("go", { show: { rows: 3 } }));
`;

beforeAll(async () => {
  writeFileSync(file, source("published"));
  product = await Product.create();
  const { process: up } = await product.up(["--dags", folder]);
  up.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  engine = await connectEngine({
    address: product.address,
    store: await openRunStore({ file: join(product.home, "runs.db") }),
  });
}, 120_000);
afterAll(async () => {
  await engine.close();
  await product.destroy();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const DAGS = ["--dags", folder];
/** A run at its end; after a clear that of its new execution. */
async function ended(runId: string, formerStart = ""): Promise<RunView> {
  for (const until = Date.now() + 60_000; Date.now() < until; ) {
    const view = await engine.waitForRun(runId);
    if (view.startedAt !== formerStart) return view;
  }
  throw new Error(`${runId} did not begin anew`);
}
/** A verb whose JSON is wanted and that is to succeed. */
async function ok(args: readonly string[]): Promise<unknown> {
  const { code, value } = await product.json(args);
  expect({ code, value }).toMatchObject({ code: 0 });
  return value;
}

describe("runs that have ended", () => {
  it("are cleared with other params, after a dry run has said what would run; and marked", async () => {
    await engine.startRun({ dagId: "steps", runId: "steps/a", params: { fail: true } });
    const first = await ended("steps/a");
    expect(first).toMatchObject({ state: "failed", error: { code: "BAD_ROWS" } });
    expect(await ok(["runs", "clear", "steps/a", "publish", "--upstream", "--failed", "--dry-run"])).toMatchObject({
      ...{ runId: "steps/a", cleared: ["check", "publish"], dryRun: true },
    });
    expect(await ok(["runs", "clear", "steps/a", "load", "--no-downstream", "--dry-run"])).toMatchObject({
      cleared: ["load"],
    });
    const unknown = await product.json(["runs", "clear", "steps/a", "chekc"]);
    expect(unknown).toMatchObject({
      code: 2,
      value: { error: { code: "NO_SUCH_TASK", message: expect.stringContaining('did you mean "check"') } },
    });
    // Neither is this DAG at hand for the command, nor does the worker get to see what is refused.
    for (const files of [[], ["--dags", folder]])
      expect(await product.json(["runs", "clear", "steps/a", "--params", '{"fial":false}', ...files])).toMatchObject({
        code: 2,
        value: {
          error: { code: "INVALID_PARAMS", field: "fial", message: expect.stringContaining('did you mean "fail"') },
        },
      });
    expect(await product.json(["runs", "logs", "steps/a", "laod"])).toMatchObject({
      code: 2,
      value: {
        error: { code: "NO_SUCH_TASK", field: "task", message: expect.stringContaining('did you mean "load"') },
      },
    });
    expect(await product.json(["assets", "explain", "steps"])).toMatchObject({
      code: 2,
      value: { error: { code: "NO_SCHEDULE", field: "dag" } },
    });
    expect((await engine.getRun("steps/a")).startedAt).toBe(first.startedAt);

    const marked = ["runs", "mark", "steps/a", "check", "--as", "success", "--output", '{"value":7}', "--by", "ada"];
    expect(await ok([...marked, "--reason", "by hand"])).toMatchObject({ task: "check", as: "success", by: "ada" });
    const second = await ended("steps/a", first.startedAt);
    expect(second).toMatchObject({
      ...{ state: "success", output: "published 7" },
      tasks: { check: { state: "success", reason: "marked successful by ada: by hand" }, publish: { attempts: 1 } },
    });

    await ok(["runs", "clear", "steps/a", "check", "--params", '{"fail":false}']);
    expect(await ended("steps/a", second.startedAt)).toMatchObject({
      ...{ state: "success", output: "published 1", params: { fail: false } },
      tasks: { check: { clears: 1 }, load: { attempts: 1 } },
    });
  }, 240_000);

  it("are cleared by the item", async () => {
    await engine.startRun({ dagId: "many", runId: "many/a", params: { bad: 1 } });
    const first = await ended("many/a");
    expect(first).toMatchObject({ state: "failed" });
    expect(await ok(["runs", "clear", "many/a", "measure[1]", "--params", '{"bad":9}'])).toMatchObject({
      cleared: ["measure[1]"],
    });
    const again = await ended("many/a", first.startedAt);
    expect(again).toMatchObject({ state: "success", output: [0, 1, 2] });
    expect(again.tasks["measure"]?.mapped?.map(({ clears = 0 }) => clears)).toEqual([0, 1, 0]);
    await expect(engine.clearRun("many/a", { tasks: ["measure[3]"] })).rejects.toMatchObject({ code: "NO_SUCH_TASK" });
    expect(await ok(["runs", "explain", "many/a", "measure[1]"])).toMatchObject({
      tasks: [{ task: "measure[1]", state: "success" }],
    });
  }, 120_000);

  it("what is misspelt is told with what was meant", async () => {
    const [listed, pool, backfill] = await Promise.all([
      product.cli(["runs", "list", "--dag", "mnay"]),
      product.json(["pools", "set", "gpu", "two"]),
      product.json(["backfill", "create", "stpes", ...DAGS, "--from", "2026-01-01", "--to", "2026-01-02"]),
    ]);
    expect(listed).toMatchObject({ code: 0, stderr: expect.stringContaining('did you mean "many"') });
    const slots = 'slots of pool "gpu" is "two": expected a whole number of at least 1';
    expect(pool).toMatchObject({ code: 2, value: { error: { code: "USAGE", message: slots } } });
    expect(backfill.value).toMatchObject({
      error: { message: expect.stringContaining('did you mean "steps"'), hint: expect.stringContaining("--dags") },
    });
    const [verb, missing] = await Promise.all([product.json(["rnu"]), product.json(["backfill", "create", "steps"])]);
    expect(verb).toMatchObject({
      code: 2,
      value: { error: { code: "USAGE", message: expect.stringContaining("unknown command 'rnu'") } },
    });
    expect(missing.value).toMatchObject({ error: { message: expect.stringContaining("--from <date>") } });
  }, 60_000);
});

describe("runs that ended long ago", () => {
  it("are pruned when a person says so, and not before", async () => {
    const { runId } = await engine.startRun({ dagId: "steps", runId: "steps/prunable" });
    await ended(runId);
    expect(await ok(["runs", "prune", "--before", "90d", "--dry-run"])).toMatchObject({ runIds: [], dryRun: true });
    expect(await ok(["runs", "prune", "--before", "1d", "--dag", "steps", "--yes"])).toMatchObject({
      ...{ runIds: [], attempts: 0, objects: 0 },
    });
    expect(await engine.getRun(runId)).toMatchObject({ state: "success" });
    expect(await product.json(["runs", "prune", "--before", "2h"])).toMatchObject({
      ...{ code: 1, value: { error: { code: "PRUNE_TOO_RECENT", field: "before" } } },
    });
    expect(await product.json(["runs", "prune", "--before", "long ago"])).toMatchObject({
      ...{ code: 2, value: { error: { code: "USAGE", message: expect.stringContaining('--before is "long ago"') } } },
    });
  });
});

describe("runs that go on", () => {
  it("are paused, resumed, marked and cancelled, several at once", async () => {
    for (const id of ["a", "b", "c"]) await engine.startRun({ dagId: "gated", runId: `gated/${id}`, params: { gate } });
    await expect
      .poll(async () => (await engine.getRun("gated/c")).tasks["waits"]?.state, { timeout: 40_000 })
      .toBe("running");
    expect(await ok(["runs", "pause", "gated/a", "--by", "ada", "--reason", "lunch"])).toEqual({
      ...{ runId: "gated/a", requested: "pause" },
    });
    expect(await ok(["runs", "list", "--dag", "gated", "--state", "paused", "--since", "1h"])).toMatchObject([
      { runId: "gated/a", state: "paused" },
    ]);
    expect(await ok(["runs", "resume", "gated/a"])).toEqual({ runId: "gated/a", requested: "resume" });

    await ok(["runs", "mark", "gated/a", "waits", "--as", "success", "--output", '"let through"', "--by", "ada"]);
    expect(await ended("gated/a")).toMatchObject({
      ...{ state: "success", output: "published 2" },
      tasks: { waits: { output: "let through" } },
    });

    const asked = await product.json(["runs", "cancel", "--dag", "gated", "--state", "running"]);
    expect(asked).toMatchObject({ code: 2, value: { error: { code: "USAGE", hint: "Add --yes" } } });
    const cancelled = await ok([
      "runs",
      "cancel",
      "--dag",
      "gated",
      "--state",
      "running",
      "--yes",
      "--reason",
      "enough",
    ]);
    expect(cancelled).toHaveLength(2);
    expect((await ended("gated/b")).error?.message).toMatch(/enough by /);
    expect(await ended("gated/c")).toMatchObject({ state: "cancelled" });

    const over = await product.json(["runs", "pause", "gated/b", "gated/none"]);
    expect(over).toMatchObject({
      code: 1,
      value: [{ runId: "gated/b", error: { code: "RUN_OVER" } }, { error: { code: "RUN_NOT_FOUND" } }],
    });
  }, 240_000);
});

describe("DAG files", () => {
  it("that up was started with are known to other commands without --dags, broken or not", async () => {
    const ran = await product.json(["run", "steps", "--run-id", "steps/unnamed", "--wait"]);
    expect(ran.value).toMatchObject({ state: "success", output: "published 1" });
    expect(await ok(["schedules", "next", "steps"])).toMatchObject({ dagId: "steps" });
    const note = join(product.home, "up", `${process.pid}.json`);
    writeFileSync(note, JSON.stringify([join(folder, "gone.ts")]));
    const listed = await product.cli(["dags", "list"]);
    rmSync(note);
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^many /m) });
    expect(listed.stderr).toContain("gone.ts");
  }, 120_000);

  it("test and run --wait print the same run; --mocks stand in", async () => {
    const args = ["--params", '{"value":3}', "--conf", '{"why":"twin"}', "--logical-date", "2026-02-03"];
    const [tested, ran, mocked] = await Promise.all([
      product.json(["test", file, "--dag", "steps", ...args, "--no-cache"]),
      product.json(["run", "steps", ...args, "--no-cache", "--wait", ...DAGS]),
      product.json(["test", file, "--dag", "steps", "--no-cache", "--mocks", '{"check":{"value":5}}']),
    ]);
    const Moments = z.object({
      startedAt: z.string(),
      endedAt: z.string(),
      tasks: z.record(z.string(), z.looseObject({})),
    });
    const timeless = (value: unknown) => {
      const { tasks } = Moments.parse(value);
      const own = Object.entries(tasks).map(([id, task]) => [id, { ...task, startedAt: "", endedAt: "" }]);
      return { ...(value as RunView), startedAt: "", endedAt: "", tasks: Object.fromEntries(own) };
    };
    expect(timeless(tested.value)).toEqual(timeless(ran.value));
    expect(ran.value).toMatchObject({ runId: "steps/2026-02-03T00:00:00Z", output: "published 3" });
    expect(mocked.value).toMatchObject({ state: "success", output: "published 5" });
  }, 120_000);

  it("are shown, drawn and compared", async () => {
    const [shown, text, diff] = await Promise.all([
      ok(["dags", "show", "steps", ...DAGS]),
      product.cli(["dags", "show", "steps", ...DAGS]),
      product.cli(["dags", "graph", "steps", "--format", "mermaid", ...DAGS]),
    ]);
    expect(shown).toMatchObject({
      dagId: "steps",
      file,
      next: expect.stringMatching(/T04:00:00Z$/),
      nodes: [{}, {}, {}],
    });
    expect(text.stdout).toContain(`file      ${file}`);
    expect(text.stdout).toMatch(/fail +boolean +false +Fails on purpose/);
    expect(diff.stdout).toBe(`flowchart LR\n  n0["load"]\n  n1["check"]\n  n2["publish"]\n  n0 --> n1\n  n1 --> n2\n`);

    const former = join(folder, "former.json");
    writeFileSync(former, JSON.stringify(await ok(["dags", "graph", "steps", ...DAGS])));
    const other = join(folder, ".other.ts");
    writeFileSync(other, source("published").replace("{ value: checked.value }", "{ value: loaded.value }"));
    expect(await ok(["dags", "graph", "steps", "--diff", former, ...DAGS])).toMatchObject({ changed: [], added: [] });
    expect(await ok(["dags", "graph", "steps", "--diff", other, ...DAGS])).toMatchObject({
      changed: [{ id: "publish", fields: [{ field: "input.fields.value.node" }, { field: "upstream" }] }],
    });
  }, 120_000);

  it("are followed by up: the next run has the new code; a broken one is named in one line", async () => {
    const write = (text: string) => {
      writeFileSync(`${file}~`, text);
      renameSync(`${file}~`, file);
    };
    const spoken = async (pattern: RegExp) => {
      await expect.poll(() => said, { timeout: 20_000, interval: 20 }).toMatch(pattern);
    };
    write(source("printed").replace("0 4 * * *", "0 5 * * *"));
    await spoken(/DAG files: changed asks, gated, many, steps\n/);
    await spoken(/Schedules: updated steps/);
    expect(await ok(["run", "steps", "--run-id", "steps/new", "--wait", ...DAGS])).toMatchObject({
      output: "printed 1",
    });
    write("export const = 1;\n");
    await spoken(/DAG file .*steps\.ts: line 1: Expected identifier .*\(the former version stays in use\)\n/);
    write(source("mended"));
    await spoken(/steps\.ts is in order again/);
    expect(await ok(["run", "steps", "--run-id", "steps/mended", "--wait", ...DAGS])).toMatchObject({
      output: "mended 1",
    });
    expect(readFileSync(join(product.home, "logs", "worker.log"), "utf8")).toContain("Expected identifier");
  }, 120_000);
});

it("approvals list knows all that wait, however many runs go on", async () => {
  const runIds = Array.from({ length: 105 }, (_, n) => `asks/${n}`);
  await Promise.all(runIds.map((runId) => engine.startRun({ dagId: "asks", runId })));
  const waiting = async () => {
    const { value } = await product.json(["approvals", "list"]);
    const rows = z.array(z.object({ runId: z.string(), task: z.string() })).parse(value);
    return rows.filter(({ task }) => task === "go").map(({ runId }) => runId);
  };
  await expect.poll(async () => (await waiting()).sort(), { timeout: 60_000 }).toEqual(runIds.toSorted());
}, 120_000);

it("setup says what it has done, and does it once", async () => {
  const env = { TEMPORAL_ADDRESS: product.address, TEMPORAL_NAMESPACE: "second" };
  const setup = async () => JSON.parse((await product.cli(["setup", "--json"], { env })).stdout);
  const attributes = ["DagId", "DagVersion", "LogicalDate", "RunState", "RunTrigger"];
  const first = await setup();
  expect({ ...first, added: [...first.added].sort() }).toMatchObject({
    ...{ address: product.address, namespace: "second", created: true, added: attributes },
  });
  expect(await setup()).toMatchObject({ created: false, added: [] });
}, 120_000);

it("up with a broken file says so once, and leaves nothing behind that runs", async () => {
  const alone = await Product.create();
  try {
    const broken = join(folder, "without.ts");
    writeFileSync(broken, "export const x = 1;");
    const { code, stdout, stderr } = await alone.cli(["up", "--dags", broken, "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "DAG_FILE_BROKEN" } });
    expect(stderr.match(/exports no DAG/g)).toHaveLength(1);
    expect(await isTemporalRunning({ home: alone.home, port: alone.port })).toBe(false);
  } finally {
    rmSync(join(folder, "without.ts"), { force: true });
    await alone.destroy();
  }
}, 120_000);
