import { Client } from "@temporalio/client";
import { logText } from "../logs/log-line.ts";
import { largePayloads } from "../objects/large-payloads.ts";
import { viewWithOutputs } from "../objects/stored-outputs.ts";
import { AssetCalls } from "./asset-calls.ts";
import { AssetSchedules } from "./asset-schedules.ts";
import { BackfillCalls } from "./backfill-calls.ts";
import { ControllerCalls } from "./controller-calls.ts";
import type { ConnectOptions, EngineClient } from "./engine-client.ts";
import { explain, queuesInUse } from "./explain.ts";
import { poolsAskedBy } from "./explain-pools.ts";
import { followLogs } from "./follow-logs.ts";
import { Interventions } from "./interventions.ts";
import { PoolCalls } from "./pool-calls.ts";
import { pruneRuns } from "./prune-runs.ts";
import { RunCalls } from "./run-calls.ts";
import { listRuns } from "./run-list.ts";
import { ScheduleCalls } from "./schedule-calls.ts";
import { whenReachable } from "./store-outage.ts";
import { attemptLogs, logsOf } from "./task-logs.ts";
import { mustHaveNamed } from "./task-of-run.ts";
import { temporalCall } from "./temporal-call.ts";
import { connectTemporal } from "./temporal-connection.ts";
import { TimeSchedules } from "./time-schedules.ts";

/** How long one call may take altogether, in milliseconds. */
const CALL_PATIENCE_MS = 30_000;

/** The same for forgetting runs, of which there may be many thousands. */
const PRUNE_PATIENCE_MS = 3_600_000;

/** A worker that polled longer ago than this is taken for gone, in milliseconds: polls last a minute. */
const POLLED_WITHIN_MS = 65_000;

/** How many lines of a failed task's log an explanation shows. */
const LOG_TAIL = 10;

/** The notes of a DAG that is paused, or goes on, without one. */
const PAUSED = "Paused through Dagwright";
const UNPAUSED = "Unpaused through Dagwright";

/** Numbers of the queue types in Temporal's protocol. */
const WORKFLOW_QUEUE = 1;

/**
 * Connects to the engine's runs.
 * @throws TemporalUnreachableError within 5 seconds.
 */
export async function connectEngine(options: ConnectOptions): Promise<EngineClient> {
  const { address, namespace = "default", taskQueue = "dagwright", store = null, objects } = options;
  const connection = await connectTemporal(options);
  const temporal = new Client({
    connection,
    namespace,
    ...(objects === undefined ? {} : { dataConverter: { payloadCodecs: [largePayloads(objects)] } }),
  });
  const ground = { temporal, connection, address, namespace, taskQueue, store };
  const runs = new RunCalls(ground);
  const interventions = new Interventions(ground, runs);
  const backfills = new BackfillCalls(ground);
  const byTime = new TimeSchedules(ground, backfills);
  const schedules = new ScheduleCalls(ground, byTime, [byTime, new AssetSchedules(ground)]);
  const controllers = new ControllerCalls(ground);
  const pools = new PoolCalls(ground);
  const assets = new AssetCalls(ground);
  // No server that hangs keeps a caller for ever.
  const call = <T>(what: string, body: () => Promise<T>) =>
    temporalCall(address, what, () => connection.withDeadline(Date.now() + CALL_PATIENCE_MS, body));
  const workersPolling = async (name = taskQueue) => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name },
      taskQueueType: WORKFLOW_QUEUE,
    });
    const since = Date.now() - POLLED_WITHIN_MS;
    return (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since).length;
  };
  return {
    startRun: (run) => call(`start a run of ${run.dagId}`, () => runs.start(run)),
    getRun: (runId) => call(`read run ${runId}`, () => runs.get(runId)),
    withOutputs: async (view) => (objects === undefined ? view : await viewWithOutputs(objects, view)),
    waitForRun: (runId, wait) => runs.wait(runId, wait),
    listRuns: (filter) => call("list runs", () => listRuns(ground, filter)),
    pruneRuns: (request) =>
      temporalCall(address, "prune runs", () =>
        connection.withDeadline(Date.now() + PRUNE_PATIENCE_MS, () => pruneRuns(ground, objects, request)),
      ),
    cancelRun: (runId, remark) => call(`cancel run ${runId}`, () => runs.cancel(runId, remark)),
    pauseRun: (runId, remark) => call(`pause run ${runId}`, () => runs.update("pause", runId, remark)),
    resumeRun: (runId, remark) => call(`resume run ${runId}`, () => runs.update("resume", runId, remark)),
    answerApproval: (runId, answer) => call(`answer ${runId}`, () => runs.answer(runId, answer)),
    planSchedules: (dags, scope) => call("read the schedules", () => schedules.plan(dags, scope)),
    applySchedules: (plan, dags, scope) => call("change schedules", () => schedules.apply(plan, dags, scope)),
    syncSchedules: (dags, scope) => call("sync schedules", () => schedules.sync(dags, scope)),
    listSchedules: () =>
      call("list schedules", async () =>
        [...(await schedules.list()), ...(await assets.schedules())].sort((a, b) => a.dagId.localeCompare(b.dagId)),
      ),
    describeSchedule: (dagId) =>
      call(
        `read the schedule of ${dagId}`,
        async () => (await assets.describe(dagId)) ?? (await schedules.describe(dagId)),
      ),
    pauseSchedule: (dagId, note) =>
      call(`pause the schedule of ${dagId}`, async () => {
        if (!(await assets.pause(dagId, note ?? PAUSED))) await schedules.pause(dagId, note);
      }),
    unpauseSchedule: (dagId, note) =>
      call(`unpause the schedule of ${dagId}`, async () => {
        if (!(await assets.unpause(dagId, note ?? UNPAUSED))) await schedules.unpause(dagId, note);
      }),
    listAssets: () => call("list assets", () => assets.list()),
    getAsset: (uri) => call(`read asset ${uri}`, () => assets.get(uri)),
    emitAsset: (uri, event) => call(`emit ${uri}`, () => assets.emit(uri, event)),
    explainAssets: (dagId) => call(`read what ${dagId} waits for`, () => assets.explain(dagId)),
    createBackfill: (backfill) => call(`backfill ${backfill.dagId}`, () => backfills.create(backfill)),
    getBackfill: (backfillId) => call(`read backfill ${backfillId}`, () => backfills.get(backfillId)),
    listBackfills: (filter) => call("list backfills", () => backfills.list(filter)),
    cancelBackfill: (backfillId, asked) =>
      call(`cancel backfill ${backfillId}`, () => backfills.cancel(backfillId, asked)),
    ensureController: (controller) =>
      call(`start the controller of ${controller.model}`, () => controllers.ensure(controller)),
    signalDrift: (signal) => call(`signal drift of ${signal.model}`, () => controllers.signalDrift(signal)),
    clearRun: (runId, clearing) => call(`clear run ${runId}`, () => interventions.clear(runId, clearing)),
    markTask: (runId, mark) => call(`mark ${mark.task} of run ${runId}`, () => interventions.mark(runId, mark)),
    explainRun: (runId, items = []) =>
      call(`explain run ${runId}`, async () => {
        const [view, workers] = await Promise.all([runs.get(runId), workersPolling()]);
        for (const item of items) mustHaveNamed(view, item);
        const [graph, attempts] = await Promise.all([
          whenReachable(store?.getDag(view.dagId, view.dagVersion)),
          whenReachable(store?.listAttempts(runId)),
        ]);
        const queues = queuesInUse(view, graph ?? null);
        const counts = await Promise.all(queues.map(async (name) => [name, await workersPolling(name)] as const));
        const logOf = (task: string) =>
          (logsOf(attempts ?? [], { task }).at(-1)?.lines ?? []).slice(-LOG_TAIL).map(logText);
        // A pool that nobody answers for leaves the explanation shorter.
        const asked = await Promise.all(
          poolsAskedBy(view, graph ?? null).map((name) => pools.find(name).catch(() => null)),
        );
        const found = new Map(asked.flatMap((pool) => (pool === null ? [] : [[pool.name, pool] as const])));
        const workersOn = new Map(counts);
        return explain({ view, graph, items, workers, workersOn, taskQueue, logOf, pools: found });
      }),
    taskLogs: (runId, task, filter) =>
      call(`read the logs of ${runId}`, async () => {
        const found = await attemptLogs(store, runId, { ...filter, task });
        if (found.length > 0) return found;
        // Nothing may mean that there is no such run, or that it has no such task.
        mustHaveNamed(await runs.get(runId), task);
        return found;
      }),
    followLogs: (runId, filter = {}) =>
      followLogs(store, () => call(`read run ${runId}`, () => runs.get(runId)), runId, filter),
    listPools: () => call("list pools", () => pools.list()),
    getPool: (name) => call(`read pool ${name}`, () => pools.get(name)),
    setPool: (name, setting) => call(`set pool ${name}`, () => pools.set(name, setting)),
    workersPolling: () => call(`read task queue ${taskQueue}`, () => workersPolling()),
    close: () => connection.close(),
  };
}
