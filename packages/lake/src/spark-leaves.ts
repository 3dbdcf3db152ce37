import { isPlainName } from "./names.ts";
import { isInt, type Scalar } from "./scalars.ts";
import { call } from "./spark-call.ts";
import { literalOf } from "./spark-functions.ts";
import { clean, maybe, node, only, open, refuse, type SqlNode } from "./sql-tree.ts";

export function rowNumber(what: string, body: SqlNode): SqlNode {
  only(what, body, ["this"]);
  return clean({ ...body, this: limitValue(what, body.this) });
}

export function limitValue(what: string, value: unknown): SqlNode {
  const [kind, body] = open(value);
  if (kind === "parameter") return parameter(body);
  const digits = literalOf(node(value), "number");
  if (digits === undefined || !/^\d+$/.test(digits))
    return refuse(`${what} of anything but a whole number or a parameter`);
  return { literal: { literal_type: "number", value: digits } };
}

const INTERVAL_UNITS = new Set(["Year", "Month", "Week", "Day", "Hour", "Minute", "Second"]);

export function interval(body: SqlNode): SqlNode {
  only("INTERVAL", body, ["this", "unit"]);
  const count = literalOf(node(body.this), "string") ?? literalOf(node(body.this), "number");
  const unit = node(body.unit);
  if (count === undefined || !/^\d+$/.test(count) || unit.type !== "simple" || !INTERVAL_UNITS.has(String(unit.unit))) {
    return refuse("INTERVAL of anything but a constant whole number of one unit");
  }
  return {
    interval: {
      this: { literal: { literal_type: "string", value: count } },
      unit: { type: "simple", unit: unit.unit, use_plural: false },
    },
  };
}

/** A negative number that Spark reads as one literal: the least INT and BIGINT have no positive twin. */
export function negated(value: unknown): SqlNode | undefined {
  const digits = literalOf(node(value), "number");
  if (digits === "2147483648") return call("spark_int", [{ literal: { literal_type: "string", value: `-${digits}` } }]);
  if (digits === "9223372036854775808")
    return call("spark_bigint", [{ literal: { literal_type: "string", value: `-${digits}` } }]);
  return undefined;
}

export function literal(body: SqlNode): SqlNode {
  only("a literal", body, ["literal_type", "value"]);
  const { literal_type: type, value } = body;
  if (typeof value !== "string") return refuse("a literal the checker does not know");
  const text = { literal: { literal_type: "string", value } };
  switch (type) {
    case "number":
      if (/^\d+$/.test(value) && BigInt(value) > 9223372036854775807n) return refuse(`the number ${value}`);
      return /^[0-9.]+([eE][+-]?\d+)?$/.test(value)
        ? { literal: { literal_type: "number", value } }
        : refuse(`the number ${value}`);
    case "string":
      if (value.includes("\0")) return refuse("a string literal with a NUL character");
      return text;
    case "date":
      return call("spark_date", [text]);
    case "timestamp":
      return call("spark_timestamp", [text]);
    default:
      return refuse(`a literal of type ${String(type)}`);
  }
}

/** What stands before a parameter's name for the parser, which would read names like `from` as keywords. */
export const PARAMETER = "p_";

export function parameter(body: SqlNode): SqlNode {
  if (body.style !== "Colon" || typeof body.name !== "string" || !isPlainName(body.name)) {
    return refuse("a parameter that is not written :name");
  }
  only("a parameter", body, ["name", "style"]);
  return { parameter: { ...body, name: body.name.slice(PARAMETER.length), style: "Dollar" } };
}

/** A parameter's value: of a known type, since DuckDB cannot plan what hangs on a type that it learns when it binds. */
export function parameterValue(body: SqlNode, params: Readonly<Record<string, Scalar>>): SqlNode {
  const made = parameter(body);
  const name = String(node(made.parameter).name);
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  if (value === null) return { null: null };
  if (value === undefined || typeof value === "string") return made;
  const whole = typeof value === "number" && Number.isSafeInteger(value) && !Object.is(value, -0);
  const type = typeof value === "boolean" ? "boolean" : !whole ? "double" : isInt(value) ? "int" : "big_int";
  return {
    cast: { this: made, to: { data_type: type }, trailing_comments: [], double_colon_syntax: false },
  };
}

export function frame(body: SqlNode): SqlNode {
  only("a window frame", body, ["kind", "start", "end"]);
  if (body.kind !== "Rows" && body.kind !== "Range") return refuse(`the window frame ${String(body.kind)}`);
  const bound = (value: unknown): unknown => {
    if (value === "CurrentRow" || value === "UnboundedPreceding" || value === "UnboundedFollowing") return value;
    const [side, count] = open(value);
    if (side !== "Preceding" && side !== "Following") return refuse("that window frame");
    return { [side]: limitValue("a window frame", count) };
  };
  return { kind: body.kind, start: bound(body.start), end: maybe(body.end, bound), exclude: null };
}
