/** What MLflow allows as names and values (mlflow/utils/validation.py), in its own words, because its clients show them. */
import { TrackingError } from "../errors.ts";

const MOST_KEY = 250;
const MOST_TAG = 8_000;
const MOST_PARAM = 6_000;
const MOST_EXPERIMENT_NAME = 500;
const MOST_EXPERIMENT_TAG = 20_000;
const MOST_REGISTRY_TAG = 100_000;
const MOST_ALIAS = 255;
const MOST_PER_BATCH = { metrics: 1_000, params: 100, tags: 100, all: 1_000 } as const;

/** One param or tag. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** One logged value of a metric. */
export interface MetricValue {
  readonly key: string;
  /** May be NaN or infinite. */
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly step: number;
  /** The logged model that it was measured of, and the dataset that it was measured on. */
  readonly modelId?: string | undefined;
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}

export interface LoggedBatch {
  readonly metrics: readonly MetricValue[];
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

function refuse(message: string, field?: string): never {
  throw new TrackingError("INVALID_ARGUMENT", message, field === undefined ? {} : { field });
}

/** @param path which argument, `metrics[3].name` */
function checkKey(key: string, path: string): void {
  const wrong = (why: string) =>
    refuse(`Invalid value ${JSON.stringify(key)} for parameter '${path}' supplied: ${why}`, path);
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key))
    wrong(
      "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
    );
  const normal = normalized(key);
  if (normal !== key || normal === "." || normal.startsWith("..") || normal.startsWith("/"))
    wrong(
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`,
    );
  if (key.length > MOST_KEY) refuse(`'${path}' exceeds the maximum length of ${MOST_KEY} characters`, path);
}

/** As Python's posixpath.normpath. */
function normalized(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !path.startsWith("/")) parts.push(part);
  }
  const joined = `${path.startsWith("/") ? "/" : ""}${parts.join("/")}`;
  return joined === "" ? "." : joined;
}

export function checkMetric({ key, timestamp, step, value }: MetricValue, path = ""): void {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  checkKey(key, at("name"));
  if (typeof value !== "number")
    refuse(
      `Invalid value ${JSON.stringify(value)} for parameter '${at("value")}' supplied: (timestamp=${timestamp}). Please specify value as a valid double (64-bit floating point)`,
      at("value"),
    );
  if (!Number.isSafeInteger(timestamp) || timestamp < 0)
    refuse(
      `Invalid value ${timestamp} for parameter '${at("timestamp")}' supplied: metric '${key}' (value=${value}). Timestamp must be a nonnegative long (64-bit integer) `,
      at("timestamp"),
    );
  if (!Number.isSafeInteger(step))
    refuse(
      `Invalid value ${step} for parameter '${at("step")}' supplied: metric '${key}' (value=${value}). Step must be a valid long (64-bit integer).`,
      at("step"),
    );
}

/** A param as it is kept: MLflow cuts long values. */
export function keptParam({ key, value }: KeyValue, path = ""): KeyValue {
  checkKey(key, path === "" ? "key" : `${path}.key`);
  return { key, value: value.slice(0, MOST_PARAM) };
}

/** A run's tag as it is kept: MLflow cuts long values. */
export function keptTag({ key, value }: KeyValue, path = ""): KeyValue {
  checkKey(key, path === "" ? "key" : `${path}.key`);
  return { key, value: value.slice(0, MOST_TAG) };
}

/** A batch as it is kept. @throws INVALID_ARGUMENT when it holds too much, or one param twice */
export function keptBatch({ metrics, params, tags }: LoggedBatch): LoggedBatch {
  for (const [at, metric] of metrics.entries()) checkMetric(metric, `metrics[${at}]`);
  const kept = {
    metrics,
    params: params.map((param, at) => keptParam(param, `params[${at}]`)),
    tags: tags.map((tag, at) => keptTag(tag, `tags[${at}]`)),
  };
  checkCount("metrics", MOST_PER_BATCH.metrics, metrics.length);
  checkCount("params", MOST_PER_BATCH.params, params.length);
  checkCount("tags", MOST_PER_BATCH.tags, tags.length);
  checkCount("metrics, params, and tags", MOST_PER_BATCH.all, metrics.length + params.length + tags.length);
  const keys = params.map(({ key }) => key);
  const twice = keys.filter((key, at) => keys.indexOf(key) !== at);
  if (twice.length > 0)
    refuse(
      `Duplicate parameter keys have been submitted: [${twice.map((key) => `'${key}'`).join(", ")}]. Please ensure the request contains only one param value per param key.`,
      "params",
    );
  return kept;
}

function checkCount(what: string, most: number, count: number): void {
  if (count > most)
    refuse(
      `A batch logging request can contain at most ${most} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
      what,
    );
}

export function checkExperimentName(name: string, field = "name"): void {
  if (name === "") refuse("Invalid experiment name: ''", field);
  if (name.length > MOST_EXPERIMENT_NAME)
    refuse(`'name' exceeds the maximum length of ${MOST_EXPERIMENT_NAME} characters`, field);
}

export function checkExperimentTag({ key, value }: KeyValue): void {
  checkKey(key, "key");
  if (value.length > MOST_EXPERIMENT_TAG)
    refuse(`'value' exceeds the maximum length of ${MOST_EXPERIMENT_TAG} characters`, "value");
}

export function checkRegistryTag({ key, value }: KeyValue): void {
  checkKey(key, "key");
  if (value.length > MOST_REGISTRY_TAG)
    refuse(`'value' exceeds the maximum length of ${MOST_REGISTRY_TAG} characters`, "value");
}

export function checkTagKey(key: string): void {
  checkKey(key, "key");
}

/** @param field `name` or `new_name` */
export function checkModelName(name: string, field = "name"): void {
  if (name.trim() === "") refuse(`Missing value for required parameter '${field}'.`, field);
  if (/[/:]/.test(name)) refuse(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`, field);
  const normal = normalized(name);
  if (normal !== name || normal === "." || normal.startsWith(".."))
    refuse(
      `Invalid value ${JSON.stringify(name)} for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`,
      field,
    );
}

export function checkAlias(alias: string): void {
  if (alias === "") refuse("Registered model alias name cannot be empty.", "alias");
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias))
    refuse(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
      "alias",
    );
  if (alias.length > MOST_ALIAS)
    refuse(`'Registered model alias name' exceeds the maximum length of ${MOST_ALIAS} characters`, "alias");
}

/** An alias that may be set: `latest` and `v12` mean versions by themselves. */
export function checkNewAlias(alias: string): void {
  checkAlias(alias);
  if (alias.toLowerCase() === "latest") refuse("'latest' alias name (case insensitive) is reserved.", "alias");
  if (/^v\d+$/i.test(alias)) refuse(`Version alias name '${alias}' is reserved.`, "alias");
}

export function checkLoggedModelName(name: string): void {
  if (name === "" || /[/:.%"']/.test(name))
    refuse(
      `Invalid model name ('${name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
      "name",
    );
}

/** An experiment's id as the number that it is kept by. */
export function experimentNumber(id: string): number {
  if (!/^-?\d{1,15}$/.test(id.trim()))
    refuse(`Invalid experiment ID '${id}'. Experiment ID must be a valid integer.`, "experiment_id");
  return Number(id);
}

/** A version as the number that it is kept by. */
export function versionNumber(version: string): number {
  if (!/^-?\d{1,15}$/.test(version.trim()))
    refuse(`Parameter 'version' must be an integer, got '${version}'.`, "version");
  return Number(version);
}

const MOST_DATASET = { name: 500, digest: 36, source: 65_535, schema: 1_048_575, profile: 16_777_215 } as const;

/** A dataset that a run reads. */
export interface DatasetRecord {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string | undefined;
  readonly profile?: string | undefined;
}

const MOST_INPUT_TAG = { key: 255, value: 500 } as const;

/** A tag of a dataset that a run reads. */
export function checkInputTag(tag: KeyValue): void {
  for (const field of ["key", "value"] as const)
    if (tag[field].length > MOST_INPUT_TAG[field])
      refuse(`'${field}' exceeds the maximum length of ${MOST_INPUT_TAG[field]} characters`, field);
}

/** What cannot be a run's id, wherever MLflow asks for its form. */
export function checkRunId(runId: string): void {
  if (!/^[a-z0-9][\p{L}\p{N}_-]{0,255}$/iu.test(runId))
    refuse(`Invalid value ${JSON.stringify(runId)} for parameter 'run_id' supplied.`, "run_id");
}

export function checkDataset(dataset: DatasetRecord): void {
  for (const field of ["name", "digest", "source", "schema", "profile"] as const)
    if ((dataset[field]?.length ?? 0) > MOST_DATASET[field])
      refuse(`'${field}' exceeds the maximum length of ${MOST_DATASET[field]} characters`, field);
}
