import {
  floatsAttribute,
  type GraphWriter,
  INT64,
  intAttribute,
  longAttribute,
  ML,
  stringAttribute,
} from "./onnx-graph.ts";
import { ProtobufWriter } from "./protobuf.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

const LEAF = new TextEncoder().encode("LEAF");
const BRANCH = new TextEncoder().encode("BRANCH_LEQ");
/** Trees' nodes that are written before others may have the thread. */
const TURN = 2 ** 16;

/** Adds trees; gives their scores' name. It yields now and then: there may be tens of millions of nodes. */
export function* addTrees(graph: GraphWriter, trees: TreeEnsemble, seen: string): Generator<void, string> {
  const { roots, treeOutput, threshold, left, right, flags, leafValues, leafWidth } = trees;
  const { input, feature, thresholds } = addSets(graph, trees, seen);
  yield;
  const nodes = feature.length;
  /** What one attribute says of each node, in the order of the trees. */
  function* ofNodes(write: (values: ProtobufWriter, node: number, root: number, tree: number) => void) {
    const values = new ProtobufWriter();
    let since = 0;
    for (let tree = 0; tree < roots.length; tree++) {
      const root = roots[tree]!;
      const end = roots[tree + 1] ?? nodes;
      for (let node = root; node < end; node++) write(values, node, root, tree);
      since += end - root;
      if (since < TURN) continue;
      since = 0;
      yield;
    }
    return values;
  }
  function* ints(name: string, saidOf: (node: number, root: number, tree: number) => number) {
    const values = yield* ofNodes((to, node, root, tree) => to.varint(saidOf(node, root, tree)));
    return longAttribute(name, "ints", values);
  }
  function* ofLeaves(name: string, saidOf: (node: number, root: number, tree: number, k: number) => number) {
    const values = yield* ofNodes((to, node, root, tree) => {
      if (feature[node] === -1) for (let k = 0; k < leafWidth; k++) to.varint(saidOf(node, root, tree, k));
    });
    return longAttribute(name, "ints", values);
  }
  function* modes() {
    const values = yield* ofNodes((to, node) => to.bytes(9, feature[node] === -1 ? LEAF : BRANCH));
    return longAttribute("nodes_modes", "strings", values);
  }
  function* targetWeights() {
    const weights = new Float32Array(leavesOf(feature) * leafWidth);
    let at = 0;
    yield* ofNodes((_, node) => {
      if (feature[node] === -1)
        for (let k = 0; k < leafWidth; k++) weights[at++] = leafValues[left[node]! * leafWidth + k]!;
    });
    return floatsAttribute("target_weights", weights);
  }
  const childOf = (children: Int32Array) => (node: number, root: number) =>
    feature[node] === -1 ? 0 : children[node]! - root;
  const attributes = [
    intAttribute("n_targets", trees.outputs),
    stringAttribute("aggregate_function", trees.average ? "AVERAGE" : "SUM"),
    stringAttribute("post_transform", "NONE"),
    floatsAttribute("base_values", trees.base),
    yield* ints("nodes_treeids", (_node, _root, tree) => tree),
    yield* ints("nodes_nodeids", (node, root) => node - root),
    yield* ints("nodes_featureids", (node) => Math.max(0, feature[node]!)),
    yield* modes(),
    floatsAttribute("nodes_values", thresholds ?? threshold),
    yield* ints("nodes_truenodeids", childOf(left)),
    yield* ints("nodes_falsenodeids", childOf(right)),
    yield* ints("nodes_missing_value_tracks_true", (node) => flags[node]! & 1),
    yield* ofLeaves("target_treeids", (_node, _root, tree) => tree),
    yield* ofLeaves("target_nodeids", (node, root) => node - root),
    yield* ofLeaves("target_ids", (_node, _root, tree, k) => treeOutput[tree]! + k),
    yield* targetWeights(),
  ];
  return graph.node("TreeEnsembleRegressor", [input], "scores", attributes, ML);
}

function leavesOf(feature: Int32Array): number {
  let leaves = 0;
  for (let node = 0; node < feature.length; node++) if (feature[node] === -1) leaves++;
  return leaves;
}

/**
 * ONNX's trees know no sets of categories: each set becomes a column of its own, 0 where the category goes left and 1
 * where it goes right, looked up by the category's code.
 */
function addSets(graph: GraphWriter, { feature, threshold, flags, categories }: TreeEnsemble, seen: string) {
  /** Of each column of codes: the sets asked for, by their bytes. */
  const sets = new Map<number, Map<string, { at: number; bytes: Uint8Array }>>();
  for (let node = 0; node < feature.length; node++) {
    if (feature[node] === -1 || (flags[node]! & 2) === 0) continue;
    const bytes = categories.subarray(32 * threshold[node]!, 32 * threshold[node]! + 32);
    const known = sets.get(feature[node]!) ?? new Map();
    sets.set(feature[node]!, known);
    const key = bytes.join();
    if (!known.has(key)) known.set(key, { at: known.size, bytes });
  }
  if (sets.size === 0) return { input: seen, feature, thresholds: undefined };
  const parts: string[] = [];
  // The sets' columns stand before the columns seen.
  const first = new Map<number, number>();
  let next = 0;
  for (const [column, known] of sets) {
    first.set(column, next);
    next += known.size;
    const table = new Float32Array(256 * known.size);
    for (const { at, bytes } of known.values())
      for (let code = 0; code < 256; code++)
        table[code * known.size + at] = 1 - ((bytes[code >> 3]! >> (code & 7)) & 1);
    const code = graph.node("Gather", [seen, graph.ints(graph.fresh("place"), [column])], graph.fresh("codes"), [
      intAttribute("axis", 1),
    ]);
    const missing = graph.node("IsNaN", [code], graph.fresh("missing"));
    const none = graph.floats(graph.fresh("none"), [1, 1], [255]);
    const filled = graph.node("Where", [missing, none, code], graph.fresh("filled"));
    const index = graph.node("Cast", [filled], graph.fresh("index"), [intAttribute("to", INT64)]);
    const flat = graph.node("Reshape", [index, graph.ints(graph.fresh("shape"), [-1])], graph.fresh("flat"));
    const lookup = graph.floats(graph.fresh("sets"), [256, known.size], table);
    parts.push(graph.node("Gather", [lookup, flat], graph.fresh("sides"), [intAttribute("axis", 0)]));
  }
  const input = graph.node("Concat", [...parts, seen], "with_sets", [intAttribute("axis", 1)]);
  const shifted = feature.map((column) => (column === -1 ? -1 : column + next));
  const thresholds = threshold.slice();
  for (let node = 0; node < feature.length; node++) {
    if (feature[node] === -1 || (flags[node]! & 2) === 0) continue;
    const bytes = categories.subarray(32 * threshold[node]!, 32 * threshold[node]! + 32);
    shifted[node] = first.get(feature[node]!)! + sets.get(feature[node]!)!.get(bytes.join())!.at;
    thresholds[node] = 0.5;
  }
  return { input, feature: shifted, thresholds };
}
