import type { DagGraph, GraphNode } from "../core/graph.ts";

/** One arrow of a drawn graph. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** The key of the arm that begins with it. */
  readonly label?: string;
}

/** The arrows of a graph, in the order of its nodes. */
export function edgesOf({ nodes }: DagGraph): Edge[] {
  return nodes.flatMap((node) => node.upstream.map((from) => ({ from, to: node.id, ...labelOf(node, from) })));
}

function labelOf({ arms }: GraphNode, from: string): { label?: string } {
  const arm = arms?.find(({ branch }) => branch === from);
  return arm === undefined ? {} : { label: arm.key };
}

/** What a node is, besides its id: "mapped", "sensor", "after all_done". */
export function traitsOf(node: GraphNode): string[] {
  return [
    ...(node.kind === "task" ? (node.task === undefined || node.task === node.id ? [] : [node.task]) : [node.kind]),
    ...(node.dag === undefined ? [] : [node.dag]),
    ...(node.map === undefined ? [] : ["mapped"]),
    ...(node.sensor === undefined ? [] : ["sensor"]),
    ...(node.teardown === true ? ["teardown"] : []),
    ...(node.when === undefined ? [] : ["when"]),
    ...(node.triggerRule === "all_success" ? [] : [node.triggerRule]),
  ];
}

/** Nodes in their groups: a group within a group is inside the outer one. */
export interface Box {
  /** Dotted; empty for the whole. */
  readonly path: string;
  /** Its own part of the path. */
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly boxes: readonly Box[];
}

/** The groups of a graph as boxes in boxes. */
export function boxesOf({ nodes }: DagGraph): Box {
  const paths = new Set<string>();
  for (const { group = "" } of nodes) {
    const parts = group.split(".").filter(Boolean);
    for (let depth = 1; depth <= parts.length; depth += 1) paths.add(parts.slice(0, depth).join("."));
  }
  const boxAt = (path: string): Box => {
    const inner = [...paths].filter((one) => parentOf(one) === path && one !== "");
    return {
      path,
      name: path.slice(path.lastIndexOf(".") + 1),
      nodes: nodes.filter(({ group = "" }) => group === path),
      boxes: inner.map(boxAt),
    };
  };
  return boxAt("");
}

function parentOf(path: string): string {
  return path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
}
