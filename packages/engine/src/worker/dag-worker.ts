import { Client } from "@temporalio/client";
import { DefaultLogger, type LogEntry, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { TemporalUnreachableError } from "../client/errors.ts";
import { isUnimplemented } from "../client/temporal-call.ts";
import { connectTemporal, type TemporalAddress, tlsOf, whyUnreachable } from "../client/temporal-connection.ts";
import { Redactor } from "../execution/redactor.ts";
import type { TaskServices } from "../language/context.ts";
import type { DagRegistry } from "../language/registry.ts";
import { plainJson } from "../logs/log-line.ts";
import { sweepLogs } from "../logs/retention.ts";
import { largePayloads } from "../objects/large-payloads.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { missingSearchAttributes } from "../server/search-attributes.ts";
import type { RunStore } from "../store/run-store.ts";
import { activitiesOf } from "./activities.ts";
import type { AttemptLogs } from "./attempt-log.ts";
import { AttemptRecorder } from "./attempt-recorder.ts";
import { MissingSearchAttributesError } from "./errors.ts";
import { type ObservedOptions, openObservers, unusedPort } from "./observers.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

/** How long a worker told to stop lets its tasks end, in milliseconds; those that do not are tried again elsewhere. */
const SHUTDOWN_GRACE_MS = 2_000;
const SHUTDOWN_FORCE_MS = 5_000;

/** How often progress reaches the server at most, in milliseconds. */
const HEARTBEAT_THROTTLE_MS = 700;

/** What a worker runs, and where. */
export interface DagWorkerOptions extends TemporalAddress, ObservedOptions {
  /** @default "default" */
  readonly namespace?: string;
  /** @default "dagwright" */
  readonly taskQueue?: string;
  readonly registry: DagRegistry;
  /** What tasks are given: the ways to MCP servers, connections and secrets. */
  readonly services: TaskServices;
  /** Keeps runs and attempts beyond Temporal's retention. @default nothing is kept */
  readonly store?: RunStore;
  /** Folder of the attempts' logs. @default no logs */
  readonly logsFolder?: string;
  /**
   * Keeps values that are too large for Temporal; all workers and clients of a task queue need the same one.
   * @default none: an output of more than 1 MiB fails with OUTPUT_TOO_LARGE
   */
  readonly objects?: ObjectStore;
  /** Folder for what takes time to make: the workflow bundle. @default it is made at every start */
  readonly cacheFolder?: string;
  /** Attempts that run at once, and as many light ones. @default 100 */
  readonly maxTasks?: number | undefined;
  /** History events after which a run continues as new; only with `objects`. @default 8192 */
  readonly continueAfterEvents?: number;
  /** What is kept of the attempts' logs; `days` after which a run's are removed (0: never). @default all levels, 30 days */
  readonly logs?: Omit<AttemptLogs, "folder"> & { readonly days?: number };
  /** Knows the secrets that tasks were given. @default its own */
  readonly redactor?: Redactor;
}

/** A worker that is connected and ready to poll. */
export interface DagWorker {
  /** Where Prometheus finds its metrics, if it serves them. */
  readonly metricsUrl: string | null;
  /** Polls until `shutdown` is called; resolves when all that ran has ended or was let go. */
  run(): Promise<void>;
  /** Takes no more work; what runs has 2 seconds to end. */
  shutdown(): void;
}

/**
 * Makes a Temporal worker for DAGs: it takes any DAG's runs (the interpreter) and their tasks.
 *
 * @throws TemporalUnreachableError within 5 seconds
 * @throws MissingSearchAttributesError
 */
export async function createDagWorker(options: DagWorkerOptions): Promise<DagWorker> {
  const {
    address,
    apiKey,
    tls,
    namespace = "default",
    taskQueue = "dagwright",
    registry,
    services,
    store,
    logsFolder,
    objects,
    continueAfterEvents = 8_192,
    cacheFolder,
    maxTasks,
    logs: { days = 30, ...logs } = {},
    redactor = new Redactor(),
  } = options;
  await assertSearchAttributes(options, namespace);
  const temporalUrl = await installRuntime(options.metrics !== undefined);
  const secured = await tlsOf({ tls, apiKey });
  const [connection, workflowBundle] = await Promise.all([
    NativeConnection.connect({
      address,
      tls: secured,
      ...(apiKey === undefined ? {} : { apiKey }),
    }).catch((cause: unknown) => {
      throw new TemporalUnreachableError(address, whyUnreachable(cause), { cause });
    }),
    bundleWorkflows(cacheFolder),
  ]);
  const { observer, metricsUrl } = await openObservers(options, redactor, temporalUrl);
  if (logsFolder !== undefined) void sweepLogs(logsFolder, days).catch((error: unknown) => console.warn(String(error)));
  const converter = objects === undefined ? {} : { dataConverter: { payloadCodecs: [largePayloads(objects)] } };
  const recorder = new AttemptRecorder(store ?? null);
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    activities: activitiesOf({
      ...{ registry, services, redactor, observer, recorder, continueAfterEvents },
      ...{ store: store ?? null, objects: objects ?? null },
      logs: logsFolder === undefined ? null : { ...logs, folder: logsFolder },
      temporal: new Client({ connection, namespace, ...converter }),
    }),
    ...converter,
    ...(maxTasks === undefined
      ? {}
      : { maxConcurrentActivityTaskExecutions: maxTasks, maxConcurrentLocalActivityExecutions: maxTasks }),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  });
  let asked = false;
  return {
    metricsUrl,
    run: async () => {
      try {
        const running = worker.run();
        // Asked to stop between its making and this.
        if (asked) worker.shutdown();
        await running;
      } finally {
        await recorder.flush();
        await observer.close();
        await connection.close();
      }
    },
    shutdown: () => {
      asked = true;
      // Twice is once: Temporal refuses to stop a worker that is stopping.
      if (worker.getState() === "RUNNING") worker.shutdown();
    },
  };
}

async function assertSearchAttributes(address: TemporalAddress, namespace: string): Promise<void> {
  const connection = await connectTemporal(address);
  try {
    const missing = await missingSearchAttributes(connection, namespace).catch((error: unknown) => {
      // Temporal's test server, which skips time, has them and cannot say so.
      if (isUnimplemented(error)) return [];
      throw error;
    });
    if (missing.length > 0) throw new MissingSearchAttributesError(namespace, missing);
  } finally {
    await connection.close();
  }
}

/**
 * Temporal logs warnings only, and leaves signals to whoever runs the worker. One runtime serves a process: the first
 * worker decides whether it serves metrics.
 *
 * @returns Where Temporal's own metrics are, if they are asked for and the runtime is ours.
 */
async function installRuntime(withMetrics: boolean): Promise<string | null> {
  if (Runtime._instance !== undefined) return null;
  const bindAddress = withMetrics ? `127.0.0.1:${await unusedPort()}` : null;
  // Another worker of this process may have come first.
  if (Runtime._instance !== undefined) return null;
  Runtime.install({
    logger: new DefaultLogger("WARN", temporalLog),
    shutdownSignals: [],
    ...(bindAddress === null
      ? {}
      : {
          telemetryOptions: {
            metrics: {
              prometheus: { bindAddress, countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true },
            },
          },
        }),
  });
  return bindAddress === null ? null : `http://${bindAddress}/metrics`;
}

/** Of what Temporal tells with a line, that by which a person finds the run. */
function temporalLog({ level, message, meta = {} }: LogEntry): void {
  const { workflowId, activityId, taskQueue, error } = meta;
  const why = error === undefined ? undefined : String(error);
  // What is not known is left out.
  const fields = plainJson({ run: workflowId, task: activityId, taskQueue, error: why });
  if (level === "ERROR") console.error(message, fields);
  else console.warn(message, fields);
}
