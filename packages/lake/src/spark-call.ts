import { onceOf, USES } from "./spark-macros.ts";
import type { SqlNode } from "./sql-tree.ts";

/** Nodes of the tree that a macro's call may expand to; beyond, its arguments are computed once. */
const MOST_NODES = 800;

const sizes = new WeakMap<object, number>();

/** How many nodes DuckDB sees after it has expanded the macros. */
function expanded(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  const size = Object.values(value).reduce((sum: number, inner) => sum + expanded(inner), Array.isArray(value) ? 0 : 1);
  sizes.set(value, size);
  return size;
}

/** A call of a DuckDB function or macro; of the macro's twin where that is better and may stand. */
export function call(name: string, args: readonly SqlNode[], twins = true): SqlNode {
  const uses = USES.get(name) ?? [];
  const size = args.reduce((sum, arg, i) => sum + (uses[i] ?? 1) * expanded(arg), 1);
  const once = twins && size > MOST_NODES && uses.some((n) => n > 1);
  const made = {
    function: {
      name: once ? onceOf(name) : name,
      args,
      distinct: false,
      trailing_comments: [],
      use_bracket_syntax: false,
      no_parens: false,
      quoted: false,
    },
  };
  if (!once) sizes.set(made, size);
  return made;
}

/** The same without twins, for HAVING, where DuckDB binds no lambda; undefined where that would grow too large. */
export function withoutTwins(value: unknown): unknown {
  const plain = rename(value);
  return expanded(plain) > MOST_NODES * 10 ? undefined : plain;
}

function rename(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rename);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, rename(each)]));
  const made = inner["function"];
  if (typeof made !== "object" || made === null || !("name" in made) || !("args" in made)) return inner;
  const [name, args] = [String(made.name).replace(/_once$/, ""), made.args];
  return USES.has(name) && Array.isArray(args) ? call(name, args, false) : inner;
}
