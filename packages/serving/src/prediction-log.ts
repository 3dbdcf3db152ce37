import { appendFile, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { errnoOf, messageOf } from "./errors.ts";
import type { FeatureRow, Prediction } from "./served-model.ts";

/** A prediction that was answered. */
export interface LoggedPrediction {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly version: number;
  readonly features: Readonly<Record<string, number | string | null>>;
  readonly prediction: number;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** Which predictions are meant: from `since` on, before `until`, in milliseconds since 1970. */
export interface PredictionWindow {
  readonly since: number;
  readonly until: number;
}

/** Writes down what a server predicts. */
export interface PredictionLog {
  /** Takes note of answered rows; never fails and never waits. */
  record(rows: readonly FeatureRow[], predictions: readonly Prediction[], version: number): void;
  /** Writes what is still in memory. */
  close(): Promise<void>;
}

interface PredictionLogOptions {
  /** A file a day, `2026-01-31.jsonl`, by UTC. */
  readonly folder: string;
  /** A day that has come to this many bytes takes no more. @default 256 MiB */
  readonly bytesPerDay?: number | undefined;
  /** Days that are kept, today included. @default 30 */
  readonly days?: number | undefined;
  /** Told, once a day, of what is not kept. */
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/** Predictions wait in memory for so long: as many are lost when the process is killed. */
const WRITE_EVERY_MS = 250;
const DAY_MS = 86_400_000;

const Line = z.object({
  at: z.number(),
  version: z.number(),
  features: z.record(z.string(), z.union([z.number(), z.string()]).nullable()),
  prediction: z.number(),
  probabilities: z.record(z.string(), z.number()),
});

/** Opens the log of a model's predictions; the folder is created by the first of them. */
export function openPredictionLog(options: PredictionLogOptions): PredictionLog {
  const { folder, bytesPerDay = 256 * 1024 * 1024, days = 30, log } = options;
  let lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let today = "";
  let told = "";

  const write = async (batch: readonly string[]) => {
    const day = dayOf(Date.now());
    const file = join(folder, `${day}.jsonl`);
    try {
      if (day !== today) {
        await mkdir(folder, { recursive: true });
        await removeBefore(folder, dayOf(Date.now() - (days - 1) * DAY_MS));
        today = day;
      }
      const size = await stat(file).then(
        (found) => found.size,
        () => 0,
      );
      if (size < bytesPerDay) await appendFile(file, batch.join(""));
      else if (told !== day) {
        told = day;
        log("predictions not logged", { reason: `${file} has ${size} bytes: expected fewer than ${bytesPerDay}` });
      }
    } catch (error) {
      if (told === day) return;
      told = day;
      log("predictions not logged", { reason: messageOf(error) });
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const batch = lines;
    lines = [];
    if (batch.length > 0) writing = writing.then(() => write(batch));
    return writing;
  };
  return {
    record(rows, predictions, version) {
      const at = Date.now();
      for (const [row, features] of rows.entries()) {
        const { prediction, probabilities } = predictions[row] ?? { prediction: Number.NaN, probabilities: {} };
        lines.push(`${JSON.stringify({ at, version, features, prediction, probabilities })}\n`);
      }
      timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS).unref();
    },
    close: flush,
  };
}

/** The predictions of a window, oldest day first; lines that were cut off by a crash are left out. */
export async function readPredictions(folder: string, { since, until }: PredictionWindow): Promise<LoggedPrediction[]> {
  const found: LoggedPrediction[] = [];
  for (const day of await daysOf(folder)) {
    if (day < dayOf(since) || day > dayOf(until)) continue;
    const text = await readFile(join(folder, `${day}.jsonl`), "utf8");
    for (const line of text.split("\n")) {
      const prediction = predictionIn(line);
      if (prediction !== null && prediction.at >= since && prediction.at < until) found.push(prediction);
    }
  }
  return found;
}

function predictionIn(line: string): LoggedPrediction | null {
  if (!line.endsWith("}")) return null;
  try {
    return Line.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function daysOf(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.flatMap((name) => /^(\d{4}-\d\d-\d\d)\.jsonl$/.exec(name)?.[1] ?? []).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function removeBefore(folder: string, first: string): Promise<void> {
  for (const day of await daysOf(folder)) if (day < first) await rm(join(folder, `${day}.jsonl`), { force: true });
}

function dayOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
