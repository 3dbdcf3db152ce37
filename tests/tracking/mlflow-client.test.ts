/** MLflow's own client in Python, unchanged, against `dagwright tracking serve`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PROJECT } from "../product.ts";
import { missingMlflow, mlflowSession, PARTS, SESSION_TIMEOUT_MS } from "./mlflow-session.ts";

const missing = await missingMlflow();

describe.skipIf(missing !== undefined)(`MLflow's client${missing === undefined ? "" : ` (${missing})`}`, () => {
  it("logs, searches, registers, and up- and downloads", { timeout: SESSION_TIMEOUT_MS }, async () => {
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
      expect(await mlflowSession(url)).toEqual(PARTS);
      server.kill("SIGTERM");
      expect(await once(server, "exit")).toEqual([0, null]);
    } finally {
      server.kill("SIGKILL");
      await rm(home, { recursive: true });
    }
  });
});
