import type { LinearScores } from "./linear.ts";
import { definitionOf, linkOf, type Model } from "./model.ts";
import { ProtobufWriter } from "./protobuf.ts";
import type { TreeEnsemble } from "./tree-ensemble.ts";

const FLOAT = 1;
const INT64 = 7;
/** Operator sets: ai.onnx 17 and ai.onnx.ml 3, IR version 8 (ONNX 1.12, 2022). */
const OPSET = 17;
const ML_OPSET = 3;
const ML = "ai.onnx.ml";

/**
 * The model as an ONNX file. Input `input`: float [N, F], columns in the order of `featureNames`, NaN where missing.
 * Outputs of a classifier: `label` int64 [N] and `probabilities` float [N, C]; of a regression: `prediction` float [N, 1].
 *
 * Trees take values rounded to float32 here and there, so rows take the same way; sums in float32 differ by about 1e-6, so
 * the label of a row whose two best classes are that close may differ. Logistic regression loses digits where a column's
 * mean is large beside its standard deviation.
 *
 * Trees are written as TreeEnsembleRegressor: ONNX Runtime 1.30's TreeEnsembleClassifier gives wrong scores or labels for
 * two classes.
 */
export function toOnnx(model: Model): Uint8Array {
  const definition = definitionOf(model);
  const { scores, featureNames, classes } = definition;
  const graph = new GraphWriter();
  const raw = scores.kind === "trees" ? addTrees(graph, scores) : addLinear(graph, scores);
  const link = linkOf(definition);
  if (link === "identity") {
    graph.node("Identity", [raw], "prediction");
    graph.output("prediction", FLOAT, 1);
  } else {
    let probabilities = raw;
    if (link === "sigmoid") probabilities = graph.node("Sigmoid", [probabilities], "second");
    if (link === "softmax") probabilities = graph.node("Softmax", [probabilities], "shares", [intAttribute("axis", 1)]);
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
  return new ProtobufWriter()
    .int(1, 8)
    .string(2, "@dagwright/learn")
    .message(7, graph.finish(definition.algorithm, featureNames.length))
    .message(8, opset("", OPSET))
    .message(8, opset(ML, ML_OPSET))
    .message(14, new ProtobufWriter().string(1, "features").string(2, JSON.stringify(featureNames)))
    .finish()
    .slice();
}

function addTrees(graph: GraphWriter, trees: TreeEnsemble): string {
  const { roots, treeOutput, feature, threshold, left, right, missingLeft, leafValues, leafWidth } = trees;
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
    floatsAttribute("nodes_values", threshold),
    intsAttribute("nodes_truenodeids", trueIds),
    intsAttribute("nodes_falsenodeids", falseIds),
    intsAttribute("nodes_missing_value_tracks_true", missingLeft),
    intsAttribute("target_treeids", target.trees),
    intsAttribute("target_nodeids", target.nodes),
    intsAttribute("target_ids", target.ids),
    floatsAttribute("target_weights", target.weights),
  ];
  return graph.node("TreeEnsembleRegressor", ["input"], "scores", attributes, ML);
}

function addLinear(graph: GraphWriter, { outputs, mean, scale, weights, intercept }: LinearScores): string {
  const features = mean.length;
  const means = graph.floats("mean", [1, features], mean);
  const missing = graph.node("IsNaN", ["input"], "missing");
  const filled = graph.node("Where", [missing, means, "input"], "filled");
  const centred = graph.node("Sub", [filled, means], "centred");
  const scaled = graph.node("Div", [centred, graph.floats("scale", [1, features], scale)], "scaled");
  const inputs = [
    scaled,
    graph.floats("weights", [outputs, features], weights),
    graph.floats("intercept", [outputs], intercept),
  ];
  return graph.node("Gemm", inputs, "scores", [intAttribute("transB", 1)]);
}

/** Collects the nodes, constants and outputs of a graph (onnx.proto's GraphProto). */
class GraphWriter {
  readonly #graph = new ProtobufWriter();

  /** Adds a node with one output; returns the output's name. */
  node(
    type: string,
    inputs: readonly string[],
    output: string,
    attributes: readonly ProtobufWriter[] = [],
    domain = "",
  ): string {
    const node = new ProtobufWriter();
    for (const input of inputs) node.string(1, input);
    node.string(2, output).string(3, output).string(4, type);
    for (const attribute of attributes) node.message(5, attribute);
    if (domain !== "") node.string(7, domain);
    this.#graph.message(1, node);
    return output;
  }

  floats(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    return this.#tensor(name, dims, FLOAT, new Uint8Array(Float32Array.from(values).buffer));
  }

  ints(name: string, values: readonly number[]): string {
    return this.#tensor(name, [values.length], INT64, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  output(name: string, elements: number, width?: number): void {
    this.#graph.message(12, valueInfo(name, elements, width));
  }

  finish(name: string, features: number): ProtobufWriter {
    return this.#graph.string(2, name).message(11, valueInfo("input", FLOAT, features));
  }

  #tensor(name: string, dims: readonly number[], type: number, raw: Uint8Array): string {
    this.#graph.message(5, new ProtobufWriter().ints(1, dims).int(2, type).string(8, name).bytes(9, raw));
    return name;
  }
}

/** A tensor of N rows, and of `width` columns where it has any. */
function valueInfo(name: string, elements: number, width?: number): ProtobufWriter {
  const shape = new ProtobufWriter().message(1, new ProtobufWriter().string(2, "N"));
  if (width !== undefined) shape.message(1, new ProtobufWriter().int(1, width));
  const tensor = new ProtobufWriter().int(1, elements).message(2, shape);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

// AttributeProto: name 1, i 3, s 4, floats 7, ints 8, strings 9, type 20.
const attribute = (name: string, type: number) => new ProtobufWriter().string(1, name).int(20, type);
const intAttribute = (name: string, value: number) => attribute(name, 2).int(3, value);
const stringAttribute = (name: string, value: string) => attribute(name, 3).string(4, value);
const floatsAttribute = (name: string, values: ArrayLike<number>) => attribute(name, 6).floats(7, values);
const intsAttribute = (name: string, values: ArrayLike<number>) => attribute(name, 7).ints(8, values);
function stringsAttribute(name: string, values: readonly string[]): ProtobufWriter {
  const writer = attribute(name, 8);
  for (const value of values) writer.string(9, value);
  return writer;
}
