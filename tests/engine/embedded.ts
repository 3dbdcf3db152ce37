/** A Temporal server and a worker for the engine's own tests, in a state folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, type Dag, type DagRegistry, type TaskServices } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { startTemporalServer } from "@dagwright/engine/server";
import { openRunStore, type RunStore } from "@dagwright/engine/store";
import { createDagWorker } from "@dagwright/engine/worker";
import { freePort } from "../product.ts";

const services: TaskServices = {
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
  worker(dags: readonly Dag[] | DagRegistry): Promise<{ stop(): Promise<void> }>;
  close(): Promise<void>;
}

/** @param taskQueue of the worker and of all runs. */
export async function startEmbedded(taskQueue = "engine-tests"): Promise<Embedded> {
  const home = await mkdtemp(join(tmpdir(), "dagwright-engine-"));
  const server = await startTemporalServer({ home, port: await freePort(), uiPort: await freePort(), log: () => {} });
  const store = openRunStore({ file: join(home, "runs.db") });
  const { address } = server;
  const engine = await connectEngine({ address, taskQueue, store });
  const workers = new Set<() => Promise<void>>();
  return {
    address,
    home,
    store,
    engine,
    async worker(dags) {
      const worker = await createDagWorker({
        address,
        taskQueue,
        registry: "get" in dags ? dags : createRegistry(dags),
        services,
        store,
        logsFolder: join(home, "logs"),
      });
      const ended = worker.run();
      const stop = async () => {
        workers.delete(stop);
        worker.shutdown();
        await ended;
      };
      workers.add(stop);
      return { stop };
    },
    async close() {
      for (const stop of workers) await stop();
      await engine.close();
      store.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
