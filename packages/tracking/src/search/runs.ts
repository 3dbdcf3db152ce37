import type { SqlValue } from "../database/work.ts";
import { TrackingError } from "../errors.ts";
import {
  andAll,
  type Comparison,
  type Condition,
  checkComparator,
  checkNoneTwice,
  comparisonsOf,
  condition,
  direction,
  NULLABLE_TEXT_COMPARATORS,
  NUMBER_COMPARATORS,
  numberOf,
  type Operand,
  orderKeysOf,
  TEXT_AND_LIST_COMPARATORS,
  textOf,
  unquoted,
} from "./comparisons.ts";

type Entity = "metric" | "parameter" | "tag" | "attribute" | "dataset";

const ENTITIES: Readonly<Record<string, Entity>> = {
  metric: "metric",
  metrics: "metric",
  parameter: "parameter",
  parameters: "parameter",
  param: "parameter",
  params: "parameter",
  tag: "tag",
  tags: "tag",
  attribute: "attribute",
  attributes: "attribute",
  attr: "attribute",
  run: "attribute",
  dataset: "dataset",
  datasets: "dataset",
};

const TEXT_ATTRIBUTES: Readonly<Record<string, string>> = {
  artifact_uri: "r.artifact_uri",
  run_id: "r.run_id",
  run_name: "r.name",
  status: "r.status",
  user_id: "r.user_id",
};
const NUMBER_ATTRIBUTES: Readonly<Record<string, string>> = { end_time: "r.end_ms", start_time: "r.start_ms" };
/** A filter has more names of an attribute than an order. */
const ORDER_ALIASES: Readonly<Record<string, string>> = { created: "start_time", Created: "start_time" };
const FILTER_ALIASES: Readonly<Record<string, string>> = {
  ...ORDER_ALIASES,
  "run name": "run_name",
  "Run name": "run_name",
  "Run Name": "run_name",
};
const DATASET_KEYS = ["name", "digest", "context"];

/** What `runs/search` filters by, over `runs r`, to follow a WHERE. @throws INVALID_ARGUMENT */
export function runFilter(filter: string): Condition {
  return andAll(comparisonsOf(filter).map(conditionOf));
}

function conditionOf({ identifier, comparator, operand }: Comparison): Condition {
  const { entity, key } = entityOf(identifier, FILTER_ALIASES);
  if (operand.kind === "none" && entity !== "tag" && entity !== "parameter")
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `IS NULL / IS NOT NULL is only supported for tags and params, not for '${entity}' '${key}'`,
      { field: "filter" },
    );
  switch (entity) {
    case "metric":
      return metricCondition(key, comparator, numberOf(operand, "metric"));
    case "parameter":
    case "tag":
      return keyedCondition(entity, key, comparator, operand);
    case "dataset":
      return datasetCondition(key, comparator, operand);
    case "attribute":
      return attributeCondition(key, comparator, operand);
  }
}

/** Every comparison with NaN is false, but `!=`. */
function metricCondition(key: string, comparator: string, value: number): Condition {
  checkComparator(comparator, NUMBER_COMPARATORS);
  const { sql, values } = condition("m.value", comparator, value);
  const honest = comparator === "!=" ? `(${sql} OR m.nan = 1)` : `${sql} AND m.nan = 0`;
  return {
    sql: `EXISTS (SELECT 1 FROM latest_metrics m WHERE m.run_id = r.run_id AND m.key = ? AND ${honest})`,
    values: [key, ...values],
  };
}

function keyedCondition(entity: "parameter" | "tag", key: string, comparator: string, operand: Operand): Condition {
  const table = entity === "tag" ? "run_tags" : "params";
  const of = `SELECT 1 FROM ${table} k WHERE k.run_id = r.run_id AND k.key = ?`;
  checkComparator(comparator, NULLABLE_TEXT_COMPARATORS);
  if (operand.kind === "none") return { sql: `${comparator === "IS NULL" ? "NOT " : ""}EXISTS (${of})`, values: [key] };
  const { sql, values } = condition("k.value", comparator, textOf(operand, entity));
  return { sql: `EXISTS (${of} AND ${sql})`, values: [key, ...values] };
}

function datasetCondition(key: string, comparator: string, operand: Operand): Condition {
  const value = operand.kind === "list" ? operand.list : textOf(operand, "dataset attributes");
  checkComparator(comparator, TEXT_AND_LIST_COMPARATORS);
  if (key === "context") {
    const { sql, values } = condition("t.value", comparator, value);
    return {
      sql: `EXISTS (SELECT 1 FROM dataset_input_tags t WHERE t.run_id = r.run_id AND t.key = 'mlflow.data.context' AND ${sql})`,
      values,
    };
  }
  const { sql, values } = condition(`d.${key}`, comparator, value);
  return {
    sql: `EXISTS (SELECT 1 FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id = r.run_id AND ${sql})`,
    values,
  };
}

function attributeCondition(key: string, comparator: string, operand: Operand): Condition {
  const numeric = NUMBER_ATTRIBUTES[key];
  if (numeric !== undefined) {
    const value = numberOf(operand, `numeric attribute: ${key}`);
    checkComparator(comparator, NUMBER_COMPARATORS);
    return condition(numeric, comparator, value);
  }
  if (operand.kind === "list" && key !== "run_id")
    throw new TrackingError(
      "INVALID_ARGUMENT",
      "Only ['run_id'] attributes support comparison with a list of quoted string values.",
      { field: "filter" },
    );
  const value = operand.kind === "list" ? operand.list : textOf(operand, "attributes");
  checkComparator(comparator, TEXT_AND_LIST_COMPARATORS);
  return condition(TEXT_ATTRIBUTES[key] ?? "", comparator, value);
}

/** @throws INVALID_ARGUMENT */
function entityOf(identifier: string, aliases: Readonly<Record<string, string>>): { entity: Entity; key: string } {
  const dot = identifier.startsWith("`") ? identifier.indexOf("`.") + 1 : identifier.indexOf(".");
  const said = dot <= 0 ? "attribute" : unquoted(identifier.slice(0, dot));
  const entity = ENTITIES[said];
  if (entity === undefined)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid entity type '${said}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']`,
      { field: "filter" },
    );
  const word = unquoted(dot <= 0 ? identifier : identifier.slice(dot + 1));
  if (entity === "dataset" && !DATASET_KEYS.includes(word)) refuseKey("dataset", word, DATASET_KEYS);
  if (entity !== "attribute") return { entity, key: word };
  const key = aliases[word] ?? word;
  const known = [...Object.keys(TEXT_ATTRIBUTES), ...Object.keys(NUMBER_ATTRIBUTES)];
  if (!known.includes(key)) refuseKey("attribute", word, [...known, ...Object.keys(aliases)]);
  return { entity, key };
}

function refuseKey(what: string, key: string, known: readonly string[]): never {
  const list = known.map((one) => `'${one}'`).join(", ");
  throw new TrackingError("INVALID_ARGUMENT", `Invalid ${what} key '${key}' specified. Valid keys are '{${list}}'`, {
    field: "filter",
  });
}

/** The joins and the ORDER BY of a search. */
export interface RunOrder {
  readonly joins: string;
  readonly values: readonly SqlValue[];
  readonly orderBy: string;
}

/**
 * Runs without the key come last, before them those whose metric is NaN; at last the newest first.
 * @throws INVALID_ARGUMENT
 */
export function runOrder(orderBy: readonly string[]): RunOrder {
  const keys = orderKeysOf(orderBy).map((order) => ({ ...entityOf(order.identifier, ORDER_ALIASES), order }));
  checkNoneTwice(
    keys.map(({ entity, key }) => `${entity}.${key}`),
    orderBy,
  );
  const joins: string[] = [];
  const values: SqlValue[] = [];
  const clauses: string[] = [];
  for (const [at, { entity, key, order }] of keys.entries()) {
    if (entity === "attribute") {
      const column = TEXT_ATTRIBUTES[key] ?? NUMBER_ATTRIBUTES[key];
      clauses.push(`CASE WHEN ${column} IS NULL THEN 1 ELSE 0 END`, `${column} ${direction(order)}`);
      continue;
    }
    if (entity === "dataset")
      throw new TrackingError("INVALID_ARGUMENT", "Invalid identifier type 'dataset'", { field: "order_by" });
    const table = { metric: "latest_metrics", parameter: "params", tag: "run_tags" }[entity];
    joins.push(`LEFT JOIN ${table} o${at} ON o${at}.run_id = r.run_id AND o${at}.key = ?`);
    values.push(key);
    const nan = entity === "metric" ? `WHEN o${at}.nan = 1 THEN 1 ` : "";
    clauses.push(`CASE WHEN o${at}.run_id IS NULL THEN 2 ${nan}ELSE 0 END`, `o${at}.value ${direction(order)}`);
  }
  if (!keys.some(({ entity, key }) => entity === "attribute" && key === "start_time")) clauses.push("r.start_ms DESC");
  return { joins: joins.join(" "), values, orderBy: [...clauses, "r.run_id"].join(", ") };
}
