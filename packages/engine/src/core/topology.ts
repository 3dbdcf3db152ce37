import { nodesRead } from "./expression.ts";
import type { DagGraph, GraphNode } from "./graph.ts";

/** A graph seen from the scheduler: who waits for whom. Worked out once for each graph object. */
export interface Topology {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** The place of each node in the graph's list. */
  readonly indices: ReadonlyMap<string, number>;
  /** The places of a node's upstream nodes. */
  readonly upstream: ReadonlyMap<string, readonly number[]>;
  /** What may move on when a node ends: all that name it as upstream, and all that its fork decides about. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** The short circuits above a node, near and far. */
  readonly shortCircuits: ReadonlyMap<string, readonly string[]>;
  /** The nodes whose value decides whether a node runs: sources of its `when`, and the branches it stands in. */
  readonly deciders: ReadonlyMap<string, readonly string[]>;
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
    for (const id of [...node.upstream, ...circuits, ...asked]) dependents.get(id)?.add(node.id);
    shortCircuits.set(node.id, [...circuits]);
    deciders.set(node.id, [...asked]);
  }
  const indices = new Map(graph.nodes.map(({ id }, index) => [id, index]));
  return {
    nodes,
    indices,
    upstream: new Map(graph.nodes.map(({ id, upstream }) => [id, upstream.map((one) => indices.get(one) ?? -1)])),
    dependents: new Map([...dependents].map(([id, ids]) => [id, [...ids]])),
    shortCircuits,
    deciders,
    leaves: graph.nodes.filter(({ id, teardown }) => !teardown && !inner.has(id)).map(({ id }) => id),
    limited: graph.maxActiveTasks !== undefined || graph.nodes.some(({ pools }) => pools !== undefined),
  };
}
