import { CancellationScope, isCancellation, scheduleActivity, sleep, workflowInfo } from "@temporalio/workflow";
import { callbackAfter, eventOf } from "../core/callbacks.ts";
import { MAX_LOST_ATTEMPTS } from "../core/decide.ts";
import type { DagGraph } from "../core/graph.ts";
import { chanceOf, retryDelayMs } from "../core/retries.ts";
import type { CallbackName, CallbackView, RunInfo, RunView, TaskError } from "../core/state.ts";
import type { ResumedRun } from "./continuation.ts";
import { eventOfFailure } from "./failures.ts";
import { ACTIVITY, type CallbackRequest } from "./protocol.ts";

/** Calls what a DAG wants called when a run ends or misses its deadline, and remembers what came of it. */
export class RunCallbacks {
  private deadlineMissedAt: string | undefined;
  private readonly views: Partial<Record<CallbackName, CallbackView>> = {};
  private deadline: CancellationScope | undefined;
  private pending: Promise<void> | undefined;

  constructor(
    private readonly graph: DagGraph,
    private readonly run: RunInfo,
    /** What callbacks live in: no cancellation but our own reaches them. */
    private readonly scope: CancellationScope,
    private readonly viewOfRun: () => RunView,
  ) {}

  /** Takes up what a former execution of the run knew of them. */
  resume({ deadlineMissedAt, callbacks }: Pick<ResumedRun, "deadlineMissedAt" | "callbacks">): void {
    this.deadlineMissedAt = deadlineMissedAt;
    Object.assign(this.views, callbacks);
  }

  /** Whether one is being called at the moment. */
  isBusy(): boolean {
    return Object.values(this.views).some(({ state }) => state === "running");
  }

  /** What the run's view says of them; nothing while there is nothing to say. */
  view(): Pick<RunView, "deadlineMissedAt" | "callbacks"> {
    return {
      ...(this.deadlineMissedAt === undefined ? {} : { deadlineMissedAt: this.deadlineMissedAt }),
      ...(Object.keys(this.views).length === 0 ? {} : { callbacks: { ...this.views } }),
    };
  }

  /**
   * Watches the deadline, if the DAG has one, until `ended`.
   * @param startedAt When the run started, in milliseconds since 1970.
   */
  watch(startedAt: number): void {
    const { deadline } = this.graph;
    if (deadline === undefined || this.deadlineMissedAt !== undefined) return;
    const from = deadline.from === "start" ? startedAt : Date.parse(this.run.dataInterval.end);
    const scope = new CancellationScope({ cancellable: true, parent: this.scope });
    this.deadline = scope;
    this.pending = scope.run(async () => {
      try {
        await sleep(Math.max(1, from + deadline.afterMs - Date.now()), { summary: "deadline" });
      } catch (thrown) {
        if (isCancellation(thrown)) return;
        throw thrown;
      }
      this.deadlineMissedAt = new Date(Date.now()).toISOString();
      await CancellationScope.nonCancellable(() => this.call("onDeadline"));
    });
  }

  /** Calls what the run's end calls for, and waits for all that was called. */
  async ended(): Promise<void> {
    this.deadline?.cancel();
    const name = callbackAfter(this.viewOfRun().state);
    if (name !== null) await this.call(name);
    await this.pending;
  }

  /** Whether the end of a run in this state calls for something. */
  hasAfter(state: RunView["state"]): boolean {
    const name = callbackAfter(state);
    return name !== null && this.graph.callbacks?.[name] !== undefined;
  }

  private async call(name: CallbackName): Promise<void> {
    const callback = this.graph.callbacks?.[name];
    if (callback === undefined) return;
    this.views[name] = { state: "running" };
    const { policy } = callback;
    const request: Omit<CallbackRequest, "attempt"> = {
      name,
      event: eventOf(this.viewOfRun()),
      run: this.run,
      executionId: workflowInfo().firstExecutionRunId,
    };
    for (let attempt = 1, lost = 0; ; ) {
      try {
        await scheduleActivity(ACTIVITY.callback, [{ ...request, attempt }], {
          startToCloseTimeout: policy.timeoutMs,
          heartbeatTimeout: policy.heartbeatMs,
          retry: { maximumAttempts: 1 },
          activityId: `@${name}`,
          summary: attempt > 1 ? `${name}, attempt ${attempt}` : name,
        });
        this.views[name] = { state: "success" };
        return;
      } catch (thrown) {
        const event = eventOfFailure({ policy }, { id: `@${name}` }, thrown, Date.now());
        if (event.type === "task_lost" && lost < MAX_LOST_ATTEMPTS) {
          lost += 1;
          continue;
        }
        const error = event.type === "task_failed" ? event.error : WORKER_LOST;
        if (!error.retryable || attempt > policy.retries) {
          this.views[name] = { state: "failed", error };
          return;
        }
        await sleep(retryDelayMs(policy, attempt, chanceOf(this.run, `@${name}`, attempt)), {
          summary: `retry of ${name}`,
        });
        attempt += 1;
      }
    }
  }
}

const WORKER_LOST: TaskError = {
  code: "WORKER_LOST",
  message: `Its worker died ${MAX_LOST_ATTEMPTS} times under it`,
  retryable: false,
};
