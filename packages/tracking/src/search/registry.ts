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
  NUMBER_COMPARATORS,
  orderKeysOf,
  TEXT_AND_LIST_COMPARATORS,
  TEXT_COMPARATORS,
  textOf,
  unquoted,
} from "./comparisons.ts";
import { tagOrAttribute } from "./keys.ts";

/** MLflow keeps prompts among the models; a search finds them only when it asks for them by this tag. */
const IS_PROMPT = "mlflow.prompt.is_prompt";

interface Searched {
  /** Attributes and their columns. */
  readonly columns: Readonly<Record<string, string>>;
  readonly numeric: readonly string[];
  /** Attributes that may be compared with a list. */
  readonly lists: readonly string[];
  /** What is a tag of the row, before `AND key = …`. */
  readonly tags: string;
  /** What is a tag of the row that makes it a prompt. */
  readonly prompt: string;
}

const MODELS: Searched = {
  columns: { name: "m.name" },
  numeric: [],
  lists: ["name"],
  tags: "SELECT 1 FROM registered_model_tags t WHERE t.name = m.name",
  prompt: "SELECT 1 FROM registered_model_tags t WHERE t.name = m.name",
};

const VERSIONS: Searched = {
  columns: { name: "v.name", version_number: "v.version", run_id: "v.run_id", source_path: "v.source" },
  numeric: ["version_number"],
  lists: ["name", "run_id"],
  tags: "SELECT 1 FROM model_version_tags t WHERE t.name = v.name AND t.version = v.version",
  prompt: "SELECT 1 FROM model_version_tags t WHERE t.name = v.name",
};

/** What `registered-models/search` filters by, over `registered_models m`, to follow a WHERE. @throws INVALID_ARGUMENT */
export const modelFilter = (filter: string): Condition => filterOf(filter, MODELS);

/** What `model-versions/search` filters by, over `model_versions v`, to follow a WHERE. @throws INVALID_ARGUMENT */
export const versionFilter = (filter: string): Condition => filterOf(filter, VERSIONS);

function filterOf(filter: string, searched: Searched): Condition {
  const comparisons = comparisonsOf(filter).map((one) => ({
    ...one,
    ...tagOrAttribute(one.identifier, searched.columns, { quotes: false }),
  }));
  const asksForPrompts = comparisons.some(
    ({ tag, key, comparator, operand }) =>
      tag &&
      key === IS_PROMPT &&
      operand.kind === "text" &&
      ((comparator === "=" && operand.text.toLowerCase() === "true") ||
        (comparator === "!=" && operand.text.toLowerCase() === "false")),
  );
  const noPrompts = {
    sql: `NOT EXISTS (${searched.prompt} AND t.key = ? AND t.value = 'true')`,
    values: [IS_PROMPT],
  };
  // Models have no such tag at all: said of them, it means that they are no prompts.
  const meant = asksForPrompts ? comparisons : comparisons.filter(({ tag, key }) => !tag || key !== IS_PROMPT);
  const conditions = meant.map((one) => conditionOf(one, searched));
  return andAll(asksForPrompts ? conditions : [...conditions, noPrompts]);
}

function conditionOf(
  { tag, key, comparator, operand }: Comparison & { tag: boolean; key: string },
  { columns, numeric, lists, tags }: Searched,
): Condition {
  if (tag) {
    checkComparator(comparator, TEXT_COMPARATORS, " for tag");
    const { sql, values } = condition("t.value", comparator, textOf(operand, "tag"));
    return { sql: `EXISTS (${tags} AND t.key = ? AND ${sql})`, values: [key, ...values] };
  }
  const column = columns[key] ?? "";
  if (numeric.includes(key)) {
    checkComparator(comparator, NUMBER_COMPARATORS, ` for attribute ${key}`);
    const text = operand.kind === "number" || operand.kind === "text" ? operand.text : "";
    if (!/^-?\d{1,15}$/.test(text))
      throw new TrackingError("INVALID_ARGUMENT", `Invalid value for numeric attribute '${key}': '${text}'`, {
        field: "filter",
      });
    return condition(column, comparator, Number(text));
  }
  if (operand.kind === "list" && !lists.includes(key))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Only [${lists.map((one) => `'${one}'`).join(", ")}] attributes support comparison with a list of quoted string values.`,
      { field: "filter" },
    );
  checkComparator(comparator, TEXT_AND_LIST_COMPARATORS, " for attribute");
  return condition(column, comparator, operand.kind === "list" ? operand.list : textOf(operand, "attributes"));
}

const MODEL_ORDER: Readonly<Record<string, string>> = {
  name: "m.name",
  timestamp: "m.updated_ms",
  last_updated_timestamp: "m.updated_ms",
};
const VERSION_ORDER: Readonly<Record<string, string>> = {
  name: "v.name",
  version_number: "v.version",
  creation_timestamp: "v.created_ms",
  last_updated_timestamp: "v.updated_ms",
};

/** What follows ORDER BY in a search of registered models: by name unless said otherwise. @throws INVALID_ARGUMENT */
export function modelOrder(orderBy: readonly string[]): string {
  return orderOf(orderBy, MODEL_ORDER, [["m.name", "m.name ASC"]]);
}

/** What follows ORDER BY in a search of versions: the last updated first unless said otherwise. @throws INVALID_ARGUMENT */
export function versionOrder(orderBy: readonly string[]): string {
  const clauses = orderBy.length > 0 ? orderBy : ["last_updated_timestamp DESC", "name ASC", "version_number DESC"];
  return orderOf(clauses, VERSION_ORDER, [
    ["v.name", "v.name ASC"],
    ["v.version", "v.version DESC"],
  ]);
}

function orderOf(
  orderBy: readonly string[],
  columns: Readonly<Record<string, string>>,
  ties: readonly (readonly [column: string, sql: string])[],
): string {
  const keys = orderKeysOf(orderBy).map((order) => {
    // MLflow takes the entity before an attribute of a version, and not before one of a model.
    const key = unquoted(columns === VERSION_ORDER ? order.identifier.replace(/^attribute\./, "") : order.identifier);
    const column = columns[key];
    if (column === undefined)
      throw new TrackingError(
        "INVALID_ARGUMENT",
        `Invalid order by key '${key}' specified. Valid keys are '{${Object.keys(columns)
          .map((one) => `'${one}'`)
          .join(", ")}}'`,
        { field: "order_by" },
      );
    return { column, sql: `${column} ${direction(order)}` };
  });
  checkNoneTwice(
    keys.map(({ column }) => column),
    orderBy,
  );
  const left = ties.filter(([column]) => !keys.some((key) => key.column === column)).map(([, sql]) => sql);
  return [...keys.map(({ sql }) => sql), ...left].join(", ");
}
