/** A Temporal server and a worker for the engine's own tests, in a state folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, type Dag, type DagRegistry, type TaskServices } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { startTemporalServer } from "@dagwright/engine/server";
import { openObjectFolder, openRunStore, type RunStore } from "@dagwright/engine/store";
import { createDagWorker, type DagWorkerOptions } from "@dagwright/engine/worker";
import { freePort } from "../product.ts";

/** What tasks of these tests are given: no MCP servers. */
export const services: TaskServices = {
  mcp: ({ name }) => {
    throw new Error(`These tests have no MCP server "${name}"`);
  },
};

export interface Embedded {
  readonly address: string;
  readonly home: string;
  readonly store: RunStore;
  readonly engine: EngineClient;
  /** Starts a worker of these DAGs (or of a registry) on the task queue; ends with `stop`. */
  worker(
    dags: readonly Dag[] | DagRegistry,
    some?: Partial<DagWorkerOptions>,
  ): Promise<{ readonly metricsUrl: string | null; stop(): Promise<void> }>;
  close(): Promise<void>;
}

/**
 * @param taskQueue of the worker and of all runs.
 * @param given Where runs are kept; closed with the rest. @default a SQLite file in the state folder
 */
export async function startEmbedded(taskQueue = "engine-tests", given?: RunStore): Promise<Embedded> {
  const home = await mkdtemp(join(tmpdir(), "dagwright-engine-"));
  const server = await startTemporalServer({ home, port: await freePort(), uiPort: await freePort(), log: () => {} });
  const store = given ?? (await openRunStore({ file: join(home, "runs.db") }));
  const { address } = server;
  const objects = openObjectFolder(join(home, "objects"));
  const engine = await connectEngine({ address, taskQueue, store, objects });
  const workers = new Set<() => Promise<void>>();
  return {
    address,
    home,
    store,
    engine,
    async worker(dags, some) {
      const worker = await createDagWorker({
        address,
        taskQueue,
        registry: "get" in dags ? dags : createRegistry(dags),
        services,
        store,
        logsFolder: join(home, "logs"),
        objects,
        ...some,
      });
      const ended = worker.run();
      const stop = async () => {
        workers.delete(stop);
        worker.shutdown();
        await ended;
      };
      workers.add(stop);
      return { metricsUrl: worker.metricsUrl, stop };
    },
    async close() {
      for (const stop of workers) await stop();
      await engine.close();
      await store.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
