import { LakeError } from "./errors.ts";

/** A node of polyglot's tree: one key, its kind. */
export type SqlNode = Readonly<Record<string, unknown>>;

/** Refuses a query, naming what of it is not in the subset. */
export function refuse(what: string): never {
  throw new LakeError("UNSUPPORTED_SQL", `Not in the Spark SQL subset that runs here: ${what}.`, {
    field: "sql",
    hint: "Only functions and clauses proved to give Spark's result on DuckDB are allowed; rewrite the query with those, or run it on Spark (SPARK_REMOTE=sc://host:15002).",
  });
}

function isNode(value: unknown): value is SqlNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function node(value: unknown): SqlNode {
  return isNode(value) ? value : refuse("a form the checker does not know");
}

export function list(value: unknown): readonly unknown[] {
  return value === null || value === undefined
    ? []
    : Array.isArray(value)
      ? value
      : refuse("a form the checker does not know");
}

/** The kind and body of an expression node. */
export function open(value: unknown): [string, SqlNode] {
  const entries = Object.entries(node(value));
  const [kind, body] = entries[0] ?? [];
  if (entries.length !== 1 || kind === undefined) return refuse("a form the checker does not know");
  return [kind, body === null ? {} : node(body)];
}

const NOTES = new Set([
  "span",
  "original_name",
  "use_plural",
  "alias_explicit_as",
  "alias_keyword",
  "explicit_asc",
  "alias_first",
  "double_colon_syntax",
  "use_inner_keyword",
  "use_outer_keyword",
  "nesting_group",
  "kind_text",
  "start_side_text",
  "end_side_text",
  "name_text",
  "inferred_type",
]);

/** Refuses a body that has anything set beside the fields named: an option we do not read may change the meaning. */
export function only(what: string, body: SqlNode, fields: readonly string[]): void {
  for (const [field, value] of Object.entries(body)) {
    if (fields.includes(field) || NOTES.has(field) || field.endsWith("comments")) continue;
    if (value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0))
      continue;
    refuse(`${what} with ${field.replaceAll("_", " ")}`);
  }
}

/** An identifier, always quoted: unquoted, DuckDB would read names like current_date as functions. */
export function identifier(value: unknown): SqlNode {
  const body = node(value);
  only("a name", body, ["name", "quoted"]);
  if (typeof body.name !== "string" || body.name === "") return refuse("an empty name");
  return { name: body.name, quoted: true, trailing_comments: [] };
}

export function nameOf(value: unknown): string {
  const name = identifier(value).name;
  return typeof name === "string" ? name : refuse("an empty name");
}

export const maybe = <T>(value: unknown, f: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : f(value);

/** Drops comments everywhere at this level: they would be written into DuckDB's SQL. */
export function clean(body: SqlNode): SqlNode {
  return Object.fromEntries(Object.entries(body).map(([k, v]) => [k, k.endsWith("comments") ? [] : v]));
}
