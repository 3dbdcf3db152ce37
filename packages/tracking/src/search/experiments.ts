import { TrackingError } from "../errors.ts";
import { experimentNumber } from "../store/checks.ts";
import {
  andAll,
  type Comparison,
  type Condition,
  checkComparator,
  comparisonsOf,
  condition,
  direction,
  NULLABLE_TEXT_COMPARATORS,
  NUMBER_COMPARATORS,
  orderKeysOf,
  TEXT_COMPARATORS,
  textOf,
} from "./comparisons.ts";
import { tagOrAttribute } from "./keys.ts";

const COLUMNS: Readonly<Record<string, string>> = {
  name: "e.name",
  experiment_id: "e.id",
  creation_time: "e.created_ms",
  last_update_time: "e.updated_ms",
};

/** What `experiments/search` filters by, over `experiments e`, to follow a WHERE. @throws INVALID_ARGUMENT */
export function experimentFilter(filter: string): Condition {
  return andAll(comparisonsOf(filter).map(conditionOf));
}

function conditionOf({ identifier, comparator, operand }: Comparison): Condition {
  const { tag, key } = tagOrAttribute(identifier, COLUMNS, { quotes: true });
  if (tag) {
    checkComparator(comparator, NULLABLE_TEXT_COMPARATORS);
    const of = "SELECT 1 FROM experiment_tags t WHERE t.experiment_id = e.id AND t.key = ?";
    if (operand.kind === "none")
      return { sql: `${comparator === "IS NULL" ? "NOT " : ""}EXISTS (${of})`, values: [key] };
    const { sql, values } = condition("t.value", comparator, textOf(operand, "tag"));
    return { sql: `EXISTS (${of} AND ${sql})`, values: [key, ...values] };
  }
  const column = COLUMNS[key] ?? "";
  if (key === "experiment_id") {
    checkComparator(comparator, ["=", "!=", "IN", "NOT IN"], " for experiment_id");
    const ids = operand.kind === "list" ? operand.list : [textOf(operand, "attribute")];
    const numbers = ids.map(experimentNumber);
    const marks = numbers.map(() => "?").join(", ");
    return { sql: `${column} ${["!=", "NOT IN"].includes(comparator) ? "NOT IN" : "IN"} (${marks})`, values: numbers };
  }
  if (key === "name") {
    checkComparator(comparator, TEXT_COMPARATORS, " for string attribute");
    return condition(column, comparator, textOf(operand, "attribute"));
  }
  checkComparator(comparator, NUMBER_COMPARATORS, " for numeric attribute");
  if (operand.kind !== "number" || !operand.integer)
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid value for numeric attribute '${key}': '${"text" in operand ? operand.text : ""}'`,
      { field: "filter" },
    );
  return condition(column, comparator, operand.number);
}

/** What follows ORDER BY. @throws INVALID_ARGUMENT */
export function experimentOrder(orderBy: readonly string[]): string {
  const clauses = orderBy.length > 0 ? orderBy : ["creation_time DESC", "experiment_id ASC"];
  const keys = orderKeysOf(clauses).map((order) => {
    const { tag, key } = tagOrAttribute(order.identifier, COLUMNS, { quotes: true });
    if (tag) throw new TrackingError("INVALID_ARGUMENT", "Invalid order_by entity: tag", { field: "order_by" });
    return { key, sql: `${COLUMNS[key]} ${direction(order)}` };
  });
  const tie = keys.some(({ key }) => key === "experiment_id") ? [] : ["e.id DESC"];
  return [...keys.map(({ sql }) => sql), ...tie].join(", ");
}
