import { DriftError } from "./errors.ts";
import type { MetricResult } from "./metric.ts";
import type { ReportData } from "./report-data.ts";

/** What is kept of a report to be seen beside later ones: numbers, no distributions. Plain data, which JSON keeps whole. */
export interface Snapshot {
  readonly title: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** Drift of the data set; null where the report had none. */
  readonly drift: { readonly count: number; readonly share: number; readonly datasetDrift: boolean } | null;
  readonly columns: readonly {
    readonly column: string;
    readonly method: string;
    /** Null where it was not a number. */
    readonly score: number | null;
    readonly threshold: number;
    readonly drifted: boolean;
  }[];
  /** Numbers of the metrics by name; null where one was not defined. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** What a report leaves behind. */
export function snapshotOf({ title, timestamp, sections }: ReportData): Snapshot {
  const drifts = sections.flatMap(({ drift }) => (drift === undefined ? [] : [drift]));
  const results = sections.flatMap(({ metrics = [], tests = [] }): readonly MetricResult[] => [...metrics, ...tests]);
  return {
    title,
    timestamp,
    drift: drifts[0]?.dataset ?? null,
    columns: drifts.flatMap(({ columns }) =>
      columns.map(({ column, method, score, threshold, drifted }) => ({
        column,
        method,
        score: Number.isFinite(score) ? score : null,
        threshold,
        drifted,
      })),
    ),
    metrics: Object.fromEntries(results.flatMap(numbersOf)),
  };
}

function numbersOf({ metric, config, value }: MetricResult): [string, number | null][] {
  const name = [metric, ...Object.values(config)].join(" ");
  const finite = (number: number) => (Number.isFinite(number) ? number : null);
  if (typeof value === "number") return [[name, finite(value)]];
  return Object.entries(value).flatMap(([part, number]: [string, unknown]): [string, number | null][] =>
    typeof number === "number" ? [[`${name} ${part}`, finite(number)]] : [],
  );
}

/** A snapshot from its JSON. @throws DriftError INVALID_SNAPSHOT, naming the field */
export function readSnapshot(json: string): Snapshot {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw invalid("snapshot", json.slice(0, 40), "JSON");
  }
  const fields = objectIn("snapshot", value);
  const timestamp = textIn("timestamp", fields["timestamp"]);
  if (Number.isNaN(Date.parse(timestamp))) throw invalid("timestamp", timestamp, "an ISO 8601 moment");
  return {
    title: textIn("title", fields["title"]),
    timestamp,
    drift: fields["drift"] === null ? null : driftIn(fields["drift"]),
    columns: listIn("columns", fields["columns"]).map((entry, at) => columnIn(`columns[${at}]`, entry)),
    metrics: Object.fromEntries(
      Object.entries(objectIn("metrics", fields["metrics"])).map(([name, number]) => [
        name,
        number === null ? null : numberIn(`metrics.${name}`, number),
      ]),
    ),
  };
}

function driftIn(value: unknown): NonNullable<Snapshot["drift"]> {
  const { count, share, datasetDrift } = objectIn("drift", value);
  return {
    count: numberIn("drift.count", count),
    share: numberIn("drift.share", share),
    datasetDrift: flagIn("drift.datasetDrift", datasetDrift),
  };
}

function columnIn(field: string, value: unknown): Snapshot["columns"][number] {
  const { column, method, score, threshold, drifted } = objectIn(field, value);
  return {
    column: textIn(`${field}.column`, column),
    method: textIn(`${field}.method`, method),
    score: score === null ? null : numberIn(`${field}.score`, score),
    threshold: numberIn(`${field}.threshold`, threshold),
    drifted: flagIn(`${field}.drifted`, drifted),
  };
}

function invalid(field: string, got: unknown, expected: string): DriftError {
  return new DriftError("INVALID_SNAPSHOT", field, `${field} is ${JSON.stringify(got)}: expected ${expected}`);
}

function objectIn(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid(field, value, "an object");
}

function listIn(field: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(field, value, "a list");
}

function textIn(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw invalid(field, value, "a text");
}

function numberIn(field: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw invalid(field, value, "a number");
}

function flagIn(field: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(field, value, "true or false");
}
