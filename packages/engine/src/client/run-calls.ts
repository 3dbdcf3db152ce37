import { setTimeout as pause } from "node:timers/promises";
import {
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowUpdateFailedError,
} from "@temporalio/client";
import { defineSearchAttributeKey } from "@temporalio/common";
import { isOver } from "../core/decide.ts";
import type { Json } from "../core/graph.ts";
import type { RunSeed, RunTrigger, RunView } from "../core/state.ts";
import { parseLogicalDate, workflowIdFor } from "../language/logical-date.ts";
import {
  type AnswerRequest,
  type FormerRun,
  MEMO_FORMER,
  QUERY_STATE,
  type Remark,
  UPDATE_ANSWER,
  type UpdateName,
} from "../sandbox/protocol.ts";
import { progressOf, withProgress } from "./activity-progress.ts";
import { closedView, isRunView, waitingView } from "./closed-run.ts";
import type { StartedRun, StartRun, WaitOptions } from "./engine-client.ts";
import {
  InvalidRunIdError,
  NoWorkerError,
  RunActiveError,
  RunNotFoundError,
  RunOverError,
  TemporalUnreachableError,
} from "./errors.ts";
import type { ClientGround } from "./ground.ts";
import { refusalOf } from "./refusals.ts";
import { checkRunId } from "./run-id.ts";
import { whenReachable } from "./store-outage.ts";
import { isNotFound, isTooLate, temporalCall } from "./temporal-call.ts";

/** How long a worker may take to carry out an update, in milliseconds. */
const UPDATE_PATIENCE_MS = 5_000;

/** How long a worker may take to answer a query; after that the run store answers in its place. */
const QUERY_PATIENCE_MS = 2_500;

/** How long one reading of a run may take while waiting for it, in milliseconds. */
const READ_PATIENCE_MS = 15_000;

/** How long `wait` goes on while Temporal does not answer, in milliseconds. */
const OUTAGE_PATIENCE_MS = 120_000;

/** Starts, reads and steers runs. */
export class RunCalls {
  constructor(private readonly ground: ClientGround) {}

  async start({
    dagId,
    params = {},
    conf = {},
    logicalDate,
    runId: given,
    trigger = "manual",
    emitAssets,
    noCache = false,
  }: StartRun): Promise<StartedRun> {
    const { temporal, taskQueue, store } = this.ground;
    if (given !== undefined) checkRunId(dagId, given, logicalDate);
    const runId = given ?? (logicalDate === undefined ? manualRunId(dagId) : workflowIdFor(dagId, logicalDate));
    // Nothing is known of an id that is made up now. Of another one the store must say it: Temporal forgets.
    const done = given === undefined && logicalDate === undefined ? null : ((await store?.getRun(runId)) ?? null);
    if (done !== null && done.view.dagId !== dagId) throw takenBy(done.view.dagId, runId);
    if (done?.view.state === "success") return { runId, outcome: "already_done", temporalRunId: done.temporalRunId };
    try {
      const { firstExecutionRunId } = await temporal.workflow.start(dagId, {
        workflowId: runId,
        taskQueue,
        args: [
          {
            ...{ params, conf, trigger },
            ...(logicalDate === undefined ? {} : { logicalDate }),
            ...(emitAssets === false ? { emitAssets } : {}),
            ...(noCache ? { noCache } : {}),
          },
        ],
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        typedSearchAttributes: publishedAtStart({ dagId, trigger, logicalDate }),
      });
      return { runId, outcome: "started", temporalRunId: firstExecutionRunId };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const { status, type, runId: temporalRunId } = await temporal.workflow.getHandle(runId).describe();
      if (type !== dagId) throw takenBy(type, runId);
      return { runId, outcome: status.name === "RUNNING" ? "already_running" : "already_done", temporalRunId };
    }
  }

  async get(runId: string): Promise<RunView> {
    return (await this.read(runId)).view;
  }

  /** A run, and whether Temporal too has closed it: its last record is written only then. */
  async read(runId: string): Promise<{ view: RunView; closed: boolean }> {
    const { temporal, store } = this.ground;
    const asked = store?.getRun(runId);
    // Temporal answers for a run that it knows, also while the store is away.
    const found = whenReachable(asked);
    let description: WorkflowExecutionDescription;
    try {
      description = await temporal.workflow.getHandle(runId).describe();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const stored = (await asked) ?? null;
      if (stored === null) throw new RunNotFoundError(runId);
      return { view: isOver(stored.view.state) ? stored.view : forgotten(stored.view), closed: true };
    }
    const stored = await found;
    const known = stored?.temporalRunId === description.runId ? stored.view : null;
    if (description.status.name !== "RUNNING") {
      const kept = known !== null && isOver(known.state);
      return { view: kept ? known : await closedView(this.ground, description, known), closed: true };
    }
    const answered = await this.query(runId, description.runId);
    const live = answered ?? (known === null ? waitingView(description) : unanswered(known, this.ground.taskQueue));
    return { view: withProgress(live, progressOf(this.ground, description)), closed: false };
  }

  async wait(runId: string, { onChange, pollMs = 300, signal }: WaitOptions = {}): Promise<RunView> {
    const { address } = this.ground;
    let outageSince: number | null = null;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const { view, closed } = await temporalCall(address, `read run ${runId}`, () =>
          this.ground.connection.withDeadline(Date.now() + READ_PATIENCE_MS, () => this.read(runId)),
        );
        outageSince = null;
        onChange?.(view);
        if (closed) return view;
      } catch (error) {
        if (!(error instanceof TemporalUnreachableError)) throw error;
        outageSince ??= Date.now();
        if (Date.now() - outageSince > OUTAGE_PATIENCE_MS) throw error;
      }
      await pause(pollMs, undefined, signal === undefined ? {} : { signal });
    }
  }

  /**
   * Starts a run that has ended again, with the same id, dates and conf; it still tells no assets, and takes nothing
   * from the cache, if it was started so.
   * @throws RunActiveError when somebody else has started it in the meantime.
   */
  async startAnew({ view, params, seed }: { view: RunView; params: Json; seed: RunSeed }): Promise<string> {
    const { runId, dagId, dagVersion, logicalDate, dataInterval, conf, trigger, assetEvents, emitAssets, noCache } =
      view;
    const given = {
      ...{ params, conf, trigger, logicalDate, seed },
      // One that never had a plan has no interval either.
      ...(dagVersion === "" ? {} : { dataInterval }),
      ...(assetEvents === undefined ? {} : { assetEvents }),
      ...(emitAssets === false ? { emitAssets } : {}),
      ...(noCache === true ? { noCache } : {}),
    };
    try {
      const { firstExecutionRunId } = await this.ground.temporal.workflow.start(dagId, {
        workflowId: runId,
        taskQueue: this.ground.taskQueue,
        args: [given],
        memo: { [MEMO_FORMER]: { dagVersion, params: view.params } satisfies FormerRun },
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        typedSearchAttributes: publishedAtStart({ dagId, trigger, logicalDate }),
      });
      return firstExecutionRunId;
    } catch (error) {
      throw error instanceof WorkflowExecutionAlreadyStartedError ? new RunActiveError(runId) : error;
    }
  }

  async cancel(runId: string, remark: Remark = {}): Promise<void> {
    const { temporal } = this.ground;
    try {
      // First by an update, which carries who and why; then by Temporal's own means, which shows it as cancelled.
      await this.update("cancel", runId, remark);
    } catch (error) {
      if (!(error instanceof NoWorkerError)) throw error;
    }
    try {
      await temporal.workflow.getHandle(runId).cancel();
    } catch (error) {
      // The update has ended it.
      if (!isNotFound(error)) throw error;
    }
  }

  async update(name: UpdateName, runId: string, remark: Remark = {}): Promise<void> {
    await this.ask(name, runId, remark);
  }

  async answer(runId: string, answer: AnswerRequest): Promise<void> {
    await this.ask(UPDATE_ANSWER, runId, answer);
  }

  /**
   * Has a run carry out an update.
   * @throws RunNotFoundError, RunOverError, NoWorkerError, and what `refusalOf` makes of the run's own refusal.
   */
  async ask(name: string, runId: string, argument: unknown): Promise<void> {
    const { temporal, connection, taskQueue } = this.ground;
    const handle = temporal.workflow.getHandle(runId);
    try {
      await connection.withDeadline(Date.now() + UPDATE_PATIENCE_MS, () =>
        handle.executeUpdate(name, { args: [argument] }),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) throw refusalOf(error, runId, name);
      if (isTooLate(error) || (error instanceof Error && error.name === "WorkflowUpdateRPCTimeoutOrCancelledError")) {
        throw new NoWorkerError(taskQueue);
      }
      if (!isNotFound(error)) throw error;
      // The same answer for a run that never was and one that has ended.
      await this.get(runId);
      throw new RunOverError(runId, name);
    }
  }

  /** The run's own answer; null when no worker gives it in time, or it has no plan yet. */
  private async query(runId: string, temporalRunId: string): Promise<RunView | null> {
    const { temporal, connection } = this.ground;
    const handle = temporal.workflow.getHandle(runId, temporalRunId);
    try {
      const view: unknown = await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
        handle.query(QUERY_STATE),
      );
      return isRunView(view) ? view : null;
    } catch {
      // Whatever kept the worker from answering, the store or Temporal's description answers in its place.
      return null;
    }
  }
}

/** A run that goes on, by what the store knows of it. */
function unanswered(known: RunView, taskQueue: string): RunView {
  const notice = `No worker on task queue "${taskQueue}" answers for this run: shown is how it stood when it was last kept`;
  return { ...known, notice };
}

/** What makes a run findable before a worker has planned it. */
function publishedAtStart({
  dagId,
  trigger,
  logicalDate,
}: {
  readonly dagId: string;
  readonly trigger: RunTrigger;
  readonly logicalDate: string | undefined;
}) {
  return [
    { key: defineSearchAttributeKey("DagId", "KEYWORD"), value: dagId },
    { key: defineSearchAttributeKey("RunState", "KEYWORD"), value: "queued" },
    { key: defineSearchAttributeKey("RunTrigger", "KEYWORD"), value: trigger },
    ...(logicalDate === undefined
      ? []
      : [{ key: defineSearchAttributeKey("LogicalDate", "DATETIME"), value: parseLogicalDate(logicalDate) }]),
  ];
}

function takenBy(dagId: string, runId: string): InvalidRunIdError {
  return new InvalidRunIdError(runId, `one that no run of another DAG has: "${dagId}" has a run of that name`);
}

function manualRunId(dagId: string): string {
  return `${dagId}/manual-${new Date().toISOString()}`;
}

/** A run that the store saw running and the server does not know: its state folder was emptied, or it is another server. */
function forgotten(view: RunView): RunView {
  const message = "The Temporal server does not know this run: its end was not recorded";
  return { ...view, state: "failed", error: { code: "RUN_LOST", message, hint: "Start it again.", retryable: true } };
}
