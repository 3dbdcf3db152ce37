import { type DenseScores, layersOf } from "./dense.ts";
import { foreignBytes } from "./foreign/foreign-model.ts";
import type { LinearScores } from "./linear.ts";
import { definitionOf, linkOf, type Model } from "./model.ts";
import { addCalibration } from "./onnx-calibration.ts";
import {
  DOUBLE,
  FLOAT,
  floatsAttribute,
  GraphWriter,
  INT64,
  intAttribute,
  intsAttribute,
  ML,
  stringAttribute,
  stringsAttribute,
} from "./onnx-graph.ts";
import { addInputs } from "./onnx-inputs.ts";
import { ProtobufWriter } from "./protobuf.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

/** Operator sets: ai.onnx 17 and ai.onnx.ml 3, IR version 8 (ONNX 1.12, 2022). */
const OPSET = 17;
const ML_OPSET = 3;

/**
 * The model as an ONNX file, its preprocessing included. Input `input`: float [N, F], columns in the order of
 * `featureNames`, NaN where missing; where a feature is a text, an input for each feature by its name instead, [N, 1],
 * "" for a missing text. Outputs of a classifier: `label` int64 [N] and `probabilities` float [N, C]; of a regression:
 * `prediction` float [N, 1].
 *
 * Trees take values rounded to float32 here and there, so rows take the same way; sums in float32 differ by about 1e-6, so
 * the label of a row whose two best classes are that close may differ. A category that the model refuses
 * (`handle_unknown: "error"`) counts as missing here.
 *
 * Numbers come in as float32: where a column's values need more digits (1,700,000,000 and 1,700,000,050 are one float32),
 * the file says what the model says of the rounded value. An isotonic calibration magnifies such differences where its
 * curve is steep.
 *
 * Trees are written as TreeEnsembleRegressor: ONNX Runtime 1.30's TreeEnsembleClassifier gives wrong scores or labels for
 * two classes.
 */
export function toOnnx(model: Model): Uint8Array {
  const foreign = foreignBytes(model);
  if (foreign !== undefined) return foreign.slice();
  const definition = definitionOf(model);
  const { scores, classes, inputs } = definition;
  const graph = new GraphWriter();
  const seen = addInputs(graph, inputs, scores.kind === "trees" ? FLOAT : DOUBLE);
  const raw =
    scores.kind === "trees"
      ? addTrees(graph, scores, seen)
      : scores.kind === "dense"
        ? addDense(graph, scores, seen)
        : addLinear(graph, scores, seen);
  const link = linkOf(definition);
  if (link === "identity" || link === "exp") {
    graph.node(link === "exp" ? "Exp" : "Identity", [raw], "prediction");
    graph.output("prediction", FLOAT, 1);
  } else {
    let probabilities = raw;
    if (definition.calibration !== undefined) probabilities = addCalibration(graph, definition.calibration, raw);
    else if (link === "sigmoid") probabilities = graph.node("Sigmoid", [probabilities], "second");
    else if (link === "softmax")
      probabilities = graph.node("Softmax", [probabilities], "shares", [intAttribute("axis", 1)]);
    if (classes.length === 2) {
      const one = graph.floats("one", [1], [1]);
      const first = graph.node("Sub", [one, probabilities], "first");
      probabilities = graph.node("Concat", [first, probabilities], "both", [intAttribute("axis", 1)]);
    }
    graph.node("Identity", [probabilities], "probabilities");
    const best = graph.node("ArgMax", [probabilities], "best", [intAttribute("axis", 1), intAttribute("keepdims", 0)]);
    graph.node("Gather", [graph.ints("classes", classes), best], "label", [intAttribute("axis", 0)]);
    graph.output("label", INT64);
    graph.output("probabilities", FLOAT, classes.length);
  }
  const opset = (domain: string, version: number) => new ProtobufWriter().string(1, domain).int(2, version);
  const features = JSON.stringify(inputs.map(({ name }) => name));
  return new ProtobufWriter()
    .int(1, 8)
    .string(2, "@dagwright/learn")
    .message(7, graph.finish(definition.algorithm))
    .message(8, opset("", OPSET))
    .message(8, opset(ML, ML_OPSET))
    .message(14, new ProtobufWriter().string(1, "features").string(2, features))
    .finish()
    .slice();
}

function addTrees(graph: GraphWriter, trees: TreeEnsemble, seen: string): string {
  const { roots, treeOutput, threshold, left, right, leafValues, leafWidth } = trees;
  const { input, feature, thresholds } = addSets(graph, trees, seen);
  const nodes = feature.length;
  const treeIds = new Int32Array(nodes);
  const nodeIds = new Int32Array(nodes);
  const trueIds = new Int32Array(nodes);
  const falseIds = new Int32Array(nodes);
  const target = { trees: [] as number[], nodes: [] as number[], ids: [] as number[], weights: [] as number[] };
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree]!;
    for (let node = root; node < (roots[tree + 1] ?? nodes); node++) {
      treeIds[node] = tree;
      nodeIds[node] = node - root;
      if (feature[node] !== -1) {
        trueIds[node] = left[node]! - root;
        falseIds[node] = right[node]! - root;
        continue;
      }
      for (let k = 0; k < leafWidth; k++) {
        target.trees.push(tree);
        target.nodes.push(node - root);
        target.ids.push(treeOutput[tree]! + k);
        target.weights.push(leafValues[left[node]! * leafWidth + k]!);
      }
    }
  }
  const attributes = [
    intAttribute("n_targets", trees.outputs),
    stringAttribute("aggregate_function", trees.average ? "AVERAGE" : "SUM"),
    stringAttribute("post_transform", "NONE"),
    floatsAttribute("base_values", trees.base),
    intsAttribute("nodes_treeids", treeIds),
    intsAttribute("nodes_nodeids", nodeIds),
    intsAttribute(
      "nodes_featureids",
      feature.map((column) => Math.max(0, column)),
    ),
    stringsAttribute(
      "nodes_modes",
      Array.from(feature, (column) => (column === -1 ? "LEAF" : "BRANCH_LEQ")),
    ),
    floatsAttribute("nodes_values", thresholds ?? threshold),
    intsAttribute("nodes_truenodeids", trueIds),
    intsAttribute("nodes_falsenodeids", falseIds),
    intsAttribute(
      "nodes_missing_value_tracks_true",
      trees.flags.map((flag) => flag & 1),
    ),
    intsAttribute("target_treeids", target.trees),
    intsAttribute("target_nodeids", target.nodes),
    intsAttribute("target_ids", target.ids),
    floatsAttribute("target_weights", target.weights),
  ];
  return graph.node("TreeEnsembleRegressor", [input], "scores", attributes, ML);
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

/** In double precision, so that a column whose mean is large beside its deviation keeps its digits. */
function addLinear(
  graph: GraphWriter,
  { outputs, mean, scale, weights, intercept }: LinearScores,
  seen: string,
): string {
  const features = mean.length;
  const scaled = addStandardised(graph, mean, scale, seen);
  const inputs = [
    scaled,
    graph.doubles("weights", [outputs, features], weights),
    graph.doubles("intercept", [outputs], intercept),
  ];
  const sums = graph.node("Gemm", inputs, "sums", [intAttribute("transB", 1)]);
  return graph.node("Cast", [sums], "scores", [intAttribute("to", FLOAT)]);
}

function addStandardised(graph: GraphWriter, mean: Float64Array, scale: Float64Array, seen: string): string {
  const means = graph.doubles("mean", [1, mean.length], mean);
  const missing = graph.node("IsNaN", [seen], "missing");
  const double = graph.node("Cast", [seen], "double", [intAttribute("to", DOUBLE)]);
  const filled = graph.node("Where", [missing, means, double], "filled");
  const centred = graph.node("Sub", [filled, means], "centred");
  return graph.node("Div", [centred, graph.doubles("scale", [1, mean.length], scale)], "scaled");
}

const ACTIVATION_OPERATORS = { relu: "Relu", tanh: "Tanh", logistic: "Sigmoid", identity: "Identity" } as const;

function addDense(graph: GraphWriter, dense: DenseScores, seen: string): string {
  const { activation, sizes, weights } = dense;
  const layers = layersOf(sizes);
  let values = addStandardised(graph, dense.mean, dense.scale, seen);
  for (const [place, { before, units, weights: from, biases }] of layers.entries()) {
    const matrix = graph.doubles(`weights_${place}`, [before, units], weights.subarray(from, biases));
    const shift = graph.doubles(`biases_${place}`, [units], weights.subarray(biases, biases + units));
    values = graph.node("Gemm", [values, matrix, shift], `sums_${place}`);
    if (place < layers.length - 1) values = graph.node(ACTIVATION_OPERATORS[activation], [values], `layer_${place}`);
  }
  return graph.node("Cast", [values], "scores", [intAttribute("to", FLOAT)]);
}
