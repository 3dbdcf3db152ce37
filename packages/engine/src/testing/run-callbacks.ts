import { callbackAfter, eventOf } from "../core/callbacks.ts";
import { durationText } from "../core/duration-text.ts";
import { chanceOf, retryDelayMs } from "../core/retries.ts";
import type { CallbackName, CallbackView, RunInfo, RunView } from "../core/state.ts";
import { executeCallback } from "../execution/execute-callback.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import type { Redactor } from "../execution/redactor.ts";
import { withinTime } from "../execution/within-time.ts";
import type { TaskServices } from "../language/context.ts";
import type { Dag } from "../language/dag.ts";
import { type Mocks, mockOf } from "./mocks.ts";
import type { RunTime } from "./run-time.ts";

/** What the callbacks of a run in this process stand on. */
export interface CallbackGround {
  readonly dag: Dag;
  readonly run: RunInfo;
  readonly time: RunTime;
  readonly services: TaskServices;
  readonly redactor: Redactor;
  readonly mocks: Mocks;
  readonly viewOfRun: () => RunView;
  /** Called after every change of what `view` says. */
  readonly onChange: () => void;
}

/** Calls what a DAG wants called when a run ends or misses its deadline, and remembers what came of it. */
export class RunCallbacks {
  private dueAt: number | undefined;
  private deadlineMissedAt: string | undefined;
  private readonly views: Partial<Record<CallbackName, CallbackView>> = {};
  private pending: Promise<void> | undefined;
  private forget: () => void = () => {};

  constructor(private readonly ground: CallbackGround) {}

  /** What the run's view says of them; nothing while there is nothing to say. */
  view(): Pick<RunView, "deadlineMissedAt" | "callbacks"> {
    return {
      ...(this.deadlineMissedAt === undefined ? {} : { deadlineMissedAt: this.deadlineMissedAt }),
      ...(Object.keys(this.views).length === 0 ? {} : { callbacks: { ...this.views } }),
    };
  }

  /** Watches the deadline, if the DAG has one, until `ended`. */
  watch(): void {
    const { dag, run, time } = this.ground;
    const { deadline } = dag.graph;
    if (deadline === undefined) return;
    const from = deadline.from === "start" ? time.now() : Date.parse(run.dataInterval.end);
    this.dueAt = from + deadline.afterMs;
    this.forget = time.after(Math.max(1, this.dueAt - time.now()), () => this.check(), false);
  }

  /** Notices that the deadline has passed: also by a clock that only a test moves. */
  check(): void {
    const { time } = this.ground;
    if (this.dueAt === undefined || time.now() < this.dueAt) return;
    this.stopWatching();
    this.deadlineMissedAt = new Date(time.now()).toISOString();
    this.pending = this.call("onDeadline");
  }

  /** Calls what the run's end calls for, and waits for all that was called. */
  async ended(): Promise<void> {
    this.stopWatching();
    const name = callbackAfter(this.ground.viewOfRun().state);
    if (name !== null) await this.call(name);
    await this.pending;
  }

  private stopWatching(): void {
    this.dueAt = undefined;
    this.forget();
  }

  private async call(name: CallbackName): Promise<void> {
    const { dag, run, time, viewOfRun } = this.ground;
    const policy = dag.graph.callbacks?.[name]?.policy;
    if (policy === undefined) return;
    this.tell(name, { state: "running" });
    const event = eventOf(viewOfRun());
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await time.during(() => this.attempt(name, attempt, event, policy.timeoutMs));
      if (outcome.type !== "failed") {
        this.tell(name, { state: "success" });
        return;
      }
      const { error } = outcome;
      if (!error.retryable || attempt > policy.retries) {
        this.tell(name, { state: "failed", error });
        return;
      }
      const pause = retryDelayMs(policy, attempt, chanceOf(run, `@${name}`, attempt));
      await new Promise<void>((later) => time.after(pause, later));
    }
  }

  private async attempt(
    name: CallbackName,
    attempt: number,
    event: ReturnType<typeof eventOf>,
    timeoutMs: number,
  ): Promise<TaskOutcome> {
    const { dag, run, services, redactor, mocks } = this.ground;
    const controller = new AbortController();
    const given = { run, services, redactor, attempt, signal: controller.signal };
    const implementation = mockOf(dag, mocks, `@${name}`);
    const work = executeCallback({ dag, name, event, ...given, ...(implementation ? { implementation } : {}) });
    return await withinTime(work, timeoutMs, () => {
      const message = `The attempt took longer than its timeout of ${durationText(timeoutMs)}`;
      controller.abort(new Error(message));
      return { type: "failed", error: { code: "TASK_TIMEOUT", message, retryable: true } };
    });
  }

  private tell(name: CallbackName, view: CallbackView): void {
    this.views[name] = view;
    this.ground.onChange();
  }
}
