import { ApplicationFailure, scheduleLocalActivity, TimeoutFailure } from "@temporalio/workflow";
import type { GraphNode, Json } from "../core/graph.ts";
import { type Follower, followersOf } from "../core/series.ts";
import type { RunTask, SchedulerState } from "../core/state.ts";
import { topologyOf } from "../core/topology.ts";
import { attemptRequest, deriveRequest } from "./attempt.ts";
import { ACTIVITY, type RunLimits, type SeriesOutcome, type SeriesStep } from "./protocol.ts";

/** A series has to fit into one message of a local activity: so many characters of JSON go in at most. */
const LARGEST = 262_144;

/**
 * Runs light nodes that follow one another in one local activity: a step of the run costs more than such a task. The
 * scheduler learns of their outcomes one by one, when it wants each of them to run.
 */
export class Series {
  /** Outcomes that the scheduler has not asked for yet. */
  private readonly ahead = new Map<string, { readonly attempt: number; readonly outcome: SeriesOutcome }>();

  /** How often the run was changed from outside: outcomes of before are not to be trusted. */
  private changes = 0;

  constructor(private readonly limits: RunLimits["series"]) {}

  /** The outcome of an attempt that a series has made already. */
  take({ id, attempt }: RunTask): SeriesOutcome | undefined {
    const made = this.ahead.get(id);
    this.ahead.delete(id);
    return made?.attempt === attempt ? made.outcome : undefined;
  }

  /** What it holds, or is about to hold, is of a run that has been changed from outside since. */
  forget(): void {
    this.changes += 1;
    this.ahead.clear();
  }

  isEmpty(): boolean {
    return this.ahead.size === 0;
  }

  /** The nodes that can follow an attempt that is to begin. */
  followers(state: SchedulerState, node: GraphNode, { index, withinMs }: RunTask): readonly Follower[] {
    if (this.limits === undefined || index !== undefined || withinMs !== undefined) return [];
    return followersOf(state, node, this.limits.steps - 1);
  }

  /** Carries out an attempt and, in the same go, those that follow it. Null: it is too large for that. */
  async execute(
    state: SchedulerState,
    node: GraphNode,
    command: RunTask,
    followers: readonly Follower[],
  ): Promise<SeriesOutcome | null> {
    const of = { graph: state.graph, run: state.run, steering: topologyOf(state.graph).steering };
    const attempts = followers.map(({ node, status, input }) => {
      const { attempts, clears = 0 } = status;
      return { node, attempt: attempts + 1, clears, input };
    });
    const first = { node, ...command, input: { kind: "literal", value: command.input } as const };
    const steps = [first, ...attempts].map(({ node, input, attempt, clears }): SeriesStep => {
      const { timeoutMs } = node.policy;
      return node.kind === "derive"
        ? { input, timeoutMs, derive: deriveRequest(of, node) }
        : { input, timeoutMs, attempt: attemptRequest(of, node, { attempt, clears }) };
    });
    if (JSON.stringify(steps).length > LARGEST) return null;
    const { changes } = this;
    const outcomes = await scheduleLocalActivity<SeriesOutcome[]>(
      ACTIVITY.series,
      [{ steps, run: state.run, ms: this.limits?.ms ?? 0 }],
      {
        startToCloseTimeout: steps.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0),
        retry: { maximumAttempts: 1 },
        summary: `${node.id} … ${attempts.at(-1)?.node.id}`,
      },
    );
    for (const [place, { node, attempt }] of attempts.entries()) {
      const outcome = outcomes[place + 1];
      if (outcome !== undefined && changes === this.changes) this.ahead.set(node.id, { attempt, outcome });
    }
    const [outcome] = outcomes;
    if (outcome === undefined) throw new Error(`The series from ${node.id} has no outcome`);
    return outcome;
  }
}

/** What an attempt of a series returned, or threw. */
export function outputOfStep(outcome: SeriesOutcome): Json {
  if ("output" in outcome) return outcome.output;
  if ("timedOut" in outcome) throw new TimeoutFailure("The attempt took too long", undefined, "START_TO_CLOSE");
  const { type, message, error } = outcome.failure;
  throw ApplicationFailure.create({ type, message, nonRetryable: true, details: error === undefined ? [] : [error] });
}
