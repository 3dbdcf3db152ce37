import { isPlainName } from "./names.ts";
import { AGGREGATES, CALL_NODES, call, literalOf, SCALAR_FUNCTIONS, type SqlNode } from "./spark-functions.ts";
import { frame, interval, limitValue, literal, parameter, rowNumber } from "./spark-leaves.ts";
import { clean, identifier, list, maybe, nameOf, node, only, open, refuse } from "./sql-tree.ts";

/** Names that may stand in FROM, in lower case. */
export type Scope = ReadonlySet<string>;

/** A query's tree, rebuilt for DuckDB; what is not listed here is refused. */
export function query(value: SqlNode, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  switch (kind) {
    case "select":
      return { select: select(body, scope) };
    case "union":
    case "intersect":
    case "except":
      return { [kind]: setOperation(kind, body, scope) };
    case "subquery":
      return { subquery: subquery(body, scope) };
    default:
      return refuse(`the statement ${kind.replaceAll("_", " ").toUpperCase()} (only SELECT runs)`);
  }
}

const SELECT_FIELDS = [
  "expressions",
  "from",
  "joins",
  "where_clause",
  "group_by",
  "having",
  "order_by",
  "limit",
  "offset",
  "distinct",
  "with",
  "windows",
];

function select(body: SqlNode, outer: Scope): SqlNode {
  only("SELECT", body, SELECT_FIELDS);
  const withClause = maybe(body.with, (w) => withQueries(node(w), outer));
  const scope = withClause?.scope ?? outer;
  const ex = (value: unknown) => expression(value, scope);
  const these = (what: string) => (value: unknown) => {
    const inner = node(value);
    only(what, inner, ["this"]);
    return { ...inner, this: ex(inner.this), comments: [] };
  };
  return clean({
    ...body,
    expressions: list(body.expressions).map(ex),
    from: maybe(body.from, (from) => {
      only("FROM", node(from), ["expressions"]);
      return { expressions: list(node(from).expressions).map((t) => relation(t, scope)) };
    }),
    joins: list(body.joins).map((j) => join(node(j), scope)),
    where_clause: maybe(body.where_clause, these("WHERE")),
    group_by: maybe(body.group_by, (group) => {
      only("GROUP BY", node(group), ["expressions"]);
      return { ...node(group), expressions: list(node(group).expressions).map(ex) };
    }),
    having: maybe(body.having, these("HAVING")),
    order_by: maybe(body.order_by, (order) => orderBy(node(order), scope)),
    limit: maybe(body.limit, (limit) => rowNumber("LIMIT", node(limit))),
    offset: maybe(body.offset, (offset) => rowNumber("OFFSET", node(offset))),
    with: withClause?.node ?? null,
    windows: maybe(body.windows, (windows) =>
      list(windows).map((w) => {
        only("WINDOW", node(w), ["name", "spec"]);
        return { ...node(w), name: identifier(node(w).name), spec: windowSpec(node(node(w).spec), scope) };
      }),
    ),
  });
}

function setOperation(kind: string, body: SqlNode, outer: Scope): SqlNode {
  only(kind.toUpperCase(), body, ["left", "right", "all", "order_by", "limit", "offset", "with"]);
  const withClause = maybe(body.with, (w) => withQueries(node(w), outer));
  const scope = withClause?.scope ?? outer;
  const count = (value: unknown) => maybe(value, (v) => limitValue(kind.toUpperCase(), v));
  return clean({
    ...body,
    left: query(node(body.left), scope),
    right: query(node(body.right), scope),
    order_by: maybe(body.order_by, (order) => orderBy(node(order), scope)),
    limit: count(body.limit),
    offset: count(body.offset),
    with: withClause?.node ?? null,
  });
}

function withQueries(body: SqlNode, outer: Scope): { node: SqlNode; scope: Scope } {
  only("WITH", body, ["ctes"]);
  const scope = new Set(outer);
  const ctes = list(body.ctes).map((value) => {
    const cte = node(value);
    only("WITH", cte, ["alias", "this", "columns"]);
    const name = nameOf(cte.alias);
    if (!isPlainName(name)) refuse(`the name ${JSON.stringify(name)} in WITH`);
    const inner = query(node(cte.this), scope);
    scope.add(name.toLowerCase());
    return { ...cte, alias: identifier(cte.alias), columns: list(cte.columns).map(identifier), this: inner };
  });
  return { node: clean({ ...body, ctes }), scope };
}

function subquery(body: SqlNode, scope: Scope): SqlNode {
  only("a subquery", body, ["this", "alias", "column_aliases", "order_by", "limit", "offset"]);
  if (body.order_by || body.limit || body.offset) refuse("ORDER BY or LIMIT after a parenthesised query");
  return clean({
    ...body,
    this: query(node(body.this), scope),
    alias: maybe(body.alias, identifier),
    column_aliases: list(body.column_aliases).map(identifier),
  });
}

function relation(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  if (kind === "subquery") return { subquery: subquery(body, scope) };
  if (kind === "function") return refuse(`the table function ${String(body.name)}`);
  if (kind !== "table") return refuse(`${kind.replaceAll("_", " ")} in FROM`);
  if (body.schema || body.catalog) {
    return refuse(
      `the path ${[body.catalog, body.schema, body.name].filter(Boolean).map(nameOf).join(".")} in FROM (only names given in views)`,
    );
  }
  only("a table", body, ["name", "alias", "column_aliases"]);
  const name = nameOf(body.name);
  if (!scope.has(name.toLowerCase())) {
    return refuse(`the table ${JSON.stringify(name)} in FROM (views has ${[...scope].join(", ") || "none"})`);
  }
  return {
    table: clean({
      ...body,
      name: identifier(body.name),
      alias: maybe(body.alias, identifier),
      column_aliases: list(body.column_aliases).map(identifier),
    }),
  };
}

const JOINS: Readonly<Record<string, string>> = {
  Inner: "Inner",
  Left: "Left",
  Right: "Right",
  Full: "Full",
  Cross: "Cross",
  LeftSemi: "Semi",
  LeftAnti: "Anti",
};

function join(body: SqlNode, scope: Scope): SqlNode {
  only("JOIN", body, ["this", "on", "using", "kind"]);
  const kind = JOINS[String(body.kind)];
  if (kind === undefined) return refuse(`the join ${String(body.kind)}`);
  return clean({
    ...body,
    kind,
    use_outer_keyword: false,
    this: relation(body.this, scope),
    on: maybe(body.on, (on) => expression(on, scope)),
    using: list(body.using).map(identifier),
  });
}

function orderBy(body: SqlNode, scope: Scope): SqlNode {
  only("ORDER BY", body, ["expressions"]);
  return clean({ ...body, expressions: list(body.expressions).map((o) => ordered(node(o), scope)) });
}

/** Spark puts nulls first when ascending and last when descending; written out, it holds whatever DuckDB's setting. */
function ordered(body: SqlNode, scope: Scope): SqlNode {
  only("ORDER BY", body, ["this", "desc", "nulls_first"]);
  const desc = body.desc === true;
  const nullsFirst = typeof body.nulls_first === "boolean" ? body.nulls_first : !desc;
  return clean({ ...body, this: expression(body.this, scope), desc, nulls_first: nullsFirst });
}

const BINARY = new Set(["add", "mul", "eq", "neq", "lt", "lte", "gt", "gte", "and", "or", "null_safe_eq"]);

function expression(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  const ex = (v: unknown) => expression(v, scope);
  if (BINARY.has(kind) || kind === "sub" || kind === "div" || kind === "mod" || kind === "concat")
    return binary(kind, body, scope);
  if (AGGREGATES.has(kind)) {
    only(kind, body, ["this", "distinct", "filter", "name"]);
    return { [kind]: clean({ ...body, this: ex(body.this), filter: maybe(body.filter, ex) }) };
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
      return parameter(body);
    case "paren":
      only("( )", body, ["this"]);
      return { paren: clean({ ...body, this: ex(body.this) }) };
    case "neg":
    case "not":
      only(kind, body, ["this"]);
      return { [kind]: clean({ ...body, this: ex(body.this) }) };
    case "is_null":
      only("IS NULL", body, ["this", "not"]);
      return { is_null: clean({ ...body, this: ex(body.this) }) };
    case "between":
      only("BETWEEN", body, ["this", "low", "high", "not"]);
      return { between: clean({ ...body, this: ex(body.this), low: ex(body.low), high: ex(body.high) }) };
    case "in":
      only("IN", body, ["this", "expressions", "query", "not"]);
      return {
        in: clean({
          ...body,
          this: ex(body.this),
          expressions: list(body.expressions).map(ex),
          query: maybe(body.query, (q) => query(node(q), scope)),
        }),
      };
    case "exists":
      only("EXISTS", body, ["this", "not"]);
      return { exists: clean({ ...body, this: query(node(body.this), scope) }) };
    case "subquery":
      return { subquery: subquery(body, scope) };
    case "like":
      only("LIKE", body, ["left", "right"]);
      if (literalOf(node(body.right), "string") === undefined) return refuse("LIKE with a pattern that is no constant");
      if (literalOf(node(body.right), "string")?.includes("\\")) return refuse("LIKE with a backslash in its pattern");
      return { like: clean({ ...body, left: ex(body.left), right: ex(body.right) }) };
    case "case":
      only("CASE", body, ["operand", "whens", "else_"]);
      return {
        case: clean({
          ...body,
          operand: maybe(body.operand, ex),
          whens: list(body.whens).map((when) => list(when).map(ex)),
          else_: maybe(body.else_, ex),
        }),
      };
    case "cast":
      return cast(body, scope);
    case "count":
      only("count", body, ["this", "star", "distinct", "filter"]);
      return { count: clean({ ...body, this: maybe(body.this, ex), filter: maybe(body.filter, ex) }) };
    case "trim":
      only("trim", body, ["this", "position"]);
      if (body.position !== "Both") return refuse(`trim ${String(body.position)}`);
      return scalar("trim", [node(body.this)], scope);
    case "function":
      only(`the function ${String(body.name)}`, body, ["name", "args"]);
      return scalar(String(body.name), list(body.args).map(node), scope);
    case "aggregate_function":
      return refuse(`the function ${String(body.name)}`);
    case "window_function":
      only("OVER", body, ["this", "over"]);
      return {
        window_function: clean({ ...body, this: windowed(body.this, scope), over: windowSpec(node(body.over), scope) }),
      };
    case "interval":
      return refuse("INTERVAL anywhere but after + or - (use date_add, date_sub or add_months for dates)");
    default:
      return refuse(`the function or form ${kind}`);
  }
}

function scalar(name: string, source: readonly SqlNode[], scope: Scope): SqlNode {
  const known = SCALAR_FUNCTIONS.get(name.toLowerCase());
  if (!known) return refuse(`the function ${name}`);
  if (source.length < known.min || source.length > known.max) return refuse(`${name} with ${source.length} arguments`);
  return known.rewrite(
    source.map((arg) => expression(arg, scope)),
    source,
  );
}

function binary(kind: string, body: SqlNode, scope: Scope): SqlNode {
  only(kind, body, ["left", "right"]);
  const right = node(body.right);
  if ((kind === "add" || kind === "sub") && "interval" in right) {
    return call(kind === "add" ? "spark_plus_interval" : "spark_minus_interval", [
      expression(body.left, scope),
      interval(node(right.interval)),
    ]);
  }
  const sides = [expression(body.left, scope), expression(right, scope)];
  if (kind === "sub") return call("spark_sub", sides);
  if (kind === "div") return call("spark_div", sides);
  if (kind === "mod") return call("spark_mod", sides);
  if (kind === "concat") return SCALAR_FUNCTIONS.get("concat")!.rewrite(sides, sides);
  return { [kind]: clean({ ...body, left: sides[0], right: sides[1] }) };
}

const CASTS: Readonly<Record<string, string>> = {
  big_int: "bigint",
  bigint: "bigint",
  long: "bigint",
  int: "int",
  integer: "int",
  small_int: "smallint",
  smallint: "smallint",
  tiny_int: "tinyint",
  tinyint: "tinyint",
  double: "double",
  date: "date",
  timestamp: "timestamp",
  boolean: "boolean",
  string: "string",
  text: "string",
};

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

function windowed(value: unknown, scope: Scope): SqlNode {
  const [kind, body] = open(value);
  switch (kind) {
    case "row_number":
    case "rank":
    case "dense_rank":
      only(kind, body, []);
      return node(value);
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
      if (kind === "count" || AGGREGATES.has(kind)) return expression(value, scope);
      return refuse(
        `the window function ${kind === "function" || kind === "aggregate_function" ? String(body.name) : kind}`,
      );
  }
}

function windowSpec(body: SqlNode, scope: Scope): SqlNode {
  only("OVER", body, ["window_name", "partition_by", "order_by", "frame"]);
  return clean({
    ...body,
    window_name: maybe(body.window_name, identifier),
    partition_by: list(body.partition_by).map((v) => expression(v, scope)),
    order_by: list(body.order_by).map((o) => ordered(node(o), scope)),
    frame: maybe(body.frame, (f) => frame(node(f))),
  });
}
