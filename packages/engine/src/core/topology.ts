import { nodesRead } from "./expression.ts";
import type { DagGraph, Expression, GraphNode } from "./graph.ts";

/** A graph seen from the scheduler: who waits for whom. Worked out once for each graph object. */
export interface Topology {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** The place of each node in the graph's list. */
  readonly indices: ReadonlyMap<string, number>;
  /** What may move on when a node ends: all that name it as upstream, and all that its fork decides about. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** What a node hangs on: its upstream nodes, and the forks that decide about it. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  /** Mapped nodes whose list is the outputs of another mapped node, and that other one: item hangs on item. */
  readonly itemwise: ReadonlyMap<string, string>;
  /** The short circuits above a node, near and far. */
  readonly shortCircuits: ReadonlyMap<string, readonly string[]>;
  /** The nodes whose value decides whether a node runs: sources of its `when`, and the branches it stands in. */
  readonly deciders: ReadonlyMap<string, readonly string[]>;
  /** Nodes whose output the scheduler itself looks at: it has to travel with the run, however large it is. */
  readonly steering: ReadonlySet<string>;
  /** Nodes that nothing waits for but what cleans up: the run's state is theirs. */
  readonly leaves: readonly string[];
  /** Tasks take slots of pools, or wait for their turn in the run. */
  readonly limited: boolean;
}

const known = new WeakMap<DagGraph, Topology>();

/** The topology of a graph. */
export function topologyOf(graph: DagGraph): Topology {
  const found = known.get(graph);
  if (found !== undefined) return found;
  const topology = workOut(graph);
  known.set(graph, topology);
  return topology;
}

function workOut(graph: DagGraph): Topology {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const dependents = new Map<string, Set<string>>(graph.nodes.map(({ id }) => [id, new Set()]));
  const shortCircuits = new Map<string, readonly string[]>();
  const deciders = new Map<string, readonly string[]>();
  const dependencies = new Map<string, readonly string[]>();
  const itemwise = new Map<string, string>();
  const inner = new Set<string>();
  for (const node of graph.nodes) {
    const circuits = new Set<string>();
    for (const id of node.upstream) {
      if (!node.teardown) inner.add(id);
      for (const circuit of shortCircuits.get(id) ?? []) circuits.add(circuit);
      if (nodes.get(id)?.kind === "short_circuit") circuits.add(id);
    }
    const asked = new Set(node.when === undefined ? [] : nodesRead(node.when));
    for (const { branch } of node.arms ?? []) asked.add(branch);
    const before = new Set([...node.upstream, ...circuits, ...asked]);
    for (const id of before) dependents.get(id)?.add(node.id);
    dependencies.set(node.id, [...before]);
    const source = itemSourceOf(node, nodes);
    if (source !== null) itemwise.set(node.id, source);
    shortCircuits.set(node.id, [...circuits]);
    deciders.set(node.id, [...asked]);
  }
  const indices = new Map(graph.nodes.map(({ id }, index) => [id, index]));
  return {
    nodes,
    indices,
    dependencies,
    itemwise,
    dependents: new Map([...dependents].map(([id, ids]) => [id, [...ids]])),
    shortCircuits,
    deciders,
    steering: new Set(graph.nodes.flatMap((node) => steeredBy(node).flatMap(nodesRead))),
    leaves: graph.nodes.filter(({ id, teardown }) => !teardown && !inner.has(id)).map(({ id }) => id),
    limited: graph.maxActiveTasks !== undefined || graph.nodes.some(({ pools }) => pools !== undefined),
  };
}

/** What the scheduler reads of a node's expressions by itself; the rest it hands on. */
function steeredBy({ kind, when, map, input }: GraphNode): readonly Expression[] {
  const looked = kind === "task" || kind === "derive" ? [] : [input];
  return [...looked, ...(when === undefined ? [] : [when]), ...(map === undefined ? [] : [map.over])];
}

/** The mapped node whose outputs are a node's list, if it reads nothing else of it. */
function itemSourceOf({ map, input, when }: GraphNode, nodes: ReadonlyMap<string, GraphNode>): string | null {
  if (map?.over.kind !== "node" || map.over.path.length > 0) return null;
  const { node: source } = map.over;
  if (nodes.get(source)?.map === undefined) return null;
  const others = [...nodesRead(input), ...(when === undefined ? [] : nodesRead(when))];
  return others.includes(source) ? null : source;
}
