import type { SqlValue } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import {
  andAll,
  type Comparison,
  type Condition,
  checkComparator,
  comparisonsOf,
  condition,
  NUMBER_COMPARATORS,
  numberOf,
  TEXT_AND_LIST_COMPARATORS,
  unquoted,
} from "./comparisons.ts";

const COLUMNS: Readonly<Record<string, string>> = {
  name: "m.name",
  model_id: "m.model_id",
  model_type: "m.model_type",
  status: "m.status",
  source_run_id: "m.source_run_id",
  experiment_id: "m.experiment_id",
  artifact_location: "m.artifact_uri",
  creation_time: "m.created_ms",
  creation_timestamp: "m.created_ms",
  creation_timestamp_ms: "m.created_ms",
  last_updated_timestamp: "m.updated_ms",
  last_updated_timestamp_ms: "m.updated_ms",
};
const NUMERIC = /timestamp|creation_time/;

/** A dataset that metrics were measured on. */
export interface MeasuredOn {
  readonly name: string;
  readonly digest?: string | undefined;
}

function datasetCondition(datasets: readonly MeasuredOn[]): Condition {
  const each = datasets.map(({ name, digest }) =>
    digest === undefined
      ? { sql: "x.dataset_name = ?", values: [name] }
      : { sql: "(x.dataset_name = ? AND x.dataset_digest = ?)", values: [name, digest] },
  );
  return { sql: `(${each.map(({ sql }) => sql).join(" OR ")})`, values: each.flatMap(({ values }) => values) };
}

/** What `logged-models/search` filters by, over `logged_models m`, to follow a WHERE. @throws INVALID_ARGUMENT */
export function loggedModelFilter(filter: string, datasets: readonly MeasuredOn[]): Condition {
  const on = datasets.length > 0 ? [datasetCondition(datasets)] : [];
  const comparisons = comparisonsOf(filter);
  const conditions = comparisons.map((one) => conditionOf(one, on));
  const measured = comparisons.some(({ identifier }) => identifier.startsWith("metrics."));
  if (on.length > 0 && !measured) conditions.push(metricExists(on));
  return andAll(conditions);
}

function metricExists(conditions: readonly Condition[]): Condition {
  const { sql, values } = andAll(conditions);
  return { sql: `EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model_id = m.model_id ${sql})`, values };
}

function conditionOf({ identifier, comparator, operand }: Comparison, on: readonly Condition[]): Condition {
  const dot = identifier.indexOf(".");
  const entity = dot < 0 ? "attributes" : identifier.slice(0, dot);
  const key = unquoted(identifier.slice(dot + 1));
  if (!["attributes", "metrics", "params", "tags"].includes(entity))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid entity type: '${entity}'. Expected one of ['attributes', 'metrics', 'params', 'tags'].`,
      { field: "filter" },
    );
  if (entity === "metrics") {
    checkComparator(comparator, NUMBER_COMPARATORS, ` for metrics.${key}`);
    const value = condition("x.value", comparator, numberOf(operand, "metric"));
    return metricExists([{ sql: "x.key = ?", values: [key] }, { sql: "x.nan = 0", values: [] }, value, ...on]);
  }
  const numeric = entity === "attributes" && NUMERIC.test(key);
  checkComparator(comparator, numeric ? NUMBER_COMPARATORS : TEXT_AND_LIST_COMPARATORS, ` for ${entity}.${key}`);
  const value: SqlValue | readonly string[] = numeric
    ? numberOf(operand, key)
    : operand.kind === "list"
      ? operand.list
      : "text" in operand
        ? operand.text
        : "";
  if (entity === "attributes") {
    const column = COLUMNS[key];
    if (column === undefined) refuseAttribute(key, "filter");
    return condition(column, comparator, value);
  }
  const { sql, values } = condition("t.value", comparator, value);
  return {
    sql: `EXISTS (SELECT 1 FROM logged_model_${entity} t WHERE t.model_id = m.model_id AND t.key = ? AND ${sql})`,
    values: [key, ...values],
  };
}

function refuseAttribute(key: string, field: string): never {
  throw new TrackingError("INVALID_ARGUMENT", `Invalid attribute key '${key}' specified.`, { field });
}

/** One key of the order of a search; a metric may be meant on one dataset. */
export interface LoggedModelOrderKey {
  /** `creation_timestamp`, `metrics.f1` */
  readonly fieldName: string;
  readonly ascending: boolean;
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}

/** The ORDER BY of a search with its values: models without the key come last, at last the newest first. @throws INVALID_ARGUMENT */
export function loggedModelOrder(keys: readonly LoggedModelOrderKey[]): Condition {
  const values: SqlValue[] = [];
  const clauses = keys.flatMap(({ fieldName, ascending, datasetName, datasetDigest }) => {
    const way = ascending ? "ASC" : "DESC";
    const dot = fieldName.indexOf(".");
    if (dot < 0) {
      const column = COLUMNS[fieldName];
      if (column === undefined) refuseAttribute(fieldName, "order_by");
      return [`${column} ${way}`];
    }
    if (fieldName.slice(0, dot) !== "metrics")
      throw new TrackingError(
        "INVALID_ARGUMENT",
        `Invalid order by field name: ${fieldName}. Only metrics are supported.`,
        { field: "order_by" },
      );
    const on = [
      ...(datasetName ? [{ sql: "x.dataset_name = ?", values: [datasetName] }] : []),
      ...(datasetDigest ? [{ sql: "x.dataset_digest = ?", values: [datasetDigest] }] : []),
    ];
    const { sql, values: onValues } = andAll([
      { sql: "x.key = ?", values: [unquoted(fieldName.slice(dot + 1))] },
      ...on,
    ]);
    const latest = `(SELECT x.value FROM logged_model_metrics x WHERE x.model_id = m.model_id ${sql}
      ORDER BY x.timestamp_ms DESC, x.step DESC, x.run_id LIMIT 1)`;
    values.push(...onValues, ...onValues);
    return [`CASE WHEN ${latest} IS NULL THEN 1 ELSE 0 END`, `${latest} ${way}`];
  });
  const has = (...names: readonly string[]) => keys.some(({ fieldName }) => names.includes(fieldName));
  if (!has("creation_time", "creation_timestamp", "creation_timestamp_ms")) clauses.push("m.created_ms DESC");
  if (!has("model_id")) clauses.push("m.model_id ASC");
  return { sql: clauses.join(", "), values };
}
