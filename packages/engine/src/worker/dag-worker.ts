import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { TemporalUnreachableError } from "../client/errors.ts";
import { connectTemporal, type TemporalAddress, whyUnreachable } from "../client/temporal-connection.ts";
import type { TaskServices } from "../language/context.ts";
import type { DagRegistry } from "../language/registry.ts";
import { missingSearchAttributes } from "../server/search-attributes.ts";
import type { RunStore } from "../store/run-store.ts";
import { activitiesOf } from "./activities.ts";
import { AttemptRecorder } from "./attempt-recorder.ts";
import { MissingSearchAttributesError } from "./errors.ts";
import { bundleWorkflows } from "./workflow-bundle.ts";

/** How long a worker told to stop lets its tasks end, in milliseconds; those that do not are tried again elsewhere. */
const SHUTDOWN_GRACE_MS = 2_000;
const SHUTDOWN_FORCE_MS = 5_000;

/** How often progress reaches the server at most, in milliseconds. */
const HEARTBEAT_THROTTLE_MS = 700;

/** What a worker runs, and where. */
export interface DagWorkerOptions extends TemporalAddress {
  /** @default "default" */
  readonly namespace?: string;
  /** @default "dagwright" */
  readonly taskQueue?: string;
  readonly registry: DagRegistry;
  /** What tasks are given: the way to MCP servers. */
  readonly services: TaskServices;
  /** Keeps runs and attempts beyond Temporal's retention. @default nothing is kept */
  readonly store?: RunStore;
  /** Folder of the attempts' logs. @default no logs */
  readonly logsFolder?: string;
  /** Folder for what takes time to make: the workflow bundle. @default it is made at every start */
  readonly cacheFolder?: string;
}

/** A worker that is connected and ready to poll. */
export interface DagWorker {
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
    cacheFolder,
  } = options;
  await assertSearchAttributes(options, namespace);
  quietRuntime();
  const [connection, workflowBundle] = await Promise.all([
    NativeConnection.connect({
      address,
      tls: tls === true || apiKey !== undefined,
      ...(apiKey === undefined ? {} : { apiKey }),
    }).catch((cause: unknown) => {
      throw new TemporalUnreachableError(address, whyUnreachable(cause), { cause });
    }),
    bundleWorkflows(cacheFolder),
  ]);
  const recorder = new AttemptRecorder(store ?? null);
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle,
    activities: activitiesOf({ registry, services, store: store ?? null, recorder, logsFolder: logsFolder ?? null }),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE_MS,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  });
  return {
    run: async () => {
      try {
        await worker.run();
      } finally {
        await recorder.flush();
        await connection.close();
      }
    },
    shutdown: () => {
      // Twice is once: Temporal refuses to stop a worker that is stopping.
      if (worker.getState() === "RUNNING") worker.shutdown();
    },
  };
}

async function assertSearchAttributes(address: TemporalAddress, namespace: string): Promise<void> {
  const connection = await connectTemporal(address);
  try {
    const missing = await missingSearchAttributes(connection, namespace);
    if (missing.length > 0) throw new MissingSearchAttributesError(namespace, missing);
  } finally {
    await connection.close();
  }
}

/** Temporal logs warnings only, and leaves signals to whoever runs the worker. One runtime serves a process. */
function quietRuntime(): void {
  if (Runtime._instance !== undefined) return;
  Runtime.install({ logger: new DefaultLogger("WARN"), shutdownSignals: [] });
}
