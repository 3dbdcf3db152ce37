import { inlineParameters, type SqlPiece, sqlPieces } from "@dagwright/spark-connect/sql-text";
import { parse } from "@polyglot-sql/sdk";
import type { View } from "./api.ts";
import { LakeError } from "./errors.ts";
import { checkViewNames, isPlainName, quoteIdentifier } from "./names.ts";
import type { Scalar } from "./scalars.ts";
import { lakeErrors } from "./spark-errors.ts";

/** A query of Spark SQL that has been checked, its values put in as literals. */
export interface SparkStatement {
  readonly sql: string;
  readonly views: Readonly<Record<string, View>>;
  /** The columns by which the whole result is ordered, in DuckDB's SQL, where the query's end says so by selected names. */
  readonly order: string | undefined;
}

/** Checks a query, see `checkSparkQuery`, and binds its parameters. Whole numbers become INT where they fit, else BIGINT. */
export function sparkStatement(
  sql: string,
  views: Readonly<Record<string, View>>,
  params: Readonly<Record<string, Scalar>> = {},
): SparkStatement {
  return lakeErrors(() => {
    checkViewNames(views);
    const pieces = sqlPieces(sql);
    const order = checkSparkQuery(pieces, Object.keys(views));
    for (const { kind, value } of pieces) {
      if (kind === "parameter" && !Object.hasOwn(params, value)) {
        throw new LakeError(
          "PARAM_MISSING",
          `The SQL names the parameter :${value}, but params holds no value for it.`,
          { field: "params" },
        );
      }
    }
    return { sql: inlineParameters(sql, params), views, order };
  });
}

/** Functions that run code or reach files, other tables or the network; and `identifier`, which makes names of strings. */
const FORBIDDEN = new Set([
  "identifier",
  "reflect",
  "java_method",
  "try_reflect",
  "read_files",
  "cloud_files_state",
  "list_secrets",
  "secret",
  "http_request",
  "ai_query",
  "sql",
  "sql_keywords",
  "collations",
  "read_kafka",
  "read_statestore",
  "table_changes",
  "python_worker_logs",
]);

const QUERY = /^[\s(]*(select|with)\b/i;

/**
 * Checks that a text is one query of Spark SQL over the views alone, before any of it reaches the server: names in FROM
 * are views or the query's own WITH names, and no function reaches beyond them. Comments are gone and strings are
 * rewritten by Spark's own lexical rules, so that the parser here and the server see the same query.
 * @throws LakeError UNSUPPORTED_SQL or SQL_SYNTAX
 */
function checkSparkQuery(pieces: readonly SqlPiece[], views: readonly string[]): string | undefined {
  // Strings say nothing about a query's structure; a hint changes only how it is run.
  const skeleton = pieces
    .map((piece) => {
      if (piece.kind === "string" || piece.kind === "parameter") return " 'x' ";
      if (piece.kind === "identifier") return plainIdentifier(piece.value);
      if (piece.kind === "hint") return hint(piece.value);
      return piece.text;
    })
    .join("");
  checkSize(skeleton);
  const text = pieces.map((p) => (p.kind === "text" ? p.text : " x ")).join("");
  if (text.includes(";")) refuse("a semicolon (one query runs at a time)");
  if (text.includes("|>")) refuse("pipe syntax");
  if (/[^\S \t\r\n]|(?![\t\r\n])\p{Cc}/u.test(text)) refuse("white space other than blanks, tabs and line ends");
  if (/\busing\s+'x'/i.test(skeleton)) refuse("a script (TRANSFORM … USING)");
  if (!QUERY.test(skeleton)) refuse("a statement that is no SELECT");
  for (const [, name] of skeleton.matchAll(/([A-Za-z_][A-Za-z0-9_]*)\s*`?\s*\(/g)) {
    if (FORBIDDEN.has(name!.toLowerCase())) refuse(`the function ${name}`);
  }
  const parsed = parse(skeleton, "spark" as Parameters<typeof parse>[1]); // the enum's value, which isolatedModules cannot import
  if (!parsed.success) {
    throw new LakeError("SQL_SYNTAX", `The SQL does not parse: ${parsed.error ?? "unknown error"}`, { field: "sql" });
  }
  const statements: unknown = parsed.ast;
  if (!Array.isArray(statements) || statements.length !== 1) refuse("anything but one query");
  const [kind] = Object.keys(record(statements[0]) ?? {});
  if (!["select", "union", "intersect", "except", "subquery"].includes(String(kind))) {
    refuse(`the statement ${String(kind).replaceAll("_", " ").toUpperCase()} (only SELECT runs)`);
  }
  checkNames(statements, new Set(views.map((v) => v.toLowerCase())));
  return orderOf(record(record(statements[0])?.select));
}

/** The order of a SELECT by names that it selects itself; a server may write its files in any order. */
function orderOf(select: Record<string, unknown> | undefined): string | undefined {
  const keys = record(select?.order_by)?.expressions;
  if (!select || !Array.isArray(keys)) return undefined;
  const items = Array.isArray(select.expressions) ? select.expressions.map(record) : [];
  const names = items.map(
    (item) => record(record(item?.alias)?.alias)?.name ?? record(record(item?.column)?.name)?.name,
  );
  const parts = keys.map((key) => {
    const { this: by, desc, nulls_first } = record(key) ?? {};
    const name = record(record(record(by)?.column)?.name)?.name;
    if (typeof name !== "string" || !names.includes(name)) return undefined;
    const nullsFirst = typeof nulls_first === "boolean" ? nulls_first : desc !== true;
    return `${quoteIdentifier(name)}${desc === true ? " DESC" : " ASC"} NULLS ${nullsFirst ? "FIRST" : "LAST"}`;
  });
  return parts.includes(undefined) ? undefined : parts.join(", ");
}

const TABLE_FUNCTIONS = new Set([
  "range",
  "explode",
  "explode_outer",
  "posexplode",
  "posexplode_outer",
  "inline",
  "stack",
]);

function checkNames(statements: readonly unknown[], views: ReadonlySet<string>): void {
  const allowed = new Set(views);
  visit(statements, (_, body) => {
    if (!Array.isArray(body.ctes)) return;
    for (const cte of body.ctes) {
      const name = String(record(record(cte)?.alias)?.name);
      if (!isPlainName(name)) refuse(`the name ${JSON.stringify(name)} in WITH`);
      allowed.add(name.toLowerCase());
    }
  });
  visit(statements, (kind, body) => {
    // The qualifier of a column is called table too; its name is no node.
    if (kind === "table" && record(body.name)) {
      const path = [body.catalog, body.schema, body.name].map((part) => record(part)?.name).filter((part) => part);
      if (path.length !== 1 || !allowed.has(String(path[0]).toLowerCase()))
        refuse(`the table ${path.join(".")} in FROM (views has ${[...views].join(", ") || "none"})`);
    }
    if (body.into) refuse("INTO");
    for (const source of Array.isArray(body.expressions) && kind === "from" ? body.expressions : []) {
      const call = record(record(source)?.function);
      if (call && !TABLE_FUNCTIONS.has(String(call.name).toLowerCase()))
        refuse(`the table function ${String(call.name)}`);
    }
    if (kind === "command" || kind === "raw") refuse("a form the checker does not know");
  });
}

function plainIdentifier(name: string): string {
  if (!/^[^`\\\0\r\n]+$/.test(name)) refuse(`the name ${JSON.stringify(name)}`);
  return `\`${name}\``;
}

function hint(text: string): string {
  if (!/^[\w\s,().]*$/.test(text)) refuse("a hint with anything but names and numbers");
  return " ";
}

/** The parser recurses; text far beyond any real query is refused before it. */
function checkSize(sql: string): void {
  let depth = 0;
  for (const char of sql) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (depth > 100) refuse("more than 100 nested parentheses");
    if (depth < 0) refuse("a parenthesis that was never opened");
  }
  if (sql.length > 1_000_000) refuse("a query of more than 1,000,000 characters");
}

function refuse(what: string): never {
  throw new LakeError("UNSUPPORTED_SQL", `Refused before it ran: ${what}.`, { field: "sql" });
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function visit(value: unknown, see: (kind: string, body: Record<string, unknown>) => void, kind = ""): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see, kind);
    return;
  }
  const body = record(value);
  if (!body) return;
  see(kind, body);
  for (const [key, item] of Object.entries(body)) visit(item, see, key);
}
