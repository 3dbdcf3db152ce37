import type { Expression, Json } from "./graph.ts";
import type { RunInfo, SchedulerState } from "./state.ts";
import { referenceTo, storedValueOf } from "./stored-value.ts";

/** What an expression may read of a run. */
export interface Readable extends Pick<SchedulerState, "params" | "run"> {
  /** The output of a node; undefined while it has none. */
  readonly outputOf: (id: string) => Json | undefined;
  /** The item that a mapped node's input is read for. */
  readonly item?: { readonly value: Json; readonly index: number };
}

/**
 * The value of an expression as the run stands. A node without an output (not ended, skipped, failed) reads `null`.
 * A field that an existing output does not have is left out of the object it was meant for, as JSON leaves out
 * `undefined`; in a list, or alone, it reads `null`.
 */
export function readExpression(expression: Expression, state: Pick<SchedulerState, "tasks" | "params" | "run">): Json {
  const { params, run, tasks } = state;
  return readBy(expression, { params, run, outputOf: (id) => tasks[id]?.output });
}

/** As `readExpression`, for whoever looks tasks up by a function. */
export function readBy(expression: Expression, state: Readable): Json {
  return read(expression, state) ?? null;
}

function read(expression: Expression, state: Readable): Json | undefined {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "node":
      return follow(state.outputOf(expression.node) ?? null, expression.path);
    case "params":
      return follow(state.params, expression.path);
    case "run":
      return follow(runValue(state.run), expression.path);
    case "item":
      return follow(state.item?.value ?? null, expression.path);
    case "index":
      return state.item?.index ?? null;
    case "array":
      return expression.items.map((item) => read(item, state) ?? null);
    case "object": {
      const fields = Object.entries(expression.fields).flatMap(([key, field]) => {
        const value = read(field, state);
        return value === undefined ? [] : [[key, value] as const];
      });
      return Object.fromEntries(fields);
    }
  }
}

/** The same expression with all read that can be read now: what is left hangs on the nodes `open`. */
export function bound(expression: Expression, state: Readable, open: ReadonlySet<string>): Expression {
  return bind(expression, state, open) ?? { kind: "literal", value: null };
}

function bind(expression: Expression, state: Readable, open: ReadonlySet<string>): Expression | undefined {
  if (!nodesRead(expression).some((id) => open.has(id))) {
    const value = read(expression, state);
    return value === undefined ? undefined : { kind: "literal", value };
  }
  if (expression.kind === "array")
    return { kind: "array", items: expression.items.map((item) => bound(item, state, open)) };
  if (expression.kind !== "object") return expression;
  const fields = Object.entries(expression.fields).flatMap(([key, field]) => {
    const left = bind(field, state, open);
    return left === undefined ? [] : [[key, left] as const];
  });
  return { kind: "object", fields: Object.fromEntries(fields) };
}

/** A run that no assets have started reads an empty list of their events. */
function runValue({ assetEvents = [], ...run }: RunInfo): Json {
  const events = assetEvents.map(({ source, ...event }) => ({ ...event, source: { ...source } }));
  return { ...run, assetEvents: events };
}

/** What stands at a path of a value; undefined when nothing does. */
export function follow(value: Json, path: readonly (string | number)[]): Json | undefined {
  let at: Json | undefined = value;
  for (const [place, step] of path.entries()) {
    if (at === null || at === undefined) return at;
    // What is kept elsewhere is looked into by whoever reads it.
    const stored = storedValueOf(at);
    if (stored !== null) return referenceTo({ ...stored, path: [...(stored.path ?? []), ...path.slice(place)] });
    if (Array.isArray(at)) at = at[Number(step)];
    // Own fields only: an output has no "constructor".
    else if (typeof at === "object" && Object.hasOwn(at, step)) at = (at as { readonly [key: string]: Json })[step];
    else return undefined;
  }
  return at;
}

/** The ids of the nodes that an expression reads. */
export function nodesRead(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "node":
      return [expression.node];
    case "array":
      return expression.items.flatMap(nodesRead);
    case "object":
      return Object.values(expression.fields).flatMap(nodesRead);
    default:
      return [];
  }
}
