import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  makeContinueAsNewFunc,
  ParentClosePolicy,
  scheduleLocalActivity,
  setHandler,
  startChild,
  upsertMemo,
  WorkflowIdReusePolicy,
  workflowInfo,
} from "@temporalio/workflow";
import { isTaskError } from "../core/is-task-error.ts";
import type { TaskError } from "../core/state.ts";
import {
  type BackfillCancel,
  type BackfillConfig,
  type BackfillPage,
  type BackfillPageRequest,
  type BackfillView,
  MEMO_BACKFILL,
  SIGNAL_CANCEL,
} from "./backfill-protocol.ts";
import { ACTIVITY, FAILURE, QUERY_STATE } from "./protocol.ts";

/** How many ids of failed runs are kept. */
const FAILED_KEPT = 100;
/** After how many ended runs its memo, which lists show, is told. */
const TOLD_EVERY = 50;

/** Events after which it continues as new: a worker that takes it over reads all of them first. */
const LONGEST_HISTORY = 2_000;

/** What a backfill carries over when it continues as new. */
type Memory = Pick<
  BackfillView,
  "total" | "started" | "succeeded" | "failed" | "cancelled" | "skipped" | "failedRuns" | "startedAt"
> & {
  /** Dates that were looked up and have not been started. */
  readonly waiting: readonly string[];
  /** The last date that was looked up; null: there are no further ones. */
  readonly last: string | null | undefined;
};

/**
 * Runs a DAG for every logical date of a range, so many at once, and says how far it is. Outlasts every process; ends when
 * all of its runs have ended.
 */
export async function dagwrightBackfill(config: BackfillConfig, memory?: Memory): Promise<BackfillView> {
  const root = CancellationScope.current();
  return await CancellationScope.nonCancellable(async () => {
    const backfill = new Backfill(config, memory);
    setHandler(defineQuery<BackfillView>(QUERY_STATE), () => backfill.view());
    setHandler(defineSignal<[unknown?]>(SIGNAL_CANCEL), (asked) => backfill.cancel(cancelOf(asked)));
    root.cancelRequested.catch(() => backfill.cancel({ reason: "cancelled through Temporal" }));
    return await backfill.toItsEnd();
  });
}

class Backfill {
  private total: number | null = null;
  private started = 0;
  private succeeded = 0;
  private failed = 0;
  private cancelled = 0;
  private skipped = 0;
  private failedRuns: readonly string[] = [];
  private readonly startedAt: string = new Date(workflowInfo().startTime).toISOString();
  private waiting: readonly string[] = [];
  private last: string | null | undefined;
  private endedAt: string | undefined;
  private state: BackfillView["state"] = "running";
  private reason: string | undefined;
  private readonly running = new Set<string>();
  /** What its runs live in, as far as this workflow can cancel them. */
  private readonly runs = new CancellationScope({ cancellable: true });

  constructor(
    private readonly config: BackfillConfig,
    memory: Memory | undefined,
  ) {
    if (memory !== undefined) Object.assign(this, memory);
  }

  view(): BackfillView {
    const { total, started, succeeded, failed, cancelled, skipped, failedRuns, startedAt, state } = this;
    return {
      ...this.config,
      backfillId: workflowInfo().workflowId,
      ...{ state, total, started, succeeded, failed, cancelled, skipped },
      running: [...this.running],
      ...{ failedRuns, startedAt },
      ...(this.endedAt === undefined ? {} : { endedAt: this.endedAt }),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    };
  }

  cancel({ runs = false, by, reason }: BackfillCancel): void {
    this.stop([reason, by === undefined ? "" : `by ${by}`].filter(Boolean).join(" ") || "on request");
    if (runs) this.runs.cancel();
  }

  async toItsEnd(): Promise<BackfillView> {
    for (;;) {
      const { historyLength, continueAsNewSuggested } = workflowInfo();
      if (historyLength > LONGEST_HISTORY || continueAsNewSuggested) {
        await condition(() => this.running.size === 0);
        if (this.state === "running") await this.continueAsNew();
      }
      if (this.running.size >= this.config.concurrency)
        await condition(() => this.running.size < this.config.concurrency || this.state !== "running");
      const date = this.state === "running" ? await this.nextDate() : undefined;
      // While the worker looked for dates, it may have been told to stop.
      if (date === undefined || this.state !== "running") break;
      const isLast = this.waiting.length === 0 && this.last === null;
      // Assets hear of the last run only, once there is nothing left that could come after it.
      if (isLast && this.config.assetEvents === "once") {
        await condition(() => this.running.size === 0);
        if (this.state !== "running") break;
      }
      void this.run(date, isLast);
    }
    await condition(() => this.running.size === 0);
    const stopped = this.state === "cancelling";
    this.state = this.failed > 0 ? "failed" : stopped || this.cancelled > 0 ? "cancelled" : "success";
    if (stopped && !this.config.stopOnFailure) this.state = "cancelled";
    this.endedAt = new Date(Date.now()).toISOString();
    this.tell();
    return this.view();
  }

  private stop(reason: string): void {
    if (this.state !== "running") return;
    this.state = "cancelling";
    this.reason = reason;
  }

  /** The next date to run, which is taken from those that wait; none: there is no further one. */
  private async nextDate(): Promise<string | undefined> {
    // One more is known than is started, to tell which is the last.
    while (this.waiting.length < 2 && this.last !== null) {
      const { dates, skipped, last, total } = await this.page();
      this.waiting = [...this.waiting, ...dates];
      this.skipped += skipped;
      this.last = last;
      if (total !== undefined) this.total = total;
    }
    const [next, ...others] = this.waiting;
    this.waiting = others;
    return next;
  }

  private async page(): Promise<BackfillPage> {
    const { dagId, from, to, order, reprocess, params } = this.config;
    const after = this.last ?? undefined;
    const request: BackfillPageRequest = {
      dagId,
      from,
      to,
      order,
      reprocess,
      params,
      startedAt: this.startedAt,
      after,
    };
    try {
      return await scheduleLocalActivity<BackfillPage>(ACTIVITY.backfill, [request], {
        startToCloseTimeout: "60s",
        retry: { maximumAttempts: 5, initialInterval: "200ms" },
        summary: after === undefined ? "dates" : `dates after ${after}`,
      });
    } catch (thrown) {
      await condition(() => this.running.size === 0);
      throw this.failure(thrown);
    }
  }

  /** A backfill whose dates cannot be worked out has failed, and says so with its view. */
  private failure(thrown: unknown): ApplicationFailure {
    const cause = thrown instanceof ActivityFailure ? thrown.cause : thrown;
    const [detail] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
    const message = cause instanceof Error ? cause.message : String(cause);
    const error: TaskError = isTaskError(detail) ? detail : { code: "BACKFILL_FAILED", message, retryable: true };
    this.state = "failed";
    this.endedAt = new Date(Date.now()).toISOString();
    const details = [{ ...this.view(), error } satisfies BackfillView];
    return ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, details });
  }

  private async run(logicalDate: string, isLast: boolean): Promise<void> {
    const { dagId, params, reprocess, assetEvents, trigger, stopOnFailure } = this.config;
    const runId = `${dagId}/${logicalDate}`;
    this.running.add(runId);
    const quiet = assetEvents === "none" || (assetEvents === "once" && !isLast);
    const input = {
      ...{ params, conf: { backfill: workflowInfo().workflowId }, logicalDate, trigger },
      ...(quiet ? { emitAssets: false } : {}),
      ...(reprocess === "all" ? { anew: true } : {}),
    };
    try {
      const child = await this.runs.run(() =>
        startChild(dagId, {
          workflowId: runId,
          args: [input],
          parentClosePolicy: ParentClosePolicy.ABANDON,
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          workflowIdReusePolicy: REUSE[reprocess],
          typedSearchAttributes: [
            { key: { name: "DagId", type: "KEYWORD" }, value: dagId },
            { key: { name: "LogicalDate", type: "DATETIME" }, value: new Date(logicalDate) },
            { key: { name: "RunState", type: "KEYWORD" }, value: "queued" },
            { key: { name: "RunTrigger", type: "KEYWORD" }, value: trigger },
          ],
          staticSummary: runId,
        }),
      );
      this.started += 1;
      await child.result();
      this.succeeded += 1;
    } catch (thrown) {
      this.count(runId, thrown);
      if (stopOnFailure && this.failed > 0) this.stop(`run ${this.failedRuns[0]} failed`);
    }
    this.running.delete(runId);
    if ((this.succeeded + this.failed + this.cancelled) % TOLD_EVERY === 0) this.tell();
  }

  private count(runId: string, thrown: unknown): void {
    if (thrown instanceof Error && thrown.name === "WorkflowExecutionAlreadyStartedError") {
      this.skipped += 1;
      return;
    }
    const cause = thrown instanceof ChildWorkflowFailure ? thrown.cause : thrown;
    if (isCancellation(cause) || (cause instanceof ApplicationFailure && cause.type === FAILURE.runCancelled)) {
      this.cancelled += 1;
      return;
    }
    this.failed += 1;
    if (this.failedRuns.length < FAILED_KEPT) this.failedRuns = [...this.failedRuns, runId];
  }

  private tell(): void {
    upsertMemo({ [MEMO_BACKFILL]: { ...this.view(), running: [] } });
  }

  private async continueAsNew(): Promise<never> {
    const { total, started, succeeded, failed, cancelled, skipped, failedRuns, startedAt, waiting, last } = this;
    const memory: Memory = {
      ...{ total, started, succeeded, failed, cancelled, skipped, failedRuns, startedAt, waiting, last },
    };
    return await makeContinueAsNewFunc<typeof dagwrightBackfill>({ memo: { [MEMO_BACKFILL]: this.view() } })(
      this.config,
      memory,
    );
  }
}

const REUSE = {
  missing: WorkflowIdReusePolicy.REJECT_DUPLICATE,
  failed: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
  all: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
} as const;

/** Whatever came as a wish to cancel: it may have been typed by hand. */
function cancelOf(asked: unknown): BackfillCancel {
  if (typeof asked !== "object" || asked === null) return {};
  const field = (name: string): unknown => Reflect.get(asked, name);
  const text = (name: string) => {
    const value = field(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  return { runs: field("runs") === true, by: text("by"), reason: text("reason") };
}
