import { call } from "./spark-call.ts";
import { list, maybe, node, open, refuse, type SqlNode } from "./sql-tree.ts";

const FAMILIES: Readonly<Record<string, string>> = {
  number: "number",
  string: "string",
  date: "date",
  timestamp: "timestamp",
};

/** Comparisons and what joins them: two sides in, a boolean out. */
export const LOGIC = ["eq", "neq", "lt", "lte", "gt", "gte", "and", "or", "null_safe_eq"];

const TRUTHS = new Set([...LOGIC, "not", "is_null", "between"]);

/** What kind of value an expression of Spark's is known to give, where that shows. */
export function family(value: unknown): string | undefined {
  const [kind, body] = open(value);
  if (kind === "alias" || kind === "paren" || kind === "neg") return family(body.this);
  if (kind === "literal") return FAMILIES[String(body.literal_type)];
  if (kind === "boolean" || TRUTHS.has(kind)) return "boolean";
  if (kind === "mul" || kind === "div" || kind === "mod" || kind === "count") return "number";
  if (kind === "concat") return "string";
  if (kind !== "cast") return undefined;
  const type = String(node(body.to).data_type);
  if (FAMILIES[type] || type === "boolean") return FAMILIES[type] ?? type;
  return type === "text" || type === "var_char" ? "string" : "number";
}

/** The expressions of which one gives the value: a CASE within a CASE is looked through. */
function leaves(value: unknown): readonly unknown[] {
  const [kind, body] = open(value);
  if (kind === "null") return [];
  if (kind === "paren") return leaves(body.this);
  if (kind === "case")
    return [...list(body.whens).map((when) => list(when)[1]), maybe(body.else_, (e) => e) ?? NULL].flatMap(leaves);
  if (kind === "if_func") return [body.true_value, body.false_value ?? NULL].flatMap(leaves);
  if (kind === "coalesce") return list(body.expressions).flatMap(leaves);
  return [value];
}

const NULL: SqlNode = { null: null };

/** A value of each family that a literal may have. */
const SAMPLES: Readonly<Record<string, SqlNode>> = {
  number: { literal: { literal_type: "number", value: "0" } },
  string: { literal: { literal_type: "string", value: "" } },
  boolean: { boolean: { value: true } },
};

/** `made` of expressions that have to be of one kind, which raises where they are not: Spark casts to one of them, DuckDB to another. */
export function ofOneKind(
  what: string,
  made: SqlNode,
  sources: readonly unknown[],
  rewrite: (value: unknown) => SqlNode,
): SqlNode {
  const all = sources.flatMap(leaves);
  const known = [...new Set(all.map(family).filter((f) => f !== undefined && f in SAMPLES))].map(String);
  if (known.length > 1) return refuse(`${what} of a ${known.join(" and a ")} (cast one of them)`);
  const unknown = all.filter((leaf) => SAMPLES[family(leaf) ?? ""] === undefined).map(rewrite);
  const [first, ...others] = known[0] === undefined ? unknown : [SAMPLES[known[0]]!, ...unknown];
  return checked(
    made,
    others.map((other) => call("spark_alike", [first!, other], false)),
  );
}

/** A comparison that raises where its sides are of two kinds, or a constant is written as no value of the other's. */
export function guarded(compared: SqlNode, pairs: readonly (readonly [unknown, SqlNode, unknown, SqlNode])[]): SqlNode {
  const guards = pairs.flatMap(([left, a, right, b]) => {
    if ("null" in node(left) || "null" in node(right)) return [];
    if (isConstant(right)) return [call("spark_compared", [a, b])];
    if (isConstant(left)) return [call("spark_compared", [b, a])];
    const known = family(left);
    return known !== undefined && known in SAMPLES && known === family(right)
      ? []
      : [call("spark_alike", [a, b], false)];
  });
  return checked(compared, guards);
}

function checked(made: SqlNode, guards: readonly SqlNode[]): SqlNode {
  if (guards.length === 0) return made;
  const all = guards.reduce((left, right) => ({
    and: { left, right, left_comments: [], operator_comments: [], trailing_comments: [] },
  }));
  return { paren: { this: call("if", [all, made, { null: null }]), trailing_comments: [] } };
}

function isConstant(value: unknown): boolean {
  const [kind, body] = open(value);
  return (
    kind === "literal" ||
    kind === "boolean" ||
    kind === "parameter" ||
    ((kind === "neg" || kind === "paren") && isConstant(body.this))
  );
}
