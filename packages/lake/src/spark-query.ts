import { isPlainName } from "./names.ts";
import { withoutTwins } from "./spark-call.ts";
import { condition, expression, ordered, type Scope, windowSpec } from "./spark-expression.ts";
import { AGGREGATES } from "./spark-functions.ts";
import { limitValue, rowNumber } from "./spark-leaves.ts";
import { clean, identifier, list, maybe, nameOf, node, only, open, refuse, type SqlNode } from "./sql-tree.ts";

/** A query's tree over views (names in lower case), rebuilt for DuckDB; what is not listed here is refused. */
export function rebuild(value: SqlNode, views: ReadonlySet<string>): SqlNode {
  return query(value, { names: views, query });
}

function query(value: SqlNode, scope: Scope): SqlNode {
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
  if (body.distinct === true) checkDistinctOrder(body);
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
    where_clause: maybe(body.where_clause, (where) => {
      only("WHERE", node(where), ["this"]);
      return { ...node(where), this: condition(node(where).this, scope), comments: [] };
    }),
    group_by: maybe(body.group_by, (group) => {
      only("GROUP BY", node(group), ["expressions"]);
      return { ...node(group), expressions: list(node(group).expressions).map(ex) };
    }),
    having: maybe(
      maybe(body.having, (having) => withoutAliases(having, list(body.expressions))),
      (having) => withoutTwins(these("HAVING")(having)),
    ),
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

/** DuckDB orders distinct rows by columns that are gone; Spark refuses it. */
function checkDistinctOrder(body: SqlNode): void {
  const items = list(body.expressions).map((item) => open(item));
  if (items.some(([kind]) => kind === "star")) return;
  const names = items.map(([kind, item]) =>
    kind === "alias" ? nameOf(item.alias).toLowerCase() : kind === "column" ? nameOf(item.name).toLowerCase() : "",
  );
  for (const key of list(maybe(body.order_by, (order) => node(order).expressions))) {
    const [kind, column] = open(node(key).this);
    const known = kind === "column" ? names.includes(nameOf(column.name).toLowerCase()) : kind === "literal";
    if (!known) refuse("ORDER BY of SELECT DISTINCT by anything but the selected columns");
  }
}

/** Names of selected aggregates in a HAVING, replaced by what they stand for: DuckDB refuses those that may raise. */
function withoutAliases(having: unknown, items: readonly unknown[]): unknown {
  const aliases = new Map<string, unknown>();
  for (const [kind, item] of items.map((each) => open(each))) {
    if (kind !== "alias") continue;
    const [inner] = open(item.this);
    if (inner === "count" || AGGREGATES.has(inner)) aliases.set(nameOf(item.alias).toLowerCase(), item.this);
  }
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== "object" || value === null) return value;
    if ("column" in value && typeof value.column === "object" && value.column !== null) {
      const column = node(value.column);
      const meant = column.table ? undefined : aliases.get(nameOf(column.name).toLowerCase());
      return meant ?? value;
    }
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)]));
  };
  return aliases.size === 0 ? having : replace(having);
}

const FAMILIES: Readonly<Record<string, string>> = {
  number: "number",
  string: "string",
  date: "date",
  timestamp: "timestamp",
};

/** What kind of value an expression is known to give, where that shows. */
function family(value: unknown): string | undefined {
  const [kind, body] = open(value);
  if (kind === "alias" || kind === "paren" || kind === "neg") return family(body.this);
  if (kind === "literal") return FAMILIES[String(body.literal_type)];
  if (kind === "boolean") return "boolean";
  if (kind !== "cast") return undefined;
  const type = String(node(body.to).data_type);
  if (FAMILIES[type] || type === "boolean") return FAMILIES[type] ?? type;
  return type === "text" || type === "var_char" ? "string" : "number";
}

/** Where columns of two kinds meet, Spark casts to one of them and DuckDB to the other. */
function checkFamilies(kind: string, left: unknown, right: unknown): void {
  const columns = (value: unknown): readonly unknown[] => {
    const [form, body] = open(value);
    if (form === "select") return list(body.expressions);
    return form === "union" || form === "intersect" || form === "except" ? columns(body.left) : [];
  };
  const [ours, theirs] = [columns(left), columns(right)];
  for (const [i, column] of ours.entries()) {
    const [a, b] = [family(column), theirs[i] === undefined ? undefined : family(theirs[i])];
    if (a !== undefined && b !== undefined && a !== b)
      refuse(`${kind.toUpperCase()} of a ${a} and a ${b} in column ${i + 1} (cast one of them)`);
  }
}

function setOperation(kind: string, body: SqlNode, outer: Scope): SqlNode {
  checkFamilies(kind, body.left, body.right);
  only(kind.toUpperCase(), body, ["left", "right", "all", "distinct", "order_by", "limit", "offset", "with"]);
  const withClause = maybe(body.with, (w) => withQueries(node(w), outer));
  const scope = withClause?.scope ?? outer;
  const count = (value: unknown) => maybe(value, (v) => limitValue(kind.toUpperCase(), v));
  return clean({
    ...body,
    distinct: false, // it is what is meant without ALL
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
  const names = new Set(outer.names);
  const scope = { ...outer, names };
  const ctes = list(body.ctes).map((value) => {
    const cte = node(value);
    only("WITH", cte, ["alias", "this", "columns"]);
    const name = nameOf(cte.alias);
    if (!isPlainName(name)) refuse(`the name ${JSON.stringify(name)} in WITH`);
    const inner = query(node(cte.this), scope);
    names.add(name.toLowerCase());
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
  if (!scope.names.has(name.toLowerCase())) {
    return refuse(`the table ${JSON.stringify(name)} in FROM (views has ${[...scope.names].join(", ") || "none"})`);
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
