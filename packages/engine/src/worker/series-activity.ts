import { ApplicationFailure, Context } from "@temporalio/activity";
import { durationText } from "../core/duration-text.ts";
import { readBy } from "../core/expression.ts";
import type { Json } from "../core/graph.ts";
import { isTaskError } from "../core/is-task-error.ts";
import type { RunInfo } from "../core/state.ts";
import { withinTime } from "../execution/within-time.ts";
import type { SeriesOutcome, SeriesRequest, SeriesStep } from "../sandbox/protocol.ts";
import { derived } from "./derive-activity.ts";
import { outputOf, runTaskAttempt, type TaskGround } from "./task-activity.ts";

/** A local activity's result has to fit into one message: so many characters of JSON end a series. */
const LARGEST = 262_144;

/** Runs light tasks and `derive`s one after the other, until one of them does not succeed or the time is up. */
export async function runSeries(ground: TaskGround, { steps, run, ms }: SeriesRequest): Promise<SeriesOutcome[]> {
  const until = Date.now() + ms;
  const outcomes: SeriesOutcome[] = [];
  const outputs = new Map<string, Json>();
  let size = 0;
  for (const step of steps) {
    const input = readBy(step.input, { params: null, run, outputOf: (id) => outputs.get(id) });
    const outcome = await withinTimeout(step.timeoutMs, (signal) => outcomeOf(ground, run, step, input, signal));
    outcomes.push(outcome);
    if (!("output" in outcome)) break;
    outputs.set(step.attempt?.nodeId ?? step.derive?.nodeId ?? "", outcome.output);
    size += JSON.stringify(outcome.output).length;
    if (Date.now() >= until || size > LARGEST) break;
  }
  return outcomes;
}

/** @throws what is no failure of the step: the run aborts the series */
async function outcomeOf(
  ground: TaskGround,
  run: RunInfo,
  { attempt, derive }: SeriesStep,
  input: Json,
  signal: AbortSignal,
): Promise<SeriesOutcome> {
  try {
    if (attempt !== undefined) {
      // Without cache and outlets it returns its output.
      const output = (await runTaskAttempt(ground, input, { ...attempt, run }, signal)) as Json;
      return { output, endedAt: Date.now() };
    }
    if (derive === undefined) throw new Error("A step of a series is a task or a derive");
    return { output: outputOf(await derived(ground, { ...derive, args: input })), endedAt: Date.now() };
  } catch (thrown) {
    if (!(thrown instanceof ApplicationFailure)) throw thrown;
    const { message, details } = thrown;
    const [detail] = details ?? [];
    const error = isTaskError(detail) ? { error: detail } : {};
    return { failure: { type: thrown.type ?? "TASK_FAILED", message, ...error }, endedAt: Date.now() };
  }
}

/** What does not end in time is aborted and not waited for. */
async function withinTimeout(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<SeriesOutcome>,
): Promise<SeriesOutcome> {
  const late = new AbortController();
  const signal = AbortSignal.any([Context.current().cancellationSignal, late.signal]);
  return await withinTime<SeriesOutcome>(work(signal), timeoutMs, () => {
    late.abort(new Error(`The attempt took longer than its timeout of ${durationText(timeoutMs)}`));
    return { timedOut: true, endedAt: Date.now() };
  });
}
