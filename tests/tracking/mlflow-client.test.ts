/** MLflow's own client in Python, unchanged, against `dagwright tracking serve`. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PROJECT } from "../product.ts";
import { installMlflow, mlflowProgram } from "../servers/mlflow.ts";

const SESSION = fileURLToPath(new URL("mlflow_session.py", import.meta.url));
const kind = process.env["MLFLOW"] === "whole" ? "whole" : "skinny";
const missing = await installMlflow(kind);

describe.skipIf(missing !== undefined)(`MLflow's client${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("logs, searches, registers, and up- and downloads", { timeout: 240_000 }, async () => {
    const home = await mkdtemp(join(tmpdir(), "tracking-serve-"));
    const cli = join(PROJECT, "client", "cli", "main.ts");
    const serve = [cli, "tracking", "serve", "--port", "0", "--json"];
    const server = spawn(process.execPath, ["--conditions=source", "--import", "tsx", ...serve], {
      cwd: PROJECT,
      env: { ...process.env, DAGWRIGHT_HOME: home },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [line] = await once(createInterface({ input: server.stdout }), "line");
      const { url } = z.object({ url: z.url() }).parse(JSON.parse(String(line)));
      const env = {
        ...process.env,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: "false",
      };
      const { stdout } = await promisify(execFile)(mlflowProgram(kind, "python"), ["-W", "ignore", SESSION, url], {
        env: { ...env, MLFLOW_TRACKING_URI: "", PYTHONIOENCODING: "utf8" },
        timeout: 220_000,
      });
      const parts = [...stdout.matchAll(/^ok: (.*)$/gm)].map(([, part]) => part);
      const all = ["experiments", "fluent runs", "client runs", "filter strings", "datasets", "artifacts", "registry"];
      expect(parts).toEqual(kind === "whole" ? [...all, "models"] : all);
      server.kill("SIGTERM");
      expect(await once(server, "exit")).toEqual([0, null]);
    } finally {
      server.kill("SIGKILL");
      await rm(home, { recursive: true });
    }
  });
});
