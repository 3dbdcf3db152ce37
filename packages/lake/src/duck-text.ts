import { generate } from "@polyglot-sql/sdk";
import { LakeError } from "./errors.ts";
import { refuse, type SqlNode } from "./sql-tree.ts";

/** A rebuilt tree in DuckDB's SQL. */
export function duckText(tree: SqlNode): string {
  const generated = generate([tree], "duckdb" as Parameters<typeof generate>[1]); // the enum's value, which isolatedModules cannot import
  const text = generated.sql?.[0];
  if (!generated.success && /call stack/i.test(generated.error ?? "")) return refuse("a query nested this deeply");
  if (!generated.success || text === undefined) {
    throw new LakeError("SQL_SYNTAX", `The SQL cannot be written for DuckDB: ${generated.error ?? "unknown error"}`, {
      field: "sql",
    });
  }
  return text;
}
