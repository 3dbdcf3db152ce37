import type { Scalar } from "./scalars.ts";
import { guarded, LOGIC, ofOneKind } from "./spark-alike.ts";
import { call } from "./spark-call.ts";
import { AGGREGATES, CALL_NODES, CASTS, literalOf, SCALAR_FUNCTIONS } from "./spark-functions.ts";
import { frame, interval, limitValue, literal, negated, parameterValue } from "./spark-leaves.ts";
import { clean, identifier, list, maybe, node, only, open, refuse, type SqlNode } from "./sql-tree.ts";

/** Where an expression stands. */
export interface Scope {
  /** Names that may stand in FROM, in lower case. */
  readonly names: ReadonlySet<string>;
  readonly params: Readonly<Record<string, Scalar>>;
  /** The queries of WITH before it, in DuckDB's SQL. */
  readonly withs: readonly string[];
  /** Takes the sides of a set operation, in DuckDB's SQL, whose columns have to be of one kind. */
  readonly meets: (operation: string, left: string, right: string) => void;
  /** Rebuilds a query inside the expression. */
  readonly query: (value: SqlNode, scope: Scope) => SqlNode;
}

/** Spark puts nulls first when ascending and last when descending; written out, it holds whatever DuckDB's setting. */
export function ordered(body: SqlNode, scope: Scope): SqlNode {
  only("ORDER BY", body, ["this", "desc", "nulls_first"]);
  const desc = body.desc === true;
  const nullsFirst = typeof body.nulls_first === "boolean" ? body.nulls_first : !desc;
  return clean({ ...body, this: expression(body.this, scope), desc, nulls_first: nullsFirst });
}

const BINARY = new Set(["add", "sub", "mul", "div", "mod", "concat", ...LOGIC]);

/**
 * The condition of a WHERE. `IN (SELECT …)` may stand only here, joined by AND: anywhere else Spark gives false where a
 * null is compared, by the standard and in DuckDB it is null.
 */
export function condition(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  if (kind === "and") {
    only("AND", body, ["left", "right"]);
    return { and: clean({ ...body, left: condition(body.left, scope), right: condition(body.right, scope) }) };
  }
  if (kind === "paren") {
    only("( )", body, ["this"]);
    return { paren: clean({ ...body, this: condition(body.this, scope) }) };
  }
  if (kind === "not" && "in" in node(body.this)) {
    only("NOT", body, ["this"]);
    return { not: clean({ ...body, this: condition(body.this, scope) }) };
  }
  if (kind !== "in" || !body.query) return truth(value, scope);
  only("IN", body, ["this", "query", "not"]);
  const query = scope.query(node(body.query), scope);
  return { in: clean({ ...body, this: expression(body.this, scope), expressions: [], query }) };
}

/** Forms that give nothing but true, false and null. */
const TRUTHS = new Set([
  ...["eq", "neq", "lt", "lte", "gt", "gte", "null_safe_eq", "and", "or", "not", "is_null", "between", "in", "exists"],
  ...["like", "boolean", "null"],
]);

/** An expression where a condition stands. What shows no such form is checked by its type. */
export function truth(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  if (kind === "paren") {
    only("( )", body, ["this"]);
    return { paren: clean({ ...body, this: truth(body.this, scope) }) };
  }
  return TRUTHS.has(kind) ? expression(value, scope) : call("spark_truth", [expression(value, scope)]);
}

const COMPARISONS = new Set(["eq", "neq", "lt", "lte", "gt", "gte", "null_safe_eq"]);

export function expression(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  const ex = (v: unknown) => expression(v, scope);
  if (BINARY.has(kind)) return binary(kind, body, scope);
  if (AGGREGATES.has(kind)) {
    return checkedSum(kind, aggregate(kind, body, scope));
  }
  const wrapped = CALL_NODES.get(kind);
  if (wrapped) {
    only(wrapped.name, body, wrapped.fields);
    const args = wrapped.fields.flatMap((f) => (Array.isArray(body[f]) ? list(body[f]) : body[f] ? [body[f]] : []));
    return scalar(wrapped.name, args.map(node), scope);
  }
  switch (kind) {
    case "column":
      only("a column", body, ["name", "table"]);
      return { column: clean({ ...body, name: identifier(body.name), table: maybe(body.table, identifier) }) };
    case "star":
      only("*", body, ["table", "except"]);
      return {
        star: clean({
          ...body,
          table: maybe(body.table, identifier),
          except: maybe(body.except, (e) => list(e).map(identifier)),
        }),
      };
    case "alias":
      only("AS", body, ["this", "alias"]);
      return { alias: clean({ ...body, this: ex(body.this), alias: identifier(body.alias) }) };
    case "literal":
      return literal(body);
    case "boolean":
      return { boolean: { value: body.value === true } };
    case "null":
      return { null: null };
    case "parameter":
      return parameterValue(body, scope.params);
    case "paren":
      only("( )", body, ["this"]);
      return { paren: clean({ ...body, this: ex(body.this) }) };
    case "neg": {
      only(kind, body, ["this"]);
      return negated(body.this) ?? { neg: clean({ ...body, this: ex(body.this) }) };
    }
    case "not":
      only(kind, body, ["this"]);
      return { [kind]: clean({ ...body, this: truth(body.this, scope) }) };
    case "is_null":
      only("IS NULL", body, ["this", "not"]);
      return { is_null: clean({ ...body, this: ex(body.this) }) };
    case "between":
      only("BETWEEN", body, ["this", "low", "high", "not"]);
      return guarded(
        { between: clean({ ...body, this: ex(body.this), low: ex(body.low), high: ex(body.high) }) },
        [body.low, body.high].map((bound) => [body.this, ex(body.this), bound, ex(bound)] as const),
      );
    case "in": {
      if (body.query) return refuse("IN (SELECT …) anywhere but in WHERE, alone or joined by AND (use a join)");
      only("IN", body, ["this", "expressions", "not"]);
      const items = list(body.expressions);
      return guarded(
        { in: clean({ ...body, this: ex(body.this), expressions: items.map(ex) }) },
        items.map((item) => [body.this, ex(body.this), item, ex(item)] as const),
      );
    }
    case "exists":
      only("EXISTS", body, ["this", "not"]);
      return { exists: clean({ ...body, this: scope.query(node(body.this), scope) }) };
    case "subquery":
      return scope.query({ subquery: body }, scope);
    case "like":
      only("LIKE", body, ["left", "right"]);
      if (literalOf(node(body.right), "string") === undefined) return refuse("LIKE with a pattern that is no constant");
      if (literalOf(node(body.right), "string")?.includes("\\")) return refuse("LIKE with a backslash in its pattern");
      return { like: clean({ ...body, left: ex(body.left), right: ex(body.right) }) };
    case "case":
      return caseOf(body, scope);
    case "cast":
      return cast(body, scope);
    case "count":
      only("count", body, ["this", "star", "distinct", "filter"]);
      return {
        count: clean({ ...body, this: maybe(body.this, ex), filter: maybe(body.filter, (f) => truth(f, scope)) }),
      };
    case "trim":
      only("trim", body, ["this", "position"]);
      if (body.position !== "Both") return refuse(`trim ${String(body.position)}`);
      return scalar("trim", [node(body.this)], scope);
    case "function":
      only(`the function ${String(body.name)}`, body, ["name", "args"]);
      return scalar(String(body.name), list(body.args).map(node), scope);
    case "aggregate_function":
      if (String(body.name).toLowerCase() !== "percentile") return refuse(`the function ${String(body.name)}`);
      only("percentile", body, ["name", "args"]);
      return percentile(list(body.args), scope);
    case "median":
      only("median", body, ["this", "name"]);
      return percentile([body.this, { literal: { literal_type: "number", value: "0.5" } }], scope);
    case "window_function": {
      only("OVER", body, ["this", "over"]);
      const over = windowSpec(node(body.over), scope);
      const [name, aggregated] = open(body.this);
      if (aggregated.distinct === true) return refuse(`${name}(DISTINCT …) OVER`);
      if (aggregated.filter) return refuse(`${name}(…) FILTER (WHERE …) OVER (Spark has it not: use CASE WHEN inside)`);
      const window = { window_function: clean({ ...body, this: windowed(body.this, scope), over }) };
      return ORDINALS.has(name) ? call("spark_integer", [window]) : checkedSum(name, window);
    }
    case "interval":
      return refuse("INTERVAL anywhere but after + or - (use date_add, date_sub or add_months for dates)");
    default:
      return refuse(`the function or form ${kind}`);
  }
}

/** @param inner whether it is the value of a CASE, which checks the kinds of values for both */
function caseOf(body: SqlNode, scope: Scope, inner = false): SqlNode {
  only("CASE", body, ["operand", "whens", "else_"]);
  const ex = (v: unknown) => expression(v, scope);
  const branch = (v: unknown) => {
    const [kind, chosen] = open(v);
    return kind === "case" ? caseOf(chosen, scope, true) : typed(v, scope);
  };
  const pairs = list(body.whens).map((when) => list(when));
  const whens = pairs.map(([when, then]) => [body.operand ? ex(when) : truth(when, scope), branch(then)] as const);
  const operand = maybe(body.operand, ex);
  const made = { case: clean({ ...body, operand, whens, else_: maybe(body.else_, branch) }) };
  const values = inner ? made : ofOneKind("CASE", made, [{ case: body }], ex);
  if (operand === null) return values;
  return guarded(
    values,
    pairs.map(([when], i) => [body.operand, operand, when, whens[i]![0]] as const),
  );
}

/** The exact percentile, by linear interpolation. */
function percentile(args: readonly unknown[], scope: Scope): SqlNode {
  const [value, at] = args;
  const text = literalOf(node(at ?? {}), "number");
  if (args.length !== 2 || text === undefined || !(Number(text) <= 1))
    return refuse("percentile of anything but a value and one constant from 0 to 1");
  return call("spark_percentile", [
    call("spark_number", [expression(value, scope)]),
    { literal: { literal_type: "number", value: text } },
  ]);
}

/** An aggregate of which sums and means of other types than Spark's are caught before. */
function aggregate(kind: string, body: SqlNode, scope: Scope): SqlNode {
  only(kind, body, ["this", "distinct", "filter", "name"]);
  const value = expression(body.this, scope);
  const filter = maybe(body.filter, (f) => truth(f, scope));
  if (kind === "count_if") {
    if (body.distinct === true) return refuse("count_if(DISTINCT …)");
    // Of no rows it is 0; DuckDB's own gives null.
    return { count: { this: call("if", [value, ONE, { null: null }]), star: false, distinct: false, filter } };
  }
  const guard = ARGUMENT_GUARDS[kind];
  return {
    [kind]: clean({
      ...body,
      this: guard === undefined ? value : call(guard, [value]),
      filter,
    }),
  };
}

const ONE: SqlNode = { literal: { literal_type: "number", value: "1" } };

const ARGUMENT_GUARDS: Readonly<Record<string, string>> = { sum: "spark_summable", avg: "spark_averageable" };

/** DuckDB adds up whole numbers in 128 bits, Spark in 64: beyond, both raise. */
function checkedSum(kind: string, sum: SqlNode): SqlNode {
  return kind === "sum" ? call("spark_sum", [sum]) : sum;
}

function scalar(name: string, source: readonly SqlNode[], scope: Scope): SqlNode {
  const known = SCALAR_FUNCTIONS.get(name.toLowerCase());
  if (!known) return refuse(`the function ${name}`);
  if (source.length < known.min || source.length > known.max) return refuse(`${name} with ${source.length} arguments`);
  const isIf = name.toLowerCase() === "if";
  const args = source.map((arg, i) =>
    isIf && i === 0
      ? truth(arg, scope)
      : known.numbers || known.chooses !== undefined
        ? typed(arg, scope)
        : expression(arg, scope),
  );
  const made = known.rewrite(args, source);
  if (known.compares) return guarded(made, [[source[0], args[0]!, source[1], args[1]!]]);
  if (known.chooses === undefined) return made;
  return ofOneKind(name.toLowerCase(), made, source.slice(known.chooses), (arg) => expression(arg, scope));
}

/** To DuckDB a small number is of the type of what it meets, to Spark an INT. */
function typed(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  const digits = literalOf(node(value), "number");
  if (kind === "neg" && literalOf(node(body.this), "number") !== undefined && negated(body.this) === undefined)
    return { neg: clean({ ...body, this: typed(body.this, scope) }) };
  const isInt = digits !== undefined && /^\d{1,10}$/.test(digits) && Number(digits) < 2 ** 31;
  return isInt ? call("spark_integer", [expression(value, scope)]) : expression(value, scope);
}

/** A side of + - *: the whole of them is checked at its top. */
function operand(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  if (kind === "add" || kind === "sub" || kind === "mul") return arithmetic(kind, body, scope);
  if (literalOf(node(value), "number") !== undefined) return typed(value, scope);
  if (kind !== "paren") return call("spark_operand", [expression(value, scope)]);
  only("( )", body, ["this"]);
  return { paren: clean({ ...body, this: operand(body.this, scope) }) };
}

function arithmetic(kind: string, body: SqlNode, scope: Scope): SqlNode {
  only(kind, body, ["left", "right"]);
  const right = node(body.right);
  if (kind !== "mul" && "interval" in right) {
    return call(kind === "add" ? "spark_plus_interval" : "spark_minus_interval", [
      expression(body.left, scope),
      interval(node(right.interval)),
    ]);
  }
  const subtrahend = kind === "sub" && literalOf(right, "number") === undefined;
  const by = subtrahend ? call("spark_subtrahend", [operand(right, scope)]) : operand(right, scope);
  return { [kind]: clean({ ...body, left: operand(body.left, scope), right: by }) };
}

function binary(kind: string, body: SqlNode, scope: Scope): SqlNode {
  if (kind === "add" || kind === "sub" || kind === "mul")
    return call("spark_exact", [{ paren: { this: arithmetic(kind, body, scope), trailing_comments: [] } }]);
  only(kind, body, ["left", "right"]);
  const right = node(body.right);
  const side = kind === "and" || kind === "or" ? truth : kind === "mod" ? typed : expression;
  const sides = [side(body.left, scope), side(right, scope)];
  if (kind === "div") return call("spark_div", sides);
  if (kind === "mod") return call("spark_mod", sides);
  if (kind === "concat") return SCALAR_FUNCTIONS.get("concat")!.rewrite(sides, sides);
  const plain = { [kind]: clean({ ...body, left: sides[0], right: sides[1] }) };
  return COMPARISONS.has(kind) ? guarded(plain, [[body.left, sides[0]!, right, sides[1]!]]) : plain;
}

function cast(body: SqlNode, scope: Scope): SqlNode {
  only("CAST", body, ["this", "to"]);
  const to = node(body.to);
  const source = expression(body.this, scope);
  if (to.data_type === "decimal" && typeof to.precision === "number") {
    return {
      cast: clean({
        ...body,
        this: call("spark_decimal_source", [source]),
        to: { data_type: "decimal", precision: to.precision, scale: to.scale ?? 0 },
      }),
    };
  }
  only("CAST", to, ["data_type"]);
  const name = CASTS[String(to.data_type)];
  return name === undefined ? refuse(`CAST to ${String(to.data_type)}`) : call(`spark_${name}`, [source]);
}

/** They are INT in Spark. */
const ORDINALS = new Set(["row_number", "rank", "dense_rank", "n_tile"]);

function windowed(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  switch (kind) {
    case "row_number":
    case "rank":
    case "dense_rank":
    case "percent_rank":
    case "cume_dist":
      only(kind, body, []);
      return node(value);
    case "n_tile":
      only("ntile", body, ["num_buckets"]);
      return { n_tile: clean({ ...body, num_buckets: limitValue("ntile", body.num_buckets) }) };
    case "first_value":
    case "last_value":
      only(kind, body, ["this"]);
      return { [kind]: clean({ ...body, this: expression(body.this, scope) }) };
    case "lag":
    case "lead":
      only(kind, body, ["this", "offset", "default"]);
      return {
        [kind]: clean({
          ...body,
          this: expression(body.this, scope),
          offset: maybe(body.offset, (v) => expression(v, scope)),
          default: maybe(body.default, (v) => expression(v, scope)),
        }),
      };
    default:
      if (kind === "count") return expression(value, scope);
      if (AGGREGATES.has(kind)) return aggregate(kind, body, scope);
      return refuse(
        `the window function ${kind === "function" || kind === "aggregate_function" ? String(body.name) : kind}`,
      );
  }
}

export function windowSpec(body: SqlNode, scope: Scope): SqlNode {
  only("OVER", body, ["window_name", "partition_by", "order_by", "frame"]);
  return clean({
    ...body,
    window_name: maybe(body.window_name, identifier),
    partition_by: list(body.partition_by).map((v) => expression(v, scope)),
    order_by: list(body.order_by).map((o) => ordered(node(o), scope)),
    frame: maybe(body.frame, (f) => frame(node(f))),
  });
}
