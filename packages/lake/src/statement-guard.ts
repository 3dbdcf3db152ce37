import type { Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { isPlainName, quoteLiteral } from "./names.ts";

/** Table functions that read nothing but their arguments. */
const TABLE_FUNCTIONS = new Set(["range", "generate_series", "unnest"]);

/**
 * Checks by DuckDB's own parser that `sql` is one SELECT whose tables are views (or its own WITH queries), and that it
 * calls no table function that could read files or settings.
 * @throws LakeError UNSUPPORTED_SQL or SQL_SYNTAX
 */
export async function checkStatement(session: Session, sql: string, views: readonly string[]): Promise<void> {
  const [row] = await session.rows(`SELECT json_serialize_sql(${quoteLiteral(sql)}::VARCHAR)`);
  const parsed: unknown = JSON.parse(String(row?.[0]));
  if (!isRecord(parsed)) throw new LakeError("SQL_SYNTAX", "DuckDB could not parse the SQL.", { field: "sql" });
  if (parsed.error === true) {
    const message = String(parsed.error_message);
    if (parsed.error_type === "not implemented") refuse("only one SELECT statement runs here");
    throw new LakeError("SQL_SYNTAX", `The SQL does not parse: ${message}`, { field: "sql" });
  }
  if (!Array.isArray(parsed.statements) || parsed.statements.length !== 1) refuse("only one statement runs at a time");
  const allowed = new Set(views.map((v) => v.toLowerCase()));
  visit(parsed.statements, (node) => {
    if (!isRecord(node.cte_map) || !Array.isArray(node.cte_map.map)) return;
    for (const entry of node.cte_map.map) {
      const name = isRecord(entry) ? String(entry.key) : "";
      if (!isPlainName(name)) refuse(`the name ${JSON.stringify(name)} in WITH`);
      allowed.add(name.toLowerCase());
    }
  });
  visit(parsed.statements, (node) => {
    if (node.type === "BASE_TABLE") {
      const path = [node.catalog_name, node.schema_name, node.table_name].filter(
        (x) => typeof x === "string" && x !== "",
      );
      if (path.length !== 1 || !allowed.has(String(node.table_name).toLowerCase())) {
        refuse(`the table ${path.join(".")} (views has ${[...allowed].join(", ") || "none"})`);
      }
    } else if (node.type === "TABLE_FUNCTION") {
      const name = isRecord(node.function) ? String(node.function.function_name) : "unknown";
      if (!TABLE_FUNCTIONS.has(name)) refuse(`the table function ${name}`);
    } else if (node.type === "SHOW_REF") {
      refuse("DESCRIBE, SHOW and SUMMARIZE");
    } else if (node.class === "FUNCTION" && (node.function_name === "query" || node.function_name === "query_table")) {
      refuse(`the function ${node.function_name}`);
    }
  });
}

function refuse(what: string): never {
  throw new LakeError("UNSUPPORTED_SQL", `Refused before it ran: ${what}.`, { field: "sql" });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function visit(value: unknown, see: (node: Record<string, unknown>) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
  } else if (isRecord(value)) {
    see(value);
    for (const item of Object.values(value)) visit(item, see);
  }
}
