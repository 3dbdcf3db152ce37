import type { DagGraph, GraphNode, NodeKind } from "../core/graph.ts";
import { type Box, boxesOf, edgesOf, traitsOf } from "./edges.ts";

/** Opening and closing of a node's shape in Mermaid. */
const SHAPES: Readonly<Record<NodeKind, readonly [string, string]>> = {
  task: ["[", "]"],
  derive: ["(", ")"],
  branch: ["{", "}"],
  short_circuit: ["{", "}"],
  wait: ["([", "])"],
  approval: ["[/", "/]"],
  subdag: ["[[", "]]"],
  trigger: ["[[", "]]"],
};

const DOT_SHAPES: Readonly<Record<NodeKind, string>> = {
  task: "box",
  derive: "ellipse",
  branch: "diamond",
  short_circuit: "diamond",
  wait: "oval",
  approval: "parallelogram",
  subdag: "box3d",
  trigger: "cds",
};

/** A graph as a Mermaid flowchart, for Markdown: GitHub draws it. */
export function mermaidOf(graph: DagGraph): string {
  const places = new Map(graph.nodes.map(({ id }, index) => [id, `n${index}`]));
  const nodeLine = (node: GraphNode) => {
    const [open, close] = SHAPES[node.kind];
    return `${places.get(node.id)}${open}"${mermaidText([node.id, ...traitsOf(node)].join("<br/>"))}"${close}`;
  };
  let groups = 0;
  const inside = ({ nodes, boxes }: Box, indent: string): string[] => [
    ...nodes.map((node) => `${indent}${nodeLine(node)}`),
    ...boxes.flatMap((box) => {
      groups += 1;
      return [
        `${indent}subgraph g${groups}["${mermaidText(box.name)}"]`,
        ...inside(box, `${indent}  `),
        `${indent}end`,
      ];
    }),
  ];
  const arrows = edgesOf(graph).map(({ from, to, label }) => {
    const arrow = label === undefined ? "-->" : `-->|"${mermaidText(label)}"|`;
    return `  ${places.get(from)} ${arrow} ${places.get(to)}`;
  });
  return ["flowchart LR", ...inside(boxesOf(graph), "  "), ...arrows].join("\n");
}

function mermaidText(text: string): string {
  return text.replaceAll('"', "#quot;");
}

/** A graph in Graphviz's language: `dagwright dags graph DAG --format dot | dot -Tsvg`. */
export function dotOf(graph: DagGraph): string {
  let groups = 0;
  const inside = ({ nodes, boxes }: Box, indent: string): string[] => [
    ...nodes.map((node) => {
      const label = [node.id, ...traitsOf(node)].join("\n");
      return `${indent}${dotText(node.id)} [label=${dotText(label)}, shape=${DOT_SHAPES[node.kind]}];`;
    }),
    ...boxes.flatMap((box) => {
      groups += 1;
      return [
        `${indent}subgraph cluster_${groups} {`,
        `${indent}  label=${dotText(box.name)};`,
        ...inside(box, `${indent}  `),
        `${indent}}`,
      ];
    }),
  ];
  const arrows = edgesOf(graph).map(
    ({ from, to, label }) =>
      `  ${dotText(from)} -> ${dotText(to)}${label === undefined ? "" : ` [label=${dotText(label)}]`};`,
  );
  const name = `digraph ${dotText(graph.dagId)} {`;
  return [name, "  rankdir=LR;", ...inside(boxesOf(graph), "  "), ...arrows, "}"].join("\n");
}

function dotText(text: string): string {
  return JSON.stringify(text);
}

/**
 * A graph as text, in steps: what stands in one step may run at the same time; each line names what the node waits for.
 */
export function textOf(graph: DagGraph): string {
  const steps = new Map<string, number>();
  for (const { id, upstream } of graph.nodes) {
    steps.set(id, 1 + Math.max(0, ...upstream.map((one) => steps.get(one) ?? 0)));
  }
  const sorted = graph.nodes.toSorted((a, b) => (steps.get(a.id) ?? 0) - (steps.get(b.id) ?? 0));
  const width = Math.max(0, ...graph.nodes.map(({ id }) => id.length));
  let last = 0;
  const lines = sorted.map((node) => {
    const step = steps.get(node.id) ?? 0;
    const number = step === last ? "" : String(step);
    last = step;
    const traits = traitsOf(node);
    const after = node.upstream.map((from) => {
      const key = node.arms?.find(({ branch }) => branch === from)?.key;
      return key === undefined ? from : `${from}:${key}`;
    });
    return [
      number.padStart(3),
      node.id.padEnd(width),
      ...(after.length === 0 ? [] : [`← ${after.join(", ")}`]),
      ...(traits.length === 0 ? [] : [`(${traits.join(", ")})`]),
      ...(node.group === undefined ? [] : [`[${node.group}]`]),
    ]
      .join("  ")
      .trimEnd();
  });
  return [`${graph.dagId} (version ${graph.version})`, ...lines].join("\n");
}
