/** Prefect 3 with its server on PostgreSQL; its tasks in the flow's own process, as our light tasks are in the run's. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { freePort } from "../../tests/product.ts";
import { pythonPeer } from "./installs.ts";
import { median } from "./measures.ts";
import { startPostgres } from "./postgres.ts";
import { memoryOfTree, runToEnd, startService, untilReady } from "./processes.ts";
import type { PeerMeasures } from "./report.ts";

/** By plain pip its newest dependencies break it: these two are the last that work. */
const PACKAGES = ["prefect==3.8.8", "fastapi==0.139.2", "SQLAlchemy==2.0.58", "asyncpg"];

const Told = z.object({ chain: z.array(z.number()), fan: z.array(z.number()) });

/** Measures Prefect; installs it where it is missing. */
export async function measurePrefect(rounds: number): Promise<PeerMeasures> {
  const programs = await pythonPeer("prefect", PACKAGES);
  const postgres = await startPostgres();
  const home = await mkdtemp(join(tmpdir(), "dagwright-prefect-"));
  await postgres.createDatabase("prefect");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/api`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${programs}:${process.env["PATH"] ?? ""}`,
    PREFECT_HOME: home,
    PREFECT_API_DATABASE_CONNECTION_URL: `postgresql+asyncpg://${postgres.user}:x@127.0.0.1:${postgres.port}/prefect`,
    PREFECT_API_URL: url,
    PREFECT_SERVER_ANALYTICS_ENABLED: "false",
    PREFECT_LOGGING_LEVEL: "WARNING",
    no_proxy: "127.0.0.1,localhost",
  };
  const flows = [join(programs, "python"), fileURLToPath(new URL("prefect_flows.py", import.meta.url))];
  await runToEnd([join(programs, "prefect"), "server", "database", "upgrade", "-y"], { env, timeoutMs: 300_000 });
  const begun = performance.now();
  const service = startService(
    "Prefect",
    [join(programs, "prefect"), "server", "start", "--host", "127.0.0.1", "--port", String(port)],
    { env, logFile: join(home, "server.log") },
  );
  try {
    const healthy = async () => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok;
    await untilReady("Prefect's API", healthy, { timeoutMs: 300_000, service });
    const upSeconds = (performance.now() - begun) / 1_000;
    await runToEnd([...flows, "0"], { env, timeoutMs: 120_000 });
    const coldStartSeconds = (performance.now() - begun) / 1_000;
    await pause(10_000);
    const idleMiB = memoryOfTree(service.pid);
    const told = await runToEnd([...flows, String(rounds)], { env, timeoutMs: 300_000 });
    const { chain, fan } = Told.parse(JSON.parse(told.trim().split("\n").at(-1) ?? ""));
    return {
      name: "Prefect 3.8.8, in the flow, PostgreSQL",
      seconds: { chain: median(chain), fan: median(fan) },
      ...{ upSeconds, coldStartSeconds, idleMiB },
    };
  } finally {
    await service.end();
    await postgres.end();
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}
