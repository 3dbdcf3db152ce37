import type { Expression } from "../core/graph.ts";

declare const value: unique symbol;

/** Whatever stands for a `T` that exists once a run gets there. */
export interface RefTo<T> {
  readonly [value]: () => T;
}

/** The items that can be named without a check; any other number works too, but may be undefined to the compiler. */
type FirstIndices = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * A value of type `T` that exists once a run gets there. Fields and items are `Ref`s too: `model.metrics.val_f1`,
 * `rows[0].path`. A value that may be null has no fields: look at it in a `derive`.
 */
export type Ref<T> = RefTo<T> &
  ([T] extends [readonly (infer Item)[]]
    ? { readonly [Index in FirstIndices]: Ref<Item> } & { readonly [index: number]: Ref<Item> }
    : [T] extends [object]
      ? { readonly [Key in keyof T]-?: Ref<T[Key]> }
      : unknown);

/** A `Ref` of whatever. */
export type AnyRef = RefTo<unknown>;

/** The value behind a `Ref`, or behind a structure with `Ref`s in it. */
export type Resolved<R> =
  R extends RefTo<infer T> ? T : R extends object ? { -readonly [Key in keyof R]: Resolved<R[Key]> } : R;

/** A value, a `Ref` of it, or a structure of values and `Ref`s. */
export type Wired<T> =
  | T
  | RefTo<T>
  | (T extends readonly (infer Item)[]
      ? readonly Wired<Item>[]
      : T extends object
        ? { readonly [Key in keyof T]: Wired<T[Key]> } & { readonly [value]?: never }
        : never);

/** What hides behind a `Ref`: where to read, and which DAG body made it. */
export interface RefTarget {
  readonly expression: Extract<Expression, { readonly path: unknown }>;
  readonly owner: object;
}

const targets = new WeakMap<object, RefTarget>();

/** Asked for by `+`, `<`, `==` a number, and templates. */
function noValueYet(): never {
  throw new TypeError(
    "A Ref cannot be computed with: its value exists only once a run gets there. Compute in a derive, or in the task.",
  );
}

/** Makes a `Ref`: a proxy that grows its path with each field or item that is read. */
export function makeRef<T>(target: RefTarget): Ref<T> {
  const children = new Map<string, Ref<unknown>>();
  const proxy: object = new Proxy(Object.freeze({}), {
    get(_target, key) {
      if (key === Symbol.toPrimitive) return noValueYet;
      // A promise-like or printable thing it must not seem to be.
      if (typeof key === "symbol" || key === "then" || key === "toJSON") return undefined;
      let child = children.get(key);
      if (child === undefined) {
        const step = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : key;
        child = makeRef({ ...target, expression: { ...target.expression, path: [...target.expression.path, step] } });
        children.set(key, child);
      }
      return child;
    },
    ownKeys() {
      throw new TypeError(
        "A Ref cannot be spread or listed: its value exists only once a run gets there. Name its fields one by one.",
      );
    },
  });
  targets.set(proxy, target);
  // The proxy has no fields of its own; its type is what a DAG body may read of it.
  return proxy as Ref<T>;
}

/** What a value points at when it is a `Ref`, else undefined. */
export function targetOf(candidate: unknown): RefTarget | undefined {
  return typeof candidate === "object" && candidate !== null ? targets.get(candidate) : undefined;
}
