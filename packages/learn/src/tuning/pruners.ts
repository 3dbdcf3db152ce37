import { z } from "zod";
import { LearnError } from "../errors.ts";
import { faultOf } from "../faults.ts";
import { hyperbandBracket, hyperbandBrackets, successiveHalving, type Verdict } from "./halving.ts";
import { lastStep, type StudyView, type Trial } from "./trial.ts";

const Count = z.number().int().min(0);
const Positive = z.number().int().min(1);
const schedule = { n_warmup_steps: Count.default(0), interval_steps: Positive.default(1) };
const against = { n_startup_trials: Count.default(5), n_min_trials: Positive.default(1), ...schedule };
const halving = { reduction_factor: z.number().int().min(2), bootstrap_count: Count.default(0) };

const Plain = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("none") }),
  z.strictObject({ type: z.literal("median"), ...against }),
  z.strictObject({ type: z.literal("percentile"), percentile: z.number().min(0).max(100), ...against }),
  z
    .strictObject({
      type: z.literal("successive_halving"),
      ...halving,
      min_resource: z.union([Positive, z.literal("auto")]).default("auto"),
      reduction_factor: halving.reduction_factor.default(4),
      min_early_stopping_rate: Count.default(0),
    })
    .refine((o) => o.bootstrap_count === 0 || o.min_resource !== "auto", {
      path: ["bootstrap_count"],
      error: 'expected 0 while min_resource is "auto"',
    }),
  z
    .strictObject({
      type: z.literal("hyperband"),
      ...halving,
      min_resource: Positive.default(1),
      max_resource: z.union([Positive, z.literal("auto")]).default("auto"),
      reduction_factor: halving.reduction_factor.default(3),
    })
    .refine((o) => o.bootstrap_count === 0 || o.max_resource !== "auto", {
      path: ["bootstrap_count"],
      error: 'expected 0 while max_resource is "auto"',
    }),
  z
    .strictObject({
      type: z.literal("threshold"),
      lower: z.number().nullable().default(null),
      upper: z.number().nullable().default(null),
      ...schedule,
    })
    .refine((o) => o.lower !== null || o.upper !== null, { path: ["lower"], error: "expected lower, upper or both" })
    .refine((o) => (o.lower ?? -Infinity) <= (o.upper ?? Infinity), {
      path: ["lower"],
      error: "expected lower ≤ upper",
    }),
]);

const Patient = z.strictObject({
  type: z.literal("patient"),
  /** Asked once patience is over; null prunes at once. */
  wrapped: Plain.nullable(),
  patience: Count,
  min_delta: z.number().min(0).default(0),
});

const Pruner = z.union([Plain, Patient]);
/** A pruner by the names and defaults of Optuna 5.0's, all filled in. */
export type Pruner = z.output<typeof Pruner>;
/** `none`, `median`, `percentile`, `successive_halving`, `hyperband`, `threshold`, or `patient` around one of these. */
export type PrunerInput = z.input<typeof Pruner>;

/** Checks a pruner and fills in Optuna's defaults. @throws LearnError INVALID_PRUNER naming the field */
export function parsePruner(pruner: unknown): Pruner {
  const type = z.looseObject({ type: z.string() }).safeParse(pruner);
  // One of the two schemas, so that the error names the field and not the union.
  const result = type.data?.type === "patient" ? Patient.safeParse(pruner) : Plain.safeParse(pruner);
  if (result.success) return result.data;
  const { field, message, hint } = faultOf(result.error, pruner, "pruner");
  throw new LearnError("INVALID_PRUNER", message.replace("threshold.", "threshold, patient."), {
    field,
    ...(hint !== undefined && { hint }),
  });
}

/**
 * Whether the trial should end now, after its last report: the rules of Optuna 5.0's pruners.
 * A trial without reports is never pruned.
 */
export function judge(pruner: Pruner, study: StudyView, trial: Trial): Verdict {
  const step = lastStep(trial);
  if (step === undefined) return { prune: false };
  switch (pruner.type) {
    case "none":
      return { prune: false };
    case "median":
      return { prune: isBehind({ ...pruner, percentile: 50 }, study, trial, step) };
    case "percentile":
      return { prune: isBehind(pruner, study, trial, step) };
    case "threshold":
      return { prune: isOutside(pruner, trial, step) };
    case "patient":
      if (!isStuck(pruner, study, trial)) return { prune: false };
      return pruner.wrapped === null ? { prune: true } : judge(pruner.wrapped, study, trial);
    case "successive_halving":
      return successiveHalving({ ...pruner, trials: study.trials, direction: study.direction }, trial);
    case "hyperband": {
      const budgets = hyperbandBrackets(pruner, study.trials);
      if (budgets === undefined) return { prune: false };
      const bracket = hyperbandBracket(budgets, study.name, trial.number);
      const trials = study.trials.filter(({ number }) => hyperbandBracket(budgets, study.name, number) === bracket);
      const options = { ...pruner, trials, direction: study.direction, min_early_stopping_rate: bracket };
      return successiveHalving(options, trial);
    }
  }
}

type Schedule = { readonly n_warmup_steps: number; readonly interval_steps: number };

/** Past the warm-up, and the first report of its interval. */
function isDue({ n_warmup_steps, interval_steps }: Schedule, trial: Trial, step: number): boolean {
  if (step < n_warmup_steps) return false;
  const begin = Math.floor((step - n_warmup_steps) / interval_steps) * interval_steps + n_warmup_steps;
  return (trial.reports.at(-2)?.[0] ?? -1) < begin;
}

type Against = Schedule & {
  readonly percentile: number;
  readonly n_startup_trials: number;
  readonly n_min_trials: number;
};

/** The trial's best report is behind the percentile of the complete trials' reports at this step. */
function isBehind(o: Against, { trials, direction }: StudyView, trial: Trial, step: number): boolean {
  const complete = trials.filter(({ state }) => state === "complete");
  if (complete.length === 0 || complete.length < o.n_startup_trials || !isDue(o, trial, step)) return false;
  const best = bestOf(
    trial.reports.map(([, value]) => value),
    direction,
  );
  if (Number.isNaN(best)) return true;
  const others = complete.flatMap(({ reports }) => reports.filter(([at]) => at === step).map(([, value]) => value));
  if (others.length < o.n_min_trials) return false;
  const bar = percentileOf(others, direction === "maximize" ? 100 - o.percentile : o.percentile);
  return direction === "maximize" ? best < bar : best > bar;
}

function isOutside(
  o: Schedule & { readonly lower: number | null; readonly upper: number | null },
  trial: Trial,
  step: number,
): boolean {
  if (!isDue(o, trial, step)) return false;
  const value = trial.reports.at(-1)![1];
  return Number.isNaN(value) || (o.lower !== null && value < o.lower) || (o.upper !== null && value > o.upper);
}

/** The last `patience` + 1 reports brought nothing better than those before. */
function isStuck(
  { patience, min_delta }: { readonly patience: number; readonly min_delta: number },
  { direction }: StudyView,
  { reports }: Trial,
): boolean {
  if (reports.length <= patience + 1) return false;
  const values = reports.map(([, value]) => value);
  const before = bestOf(values.slice(0, -patience - 1), direction);
  const after = bestOf(values.slice(-patience - 1), direction);
  return direction === "maximize" ? before - min_delta > after : before + min_delta < after;
}

/** NaN for nothing but NaN. */
function bestOf(values: readonly number[], direction: StudyView["direction"]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return Number.NaN;
  return known.reduce((a, b) => (direction === "maximize" ? Math.max(a, b) : Math.min(a, b)));
}

/** numpy's nanpercentile, linear between neighbours; NaN for nothing but NaN, and where a neighbour is infinite. */
function percentileOf(values: readonly number[], percentile: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const place = (percentile / 100) * (sorted.length - 1);
  const at = Math.min(Math.floor(place), sorted.length - 1);
  const low = sorted[at]!;
  const high = sorted[Math.min(at + 1, sorted.length - 1)]!;
  // From the nearer side, as numpy does it to the last bit.
  const share = place - at;
  return share >= 0.5 ? high - (high - low) * (1 - share) : low + (high - low) * share;
}
