/** A Temporal server 1.31 on PostgreSQL, with the poll settings and the one part of a task queue that the embedded one has too. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureSearchAttributes } from "@dagwright/engine/server";
import { Connection } from "@temporalio/client";
import proto from "@temporalio/proto";
import { goPeer } from "./installs.ts";
import { startPostgres } from "./postgres.ts";
import { runToEnd, startService, untilReady } from "./processes.ts";

const VERSION = "v1.31.0";
const PACKAGES = [`go.temporal.io/server/cmd/server@${VERSION}`, `go.temporal.io/server/cmd/tools/sql@${VERSION}`];

const SETTINGS = `
history.transferProcessorMaxPollRPS: [{value: 2000}]
history.timerProcessorMaxPollRPS: [{value: 2000}]
matching.numTaskqueueReadPartitions: [{value: 1}]
matching.numTaskqueueWritePartitions: [{value: 1}]
system.forceSearchAttributesCacheRefreshOnRead: [{value: true}]
`;

export interface ServerOnPostgres {
  readonly address: string;
  end(): Promise<void>;
}

/** Starts the server; builds it by Go where it is missing (two minutes). */
export async function startTemporalOnPostgres(): Promise<ServerOnPostgres> {
  const programs = await goPeer("temporal", PACKAGES);
  const postgres = await startPostgres();
  const home = await mkdtemp(join(tmpdir(), "dagwright-temporal-"));
  const { port, user } = postgres;
  const end = async () => {
    await postgres.end();
    await rm(home, { recursive: true, force: true });
  };
  try {
    for (const [name, schema] of [
      ["temporal", "postgresql/v12/temporal"],
      ["temporal_visibility", "postgresql/v12/visibility"],
    ] as const) {
      const database = ["--plugin", "postgres12", "--ep", "127.0.0.1", "-p", String(port), "-u", user, "--db", name];
      const tool = async (...args: string[]) =>
        await runToEnd([join(programs, "sql"), ...database, ...args], { timeoutMs: 300_000 });
      await tool("create");
      await tool("setup-schema", "-v", "0.0");
      await tool("update-schema", "--schema-name", schema);
    }
    const [frontend, http, history, matching, worker, ...membership] = (await lowPorts(9)).map(String);
    await writeFile(join(home, "dynamic.yaml"), SETTINGS);
    const service = startService("Temporal on PostgreSQL", [join(programs, "server"), "start"], {
      cwd: home,
      logFile: join(home, "server.log"),
      env: {
        ...process.env,
        ...{ DB: "postgres12", DB_PORT: String(port), POSTGRES_SEEDS: "127.0.0.1", POSTGRES_USER: user },
        ...{ POSTGRES_PWD: "", BIND_ON_IP: "127.0.0.1", NUM_HISTORY_SHARDS: "4", LOG_LEVEL: "warn" },
        DYNAMIC_CONFIG_FILE_PATH: join(home, "dynamic.yaml"),
        PUBLIC_FRONTEND_ADDRESS: `127.0.0.1:${frontend}`,
        ...{ FRONTEND_GRPC_PORT: frontend, FRONTEND_HTTP_PORT: http, HISTORY_GRPC_PORT: history },
        ...{ MATCHING_GRPC_PORT: matching, WORKER_GRPC_PORT: worker },
        ...{ FRONTEND_MEMBERSHIP_PORT: membership[0], HISTORY_MEMBERSHIP_PORT: membership[1] },
        ...{ MATCHING_MEMBERSHIP_PORT: membership[2], WORKER_MEMBERSHIP_PORT: membership[3] },
      },
    });
    const address = `127.0.0.1:${frontend}`;
    await untilReady("Temporal on PostgreSQL", () => hasNamespace(address), { timeoutMs: 180_000, service });
    return {
      address,
      end: async () => {
        await service.end();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Whether the server answers and has the namespace and search attributes of ours, made here where they are missing. */
async function hasNamespace(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    const namespace = "default";
    const there = await connection.workflowService.describeNamespace({ namespace }).catch(() => null);
    if (there === null) {
      const day = proto.google.protobuf.Duration.fromObject({ seconds: 86_400 });
      await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: day });
      return false;
    }
    await ensureSearchAttributes(connection, namespace);
    return true;
  } finally {
    await connection.close();
  }
}

/** Free ports below 32768: Temporal keeps its own in a column of two bytes. */
async function lowPorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count && tries < 1_000; tries += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
