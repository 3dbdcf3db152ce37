import { join } from "node:path";
import { connectEngine } from "@dagwright/engine/client";
import { ensureTemporalBinary, startTemporalServer } from "@dagwright/engine/server";
import type { Settings } from "@dagwright/engine/settings";
import { openDeployments } from "@dagwright/serving";
import { type SupervisedWorker, superviseWorker } from "./worker-process.ts";

/** Temporal and a worker, running; and how to stop what was started here. */
export interface Stack {
  readonly address: string;
  /** Address of the Temporal UI, when the server is ours. */
  readonly uiUrl: string | null;
  readonly worker: SupervisedWorker;
  /** Stops what `openStack` started (and prediction servers started since), and leaves alone what was there before. */
  close(): Promise<void>;
}

/**
 * Starts what is missing: the embedded Temporal server (unless `TEMPORAL_ADDRESS` names one) and a worker process.
 * The server is started again when it dies; so is the worker.
 */
export async function openStack(o: {
  settings: Settings;
  dags: readonly string[];
  /** Whether the worker reads DAG files again when they change. @default false */
  watch?: boolean;
  log: (line: string) => void;
}): Promise<Stack> {
  const { settings, log } = o;
  const { home, temporal } = settings;
  const deployments = await openDeployments({ root: join(home, "serving") });
  const alreadyServed = new Set((await deployments.list()).filter(({ running }) => running).map(({ model }) => model));
  const server = temporal.external === null ? await startServer() : null;
  try {
    const { address } = temporal;
    // Fails at once, with the address in its message, when nothing answers there.
    await (
      await connectEngine({ address, namespace: temporal.namespace, apiKey: temporal.apiKey, tls: temporal.tls })
    ).close();
    const worker = await superviseWorker({
      home,
      dags: o.dags,
      env: { ...process.env, TEMPORAL_ADDRESS: address, DAGWRIGHT_HOME: home },
      logs: settings.logs,
      watch: o.watch ?? false,
      log,
    });
    return {
      address,
      uiUrl: server === null ? null : `http://127.0.0.1:${temporal.uiPort}`,
      worker,
      close: async () => {
        await worker.stop();
        for (const { model, running } of await deployments.list()) {
          if (running && !alreadyServed.has(model)) await deployments.stop(model);
        }
        await server?.stop();
      },
    };
  } catch (error) {
    await server?.stop();
    throw error;
  }

  async function startServer() {
    const binary = await ensureTemporalBinary({ home, log });
    const started = await startTemporalServer({
      binary,
      home,
      port: temporal.port,
      uiPort: temporal.uiPort,
      log,
      keepAlive: true,
    });
    log(
      `Temporal ${started.reused ? "is already running" : "started"} at ${started.address} (UI http://127.0.0.1:${temporal.uiPort})`,
    );
    return started;
  }
}
