/**
 * MLflow's filter strings: comparisons joined by AND. What counts as a word, a text or a number is what sqlparse, which
 * MLflow reads them with, takes for one.
 */
import type { SqlValue } from "../database/work.ts";
import { TrackingError } from "../errors.ts";

/** What stands on the right of a comparison. */
export type Operand =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number; readonly text: string; readonly integer: boolean }
  | { readonly kind: "list"; readonly list: readonly string[] }
  /** A bare word: no valid operand, kept for messages. */
  | { readonly kind: "word"; readonly text: string }
  /** Of IS NULL and IS NOT NULL. */
  | { readonly kind: "none" };

export interface Comparison {
  /** The left side as it stands, quotes included: metrics."a b" */
  readonly identifier: string;
  /** In upper case. */
  readonly comparator: string;
  readonly operand: Operand;
}

interface Token {
  readonly kind: "identifier" | "text" | "number" | "operator" | "open" | "close" | "comma" | "other";
  readonly text: string;
}

/** A part of an identifier: a bare word, or one in backticks or double quotes. */
const PART = /(?:`[^`]*`|"[^"]*"|[\p{L}_][\p{L}\p{N}_]*)/u.source;
/** A word that begins with a digit and is no number: of `params.1` sqlparse makes a word and a number. */
const MIXED = /(?!\d+(?:[eE]\d+)?(?![\p{L}\p{N}_]))\p{N}[\p{L}\p{N}_]*/u.source;
const TOKENS: readonly (readonly [Token["kind"], RegExp])[] = [
  ["number", /-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy],
  ["text", /'(?:''|\\'|[^'])*'/y],
  ["identifier", new RegExp(`${PART}(?:\\.(?:${PART}|'[^']*'|${MIXED}))*`, "uy")],
  ["operator", /[<>=!~]+/y],
  ["open", /\(/y],
  ["close", /\)/y],
  ["comma", /,/y],
  ["other", /\S/y],
];

function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < filter.length; ) {
    if (/\s/.test(filter[at] ?? "")) {
      at++;
      continue;
    }
    for (const [kind, pattern] of TOKENS) {
      pattern.lastIndex = at;
      const text = pattern.exec(filter)?.[0];
      if (text === undefined) continue;
      tokens.push({ kind, text });
      at += text.length;
      break;
    }
  }
  return tokens;
}

/**
 * The comparisons of a filter string, all of which must hold.
 * @throws INVALID_ARGUMENT naming what is no comparison
 */
export function comparisonsOf(filter: string): Comparison[] {
  const tokens = tokensOf(filter);
  if (filter !== "" && tokens.length === 0)
    throw new TrackingError("INVALID_ARGUMENT", `Invalid filter '${filter}'. Could not be parsed.`, {
      field: "filter",
    });
  const found: Comparison[] = [];
  const strangers: string[] = [];
  for (let at = 0; at < tokens.length; ) {
    const taken = comparisonAt(tokens, at);
    if (taken !== undefined) {
      found.push(taken.comparison);
      at = taken.next;
      continue;
    }
    const { text = "" } = tokens[at] ?? {};
    if (!/^and$/i.test(text)) strangers.push(text);
    at++;
  }
  if (strangers.includes(";"))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Search filter contained multiple expression '${filter}'. Provide AND-ed expression list.`,
      { field: "filter" },
    );
  if (strangers.length > 0) {
    const list = strangers.map((text) => `'${text}'`).join(", ");
    throw new TrackingError("INVALID_ARGUMENT", `Invalid clause(s) in filter string: ${list}`, {
      field: "filter",
      hint: "A filter is comparisons joined by AND, such as: metrics.f1 > 0.9 AND params.model = 'forest'",
    });
  }
  return found;
}

/** Takes the comparison that begins at a token. */
function comparisonAt(tokens: readonly Token[], at: number): { comparison: Comparison; next: number } | undefined {
  const [left, second, third, fourth] = tokens.slice(at, at + 4);
  if (left?.kind !== "identifier" || second === undefined) return undefined;
  const compared = (comparator: string, operand: Operand, next: number) => ({
    comparison: { identifier: left.text, comparator, operand },
    next,
  });
  const is = (token: Token | undefined, word: string) =>
    token?.kind === "identifier" && token.text.toUpperCase() === word;
  if (is(second, "IS") && is(third, "NULL")) return compared("IS NULL", { kind: "none" }, at + 3);
  if (is(second, "IS") && is(third, "NOT") && is(fourth, "NULL"))
    return compared("IS NOT NULL", { kind: "none" }, at + 4);
  const notIn = is(second, "NOT") && is(third, "IN");
  if (notIn || is(second, "IN")) {
    const from = at + (notIn ? 3 : 2);
    if (tokens[from]?.kind !== "open") return undefined;
    const end = tokens.findIndex(({ kind }, place) => place > from && kind === "close");
    if (end < 0) return undefined;
    const list = listOf(tokens.slice(from + 1, end));
    return compared(notIn ? "NOT IN" : "IN", { kind: "list", list }, end + 1);
  }
  if (third === undefined) return undefined;
  if (second.kind !== "operator" && !is(second, "LIKE") && !is(second, "ILIKE") && !is(second, "RLIKE"))
    return undefined;
  const operand = operandOf(third);
  return operand === undefined ? undefined : compared(second.text.toUpperCase(), operand, at + 3);
}

function operandOf({ kind, text }: Token): Operand | undefined {
  if (kind === "number") return { kind, number: Number(text), text, integer: /^-?\d+$/.test(text) };
  // sqlparse takes a text in double quotes for a name; MLflow takes it for a text all the same.
  if (kind === "text" || /^"[^"]*"$/.test(text)) return { kind: "text", text: text.slice(1, -1) };
  return kind === "identifier" ? { kind: "word", text } : undefined;
}

function listOf(tokens: readonly Token[]): string[] {
  const wrong = (why: string): never => {
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `While parsing a list in the query, expected a non-empty list of string values, but got ${why}`,
      { field: "filter" },
    );
  };
  if (tokens.length === 0) wrong("empty list");
  return tokens.flatMap((token, place) => {
    if (place % 2 === 1) return token.kind === "comma" ? [] : wrong("ill-formed list");
    const operand = operandOf(token);
    return operand?.kind === "text" ? [operand.text] : wrong("different type in list");
  });
}

/** A word without the backticks or quotes around it. */
export function unquoted(word: string): string {
  return /^(["'`]).*\1$/s.test(word) && word.length >= 2 ? word.slice(1, -1) : word;
}

/** A condition in SQL, and its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** `column <comparator> value` in SQL; comparators are MLflow's. */
export function condition(column: string, comparator: string, value: SqlValue | readonly string[]): Condition {
  if (Array.isArray(value))
    return { sql: `${column} ${comparator} (${value.map(() => "?").join(", ")})`, values: value };
  const single = value as SqlValue;
  if (comparator === "ILIKE") return { sql: `lower(${column}) LIKE lower(?)`, values: [single] };
  return { sql: `${column} ${comparator === "!=" ? "<>" : comparator} ?`, values: [single] };
}

/** All of these conditions, to follow a WHERE that is there already. */
export function andAll(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => ` AND ${sql}`).join(""),
    values: conditions.flatMap(({ values }) => [...values]),
  };
}

/** @throws INVALID_ARGUMENT unless the comparator is one of these */
export function checkComparator(comparator: string, allowed: readonly string[], whose = ""): void {
  if (!allowed.includes(comparator))
    throw new TrackingError(
      "INVALID_ARGUMENT",
      `Invalid comparator '${comparator}'${whose} not one of '{${allowed.map((one) => `'${one}'`).join(", ")}}'`,
      { field: "filter" },
    );
}

export const NUMBER_COMPARATORS = [">", ">=", "!=", "=", "<", "<="] as const;
export const TEXT_COMPARATORS = ["!=", "=", "LIKE", "ILIKE"] as const;
export const TEXT_AND_LIST_COMPARATORS = [...TEXT_COMPARATORS, "IN", "NOT IN"] as const;
export const NULLABLE_TEXT_COMPARATORS = [...TEXT_COMPARATORS, "IS NULL", "IS NOT NULL"] as const;

/** @throws INVALID_ARGUMENT unless the operand is a text in quotes */
export function textOf(operand: Operand, what: string): string {
  if (operand.kind === "text") return operand.text;
  const got = "text" in operand ? operand.text : "a list";
  const message =
    operand.kind === "word"
      ? `Parameter value is either not quoted or unidentified quote types used for string value ${got}. Use either single or double quotes.`
      : `Expected a quoted string value for ${what} (e.g. 'my-value'). Got value ${got}`;
  throw new TrackingError("INVALID_ARGUMENT", message, { field: "filter" });
}

/** @throws INVALID_ARGUMENT unless the operand is a number */
export function numberOf(operand: Operand, what: string): number {
  if (operand.kind === "number") return operand.number;
  const got = operand.kind === "text" ? `'${operand.text}'` : "text" in operand ? operand.text : "a list";
  throw new TrackingError("INVALID_ARGUMENT", `Expected numeric value type for ${what}. Found ${got}`, {
    field: "filter",
  });
}

/** One key of an `order_by` list. */
export interface OrderKey {
  /** As it stands: metrics."a b" */
  readonly identifier: string;
  readonly ascending: boolean;
}

/** @throws INVALID_ARGUMENT */
export function orderKeyOf(clause: string): OrderKey {
  const tokens = tokensOf(clause);
  const [key, direction, ...rest] = tokens;
  if (key?.kind !== "identifier" || rest.length > 0)
    throw new TrackingError("INVALID_ARGUMENT", `Invalid order_by clause '${clause}'. Could not be parsed.`, {
      field: "order_by",
    });
  if (direction !== undefined && !/^(asc|desc)$/i.test(direction.text))
    throw new TrackingError("INVALID_ARGUMENT", `Invalid ordering key in order_by clause '${clause}'.`, {
      field: "order_by",
    });
  return { identifier: key.text, ascending: !/^desc$/i.test(direction?.text ?? "asc") };
}

/** The keys of an `order_by` list. @throws INVALID_ARGUMENT when one stands twice */
export function orderKeysOf(orderBy: readonly string[]): OrderKey[] {
  return orderBy.map(orderKeyOf);
}

/** @throws INVALID_ARGUMENT when a key stands twice */
export function checkNoneTwice(keys: readonly string[], orderBy: readonly string[]): void {
  if (new Set(keys).size < keys.length)
    throw new TrackingError("INVALID_ARGUMENT", `\`order_by\` contains duplicate fields: ${JSON.stringify(orderBy)}`, {
      field: "order_by",
    });
}

export const direction = ({ ascending }: OrderKey): string => (ascending ? "ASC" : "DESC");
