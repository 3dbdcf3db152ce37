import type { DagGraph, GraphNode } from "../core/graph.ts";

/** One field that is another in the later graph; what is missing on a side was not there. */
export interface FieldChange {
  /** Dotted: `policy.retries`, `schedule.expressions`. */
  readonly field: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What makes a graph another than it was. The same for the same two graphs, whatever the order of their fields. */
export interface GraphDifference {
  readonly dagId: string;
  readonly before: string;
  readonly after: string;
  /** Of the DAG itself: schedule, params, output, … */
  readonly dag: readonly FieldChange[];
  /** Ids of nodes, in the order of the graph that has them. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly id: string; readonly fields: readonly FieldChange[] }[];
}

/** Compares two graphs of a DAG: nodes by their ids, everything else field by field; the order of nodes is none. */
export function differenceOf(before: DagGraph, after: DagGraph): GraphDifference {
  const { nodes: former, version: from, dagId: _, ...dagBefore } = before;
  const { nodes: latter, version: to, dagId, ...dagAfter } = after;
  const nodesBefore = new Map(former.map((node) => [node.id, node]));
  const nodesAfter = new Map(latter.map((node) => [node.id, node]));
  const changed = latter.flatMap((node) => {
    const other = nodesBefore.get(node.id);
    const fields = other === undefined ? [] : changesOf(other, node);
    return fields.length === 0 ? [] : [{ id: node.id, fields }];
  });
  const without = (nodes: readonly GraphNode[], others: ReadonlyMap<string, GraphNode>) =>
    nodes.flatMap(({ id }) => (others.has(id) ? [] : [id]));
  return {
    dagId,
    before: from,
    after: to,
    dag: changesOf(dagBefore, dagAfter),
    added: without(latter, nodesBefore),
    removed: without(former, nodesAfter),
    changed,
  };
}

/** Whether two graphs mean the same. */
export function isSame({ dag, added, removed, changed }: GraphDifference): boolean {
  return [dag, added, removed, changed].every((list) => list.length === 0);
}

/** A difference as lines: `+` added, `-` removed, `~` changed. */
export function differenceText(difference: GraphDifference): string {
  const { dagId, before, after, dag, added, removed, changed } = difference;
  if (isSame(difference)) return `${dagId}: no difference (${before} and ${after})`;
  const fields = (changes: readonly FieldChange[]) =>
    changes.map((one) => `    ${one.field}: ${valueText(one.before)} → ${valueText(one.after)}`);
  return [
    `${dagId}: ${before} → ${after}`,
    ...(dag.length === 0 ? [] : ["~ the DAG", ...fields(dag)]),
    ...removed.map((id) => `- ${id}`),
    ...added.map((id) => `+ ${id}`),
    ...changed.flatMap(({ id, fields: own }) => [`~ ${id}`, ...fields(own)]),
  ].join("\n");
}

function valueText(value: unknown): string {
  return value === undefined ? "none" : JSON.stringify(sorted(value));
}

function changesOf(before: unknown, after: unknown, path = ""): FieldChange[] {
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changesOf(before[name], after[name], path === "" ? name : `${path}.${name}`));
  }
  if (JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))) return [];
  return [{ field: path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}

/** The same value with the fields of its objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
