import { sqlPieces } from "@dagwright/spark-connect/sql-text";
import { parse } from "@polyglot-sql/sdk";
import { duckText } from "./duck-text.ts";
import { LakeError } from "./errors.ts";
import type { Scalar } from "./scalars.ts";
import { lakeErrors } from "./spark-errors.ts";
import { PARAMETER } from "./spark-leaves.ts";
import { rebuild } from "./spark-query.ts";
import { node, refuse } from "./sql-tree.ts";

/** A checked query in DuckDB's SQL: parameters are `$name`, tables are the views it was checked against. */
export interface DuckQuery {
  readonly sql: string;
  readonly meetings: readonly Meeting[];
}

/** A set operation: the queries of its two sides. Their columns have to be of one kind, see `checkMeetings`. */
export interface Meeting {
  readonly operation: string;
  readonly sides: readonly [string, string];
}

/**
 * Turns one Spark SQL query into DuckDB's SQL with the same result. The parsed tree is rebuilt node by node: what is not
 * listed here (a function, a clause, an option, a table that is no view) is refused, so nothing unknown reaches DuckDB.
 *
 * @param views the names that may stand in FROM
 * @param params of its `:name`s the values, for their types
 * @throws LakeError SQL_SYNTAX or UNSUPPORTED_SQL, which names the function or clause
 */
export function sparkToDuck(
  sql: string,
  views: readonly string[],
  params: Readonly<Record<string, Scalar>> = {},
): DuckQuery {
  checkSize(sql);
  const parsed = parse(plainText(sql), "spark" as Parameters<typeof parse>[1]); // the enum's value, which isolatedModules cannot import
  if (!parsed.success) {
    throw new LakeError("SQL_SYNTAX", `The SQL does not parse: ${parsed.error ?? "unknown error"}`, { field: "sql" });
  }
  const statements: unknown = parsed.ast;
  if (!Array.isArray(statements) || statements.length !== 1) {
    return refuse(`one query is expected, ${Array.isArray(statements) ? statements.length : 0} statements were given`);
  }
  const meetings: Meeting[] = [];
  const meets = (operation: string, left: string, right: string) => meetings.push({ operation, sides: [left, right] });
  const tree = rebuild(node(statements[0]), new Set(views.map((v) => v.toLowerCase())), { params, meets });
  return { sql: duckText(tree), meetings };
}

/**
 * The text without comments and hints, its strings written anew from what they mean to Spark, and its parameters under
 * names that are no keywords of the parser.
 */
function plainText(sql: string): string {
  return lakeErrors(() => sqlPieces(sql))
    .map(({ kind, text, value }) => (kind === "hint" ? " " : kind === "parameter" ? `:${PARAMETER}${value}` : text))
    .join("");
}

/** The parser recurses; text far beyond any real query is refused before it. */
function checkSize(sql: string): void {
  let depth = 0;
  for (const char of sql) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (depth > 100) refuse("more than 100 nested parentheses");
  }
  if (sql.length > 100_000) refuse("a query of more than 100,000 characters");
}
