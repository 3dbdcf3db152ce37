import { type DenseScores, layersOf } from "./dense.ts";
import { LearnError } from "./errors.ts";
import { foreignBytes } from "./foreign/foreign-model.ts";
import type { LinearScores } from "./linear.ts";
import { definitionOf, linkOf, type Model } from "./model.ts";
import { addCalibration } from "./onnx-calibration.ts";
import { DOUBLE, FLOAT, GraphWriter, INT64, intAttribute, ML } from "./onnx-graph.ts";
import { addInputs } from "./onnx-inputs.ts";
import { addTrees } from "./onnx-trees.ts";
import { createPace, inOneGo, inTurns } from "./pace.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** Operator sets: ai.onnx 17 and ai.onnx.ml 3, IR version 8 (ONNX 1.12, 2022). */
const OPSET = 17;
const ML_OPSET = 3;
/** Protocol buffers hold no more. */
const MOST_FILE_BYTES = 2 ** 31 - 1;

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
 * @throws LearnError TOO_LARGE for a file of 2 GiB, which the format does not hold
 */
export function toOnnx(model: Model): Uint8Array {
  return inOneGo(writeOnnx(model));
}

/**
 * `toOnnx` that lets others in: a large forest takes seconds, and the thread has more to do meanwhile.
 * @param signal ends it; it then rejects with the signal's reason
 */
export async function toOnnxInTurns(model: Model, signal?: AbortSignal): Promise<Uint8Array> {
  return await inTurns(writeOnnx(model), createPace(signal));
}

/** Gives back whoever has waited, where much is to be written. */
function* writeOnnx(model: Model): Generator<void, Uint8Array> {
  const foreign = foreignBytes(model);
  if (foreign !== undefined) return foreign.slice();
  const definition = definitionOf(model);
  const { scores, classes, inputs } = definition;
  const graph = new GraphWriter();
  const seen = addInputs(graph, inputs, scores.kind === "trees" ? FLOAT : DOUBLE);
  const raw =
    scores.kind === "trees"
      ? yield* addTrees(graph, scores, seen)
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
  const file = new ProtobufWriter()
    .int(1, 8)
    .string(2, "@dagwright/learn")
    .message(7, graph.finish(definition.algorithm))
    .message(8, opset("", OPSET))
    .message(8, opset(ML, ML_OPSET))
    .message(14, new ProtobufWriter().string(1, "features").string(2, features));
  if (file.size > MOST_FILE_BYTES)
    throw new LearnError(
      "TOO_LARGE",
      `The model takes ${(file.size / 2 ** 30).toFixed(1)} GiB as an ONNX file: expected less than 2, the most that the format holds.`,
      { field: "model", hint: "Train fewer or smaller trees (n_estimators, max_depth, min_samples_leaf)." },
    );
  return yield* file.finish();
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
