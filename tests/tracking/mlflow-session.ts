/** The session of an MLflow user (`mlflow_session.py`), and which MLflow it runs with. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { installMlflow, type MlflowKind, mlflowProgram } from "../servers/mlflow.ts";

const SESSION = fileURLToPath(new URL("mlflow_session.py", import.meta.url));

/** Minutes on two busy cores: it loads pandas and scikit-learn. */
export const SESSION_TIMEOUT_MS = 600_000;

/** `npm run test:mlflow` asks for the whole of MLflow. */
export const kind: MlflowKind = process.env["MLFLOW"] === "whole" ? "whole" : "skinny";

/** Why there is no MLflow here. @throws where it was asked for by name: then nothing may be left out */
export async function missingMlflow(): Promise<string | undefined> {
  const missing = await installMlflow(kind);
  if (missing !== undefined && kind === "whole") throw new Error(missing);
  return missing;
}

/** Runs it against a server; gives the parts that held, in order. */
export async function mlflowSession(url: string): Promise<string[]> {
  const env = { ...process.env, MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0", MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: "false" };
  const { stdout } = await promisify(execFile)(mlflowProgram(kind, "python"), ["-W", "ignore", SESSION, url], {
    env: { ...env, MLFLOW_TRACKING_URI: "", PYTHONIOENCODING: "utf8" },
    timeout: SESSION_TIMEOUT_MS,
  });
  return [...stdout.matchAll(/^ok: (.*)$/gm)].map(([, part = ""]) => part);
}

/** What holds of a server that does all that the session asks for. */
export const PARTS: readonly string[] = [
  "experiments",
  "fluent runs",
  "client runs",
  "filter strings",
  "datasets",
  "artifacts",
  "logged models",
  "registry",
  ...(kind === "whole" ? ["models"] : []),
];
