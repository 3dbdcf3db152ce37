/** A Temporal server, in memory, that asks workflows to continue as new after a few events. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRegistry, type Dag } from "@dagwright/engine";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { ensureSearchAttributes } from "@dagwright/engine/server";
import { createDagWorker } from "@dagwright/engine/worker";
import { Client, Connection } from "@temporalio/client";
import { freePort } from "../product.ts";

export interface ShortHistories {
  readonly engine: EngineClient;
  readonly temporal: Client;
  close(): Promise<void>;
}

/** @param events After how many events a workflow is asked to continue as new. */
export async function startShortHistories(dags: readonly Dag[], events: number): Promise<ShortHistories> {
  const address = `127.0.0.1:${await freePort()}`;
  const limits = [
    `limit.historyCount.suggestContinueAsNew=${events}`,
    "history.transferProcessorMaxPollRPS=2000",
    "history.timerProcessorMaxPollRPS=2000",
  ];
  const server = spawn(
    "temporal",
    [
      ...["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", address.split(":")[1] ?? ""],
      ...["--metrics-port", String(await freePort()), "--http-port", String(await freePort())],
      ...["--log-level", "never"],
      ...limits.flatMap((limit) => ["--dynamic-config-value", limit]),
    ],
    { stdio: "ignore" },
  );
  const connection = await untilThere(address);
  await ensureSearchAttributes(connection, "default");
  const taskQueue = "short";
  const services = {
    mcp: () => {
      throw new Error("These tests have no MCP servers");
    },
  };
  const worker = await createDagWorker({ address, taskQueue, registry: createRegistry(dags), services });
  const ended = worker.run();
  const engine = await connectEngine({ address, taskQueue });
  return {
    engine,
    temporal: new Client({ connection }),
    async close() {
      worker.shutdown();
      await ended;
      await engine.close();
      await connection.close();
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
}

async function untilThere(address: string): Promise<Connection> {
  for (let tries = 0; ; tries += 1) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: "default" });
      return connection;
    } catch (error) {
      if (tries > 60) throw error;
      await new Promise((later) => setTimeout(later, 250));
    }
  }
}
