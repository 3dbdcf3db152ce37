/** Airflow 3.3.2 with the LocalExecutor on PostgreSQL, tuned. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { freePort } from "../../tests/product.ts";
import { pythonPeer } from "./installs.ts";
import { median, quantile, secondsOf } from "./measures.ts";
import { startPostgres } from "./postgres.ts";
import { memoryOfTree, runToEnd, startService, untilReady } from "./processes.ts";
import type { PeerMeasures } from "./report.ts";

const PACKAGES = [...["apache-airflow==3.3.2", "apache-airflow-providers-postgres"], ...["psycopg2-binary", "asyncpg"]];

const Run = z.object({ dag_run_id: z.string(), state: z.string(), end_date: z.string().nullable() });
const Fired = z.object({
  dag_runs: z.array(z.object({ dag_run_id: z.string(), run_after: z.string(), state: z.string() })),
});
const Tasks = z.object({ task_instances: z.array(z.object({ start_date: z.string().nullable() })) });

/** What is not Airflow's default, and how it was chosen, stands in docs/benchmarks.md. */
async function settingsOf(home: string, database: string): Promise<{ env: NodeJS.ProcessEnv; url: string }> {
  const [port, workerLogs, triggerLogs, health] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const url = `http://127.0.0.1:${port}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__DAGS_FOLDER: join(home, "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES: "False",
    AIRFLOW__CORE__EXECUTOR: "LocalExecutor",
    AIRFLOW__CORE__PARALLELISM: "32",
    AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG: "32",
    AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG: "32",
    AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: "0.05",
    AIRFLOW__SCHEDULER__MAX_TIS_PER_QUERY: "32",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: database,
    AIRFLOW__API__HOST: "127.0.0.1",
    AIRFLOW__API__PORT: String(port),
    AIRFLOW__API__BASE_URL: url,
    AIRFLOW__API__WORKERS: "1",
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `${url}/execution/`,
    AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT: String(workerLogs),
    AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT: String(triggerLogs),
    AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT: String(health),
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS: "True",
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: "False",
    no_proxy: "127.0.0.1,localhost",
  };
  return { env, url };
}

/** Measures Airflow; installs it where it is missing. */
export async function measureAirflow(rounds: number): Promise<PeerMeasures> {
  const programs = await pythonPeer("airflow", PACKAGES);
  const postgres = await startPostgres();
  const home = await mkdtemp(join(tmpdir(), "dagwright-airflow-"));
  const database = (name: string) => `postgresql+psycopg2://${postgres.user}:x@127.0.0.1:${postgres.port}/${name}`;
  await mkdir(join(home, "dags"));
  await copyFile(
    fileURLToPath(new URL("airflow-dags/workloads.py", import.meta.url)),
    join(home, "dags", "workloads.py"),
  );
  await postgres.createDatabase("airflow");
  const { env: settings, url } = await settingsOf(home, database("airflow"));
  const env = { ...settings, PATH: `${programs}:${settings["PATH"] ?? ""}` };
  const airflow = join(programs, "airflow");
  // Made before, as after any first start: a cold start is of what has run before.
  await runToEnd([airflow, "db", "migrate"], { env, timeoutMs: 300_000 });
  await runToEnd([airflow, "dags", "reserialize"], { env, timeoutMs: 120_000 });

  const begun = performance.now();
  const service = startService("Airflow", [airflow, "standalone"], { env, logFile: join(home, "standalone.log") });
  try {
    const api = new Api(url);
    await untilReady("Airflow's API", () => api.login(), { timeoutMs: 300_000, service });
    const upSeconds = (performance.now() - begun) / 1_000;
    for (const dag of ["chain100", "chain10", "fan200"]) await api.pause(dag, false);
    await api.run("chain10");
    const coldStartSeconds = (performance.now() - begun) / 1_000;
    await pause(20_000);
    const idleMiB = memoryOfTree(service.pid);
    const [chain, fan, twenty]: number[][] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      chain?.push(await api.run("chain100"));
      fan?.push(await api.run("fan200"));
      twenty?.push(await api.runAtOnce("chain10", 20));
    }
    const lateness = (await unlessItBreaks("due to first task", () => api.latenessOf("every5s", 45_000))) ?? [];
    await service.end(15_000);
    const load = await unlessItBreaks("200 files", () =>
      measureLoad(airflow, join(programs, "python"), home, env, async () => {
        await postgres.createDatabase("parse");
        return database("parse");
      }),
    );
    return {
      name: "Airflow 3.3.2, tuned, PostgreSQL",
      seconds: { chain: median(chain ?? []), fan: median(fan ?? []), twenty: median(twenty ?? []) },
      ...(lateness.length === 0
        ? {}
        : { dueToStart: { p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99), samples: lateness.length } }),
      ...{ upSeconds, coldStartSeconds, idleMiB, ...load },
    };
  } finally {
    await service.end(15_000);
    await postgres.end();
    await rm(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What a smaller measurement gives, or null: the larger ones before it are not lost with it. */
async function unlessItBreaks<T>(what: string, measure: () => Promise<T>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    console.error(`Airflow, ${what}: not measured: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

/** 200 files of ten tasks each: by the DAG processor into a fresh database, and by `DagBag` alone. */
async function measureLoad(
  airflow: string,
  python: string,
  home: string,
  settings: NodeJS.ProcessEnv,
  freshDatabase: () => Promise<string>,
): Promise<{ loadSeconds: number; loadWholeSeconds: number }> {
  const folder = join(home, "many");
  await mkdir(folder);
  for (let nth = 0; nth < 200; nth += 1) {
    const lines = [
      "from datetime import datetime",
      "from airflow.sdk import DAG, task",
      "@task",
      "def noop():",
      "    return None",
      `with DAG("many_${nth}", schedule="0 3 * * *", start_date=datetime(2026, 1, 1), catchup=False):`,
      "    before = None",
      "    for n in range(10):",
      '        step = noop.override(task_id=f"t{n}")()',
      "        if before is not None:",
      "            before >> step",
      "        before = step",
    ];
    await writeFile(join(folder, `many_${nth}.py`), `${lines.join("\n")}\n`);
  }
  const env = {
    ...settings,
    AIRFLOW__CORE__DAGS_FOLDER: folder,
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: await freshDatabase(),
  };
  await runToEnd([airflow, "db", "migrate"], { env, timeoutMs: 300_000 });
  const loadWholeSeconds = await secondsOf(() =>
    runToEnd([airflow, "dag-processor", "-n", "1"], { env, timeoutMs: 300_000 }),
  );
  const script = [
    "import time",
    "import airflow.sdk",
    "from airflow.dag_processing.dagbag import DagBag",
    "begun = time.perf_counter()",
    `bag = DagBag(${JSON.stringify(folder)})`,
    "assert len(bag.dags) == 200, bag.import_errors",
    'print("seconds", time.perf_counter() - begun)',
  ];
  const told = await runToEnd([python, "-c", script.join("\n")], { env, timeoutMs: 120_000 });
  return { loadSeconds: Number(/seconds ([\d.]+)/.exec(told)?.[1]), loadWholeSeconds };
}

/** The part of Airflow's REST API that the bench speaks. */
class Api {
  private token = "";

  constructor(private readonly url: string) {}

  async login(): Promise<boolean> {
    const answer = z.object({ access_token: z.string() }).parse(await this.ask("GET", "/auth/token"));
    this.token = answer.access_token;
    return true;
  }

  /** Tries again while the DAG is not yet known. */
  async pause(dag: string, paused: boolean): Promise<void> {
    await untilReady(
      `DAG ${dag} in Airflow`,
      async () => {
        await this.ask("PATCH", `/api/v2/dags/${dag}`, { is_paused: paused });
        return true;
      },
      { timeoutMs: 300_000 },
    );
  }

  /** Seconds from asking for a run to its end, by Airflow's own word for the end. */
  async run(dag: string): Promise<number> {
    const asked = Date.now();
    return (await this.endOf(dag, await this.start(dag))) - asked / 1_000;
  }

  /** Seconds from asking for several runs at once to the end of the last. */
  async runAtOnce(dag: string, count: number): Promise<number> {
    const asked = Date.now();
    const runs = await Promise.all(Array.from({ length: count }, () => this.start(dag)));
    let last = 0;
    // One after another: to be asked costs Airflow what its tasks could use.
    for (const run of runs) last = Math.max(last, await this.endOf(dag, run));
    return last - asked / 1_000;
  }

  private async start(dag: string): Promise<string> {
    return Run.parse(await this.ask("POST", `/api/v2/dags/${dag}/dagRuns`, { logical_date: null })).dag_run_id;
  }

  private async endOf(dag: string, run: string): Promise<number> {
    for (const until = Date.now() + 300_000; ; await pause(500)) {
      const path = `/api/v2/dags/${dag}/dagRuns/${encodeURIComponent(run)}`;
      const { state, end_date: end } = Run.parse(await this.ask("GET", path));
      if (state === "success" && end !== null) return Date.parse(end) / 1_000;
      if (state === "failed" || Date.now() > until) throw new Error(`Airflow's run of ${dag} is ${state}`);
    }
  }

  /** How late the task of each fire of a schedule began, in seconds, over some time; the first fire warms up. */
  async latenessOf(dag: string, ms: number): Promise<number[]> {
    await this.pause(dag, false);
    await pause(ms);
    await this.pause(dag, true);
    const fired = Fired.parse(await this.ask("GET", `/api/v2/dags/${dag}/dagRuns?order_by=run_after&limit=100`));
    const lateness: number[] = [];
    for (const { dag_run_id: id, run_after: due } of fired.dag_runs.slice(1)) {
      const path = `/api/v2/dags/${dag}/dagRuns/${encodeURIComponent(id)}/taskInstances`;
      const [task] = Tasks.parse(await this.ask("GET", path)).task_instances;
      if (task?.start_date) lateness.push((Date.parse(task.start_date) - Date.parse(due)) / 1_000);
    }
    return lateness;
  }

  private async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(120_000),
    });
    if (!response.ok) throw new Error(`Airflow answers ${method} ${path} with ${response.status}`);
    return await response.json();
  }
}
