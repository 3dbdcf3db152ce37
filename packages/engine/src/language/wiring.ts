import { nodesRead } from "../core/expression.ts";
import type { Expression, Json } from "../core/graph.ts";
import { targetOf } from "./ref.ts";

/**
 * What a DAG body wrote (values, `Ref`s, structures of both) as an expression. What cannot be wired is told to
 * `mistake`, with the place in the structure.
 */
export function expressionOf(
  written: unknown,
  owner: object,
  at: string,
  mistake: (message: string) => void,
  /** The owner of the item and index that the input of a mapped node may read. */
  itemOwner?: object,
): Expression {
  const target = targetOf(written);
  if (target !== undefined) {
    if (target.owner === owner || target.owner === itemOwner) return target.expression;
    const { kind } = target.expression;
    if (kind === "item" || kind === "index")
      mistake(`${at} is the ${kind} of a map: it has a value only in that map's input`);
    else mistake(`${at} is a Ref of another DAG: only values of this DAG can be wired`);
    return { kind: "literal", value: null };
  }
  if (Array.isArray(written)) {
    const items = written.map((item, index) => expressionOf(item, owner, `${at}[${index}]`, mistake, itemOwner));
    return items.every(isLiteral)
      ? { kind: "literal", value: items.map(({ value }) => value) }
      : { kind: "array", items };
  }
  if (isPlainObject(written)) {
    const entries = Object.entries(written)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, expressionOf(field, owner, `${at}.${key}`, mistake, itemOwner)] as const);
    const literals = entries.flatMap(([key, field]) => (isLiteral(field) ? [[key, field.value] as const] : []));
    return literals.length === entries.length
      ? { kind: "literal", value: Object.fromEntries(literals) }
      : { kind: "object", fields: Object.fromEntries(entries) };
  }
  if (written === undefined || written === null) return { kind: "literal", value: null };
  if (
    typeof written === "string" ||
    typeof written === "boolean" ||
    (typeof written === "number" && Number.isFinite(written))
  ) {
    return { kind: "literal", value: written };
  }
  const what =
    typeof written === "object"
      ? `a ${written.constructor?.name ?? "strange object"}`
      : `a ${typeof written} (${String(written)})`;
  mistake(`${at} is ${what}: expected JSON (text, finite numbers, true, false, null, lists, plain objects) or a Ref`);
  return { kind: "literal", value: null };
}

/** The nodes that an expression reads, sorted, without repeats. */
export function sourcesOf(expressions: readonly Expression[]): readonly string[] {
  return [...new Set(expressions.flatMap(nodesRead))].sort();
}

function isLiteral(expression: Expression): expression is { kind: "literal"; value: Json } {
  return expression.kind === "literal";
}

function isPlainObject(candidate: unknown): candidate is Record<string, unknown> {
  if (typeof candidate !== "object" || candidate === null) return false;
  const prototype: unknown = Object.getPrototypeOf(candidate);
  return prototype === null || prototype === Object.prototype;
}
