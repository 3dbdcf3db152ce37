import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ToolArguments } from "@dagwright/mcp-kit";
import { openTracking } from "@dagwright/tracking";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { training } from "./contract.ts";
import { openPlace, type Place } from "./fixtures/place.ts";
import { tuneHyperparameters } from "./tuning.ts";

let place: Place;

beforeAll(async () => {
  place = await openPlace("tuning");
  const sql = `SELECT (hash(i) % 1000) / 10.0 AS signal, (hash(i + 7) % 50) / 1.0 AS noise,
    CASE WHEN (hash(i) % 1000) / 10.0 + (hash(i + 3) % 60) > 80 THEN 1 ELSE 0 END AS label FROM range(0, 240) t(i)`;
  await place.write("rows", sql);
});
afterAll(async () => {
  await place.close();
});

type Arguments = ToolArguments<typeof training, "hyperparameter_tuning">;
const ask = (study: string, more: Partial<Arguments> = {}): Arguments => ({
  ...training.tools.hyperparameter_tuning.input.parse({
    study,
    experiment: "search",
    train: { table: "rows" },
    label: "label",
    features: ["signal", "noise"],
    algorithm: "logistic_regression",
    space: [{ name: "C", type: "float", low: 1e-4, high: 100, log: true }],
    trials: 12,
  }),
  ...more,
});
const context = () => ({ signal: new AbortController().signal, progress: () => undefined });
const tune = (args: Arguments) => tuneHyperparameters(place, args, context());

describe("hyperparameter_tuning", () => {
  test("finds good parameters, keeps its plots, and has nothing to do when asked again", async () => {
    const first = await tune(ask("one"));
    expect(first.trials.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, at) => at));
    expect(first.counts).toEqual({ complete: 12, pruned: 0, failed: 0 });
    const values = first.trials.map(({ value }) => value ?? 0);
    expect(first.best?.value).toBe(Math.max(...values));
    expect(first.importance).toEqual([{ parameter: "C", importance: 1 }]);
    const page = await readFile(fileURLToPath(first.plotsUri), "utf8");
    expect(page).toContain("<polyline");
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).toContain('name="viewport"');
    for (const title of [">trial</text>", ">mean roc_auc</text>"]) expect(page).toContain(title);
    expect(page.match(/<circle/g)).toHaveLength(12);
    const again = await tune(ask("one"));
    expect(again).toEqual({ ...first, alreadyDone: true });
    const more = await tune(ask("one", { trials: 14 }));
    expect(more.trials.slice(0, 12)).toEqual(first.trials);
    expect(more.trials).toHaveLength(14);
  });

  test("trials may be tasks of their own, at the same time and in any order", async () => {
    const numbers = [3, 0, 5, 1, 4, 2];
    const answers = await Promise.all(numbers.map((trial) => tune(ask("apart", { trial }))));
    expect(answers.map(({ trials }) => trials.map(({ number }) => number))).toEqual(numbers.map((number) => [number]));
    const all = await tune(ask("apart", { trials: 6 }));
    expect(all.alreadyDone).toBe(true);
    expect(all.counts.complete).toBe(6);
    expect(new Set(all.trials.map(({ params }) => params["C"])).size).toBe(6);
  });

  test("prunes after a fold, and counts what cannot be trained as failed", async () => {
    const space = [
      { name: "n_estimators", type: "int", low: 1, high: 3 },
      { name: "max_features", type: "categorical", choices: [null, 7] },
    ];
    const pruner = { type: "threshold", lower: 0.7 };
    const shared = { algorithm: "random_forest", space, folds: 3, trials: 10 } as const;
    const sampler = { type: "random" };
    const { trials, counts } = await tune(
      ask("pruned", { ...shared, space: [...space], pruner, sampler, params: { max_depth: 1 } }),
    );
    expect(counts.failed).toBe(trials.filter(({ params }) => params["max_features"] === 7).length);
    expect(counts.failed).toBeGreaterThan(0);
    expect(counts.complete + counts.pruned + counts.failed).toBe(10);
  });

  test("a study goes on with what it was begun with, on the version of the table that it began on", async () => {
    const sql = (rows: number) => `SELECT i % 17 AS signal, i % 2 AS label FROM range(0, ${rows}) t(i)`;
    await place.write("grows", sql(60));
    const begun = ask("terms", { train: { table: "grows" }, features: ["signal"], trials: 1 });
    const { trials } = await tune(begun);
    await place.write("grows", sql(70), 2);
    const more = await tune({ ...begun, trials: 2, sampler: { type: "random" } });
    expect(more.trials[0]).toEqual(trials[0]);
    for (const [field, wrong] of Object.entries<Partial<Arguments>>({
      version: { train: { table: "grows", version: 1 } },
      table: { train: { table: "rows" } },
      label: { label: "signal", features: ["label"] },
      score: { score: "accuracy" },
      folds: { folds: 4 },
      seed: { seed: 7 },
      algorithm: { algorithm: "random_forest", space: [{ name: "n_estimators", type: "int", low: 1, high: 2 }] },
      space: { space: [{ name: "C", type: "float", low: 1, high: 2 }] },
      params: { params: { max_iter: 50 } },
    }))
      await expect(tune({ ...begun, ...wrong }), field).rejects.toMatchObject({ code: "STUDY_DIFFERS", field });
    expect(await tune({ ...begun, trials: 2 })).toEqual({ ...more, alreadyDone: true });
  });

  test("begins with the same defaults as train_model, and says why a trial failed", async () => {
    const forest = {
      algorithm: "random_forest",
      space: [{ name: "max_features", type: "int", low: 7, high: 8 }],
    } as const;
    const { trials, best } = await tune(ask("failed", { ...forest, space: [...forest.space], trials: 1 }));
    expect(best).toBeNull();
    expect(trials[0]?.reason).toMatch(/^max_features is \d: expected at most 2/);
    const searched = { algorithm: "random_forest", params: { n_estimators: 5 }, trials: 1 } as const;
    const leaves = (params: Record<string, unknown>) => [{ name: "min_samples_leaf", type: "int", ...params }];
    const plain = await tune(
      ask("plain", {
        ...searched,
        space: [{ name: "max_features", type: "int", low: 2, high: 2 }],
        params: { n_estimators: 5 },
      }),
    );
    const two = await tune(
      ask("two", { ...searched, space: leaves({ low: 5, high: 5 }), params: { n_estimators: 5, max_features: 2 } }),
    );
    expect(plain.best?.value).toBe(two.best?.value);
  });

  test.each([
    [{ space: [{ name: "C", type: "flaot", low: 0, high: 1 }] }, { code: "INVALID_SPACE" }],
    [
      { space: [{ name: "c", type: "float", low: 0.1, high: 1 }] },
      { code: "UNKNOWN_PARAM", field: "space[0].name", hint: 'Did you mean "C"?' },
    ],
    [{ score: "r2" as const }, { code: "UNSUPPORTED_TASK", field: "score" }],
    [{ pruner: { type: "medium" } }, { code: "INVALID_PRUNER" }],
    [{ features: ["signal", "label"] }, { code: "LABEL_IS_FEATURE" }],
    [{ folds: 20, train: { table: "none" } }, { code: "TABLE_NOT_FOUND" }],
  ])("refuses %j before anything is kept", async (wrong, error) => {
    await expect(tune(ask("refused", wrong))).rejects.toMatchObject(error);
    expect(
      (await place.tracking.searchRuns({ experiment: "search" })).filter(({ name }) => name === "refused"),
    ).toEqual([]);
  });
});

test("a worker killed in the middle of 200 trials, twice, loses none and doubles none", async () => {
  const root = await mkdtemp(join(tmpdir(), "tuning-killed-"));
  try {
    const script = fileURLToPath(new URL("fixtures/study-of-200.ts", import.meta.url));
    const start = () => {
      const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", script, root], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
      return { child, ended, lines: () => text.split("\n").filter((line) => line.startsWith("trial ")) };
    };
    for (const enough of [20, 60]) {
      const { child, ended, lines } = start();
      while (lines().length < enough && child.exitCode === null) await pause(5);
      child.kill("SIGKILL");
      expect(await ended).toBeNull();
    }
    const last = start();
    expect(await last.ended).toBe(0);
    const store = await openTracking({ root: join(root, "tracking") });
    const runs = await store.searchRuns({ experiment: "killed/tuning/two hundred", limit: 1000 });
    await store.close();
    expect(runs.map(({ tags }) => Number(tags["trial"])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, at) => at),
    );
    expect(
      runs.every(({ tags, metrics }) => tags["trial.state"] === "complete" && metrics["value"] !== undefined),
    ).toBe(true);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}, 240_000);
