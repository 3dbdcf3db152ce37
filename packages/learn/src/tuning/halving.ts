import { crc32 } from "./crc32.ts";
import { type Direction, lastStep, type Trial } from "./trial.ts";

/** What a pruner says. */
export interface Verdict {
  readonly prune: boolean;
  /** Values to record as `rungs` of the trial: those of rungs that it has ended now. */
  readonly rungs?: readonly number[];
}

interface Halving {
  readonly direction: Direction;
  /** Those that the trial competes with; the trial itself may be among them. */
  readonly trials: readonly Trial[];
  readonly min_resource: number | "auto";
  readonly reduction_factor: number;
  readonly min_early_stopping_rate: number;
  readonly bootstrap_count: number;
}

/**
 * Asynchronous successive halving as in Optuna 5.0: at step min_resource × factor^(rate + rung) a trial goes on if it is
 * among the best 1/factor of all that have ended the rung. `auto` is a hundredth of the steps of the first complete trial.
 */
export function successiveHalving(o: Halving, trial: Trial): Verdict {
  const step = lastStep(trial);
  const last = trial.reports.at(-1);
  const least = o.min_resource === "auto" ? estimatedResource(o.trials) : o.min_resource;
  if (step === undefined || last === undefined || least === undefined) return { prune: false };
  const value = last[1];
  const rungs: number[] = [];
  for (let rung = trial.rungs.length; ; rung++) {
    if (step < least * o.reduction_factor ** (o.min_early_stopping_rate + rung)) return { prune: false, rungs };
    if (Number.isNaN(value)) return { prune: true, rungs };
    rungs.push(value);
    const competing = o.trials.flatMap((other) =>
      other.number !== trial.number && other.rungs.length > rung ? [other.rungs[rung]!] : [],
    );
    competing.push(value);
    if (competing.length <= o.bootstrap_count || !isAmongBest(value, competing, o)) return { prune: true, rungs };
  }
}

function isAmongBest(value: number, competing: readonly number[], { reduction_factor, direction }: Halving): boolean {
  const sorted = competing.toSorted((a, b) => (direction === "maximize" ? b - a : a - b));
  const bar = sorted[Math.max(Math.floor(sorted.length / reduction_factor) - 1, 0)]!;
  return direction === "maximize" ? value >= bar : value <= bar;
}

/** The first complete trial decides, so that a resumed study goes on as it would have. */
function firstCompleteSteps(trials: readonly Trial[]): number | undefined {
  const first = trials.find(({ state, reports }) => state === "complete" && reports.length > 0);
  return first && lastStep(first);
}

function estimatedResource(trials: readonly Trial[]): number | undefined {
  const steps = firstCompleteSteps(trials);
  return steps === undefined ? undefined : Math.max(Math.floor(steps / 100), 1);
}

interface Hyperband {
  readonly min_resource: number;
  readonly max_resource: number | "auto";
  readonly reduction_factor: number;
}

/**
 * Each bracket's share of the trials, as in Optuna 5.0; undefined while max_resource is not known, or where it is below
 * min_resource: then nothing is pruned.
 */
export function hyperbandBrackets(o: Hyperband, trials: readonly Trial[]): readonly number[] | undefined {
  const steps = firstCompleteSteps(trials);
  const most = o.max_resource === "auto" ? (steps === undefined ? undefined : steps + 1) : o.max_resource;
  if (most === undefined) return undefined;
  const brackets = Math.floor(Math.log(most / o.min_resource) / Math.log(o.reduction_factor)) + 1;
  if (brackets < 1) return undefined;
  return Array.from({ length: brackets }, (_, bracket) => {
    const left = brackets - 1 - bracket;
    return Math.ceil((brackets * o.reduction_factor ** left) / (left + 1));
  });
}

/** The bracket of a trial: crc32 of "<study>_<number>", spread over the brackets by their shares. */
export function hyperbandBracket(budgets: readonly number[], study: string, number: number): number {
  let rest = crc32(`${study}_${number}`) % budgets.reduce((sum, budget) => sum + budget, 0);
  return budgets.findIndex((budget) => {
    rest -= budget;
    return rest < 0;
  });
}
