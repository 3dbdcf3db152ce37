import { z } from "zod";
import { LearnError } from "../errors.ts";
import { judge, type Pruner, type PrunerInput, parsePruner } from "./pruners.ts";
import { parseSampler, type Sampler, type SamplerInput, suggest } from "./sampler.ts";
import { checkParams, type Dimension, type DimensionInput, parseSpace, type TrialParams } from "./space.ts";
import { Direction, lastStep, Trial } from "./trial.ts";

/** What a study searches, and how. */
export interface StudyOptions {
  /** Hyperband spreads trials over its brackets by this name. */
  readonly name: string;
  readonly space: readonly DimensionInput[];
  /** @default "minimize" */
  readonly direction?: Direction;
  /** @default tpe with Optuna's defaults */
  readonly sampler?: SamplerInput;
  /** @default none */
  readonly pruner?: PrunerInput;
  /** A whole number; the same seed and values told give the same trials. @default 42 */
  readonly seed?: number;
}

/** A search for the best parameters, in the manner of Optuna's ask and tell. */
export interface Study {
  readonly name: string;
  readonly direction: Direction;
  /** By number; copies. */
  trials(): readonly Trial[];
  /** The complete trial with the best value, the first of equals; undefined before the first. */
  best(): Trial | undefined;
  /** Begins a trial with the sampler's parameters. */
  ask(): Trial;
  /**
   * Adds a trial that is complete already, e.g. of known parameters.
   * @throws LearnError INVALID_TRIAL for parameters outside the space
   */
  add(params: TrialParams, value: number): Trial;
  /**
   * Notes a value on the way and says whether to end the trial now.
   * @param step A whole number from 0, greater than the last
   * @throws LearnError INVALID_TRIAL for a trial that is not running or a step out of order
   */
  report(number: number, step: number, value: number): boolean;
  /** Ends a trial; NaN makes it failed, as in Optuna. @throws LearnError INVALID_TRIAL unless it is running */
  complete(number: number, value: number): void;
  /** Ends a trial without a value: samplers see a pruned one as bad, and a failed one not at all. @throws as `complete` */
  end(number: number, state: "pruned" | "failed"): void;
  /** All there is to know, as a JSON text for `resumeStudy`. */
  serialize(): string;
}

const State = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  direction: Direction,
  seed: z.number().int(),
  space: z.array(z.unknown()),
  sampler: z.unknown(),
  pruner: z.unknown(),
  trials: z.array(Trial),
});

/** @throws LearnError INVALID_SPACE, INVALID_SAMPLER, INVALID_PRUNER, INVALID_SEED naming the field */
export function createStudy(options: StudyOptions): Study {
  const { name, direction = "minimize", sampler = { type: "tpe" }, pruner = { type: "none" }, seed = 42 } = options;
  if (!Number.isSafeInteger(seed))
    throw new LearnError("INVALID_SEED", `seed is ${seed}: expected a whole number.`, { field: "seed" });
  const search = { space: parseSpace(options.space), sampler: parseSampler(sampler), pruner: parsePruner(pruner) };
  return studyOf({ name, direction, seed, ...search }, []);
}

/**
 * A study from the text of `serialize`. It goes on with the same trials as the one that was left; trials that ran then
 * still run, and are told or ended as usual.
 * @throws LearnError INVALID_STUDY for any other text; INVALID_SPACE, INVALID_SAMPLER, INVALID_PRUNER, INVALID_TRIAL
 */
export function resumeStudy(text: string): Study {
  const { version: _, trials, ...state } = readState(text);
  const search = {
    ...state,
    space: parseSpace(state.space),
    sampler: parseSampler(state.sampler),
    pruner: parsePruner(state.pruner),
  };
  for (const [at, { number, params, state: ended, value }] of trials.entries()) {
    if (number !== at) throw invalidStudy(`trials[${at}].number is ${number}: expected ${at}`);
    if ((ended === "complete") !== (value !== null))
      throw invalidStudy(`trials[${at}].value is ${value} and its state ${ended}`);
    checkParams(search.space, params, `trials[${at}].params`);
  }
  return studyOf(search, trials);
}

function readState(text: string): z.output<typeof State> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalidStudy("it is no JSON");
  }
  const parsed = State.safeParse(json);
  if (!parsed.success) throw invalidStudy(z.prettifyError(parsed.error));
  return parsed.data;
}

interface Search {
  readonly name: string;
  readonly direction: Direction;
  readonly seed: number;
  readonly space: readonly Dimension[];
  readonly sampler: Sampler;
  readonly pruner: Pruner;
}

function studyOf(search: Search, trials: Trial[]): Study {
  const { name, direction, seed, space, sampler, pruner } = search;
  const begin = (params: TrialParams): Trial => {
    const trial: Trial = {
      number: trials.length,
      params: { ...params },
      state: "running",
      value: null,
      reports: [],
      rungs: [],
    };
    trials.push(trial);
    return trial;
  };
  const running = (number: number): Trial => {
    const trial = trials[number];
    if (trial?.state === "running") return trial;
    const found = trial === undefined ? "not there" : trial.state;
    throw new LearnError("INVALID_TRIAL", `Trial ${number} of ${name} is ${found}: expected running.`, {
      field: "number",
    });
  };
  const finish = (trial: Trial, value: number) => {
    trial.state = Number.isNaN(value) ? "failed" : "complete";
    trial.value = Number.isNaN(value) ? null : value;
  };
  return {
    name,
    direction,
    trials: () => structuredClone(trials),
    best() {
      const sign = direction === "maximize" ? -1 : 1;
      let best: Trial | undefined;
      for (const trial of trials)
        if (trial.value !== null && (best?.value == null || sign * trial.value < sign * best.value)) best = trial;
      return structuredClone(best);
    },
    ask: () => structuredClone(begin(suggest(sampler, space, { name, direction, trials }, seed, trials.length))),
    add(params, value) {
      checkParams(space, params, "params");
      const trial = begin(params);
      finish(trial, value);
      return structuredClone(trial);
    },
    report(number, step, value) {
      const trial = running(number);
      const least = (lastStep(trial) ?? -1) + 1;
      if (!Number.isSafeInteger(step) || step < least)
        throw new LearnError("INVALID_TRIAL", `step is ${step}: expected a whole number, at least ${least}.`, {
          field: "step",
        });
      trial.reports.push([step, value]);
      const { prune, rungs = [] } = judge(pruner, { name, direction, trials }, trial);
      trial.rungs.push(...rungs);
      return prune;
    },
    complete: (number, value) => finish(running(number), value),
    end(number, state) {
      running(number).state = state;
    },
    serialize: () => JSON.stringify({ version: 1, ...search, trials }, nonFiniteAsText),
  };
}

function nonFiniteAsText(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function invalidStudy(reason: string): LearnError {
  return new LearnError("INVALID_STUDY", `The text is not a study that serialize wrote: ${reason}.`, {
    field: "text",
  });
}
