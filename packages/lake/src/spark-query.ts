import { duckText } from "./duck-text.ts";
import { isPlainName, quoteIdentifier } from "./names.ts";
import { family } from "./spark-alike.ts";
import { withoutTwins } from "./spark-call.ts";
import { condition, expression, ordered, type Scope, truth, windowSpec } from "./spark-expression.ts";
import { AGGREGATES } from "./spark-functions.ts";
import { limitValue, rowNumber } from "./spark-leaves.ts";
import { starsInOrder } from "./spark-star.ts";
import { clean, identifier, list, maybe, nameOf, node, only, open, refuse, type SqlNode } from "./sql-tree.ts";

/** A query's tree over views (names in lower case), rebuilt for DuckDB; what is not listed here is refused. */
export function rebuild(value: SqlNode, views: ReadonlySet<string>, o: Pick<Scope, "params" | "meets">): SqlNode {
  return query(value, { ...o, names: views, withs: [], query });
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
  const expressions = starsInOrder(list(body.expressions), list(body.joins)).map(ex);
  const ordering = maybe(body.order_by, (order) => orderBy(node(order), scope));
  return clean({
    ...body,
    expressions,
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
    ...groupCondition(
      maybe(
        maybe(body.having, (having) => withoutAliases(having, body)),
        (having) => {
          only("HAVING", node(having), ["this"]);
          return { this: truth(node(having).this, scope), comments: [] };
        },
      ),
      [expressions, ordering],
    ),
    order_by: ordering,
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

/**
 * HAVING for DuckDB. It binds no lambda there, and so no macro that computes its arguments once; where the others would
 * grow too large, the condition stands in QUALIFY, which comes after windows: the query may have none.
 */
function groupCondition(having: SqlNode | null, others: readonly unknown[]): SqlNode {
  if (having === null) return { having };
  const plain = withoutTwins(having);
  if (plain !== undefined) return { having: plain };
  const isWindow = (kind: string) => kind === "window_function";
  if ([having, ...others].some((each) => holds(each, isWindow)))
    return refuse("a HAVING nested this deeply beside a window (select it, and filter outside)");
  return { having: null, qualify: { this: { and: { ...SOME_WINDOW, left: { paren: { this: having.this } } } } } };
}

/** `… AND count(*) OVER () >= 0`: DuckDB wants a window in a QUALIFY. */
const SOME_WINDOW = {
  right: {
    gte: {
      left: {
        window_function: {
          this: { count: { this: null, star: true, distinct: false, filter: null, original_name: "count" } },
          over: { window_name: null, partition_by: [], order_by: [], frame: null, alias: null },
        },
      },
      right: { literal: { literal_type: "number", value: "0" } },
      left_comments: [],
      operator_comments: [],
      trailing_comments: [],
    },
  },
  left_comments: [],
  operator_comments: [],
  trailing_comments: [],
};

const isAggregate = (kind: string) => kind === "count" || AGGREGATES.has(kind);

/** Whether a tree has a node of a kind. */
function holds(value: unknown, wanted: (kind: string) => boolean): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(
    ([kind, inner]) => (wanted(kind) && typeof inner === "object" && inner !== null) || holds(inner, wanted),
  );
}

/**
 * Names of what is computed of aggregates in a HAVING, replaced by what they stand for: DuckDB refuses those that may
 * raise. Within an aggregate or another query a name is a column's, and so is the name of a column that is grouped by.
 */
function withoutAliases(having: unknown, { expressions, group_by }: SqlNode): unknown {
  const aliases = new Map<string, unknown>();
  for (const [kind, item] of list(expressions).map((each) => open(each))) {
    if (kind === "alias" && holds(item.this, isAggregate)) aliases.set(nameOf(item.alias).toLowerCase(), item.this);
  }
  for (const [kind, column] of list(maybe(group_by, (group) => node(group).expressions)).map((each) => open(each))) {
    if (kind === "column") aliases.delete(nameOf(column.name).toLowerCase());
  }
  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== "object" || value === null) return value;
    if ("column" in value && typeof value.column === "object" && value.column !== null) {
      const column = node(value.column);
      const meant = column.table ? undefined : aliases.get(nameOf(column.name).toLowerCase());
      return meant === undefined ? value : { paren: { this: meant, trailing_comments: [] } };
    }
    return Object.fromEntries(
      Object.entries(value).map(([kind, inner]) => [
        kind,
        isAggregate(kind) || kind === "select" ? inner : replace(inner),
      ]),
    );
  };
  return aliases.size === 0 ? having : replace(having);
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
  const [left, right] = [query(node(body.left), scope), query(node(body.right), scope)];
  const prefix = scope.withs.length > 0 ? `WITH ${scope.withs.join(", ")} ` : "";
  const columns = (side: SqlNode) => `${prefix}SELECT * FROM (${duckText(side)})`;
  scope.meets(kind.toUpperCase(), columns(left), columns(right));
  return clean({
    ...body,
    distinct: false, // it is what is meant without ALL
    left,
    right,
    order_by: maybe(body.order_by, (order) => orderBy(node(order), scope)),
    limit: count(body.limit),
    offset: count(body.offset),
    with: withClause?.node ?? null,
  });
}

function withQueries(body: SqlNode, outer: Scope): { node: SqlNode; scope: Scope } {
  only("WITH", body, ["ctes"]);
  const names = new Set(outer.names);
  const withs = [...outer.withs];
  const scope = { ...outer, names, withs };
  const ctes = list(body.ctes).map((value) => {
    const cte = node(value);
    only("WITH", cte, ["alias", "this", "columns"]);
    const name = nameOf(cte.alias);
    if (!isPlainName(name)) refuse(`the name ${JSON.stringify(name)} in WITH`);
    const inner = query(node(cte.this), scope);
    names.add(name.toLowerCase());
    const columns = list(cte.columns).map(identifier);
    const aliases = columns.length > 0 ? `(${columns.map((c) => quoteIdentifier(nameOf(c))).join(", ")})` : "";
    withs.push(`${quoteIdentifier(name)}${aliases} AS (${duckText(inner)})`);
    return { ...cte, alias: identifier(cte.alias), columns, this: inner };
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
    on: maybe(body.on, (on) => truth(on, scope)),
    using: list(body.using).map(identifier),
  });
}

function orderBy(body: SqlNode, scope: Scope): SqlNode {
  only("ORDER BY", body, ["expressions"]);
  return clean({ ...body, expressions: list(body.expressions).map((o) => ordered(node(o), scope)) });
}
