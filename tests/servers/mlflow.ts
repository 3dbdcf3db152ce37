/** MLflow itself, for tests: its client in Python, and its server. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { MLFLOW_VERSION } from "@dagwright/tracking";
import { freePort, PROJECT } from "../product.ts";
import { installing } from "./installing.ts";

const run = promisify(execFile);

/** What is installed: `skinny` is the client alone, `whole` has its server and scikit-learn too. */
export type MlflowKind = "skinny" | "whole";

const PACKAGES: Readonly<Record<MlflowKind, readonly string[]>> = {
  skinny: [`mlflow-skinny==${MLFLOW_VERSION}`],
  whole: [`mlflow==${MLFLOW_VERSION}`, "scikit-learn==1.9.1"],
};
const MINUTES_MS = 60_000;

function folderOf(kind: MlflowKind): string {
  return join(PROJECT, ".dagwright", `mlflow-${kind}-${MLFLOW_VERSION}`);
}

/** A program of the installation, `python` or `mlflow`. */
export function mlflowProgram(kind: MlflowKind, name: string): string {
  return join(folderOf(kind), "bin", name);
}

/** Installs MLflow from PyPI, once. Says why not where that fails; with `CI=true` it throws instead. */
export async function installMlflow(kind: MlflowKind): Promise<string | undefined> {
  const missing = (why: string) => `no MLflow here: pip install ${PACKAGES[kind].join(" ")} (${why})`;
  return await installing(`mlflow-${kind}`, missing, async () => {
    const folder = folderOf(kind);
    const marker = join(folder, "installed");
    if (existsSync(marker)) return;
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    const pip = [join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check"] as const;
    await run(pip[0], [...pip.slice(1), ...PACKAGES[kind]], { timeout: (kind === "whole" ? 10 : 2) * MINUTES_MS });
    await run("touch", [marker]);
  });
}

export interface MlflowServerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts MLflow's own server on a free port of this machine, with its data in a temporary folder. */
export async function startMlflow(): Promise<MlflowServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "mlflow-"));
  const port = await freePort();
  const options = {
    "--backend-store-uri": `sqlite:///${join(folder, "mlflow.db")}`,
    "--artifacts-destination": join(folder, "artifacts"),
    "--host": "127.0.0.1",
    "--port": String(port),
    "--workers": "1",
  };
  const server = spawn(mlflowProgram("whole", "mlflow"), ["server", ...Object.entries(options).flat()], {
    cwd: folder,
    // It starts processes of its own: all of them are one group.
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let words = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-4_000);
  });
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const stop = async () => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGKILL");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 1_200; tries++) {
    const healthy = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return { url, stop };
    if (server.exitCode !== null) throw new Error(`mlflow server ended with ${server.exitCode}: ${words}`);
    await delay(100);
  }
  await stop();
  throw new Error(`mlflow server did not answer within 2 minutes: ${words}`);
}
