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
  const { address } = temporal;
  const startWorker = () =>
    superviseWorker({
      home,
      dags: o.dags,
      env: { ...process.env, TEMPORAL_ADDRESS: address, DAGWRIGHT_HOME: home },
      logs: settings.logs,
      watch: o.watch ?? false,
      log,
    });
  const binary = temporal.external === null ? await ensureTemporalBinary({ home, log }) : null;
  // The worker takes longer to load than our server to start: both at once.
  const early = binary === null ? null : startWorker().catch(() => null);
  const server = binary === null ? null : await startServer(binary, () => early);
  try {
    // Fails at once, with the address in its message, when nothing answers there.
    await (
      await connectEngine({ address, namespace: temporal.namespace, apiKey: temporal.apiKey, tls: temporal.tls })
    ).close();
    // One that was ready before the server is started again, and says why if it is not that.
    const worker = (await early) ?? (await startWorker());
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
    await (await early)?.stop();
    await server?.stop();
    throw error;
  }

  async function startServer(executable: string, early: () => Promise<SupervisedWorker | null> | null) {
    const { port, uiPort } = temporal;
    const starting = startTemporalServer({ binary: executable, home, port, uiPort, log, keepAlive: true });
    const started = await starting.catch(async (error: unknown) => {
      await (await early())?.stop();
      throw error;
    });
    log(
      `Temporal ${started.reused ? "is already running" : "started"} at ${started.address} (UI http://127.0.0.1:${temporal.uiPort})`,
    );
    return started;
  }
}
