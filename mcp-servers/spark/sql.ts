import { sqlPieces } from "@dagwright/spark-connect/sql-text";
import { SparkServerError } from "./errors.ts";

/** Quotes a column's name for Spark SQL: whatever is inside stays a name. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/**
 * The column of that name, in any case, as the table writes it.
 * @throws SparkServerError COLUMN_UNKNOWN, with the names there are
 */
export function knownColumn(name: string, columns: readonly string[], field: string): string {
  const found = columns.find((c) => c === name) ?? columns.find((c) => c.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw new SparkServerError(
    "COLUMN_UNKNOWN",
    field,
    `There is no column ${name} here; there are ${columns.join(", ")}.`,
  );
}

/**
 * One expression in parentheses, out of which its text cannot reach: comments are gone, strings and names are closed,
 * and no parenthesis closes what it did not open. The lake then checks what it may call and read.
 * @throws SparkServerError EXPRESSION_INVALID
 */
export function singleExpression(text: string, field: string): string {
  const refuse = (why: string) =>
    new SparkServerError("EXPRESSION_INVALID", field, `The expression ${JSON.stringify(text)} ${why}.`);
  let pieces: ReturnType<typeof sqlPieces>;
  try {
    pieces = sqlPieces(text);
  } catch (error) {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  let depth = 0;
  for (const { kind, text: part } of pieces) {
    if (kind === "hint") throw refuse("holds a hint");
    if (kind !== "text") continue;
    for (const char of part) {
      if (char === ";") throw refuse("holds a semicolon");
      if (char === "(") depth++;
      if (char === ")") depth--;
      if (depth < 0) throw refuse("closes a parenthesis that it did not open");
      if (char === "," && depth === 0) throw refuse("is more than one expression");
    }
  }
  if (depth > 0) throw refuse("does not close a parenthesis");
  return `(${pieces.map((piece) => piece.text).join("")})`;
}
