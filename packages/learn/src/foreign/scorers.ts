import { LearnError } from "../errors.ts";
import { softmaxRows } from "../links.ts";
import type { Attributes, Tensor } from "./onnx-file.ts";
import { unsupported } from "./tensors.ts";

/**
 * A classifier's label and scores from raw scores of each row.
 * @param isShare whether a single score is the second class's share of 1, and not a distance from a border at 0
 */
function classified(
  raw: Float64Array,
  rows: number,
  width: number,
  attributes: Attributes,
  isShare: boolean,
): readonly Tensor[] {
  const classes = attributes.has("classlabels_int64s")
    ? attributes.ints("classlabels_int64s")
    : attributes.ints("classlabels_ints");
  const count = classes.length;
  const transform = attributes.text("post_transform", "NONE");
  let scores = raw;
  if (transform === "LOGISTIC") scores = raw.map((value) => 1 / (1 + Math.exp(-value)));
  else if (transform === "SOFTMAX" && width > 1) softmaxRows(scores, width);
  else if (transform !== "NONE" && transform !== "SOFTMAX")
    throw new LearnError(
      "UNSUPPORTED_ONNX",
      `post_transform ${transform} is not read: expected NONE, LOGISTIC or SOFTMAX.`,
      { field: "bytes" },
    );
  if (width === 1 && count === 2) {
    // One score for the second of two classes.
    const both = new Float64Array(2 * rows);
    for (let row = 0; row < rows; row++) {
      both[2 * row + 1] = scores[row]!;
      both[2 * row] = transform === "NONE" && !isShare ? -scores[row]! : 1 - scores[row]!;
    }
    scores = both;
  }
  const labels = Float64Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let k = 1; k < count; k++) if (scores[row * count + k]! > scores[row * count + best]!) best = k;
    return classes[best]!;
  });
  return [
    { dims: [rows], data: labels },
    { dims: [rows, count], data: scores },
  ];
}

/** LinearClassifier and LinearRegressor. */
export function linearScores(input: Tensor, attributes: Attributes, isClassifier: boolean): readonly Tensor[] {
  const rows = input.dims[0] ?? 1;
  const coefficients = attributes.floats("coefficients");
  const intercepts = attributes.floats("intercepts");
  const features = input.data.length / rows;
  const width = coefficients.length / features;
  const raw = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let k = 0; k < width; k++) {
      let sum = intercepts[k] ?? 0;
      for (let at = 0; at < features; at++)
        sum += coefficients[k * features + at]! * Number(input.data[row * features + at]);
      raw[row * width + k] = sum;
    }
  return isClassifier ? classified(raw, rows, width, attributes, false) : regressed(raw, rows, width, attributes);
}

/** A regressor's numbers. @throws LearnError UNSUPPORTED_ONNX for numbers that are changed afterwards */
function regressed(raw: Float64Array, rows: number, width: number, attributes: Attributes): readonly Tensor[] {
  const transform = attributes.text("post_transform", "NONE");
  if (transform !== "NONE") throw unsupported(`a regressor with the post_transform ${transform}`);
  return [{ dims: [rows, width], data: raw }];
}

interface TreeNodes {
  readonly roots: readonly number[];
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly mode: readonly string[];
  readonly yes: Int32Array;
  readonly no: Int32Array;
  readonly missingYes: readonly number[];
  /** For each leaf: pairs of output and weight. */
  readonly weights: readonly (readonly [number, number])[][];
  /** Whether no weight is below 0. */
  readonly isPositive: boolean;
}

const prepared = new WeakMap<Attributes, TreeNodes>();

/** TreeEnsembleClassifier and TreeEnsembleRegressor. */
export function treeScores(input: Tensor, attributes: Attributes, isClassifier: boolean): readonly Tensor[] {
  let trees = prepared.get(attributes);
  if (trees === undefined) {
    trees = treeNodes(attributes, isClassifier ? "class" : "target");
    prepared.set(attributes, trees);
  }
  const rows = input.dims[0] ?? 1;
  const features = input.data.length / rows;
  const classes = attributes.ints("classlabels_int64s").length;
  const ids = new Set(trees.weights.flatMap((pairs) => pairs.map(([id]) => id)));
  // A binary classifier may give the score of one class only.
  const isSingle = isClassifier && classes === 2 && ids.size === 1;
  const width = isClassifier ? (isSingle ? 1 : classes) : attributes.int("n_targets", 1);
  const base = attributes.floats("base_values");
  const raw = new Float64Array(rows * width);
  const { roots, feature, threshold, mode, yes, no, missingYes, weights } = trees;
  for (let row = 0; row < rows; row++) {
    for (const root of roots) {
      let node = root;
      while (mode[node] !== "LEAF") {
        const value = Math.fround(Number(input.data[row * features + feature[node]!]));
        const isYes = Number.isNaN(value) ? missingYes[node] === 1 : holds(mode[node]!, value, threshold[node]!);
        node = isYes ? yes[node]! : no[node]!;
      }
      for (const [id, weight] of weights[node]!) raw[row * width + (isSingle ? 0 : id)]! += weight;
    }
    const divisor = attributes.text("aggregate_function", "SUM") === "AVERAGE" ? roots.length : 1;
    // In single precision, as ONNX Runtime sums: half of the trees' votes must be 0.5 and no more.
    for (let k = 0; k < width; k++)
      raw[row * width + k] = Math.fround(raw[row * width + k]! / divisor + (base[base.length === 1 ? 0 : k] ?? 0));
  }
  // As ONNX Runtime tells them apart.
  const isShare = trees.isPositive;
  return isClassifier ? classified(raw, rows, width, attributes, isShare) : regressed(raw, rows, width, attributes);
}

/** Thresholds and weights of double precision, which trees of double inputs have. */
const DOUBLES = [
  "nodes_values_as_tensor",
  "class_weights_as_tensor",
  "target_weights_as_tensor",
  "base_values_as_tensor",
];

function holds(mode: string, value: number, threshold: number): boolean {
  switch (mode) {
    case "BRANCH_LEQ":
      return value <= threshold;
    case "BRANCH_LT":
      return value < threshold;
    case "BRANCH_GTE":
      return value >= threshold;
    case "BRANCH_GT":
      return value > threshold;
    case "BRANCH_EQ":
      return value === threshold;
    case "BRANCH_NEQ":
      return value !== threshold;
    default:
      throw new LearnError("UNSUPPORTED_ONNX", `A tree's node is ${mode}: expected BRANCH_… or LEAF.`, {
        field: "bytes",
      });
  }
}

function treeNodes(attributes: Attributes, kind: "class" | "target"): TreeNodes {
  const double = DOUBLES.find((name) => attributes.has(name));
  if (double !== undefined) throw unsupported(`trees in double precision (${double})`);
  const aggregate = attributes.text("aggregate_function", "SUM");
  if (aggregate !== "SUM" && aggregate !== "AVERAGE") throw unsupported(`trees whose ${aggregate} counts`);
  const trees = attributes.ints("nodes_treeids");
  const ids = attributes.ints("nodes_nodeids");
  const place = new Map(trees.map((tree, at) => [`${tree}/${ids[at]}`, at]));
  const find = (tree: number, id: number): number => {
    const at = place.get(`${tree}/${id}`);
    if (at === undefined)
      throw new LearnError("INVALID_MODEL", `The ONNX file's tree ${tree} lacks node ${id}.`, { field: "bytes" });
    return at;
  };
  const mode = attributes.texts("nodes_modes");
  const children = (name: string) => {
    const own = attributes.ints(name);
    return Int32Array.from(trees, (tree, at) => (mode[at] === "LEAF" ? -1 : find(tree, own[at]!)));
  };
  const [yes, no] = [children("nodes_truenodeids"), children("nodes_falsenodeids")];
  const weights: [number, number][][] = trees.map(() => []);
  const outputs = attributes.ints(`${kind}_ids`);
  const values = attributes.floats(`${kind}_weights`);
  const leafTrees = attributes.ints(`${kind}_treeids`);
  for (const [at, id] of attributes.ints(`${kind}_nodeids`).entries())
    weights[find(leafTrees[at]!, id)]!.push([outputs[at]!, values[at]!]);
  const targets = new Set([...yes, ...no]);
  const roots = trees.flatMap((_, at) => (targets.has(at) ? [] : [at]));
  const seen = new Set<number>();
  for (const waiting = [...roots]; waiting.length > 0; ) {
    const at = waiting.pop()!;
    if (seen.has(at))
      throw new LearnError("INVALID_MODEL", "The ONNX file's trees go round in a circle.", { field: "bytes" });
    seen.add(at);
    if (mode[at] !== "LEAF") waiting.push(yes[at]!, no[at]!);
  }
  const missing = attributes.ints("nodes_missing_value_tracks_true");
  return {
    roots,
    feature: attributes.ints("nodes_featureids"),
    threshold: attributes.floats("nodes_values"),
    mode,
    yes,
    no,
    missingYes: missing,
    weights,
    isPositive: values.every((value) => value >= 0),
  };
}
