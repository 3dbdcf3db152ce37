import { list, maybe, nameOf, node, open, refuse, type SqlNode } from "./sql-tree.ts";

/**
 * The `*`s of a SELECT in the order of Spark's columns, which puts those that a join is USING before all others; the
 * columns of the last join first.
 */
export function starsInOrder(expressions: readonly unknown[], joins: readonly unknown[]): readonly unknown[] {
  const using = joins.map((join) => list(node(join).using).map(nameOf)).filter((names) => names.length > 0);
  if (using.length === 0) return expressions;
  const all = [
    ...new Set(
      using
        .toReversed()
        .flat()
        .map((name) => name.toLowerCase()),
    ),
  ];
  return expressions.flatMap((expression) => {
    const [kind, star] = open(expression);
    if (kind !== "star") return [expression];
    if (star.table && using.length > 1)
      return refuse(`${nameOf(star.table)}.* beside two joins with USING (name its columns)`);
    const left = list(maybe(star.except, (names) => names)).map(nameOf);
    const first = all.filter((name) => !left.some((other) => other.toLowerCase() === name));
    const except = [...left, ...first].map((name) => ({ name, quoted: true }));
    return [...first.map((name) => column(name, star.table)), { star: { ...star, except } }];
  });
}

const column = (name: string, table: unknown): SqlNode => ({
  column: { name: { name, quoted: true }, table: table ?? null, join_mark: false, trailing_comments: [] },
});
