import type { ParamValue, Trial } from "@dagwright/learn";
import type { Tracking, TrackingRun } from "@dagwright/tracking";
import { z } from "zod";

/** Which study a trial is of. */
export interface StudyName {
  readonly experiment: string;
  readonly study: string;
}

/** A trial, the run that keeps it, and why it failed if it did. */
export type StoredTrial = Trial & { readonly runId: string; readonly reason: string | null };

const PARAMS = "trial.params";
const STATE = "trial.state";
const REASON = "trial.reason";
const REPORT = "mean_score";
const VALUE = "value";
const Params = z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]));
const State = z.enum(["complete", "pruned", "failed"]);

/** Trials' runs are an experiment of their own, beside that of the models. */
function experimentOf({ experiment, study }: StudyName): string {
  return `${experiment}/tuning/${study}`;
}

/** The trials of a study by number, as far as they have come. */
export async function readTrials(tracking: Tracking, name: StudyName): Promise<Map<number, StoredTrial>> {
  const runs = await tracking.searchRuns({ experiment: experimentOf(name), limit: 20_000 });
  const trials = new Map<number, StoredTrial>();
  for (const run of runs) {
    const trial = await trialOf(tracking, run);
    if (trial !== undefined) trials.set(trial.number, trial);
  }
  return trials;
}

/** Undefined where a killed worker had started the run and not yet kept the params. */
async function trialOf(tracking: Tracking, run: TrackingRun): Promise<StoredTrial | undefined> {
  const params = run.tags[PARAMS];
  if (params === undefined) return undefined;
  const state = State.safeParse(run.tags[STATE]);
  const history = await tracking.metricHistory(run.runId, REPORT);
  const value = run.metrics[VALUE];
  return {
    number: Number(run.tags["trial"]),
    params: Params.parse(JSON.parse(params)),
    state: state.success ? state.data : "running",
    value: state.data === "complete" && value !== undefined ? value : null,
    reports: history.map(({ step, value: mean }) => [step, mean]),
    rungs: z.array(z.number()).parse(JSON.parse(run.tags["trial.rungs"] ?? "[]")),
    runId: run.runId,
    reason: run.tags[REASON] ?? null,
  };
}

/** Takes up a trial, or begins it with what is proposed; params once kept are not proposed again. */
export async function openTrial(
  tracking: Tracking,
  name: StudyName,
  number: number,
  propose: () => Promise<Readonly<Record<string, ParamValue>>>,
): Promise<StoredTrial> {
  const run = await tracking.startRun({
    experiment: experimentOf(name),
    name: `trial ${number}`,
    key: `study/${name.experiment}/${name.study}/trial/${number}`,
    tags: { kind: "trial", study: name.study, trial: String(number) },
  });
  const known = await trialOf(tracking, run);
  if (known !== undefined) return known;
  const params = await propose();
  await tracking.logBatch(run.runId, {
    params: Object.fromEntries(Object.entries(params).map(([key, value]) => [key, String(value)])),
    tags: { [PARAMS]: JSON.stringify(params) },
  });
  return { number, params, state: "running", value: null, reports: [], rungs: [], runId: run.runId, reason: null };
}

/** Keeps the mean score after a fold. */
export async function reportTrial(tracking: Tracking, runId: string, step: number, mean: number): Promise<void> {
  await tracking.logBatch(runId, { metrics: { [REPORT]: mean }, step });
}

/** Keeps the values with which a trial ended the rungs of successive halving. */
export async function keepRungs(tracking: Tracking, { runId, rungs }: StoredTrial): Promise<void> {
  if (rungs.length > 0) await tracking.logBatch(runId, { tags: { "trial.rungs": JSON.stringify(rungs) } });
}

/** Keeps how a trial ended, in one write, then closes its run. */
export async function endTrial(
  tracking: Tracking,
  trial: StoredTrial,
  state: "complete" | "pruned" | "failed",
  value: number | null,
  reason?: string,
): Promise<void> {
  await tracking.logBatch(trial.runId, {
    ...(value !== null && { metrics: { [VALUE]: value } }),
    tags: {
      [STATE]: state,
      ...(reason !== undefined && { [REASON]: reason }),
    },
  });
  await tracking.finishRun(trial.runId, state === "failed" ? "FAILED" : "FINISHED");
}
