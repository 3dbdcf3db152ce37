import { z } from "zod";
import { checkArtifactPath } from "../artifact-folder.ts";
import { TrackingError } from "../errors.ts";
import { type MlflowHttp, MlflowRefusal, meaning, plainly } from "./mlflow-http.ts";
import { type MlflowRuns, noRun } from "./mlflow-runs.ts";

const Listing = z.object({
  files: z.array(z.object({ path: z.string(), is_dir: z.boolean().default(false) })).default([]),
});

/** What the server takes of one file that it does not proxy, in bytes. */
const MOST_UPLOAD = 10 * 1024 * 1024;

/** Files of runs, through an MLflow server. */
export class MlflowArtifacts {
  readonly #http: MlflowHttp;
  readonly #runs: MlflowRuns;

  constructor(http: MlflowHttp, runs: MlflowRuns) {
    this.#http = http;
    this.#runs = runs;
  }

  async write(runId: string, path: string, bytes: Uint8Array): Promise<void> {
    checkArtifactPath(path);
    const proxied = await this.#proxied(runId);
    if (proxied !== undefined) {
      await meaning(this.#http.bytes("PUT", `${proxied}/${encoded(path)}`, bytes), refusedPath);
      return;
    }
    if (bytes.length > MOST_UPLOAD)
      throw new TrackingError(
        "ARTIFACTS_ELSEWHERE",
        `The artifact "${path}" has ${bytes.length} bytes: the MLflow server ${this.#http.place} takes at most ${MOST_UPLOAD} for a place that it does not serve itself.`,
        {
          field: "bytes",
          hint: "Start it with --serve-artifacts, and the experiment without an artifact location of its own.",
        },
      );
    const query = new URLSearchParams({ run_uuid: runId, path });
    await meaning(this.#http.bytes("POST", `/ajax-api/2.0/mlflow/upload-artifact?${query}`, bytes), refusedPath);
  }

  async read(runId: string, path: string): Promise<Uint8Array> {
    checkArtifactPath(path);
    const proxied = await this.#proxied(runId);
    const query = new URLSearchParams({ run_uuid: runId, path });
    try {
      return await this.#http.bytes(
        "GET",
        proxied === undefined ? `/get-artifact?${query}` : `${proxied}/${encoded(path)}`,
      );
    } catch (error) {
      if (!(error instanceof MlflowRefusal)) throw error;
      // Servers answer in several ways what is not there.
      const there = await this.list(runId);
      if (there.includes(path)) throw plainly(error);
      throw new TrackingError("ARTIFACT_NOT_FOUND", `Run ${runId} has no artifact "${path}".`, {
        field: "path",
        hint: there.length === 0 ? "It has no artifacts." : `It has: ${there.slice(0, 20).join(", ")}.`,
      });
    }
  }

  /** Paths of all files, sorted. */
  async list(runId: string): Promise<string[]> {
    const files: string[] = [];
    const folders = [""];
    for (const folder of folders) {
      const asked = this.#http.ask(
        "GET",
        "/artifacts/list",
        { run_id: runId, ...(folder === "" ? {} : { path: folder }) },
        Listing,
      );
      for (const { path, is_dir: isFolder } of (await meaning(asked, (refusal) => noRun(runId, refusal))).files)
        (isFolder ? folders : files).push(path);
    }
    return files.sort();
  }

  async uri(runId: string, path: string): Promise<string> {
    checkArtifactPath(path);
    await this.#runs.record(runId);
    return `runs:/${runId}/${path}`;
  }

  /** Where the server itself serves the files of a run; undefined where they lie elsewhere. */
  async #proxied(runId: string): Promise<string | undefined> {
    const { info } = await this.#runs.record(runId);
    const [, path] = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/.exec(info.artifact_uri) ?? [];
    return path === undefined ? undefined : `/api/2.0/mlflow-artifacts/artifacts/${path.replace(/\/+$/, "")}`;
  }
}

const encoded = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

function refusedPath(refusal: MlflowRefusal): TrackingError | undefined {
  // A file where a folder must be is an error of MLflow's own.
  if (refusal.errorCode !== "INVALID_PARAMETER_VALUE" && refusal.status !== 500) return undefined;
  return new TrackingError("ARTIFACT_PATH", `MLflow cannot keep an artifact of this path: ${refusal.message}`, {
    field: "path",
    cause: refusal,
  });
}
