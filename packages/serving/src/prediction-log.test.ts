import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openPredictionLog, readPredictions } from "./prediction-log.ts";

let folder: string;
const events: string[] = [];
const log = (event: string) => events.push(event);
const all = { since: 0, until: Number.MAX_SAFE_INTEGER / 1e3 };
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "predictions-")), "m");
  events.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("keeps what was predicted, by moment, and skips a line that a crash cut off", async () => {
  const writer = openPredictionLog({ folder, log });
  expect(await readPredictions(folder, all)).toEqual([]);
  writer.record([{ a: 1, b: null }], [{ prediction: 1, probabilities: { "1": 0.75 } }], 3);
  await writer.close();
  const day = (await readdir(folder))[0] ?? "";
  await appendFile(join(folder, day), '{"at":1,"version":3,"fea');
  const [first, ...others] = await readPredictions(folder, all);
  expect(others).toEqual([]);
  expect(first).toEqual({
    at: expect.any(Number),
    version: 3,
    features: { a: 1, b: null },
    prediction: 1,
    probabilities: { "1": 0.75 },
  });
  const at = first?.at ?? 0;
  expect(await readPredictions(folder, { since: at, until: at + 1 })).toHaveLength(1);
  expect(await readPredictions(folder, { since: at + 1, until: at + 2 })).toEqual([]);
});

it("removes old days, and says once that a day is full", async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "2020-01-01.jsonl"), "");
  const writer = openPredictionLog({ folder, log, bytesPerDay: 10, days: 2 });
  for (let nth = 0; nth < 3; nth++) {
    writer.record([{ a: nth }], [{ prediction: nth, probabilities: {} }], 1);
    await writer.close();
  }
  expect(await readdir(folder)).toHaveLength(1);
  expect(await readPredictions(folder, all)).toHaveLength(1);
  expect(events).toEqual(["predictions not logged"]);
});
