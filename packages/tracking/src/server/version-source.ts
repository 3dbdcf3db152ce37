/** What a model version may be made of, as MLflow allows it (mlflow/server/handlers.py, _create_model_version). */
import { one, type Work } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import { loggedModelRow } from "../store/logged-models.ts";
import type { VersionRow } from "../store/model-versions.ts";
import { modelRow } from "../store/registered-models.ts";
import { runRow } from "../store/runs.ts";
import { latestOfStages, requireVersion, versionOfAlias } from "../store/version-changes.ts";

export interface VersionSource {
  readonly source: string;
  readonly storageLocation: string;
  /** Empty for none. */
  readonly runId: string;
  readonly modelId: string;
}

function refuse(source: string, why: string): never {
  throw new TrackingError("INVALID_ARGUMENT", `Invalid model version source: '${source}'. ${why}`, { field: "source" });
}

const mustName = (what: string) => `The ${what} request parameter must identify the resource that contains the source.`;

/** Where a version's files are, and the run it comes from. @param isPrompt a prompt has no files: its source is a word */
export function* resolvedSource(
  source: string,
  runId: string,
  modelId: string,
  isPrompt: boolean,
): Work<VersionSource> {
  if (isPrompt) return { source, storageLocation: source, runId, modelId };
  checkPlain(source);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(source)?.[1]?.toLowerCase();
  if (scheme === "models") return yield* ofModel(source, runId, modelId);
  if (scheme === "runs") {
    const [, sourceRun = ""] = /^runs:\/+([^/]+)(?:\/|$)/.exec(source) ?? [];
    if (sourceRun === "" || sourceRun !== runId) refuse(source, mustName("run_id"));
    return { source, storageLocation: source, runId, modelId };
  }
  if (scheme === "mlflow-artifacts") {
    const root = yield* rootOf(source, runId, modelId);
    if (source !== root && !source.startsWith(`${root}/`))
      refuse(source, mustName(modelId === "" ? "run_id" : "model_id"));
    return { source, storageLocation: source, runId: yield* runOf(runId, modelId), modelId };
  }
  if (scheme === undefined || scheme === "file")
    refuse(
      source,
      "To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id.",
    );
  checkHost(source, "source");
  checkAbsolute(source);
  return { source, storageLocation: source, runId: yield* runOf(runId, modelId), modelId };
}

/** Schemes in which a URI names a host: whoever reads such a place connects to it. */
const HOST_ADDRESSED = ["ftp", "sftp", "hdfs", "viewfs", "http", "https", "r2", "b2", "abfss"];

/** @throws INVALID_ARGUMENT for a place on a host that the request names, as MLflow */
export function checkHost(uri: string, field: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme !== undefined && (HOST_ADDRESSED.includes(scheme) || /^mlflow-artifacts:\/\/[^/]/i.test(uri)))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `'${field}' cannot use the '${scheme}' scheme: the '${scheme}' scheme addresses a host other than the tracking server's configured artifact storage.`,
      { field, hint: "Give a place in an object store (s3://, gs://, …), or none for one of this server's." },
    );
}

const ABSOLUTE =
  "If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.";

/** No way out of a folder, however often it is encoded. */
function checkPlain(source: string): void {
  let plain = source;
  for (let decoded = decodedOnce(plain); decoded !== plain; decoded = decodedOnce(plain)) plain = decoded;
  if (plain.includes("\0") || plain.split("/").some((part) => part === "..")) refuse(source, ABSOLUTE);
}

/** In an object store a model lies at a path of its own: `s3://bucket` alone is none. */
function checkAbsolute(source: string): void {
  const path = source.replace(/^[^:]*:(?:\/\/[^/]*)?/, "").replace(/[?#].*$/s, "");
  if (!path.startsWith("/") || !/[^/]/.test(path) || path.split("/").includes(".")) refuse(source, ABSOLUTE);
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function* rootOf(source: string, runId: string, modelId: string): Work<string> {
  if (modelId !== "") return (yield* loggedModelRow(modelId)).artifact_uri;
  if (runId === "") refuse(source, mustName("run_id"));
  return (yield* runRow(runId)).artifact_uri;
}

function* runOf(runId: string, modelId: string): Work<string> {
  return runId === "" && modelId !== "" ? (yield* loggedModelRow(modelId)).source_run_id : runId;
}

/** `models:/m-…`, `models:/name/version`, `models:/name/stage`, `models:/name@alias` */
function* ofModel(source: string, runId: string, modelId: string): Work<VersionSource> {
  const path = source.replace(/^models:\/+/, "");
  const logged = /^m-[^/]+$/.test(path);
  if (logged) {
    if (modelId !== path) refuse(source, mustName("model_id"));
    const model = yield* loggedModelRow(modelId);
    return { source, storageLocation: model.artifact_uri, runId: runId || model.source_run_id, modelId };
  }
  const version = yield* registered(source, path);
  const name = `models:/${version.name}/${version.version}`;
  return { source: name, storageLocation: version.storage_location, runId: runId || version.run_id, modelId };
}

function* registered(source: string, path: string): Work<VersionRow> {
  const [, name = "", alias] = /^(.+)@([^/@]+)$/.exec(path) ?? [];
  if (alias !== undefined) return (yield* versionOfAlias(name, alias)).row;
  const slash = path.lastIndexOf("/");
  if (slash < 0) refuse(source, mustName("model_id"));
  const [model, which] = [path.slice(0, slash), path.slice(slash + 1)];
  if (/^\d+$/.test(which)) return yield* requireVersion(model, Number(which));
  yield* modelRow(model);
  const latest = yield* one<VersionRow>(
    "SELECT * FROM model_versions WHERE name = ? ORDER BY version DESC LIMIT 1",
    model,
  );
  const staged = which.toLowerCase() === "latest" ? latest : (yield* latestOfStages(model, [which]))[0]?.row;
  return staged ?? refuse(source, mustName("model_id"));
}
