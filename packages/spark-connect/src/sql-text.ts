import { SparkConnectError } from "./errors.ts";
import type { SparkValue } from "./parameters.ts";

export { SparkConnectError } from "./errors.ts";

/** A piece of a statement. `value` is the text a string stands for, or the bare name of an identifier or a parameter. */
export interface SqlPiece {
  readonly kind: "text" | "string" | "identifier" | "parameter" | "hint";
  readonly text: string;
  readonly value: string;
}

function bad(message: string): SparkConnectError {
  return new SparkConnectError("SPARK_SQL", message, { field: "query" });
}

/**
 * Cuts a statement into pieces by the lexical rules of Spark 4.1 (SqlBaseLexer.g4): strings in either quote with
 * backslash escapes or doubled quotes, raw strings, backticks, nested comments, `:name`. Comments become a space.
 */
export function sqlPieces(sql: string): SqlPiece[] {
  const pieces: SqlPiece[] = [];
  let text = "";
  const add = (piece: SqlPiece) => {
    if (text !== "") pieces.push({ kind: "text", text, value: text });
    text = "";
    pieces.push(piece);
  };
  let at = 0;
  while (at < sql.length) {
    const char = sql[at]!;
    if (char === "'" || char === '"') {
      const raw = /(?:^|[^A-Za-z0-9_$@])[rR]$/.test(text);
      const end = raw ? rawEnd(sql, at) : stringEnd(sql, at);
      const inner = sql.slice(at + 1, end - 1);
      const hex = !raw && /(?:^|[^A-Za-z0-9_$@])[xX]$/.test(text);
      if (hex) {
        if (!/^[0-9A-Fa-f]*$/.test(inner)) throw bad(`The binary literal X'${inner}' is not hexadecimal.`);
        text = `${text.slice(0, -1)}X'${inner}'`;
      } else {
        if (raw) text = text.slice(0, -1);
        const value = raw ? inner : unescapeString(inner, char);
        add({ kind: "string", text: quoteString(value), value });
      }
      at = end;
    } else if (char === "`") {
      const found = /`((?:[^`]|``)*)`/y;
      found.lastIndex = at;
      const match = found.exec(sql);
      if (!match) throw bad("A backtick is not closed.");
      add({ kind: "identifier", text: match[0], value: match[1]!.replaceAll("``", "`") });
      at = found.lastIndex;
    } else if (sql.startsWith("--", at)) {
      const comment = /--(?:\\\n|[^\r\n])*/y;
      comment.lastIndex = at;
      comment.exec(sql);
      text += " ";
      at = comment.lastIndex;
    } else if (sql.startsWith("/*", at)) {
      const end = commentEnd(sql, at);
      if (sql[at + 2] === "+")
        add({ kind: "hint", text: sql.slice(at, end), value: sql.slice(at + 3, end - 2).trim() });
      else text += " ";
      at = end;
    } else {
      const name =
        char === ":" && sql[at - 1] !== ":" ? /^:([A-Za-z_][A-Za-z0-9_]*)/.exec(sql.slice(at, at + 130)) : null;
      if (name) add({ kind: "parameter", text: name[0], value: name[1]! });
      else text += char;
      at += name ? name[0].length : 1;
    }
  }
  if (text !== "") pieces.push({ kind: "text", text, value: text });
  return pieces;
}

function rawEnd(sql: string, start: number): number {
  const end = sql.indexOf(sql[start]!, start + 1);
  if (end < 0) throw bad("A string is not closed.");
  return end + 1;
}

function stringEnd(sql: string, start: number): number {
  const quote = sql[start]!;
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] === "\\") at++;
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  throw bad("A string is not closed.");
}

function commentEnd(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length - 1; at++) {
    if (sql.startsWith("/*", at)) {
      depth++;
      at++;
    } else if (sql.startsWith("*/", at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  throw bad("A comment is not closed.");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  b: "\b",
  n: "\n",
  r: "\r",
  t: "\t",
  Z: "\u001A",
  "%": "\\%",
  _: "\\_",
};

/** The text that a string literal stands for, as Spark's `unescapeSQLString` reads it. */
function unescapeString(inner: string, quote: string): string {
  return inner.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([01][0-7]{2})|([\s\S]))|(''|"")/g,
    (all, u, long, octal, char, two) => {
      if (two !== undefined) return two[0] === quote ? quote : two;
      if (u !== undefined) return String.fromCharCode(Number.parseInt(u, 16));
      if (long !== undefined) {
        const code = Number.parseInt(long, 16);
        if (code > 0x10ffff) throw bad(`The string holds ${all}, which is no character.`);
        return String.fromCodePoint(code);
      }
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return ESCAPES[char] ?? char;
    },
  );
}

/** A string literal that every Spark reads back as `value`, whatever is inside. */
export function quoteString(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** An identifier in backticks: whatever is inside stays a name. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A value as a literal of Spark SQL, of the type that `literal` gives it. */
export function sqlLiteral(name: string, value: SparkValue): string {
  const refuse = (expectation: string) =>
    new SparkConnectError("SPARK_PARAMETER", `Parameter "${name}" is ${String(value)}; it must be ${expectation}.`, {
      field: name,
    });
  if (value === null) return "NULL";
  if (typeof value === "string") return quoteString(value);
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "bigint") {
    if (value < -INT64 || value >= INT64) throw refuse("within 64 bits");
    return value < 0n ? `CAST('${value}' AS BIGINT)` : `${value}L`;
  }
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString("hex")}'`;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refuse("a valid date");
    return `TIMESTAMP '${value.toISOString()}'`;
  }
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    if (value < 0) return `CAST('${value}' AS ${value >= -INT32 ? "INT" : "BIGINT"})`;
    return value < INT32 ? String(value) : `${value}L`;
  }
  const text = Number.isFinite(value)
    ? String(Object.is(value, -0) ? "-0.0" : value)
    : value > 0
      ? "Infinity"
      : value < 0
        ? "-Infinity"
        : "NaN";
  return `CAST('${text}' AS DOUBLE)`;
}

const INT32 = 2 ** 31;
const INT64 = 2n ** 63n;

/**
 * Puts values in the place of a statement's `:name`s, each as one literal from which nothing can escape. For servers that
 * bind none: Spark with Delta's session extension, and Sail in a command.
 * @throws SparkConnectError SPARK_PARAMETER when a name has no value
 */
export function inlineParameters(query: string, params: Readonly<Record<string, SparkValue>>): string {
  return sqlPieces(query)
    .map((piece) => {
      if (piece.kind !== "parameter") return piece.text;
      const value = Object.hasOwn(params, piece.value) ? params[piece.value] : undefined;
      if (value === undefined)
        throw new SparkConnectError("SPARK_PARAMETER", `The statement names :${piece.value}, which has no value.`, {
          field: piece.value,
        });
      return ` ${sqlLiteral(piece.value, value)} `; // a number may not grow into its neighbours
    })
    .join("");
}
