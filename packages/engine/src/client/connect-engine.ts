import { Client } from "@temporalio/client";
import { ControllerCalls } from "./controller-calls.ts";
import type { ConnectOptions, EngineClient } from "./engine-client.ts";
import { explain } from "./explain.ts";
import { Interventions } from "./interventions.ts";
import { RunCalls } from "./run-calls.ts";
import { listRuns } from "./run-list.ts";
import { ScheduleCalls } from "./schedule-calls.ts";
import { attemptLogs, logText } from "./task-logs.ts";
import { temporalCall } from "./temporal-call.ts";
import { connectTemporal } from "./temporal-connection.ts";

/** How long one call may take altogether, in milliseconds. */
const CALL_PATIENCE_MS = 30_000;

/** A worker that polled longer ago than this is taken for gone, in milliseconds: polls last a minute. */
const POLLED_WITHIN_MS = 65_000;

/** How many lines of a failed task's log an explanation shows. */
const LOG_TAIL = 10;

/** Numbers of the queue types in Temporal's protocol. */
const WORKFLOW_QUEUE = 1;

/**
 * Connects to the engine's runs.
 * @throws TemporalUnreachableError within 5 seconds.
 */
export async function connectEngine(options: ConnectOptions): Promise<EngineClient> {
  const { address, namespace = "default", taskQueue = "dagwright", store = null } = options;
  const connection = await connectTemporal(options);
  const temporal = new Client({ connection, namespace });
  const ground = { temporal, connection, address, namespace, taskQueue, store };
  const runs = new RunCalls(ground);
  const interventions = new Interventions(ground, runs);
  const schedules = new ScheduleCalls(ground);
  const controllers = new ControllerCalls(ground);
  // No server that hangs keeps a caller for ever.
  const call = <T>(what: string, body: () => Promise<T>) =>
    temporalCall(address, what, () => connection.withDeadline(Date.now() + CALL_PATIENCE_MS, body));
  const workersPolling = async () => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: WORKFLOW_QUEUE,
    });
    const since = Date.now() - POLLED_WITHIN_MS;
    return (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since).length;
  };
  return {
    startRun: (run) => call(`start a run of ${run.dagId}`, () => runs.start(run)),
    getRun: (runId) => call(`read run ${runId}`, () => runs.get(runId)),
    waitForRun: (runId, wait) => runs.wait(runId, wait),
    listRuns: (filter) => call("list runs", () => listRuns(ground, filter)),
    cancelRun: (runId, remark) => call(`cancel run ${runId}`, () => runs.cancel(runId, remark)),
    pauseRun: (runId, remark) => call(`pause run ${runId}`, () => runs.update("pause", runId, remark)),
    resumeRun: (runId, remark) => call(`resume run ${runId}`, () => runs.update("resume", runId, remark)),
    answerApproval: (runId, answer) => call(`answer ${runId}`, () => runs.answer(runId, answer)),
    syncSchedules: (dags) => call("sync schedules", () => schedules.sync(dags)),
    listSchedules: () => call("list schedules", () => schedules.list()),
    describeSchedule: (dagId) => call(`read the schedule of ${dagId}`, () => schedules.describe(dagId)),
    pauseSchedule: (dagId, note) => call(`pause the schedule of ${dagId}`, () => schedules.pause(dagId, note)),
    unpauseSchedule: (dagId, note) => call(`unpause the schedule of ${dagId}`, () => schedules.unpause(dagId, note)),
    ensureController: (controller) =>
      call(`start the controller of ${controller.model}`, () => controllers.ensure(controller)),
    signalDrift: (signal) => call(`signal drift of ${signal.model}`, () => controllers.signalDrift(signal)),
    clearRun: (runId, clearing) => call(`clear run ${runId}`, () => interventions.clear(runId, clearing)),
    markTask: (runId, mark) => call(`mark ${mark.task} of run ${runId}`, () => interventions.mark(runId, mark)),
    explainRun: (runId) =>
      call(`explain run ${runId}`, async () => {
        const [view, workers] = await Promise.all([runs.get(runId), workersPolling()]);
        const graph = store?.getDag(view.dagId, view.dagVersion) ?? null;
        const logOf = (task: string) =>
          (attemptLogs(store, runId, task).at(-1)?.lines ?? []).slice(-LOG_TAIL).map(logText);
        return explain({ view, graph, workers, taskQueue, logOf });
      }),
    taskLogs: (runId, task) =>
      call(`read the logs of ${runId}`, async () => {
        const found = attemptLogs(store, runId, task);
        // Nothing may mean that there is no such run.
        if (found.length === 0) await runs.get(runId);
        return found;
      }),
    workersPolling: () => call(`read task queue ${taskQueue}`, workersPolling),
    close: () => connection.close(),
  };
}
