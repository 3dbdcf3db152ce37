/** What people start: `dagwright up`, in a state folder and on ports of its own. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectEngine, type EngineClient } from "@dagwright/engine/client";
import { ensureTemporalBinary } from "@dagwright/engine/server";
import { largePayloads, openObjectFolder, openRunStore, type RunStore } from "@dagwright/engine/store";
import { Client, Connection } from "@temporalio/client";
import { freePort } from "../../tests/product.ts";
import { PROJECT } from "./installs.ts";
import { asService, type Service } from "./processes.ts";

const DAGS = fileURLToPath(new URL("dags.ts", import.meta.url));
const SOURCES = ["--conditions=source", "--import", "tsx"];

/** `dagwright up`, ready, and the ways to it. */
export interface Stack {
  readonly address: string;
  readonly up: Service;
  readonly workerPid: number;
  readonly store: RunStore;
  readonly engine: EngineClient;
  readonly temporal: Client;
  /** Starts a run and waits for its end, told by Temporal and not by polling. */
  run(dagId: string, runId?: string): Promise<unknown>;
  end(): Promise<void>;
}

/**
 * Starts `dagwright up` with the bench's DAGs, on its embedded server or on the one at `address`.
 *
 * @param env Further variables, such as NODE_OPTIONS for a profile.
 */
export async function startStack(address?: string, env: NodeJS.ProcessEnv = {}): Promise<Stack> {
  const binary = await ensureTemporalBinary({ home: join(PROJECT, ".dagwright"), log: console.error });
  const home = await mkdtemp(join(tmpdir(), "dagwright-bench-"));
  await mkdir(join(home, "logs"));
  const [port, uiPort] = [await freePort(), await freePort()];
  const variables: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${dirname(binary)}${delimiter}${process.env["PATH"] ?? ""}`,
    DAGWRIGHT_HOME: home,
    DAGWRIGHT_TEMPORAL_PORT: String(port),
    DAGWRIGHT_TEMPORAL_UI_PORT: String(uiPort),
    NO_COLOR: "1",
    ...env,
  };
  delete variables["TEMPORAL_ADDRESS"];
  if (address !== undefined) variables["TEMPORAL_ADDRESS"] = address;
  const args = [...SOURCES, join(PROJECT, "client/cli/main.ts"), "up", "--json", "--dags", DAGS];
  const child = spawn(process.execPath, args, {
    cwd: PROJECT,
    env: variables,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const up = asService("dagwright up", child);
  const [line, stderr] = [collected(child.stdout), collected(child.stderr)];
  await new Promise<void>((ready, fail) => {
    child.stdout.on("data", () => line().includes("\n") && ready());
    child.once("exit", (code) => fail(new Error(`dagwright up ended with ${code}: ${stderr()}`)));
  });
  let ending = false;
  child.once("exit", (code, signal) => {
    if (!ending) console.error(`dagwright up has ended (${signal ?? code}) in mid-bench: ${stderr()}`);
  });
  const { workerPid } = JSON.parse(line()) as { workerPid: number };
  const at = address ?? `127.0.0.1:${port}`;
  const store = await openRunStore({ file: join(home, "runs.db") });
  const engine = await connectEngine({ address: at, store });
  const connection = await Connection.connect({ address: at });
  const payloadCodecs = [largePayloads(openObjectFolder(join(home, "objects")))];
  const temporal = new Client({ connection, dataConverter: { payloadCodecs } });
  let count = 0;
  return {
    ...{ address: at, up, workerPid, store, engine, temporal },
    run: async (dagId, runId) => {
      count += 1;
      const started = await engine.startRun({ dagId, runId: runId ?? `${dagId}/bench-${count}` });
      return await temporal.workflow.getHandle(started.runId, started.temporalRunId).result();
    },
    end: async () => {
      ending = true;
      await engine.close();
      await connection.close();
      await store.close();
      await up.end();
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function collected(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk) => {
    text += chunk;
  });
  return () => text;
}
