import type { Lake } from "@dagwright/lake";
import {
  checkTraining,
  crossValidate,
  isLoss,
  kFold,
  LearnError,
  paramImportances,
  type Score,
  type SharedStudy,
  shareStudy,
  stratifiedKFold,
  type TrainOptions,
  type Trial,
  timeSeriesSplit,
} from "@dagwright/learn";
import type { ToolArguments, ToolContext, ToolOutput } from "@dagwright/mcp-kit";
import type { Tracking } from "@dagwright/tracking";
import type { training } from "./contract.ts";
import { DEFAULT_PARAMS } from "./default-params.ts";
import { checkFeatures, readLabelledRows } from "./labelled-rows.ts";
import { studyPage } from "./study-page.ts";
import { endTrial, keepRungs, openTrial, readTrials, reportTrial, type StoredTrial } from "./study-store.ts";
import { checkTerms, keptTerm, type StudyTerms, termTags } from "./study-terms.ts";

type TuningArguments = ToolArguments<typeof training, "hyperparameter_tuning">;
type TuningOutput = ToolOutput<typeof training, "hyperparameter_tuning">;

const PLOTS = "study.html";

/** All that the trials of a study share. */
interface Search {
  readonly args: TuningArguments;
  /** Of the table. */
  readonly version: number;
  readonly terms: StudyTerms;
  readonly study: SharedStudy;
  readonly score: Score;
  readonly options: Omit<TrainOptions, "params">;
  readonly folds: ReturnType<typeof kFold>;
  readonly tracking: Tracking;
  readonly signal: AbortSignal;
}

/**
 * Runs the trials that a study lacks, or one of them. Every trial is a run of its own whose key is the study's and the
 * trial's number: params are kept before they are tried, each fold's score as it comes, the end at last. So a worker
 * killed anywhere loses one fold's work at most, and nothing is there twice. Everything is checked before the first run.
 */
export async function tuneHyperparameters(
  { lake, tracking }: { readonly lake: Lake; readonly tracking: Tracking },
  args: TuningArguments,
  ctx: Pick<ToolContext, "signal" | "progress">,
): Promise<TuningOutput> {
  let search = await prepare(lake, tracking, args, ctx.signal);
  const run = await tracking.startRun({
    experiment: args.experiment,
    name: args.study,
    key: `study/${args.experiment}/${args.study}`,
    tags: {
      kind: "study",
      study: args.study,
      algorithm: args.algorithm,
      score: search.score,
      "train.table": args.train.table,
      ...termTags(search.terms),
    },
  });
  // The study was begun on another version of the table, and goes on with that one.
  const version = Number(keptTerm(run, "version") ?? search.version);
  if (args.train.version === undefined && version !== search.version)
    search = await prepare(lake, tracking, { ...args, train: { ...args.train, version } }, ctx.signal);
  checkTerms(args.study, run, search.terms);
  const known = await readTrials(tracking, args);
  const wanted = args.trial === undefined ? Array.from({ length: args.trials }, (_, number) => number) : [args.trial];
  const missing = wanted.filter((number) => !isOver(known.get(number)));
  let done = wanted.length - missing.length;
  for (const number of missing) {
    ctx.signal.throwIfAborted();
    await runTrial(search, number);
    ctx.progress({ done: ++done, total: wanted.length, note: "trials" });
  }
  const trials = [...(await readTrials(tracking, args)).values()].sort((a, b) => a.number - b.number);
  const best = bestOf(trials, isLoss(search.score));
  const importance = args.trial === undefined ? await paramImportances(search.study.space, trials, args.seed) : [];
  if (args.trial === undefined) {
    await tracking.logBatch(run.runId, {
      metrics: best === null ? {} : { best_value: best.value, best_trial: best.number },
    });
    const direction = isLoss(search.score) ? "minimize" : "maximize";
    const page = studyPage({ name: args.study, score: search.score, direction, trials, importance });
    await tracking.logArtifact(run.runId, PLOTS, new TextEncoder().encode(page));
    await tracking.finishRun(run.runId, "FINISHED");
  }
  const count = (state: Trial["state"]) => trials.filter((trial) => trial.state === state).length;
  return {
    study: args.study,
    runId: run.runId,
    score: search.score,
    trials: trials
      .filter(({ number }) => args.trial === undefined || number === args.trial)
      .map(({ number, state, params, value, runId, reason }) => ({ number, state, params, value, runId, reason })),
    counts: { complete: count("complete"), pruned: count("pruned"), failed: count("failed") },
    best,
    importance,
    plotsUri: await tracking.artifactUri(run.runId, PLOTS),
    alreadyDone: missing.length === 0,
  };
}

function isOver(trial: Trial | undefined): boolean {
  return trial !== undefined && trial.state !== "running";
}

async function prepare(lake: Lake, tracking: Tracking, args: TuningArguments, signal: AbortSignal): Promise<Search> {
  checkFeatures(args);
  const { task, algorithm, seed } = args;
  const score = args.score ?? (task === "regression" ? "r2" : "roc_auc");
  const isNumeric = ["r2", "rmse", "mae"].includes(score);
  if (isNumeric !== (task === "regression"))
    throw new LearnError("UNSUPPORTED_TASK", `score is ${score}: expected one for ${task}.`, { field: "score" });
  const study = shareStudy({
    name: args.study,
    direction: isLoss(score) ? "minimize" : "maximize",
    seed,
    // Checked by shareStudy, which names what is wrong.
    space: args.space as [],
    sampler: args.sampler as { type: "random" },
    pruner: args.pruner as { type: "none" },
  });
  const rows = await readLabelledRows(lake, args.train, args.features, args.label, "train");
  const options = {
    algorithm,
    task,
    columns: rows.columns,
    target: rows.label,
    preprocessing: args.preprocessing as Record<string, { impute?: number }>,
    seed,
    signal,
  };
  checkTraining({ ...options, params: paramsOf(args, {}) });
  checkSpace(args, study, options);
  const split = args.split ?? (task === "regression" ? "random" : "stratified");
  const how = { folds: args.folds, seed };
  const folds =
    split === "time"
      ? timeSeriesSplit(rows.columns.rowCount, { folds: args.folds })
      : split === "random"
        ? kFold(rows.columns.rowCount, how)
        : stratifiedKFold(rows.label, how);
  const { label, features, params, preprocessing } = args;
  const terms = {
    ...{ table: args.train.table, version: rows.version, label, features, task, algorithm, params, preprocessing },
    ...{ space: study.space, score, folds: args.folds, split, seed },
  };
  return { args, version: rows.version, terms, study, score, options, folds, tracking, signal };
}

/**
 * A value that does not fit this table fails its trial; a name that no trial could have fails the study.
 * @throws LearnError UNKNOWN_PARAM, at the parameter's place in the space
 */
function checkSpace(args: TuningArguments, study: SharedStudy, options: Search["options"]): void {
  try {
    checkTraining({ ...options, params: paramsOf(args, study.propose(0, [])) });
  } catch (error) {
    if (!(error instanceof LearnError)) throw error;
    if (error.code === "INVALID_PARAM") return;
    const at = study.space.findIndex(({ name }) => error.field === `params.${name}`);
    if (at < 0) throw error;
    const { code, message, hint } = error;
    throw new LearnError(code, message, { field: `space[${at}].name`, ...(hint !== undefined && { hint }) });
  }
}

function paramsOf({ algorithm, params: shared }: TuningArguments, params: Trial["params"]): Record<string, unknown> {
  return { ...DEFAULT_PARAMS[algorithm], ...shared, ...params };
}

/** Runs one trial, or what a killed worker left of it. */
async function runTrial(search: Search, number: number): Promise<void> {
  const { args, study, score, options, folds, tracking, signal } = search;
  const others = async () =>
    [...(await readTrials(tracking, args)).values()].filter((trial) => trial.number !== number);
  const trial = await openTrial(tracking, args, number, async () => study.propose(number, await others()));
  if (isOver(trial)) return;
  const before = trial.reports.map(([, value]) => value);
  const rest = folds.slice(before.length);
  // A worker may have died between a report and what is said of it.
  const judge = async (step: number) => {
    const prune = step + 1 < folds.length && study.shouldPrune(trial, await others());
    await keepRungs(tracking, trial);
    return prune;
  };
  let isPruned = before.length > 0 && (await judge(before.length - 1));
  try {
    // Reports are running means; the fold's own score is what the mean moved by.
    const means = [...before];
    let sum = means.length === 0 ? 0 : means.at(-1)! * means.length;
    if (!isPruned)
      await crossValidate({ ...options, params: paramsOf(args, trial.params) }, rest, score, async (scores) => {
        sum += scores.at(-1)!;
        const step = means.length;
        const mean = sum / (step + 1);
        means.push(mean);
        await reportTrial(tracking, trial.runId, step, mean);
        trial.reports.push([step, mean]);
        isPruned = await judge(step);
        return isPruned;
      });
    const value = means.at(-1) ?? Number.NaN;
    await endTrial(
      tracking,
      trial,
      isPruned ? "pruned" : Number.isNaN(value) ? "failed" : "complete",
      isPruned ? null : value,
    );
  } catch (error) {
    if (signal.aborted || !(error instanceof LearnError)) throw error;
    // These parameters cannot be trained (say, a share that leaves no rows): a failed trial, as in Optuna.
    await endTrial(tracking, trial, "failed", null, error.message);
  }
}

function bestOf(trials: readonly StoredTrial[], isLess: boolean): TuningOutput["best"] {
  let best: TuningOutput["best"] = null;
  for (const { number, params, value } of trials) {
    if (value === null) continue;
    if (best === null || (isLess ? value < best.value : value > best.value)) best = { number, params, value };
  }
  return best;
}
