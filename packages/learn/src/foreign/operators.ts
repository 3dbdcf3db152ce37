import { LearnError } from "../errors.ts";
import { softmaxRows } from "../links.ts";
import type { Attributes, OnnxNode, Tensor } from "./onnx-file.ts";
import { linearScores, treeScores } from "./scorers.ts";
import {
  axisOf,
  broadcast,
  concat,
  damaged,
  each,
  flattened,
  matmul,
  numbers,
  one,
  reduced,
  reshaped,
  size,
  take,
  unsupported,
  widthOf,
} from "./tensors.ts";

/** What an operator makes of its inputs, of which some may be left out: a tensor for each output. */
export type Operator = (inputs: readonly (Tensor | undefined)[], attributes: Attributes) => readonly Tensor[];

/** What an operator cannot do without. @throws LearnError INVALID_MODEL */
function given(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw damaged("an operator lacks an input");
  return tensor;
}

const all = (inputs: Parameters<Operator>[0]) => inputs.map(given);
const unary =
  (act: (value: number) => number): Operator =>
  ([x]) => [each(given(x), act)];
const binary =
  (act: (a: number, b: number) => number): Operator =>
  ([a, b]) =>
    broadcast(given(a), given(b), act);
/** Of any number of tensors. */
const folded =
  (act: (a: number, b: number) => number): Operator =>
  (inputs) => {
    const [first, ...rest] = all(inputs);
    return [rest.reduce((sum, tensor) => broadcast(sum, tensor, act)[0] ?? sum, given(first))];
  };
/** Axes as an attribute, or as an input in later versions. */
const reduction =
  (act: (values: Float64Array) => number): Operator =>
  ([x, axes], attributes) =>
    reduced(
      given(x),
      axes === undefined ? attributes.ints("axes") : [...numbers(axes)],
      attributes.int("keepdims", 1) === 1,
      act,
    );
const sumOf = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
const greatest = (values: Float64Array) =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
const least = (values: Float64Array) => values.reduce((less, value) => Math.min(less, value), Number.POSITIVE_INFINITY);
const placeOf = (of: (values: Float64Array) => number): Operator =>
  function argument([x], attributes) {
    if (attributes.int("select_last_index", 0) !== 0) throw unsupported("select_last_index");
    const axis = attributes.int("axis", 0);
    return reduced(given(x), [axis], attributes.int("keepdims", 1) === 1, (values) => values.indexOf(of(values)));
  };

/** The operators that skl2onnx writes for scikit-learn's classical models and transformers, and those of `toOnnx`. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Identity: ([x]) => [given(x)],
  Cast: ([x], attributes) => {
    const to = attributes.int("to", 1);
    const { data, dims } = given(x);
    if (to === 8) return one(dims, Array.from(data, String));
    const values = data instanceof Float64Array ? data : Float64Array.from(data, Number);
    if (to === 1) return one(dims, values.map(Math.fround));
    if (to === 9)
      return one(
        dims,
        values.map((value) => Number(value !== 0)),
      );
    if (to === 6 || to === 7) return one(dims, values.map(Math.trunc));
    if (to === 11) return one(dims, values);
    throw unsupported(`a Cast to the type ${to}`);
  },
  Concat: (inputs, attributes) => concat(all(inputs), attributes.int("axis", 1)),
  FeatureVectorizer: (inputs) => concat(all(inputs).map(flattened), 1),
  Reshape: ([x, shape]) => reshaped(given(x), [...numbers(given(shape))]),
  Flatten: ([x], attributes) => {
    const { dims, data } = given(x);
    const axis = attributes.int("axis", 1);
    const at = axis < 0 ? axis + dims.length : axis;
    return one([size(dims.slice(0, at)), size(dims.slice(at))], data);
  },
  Squeeze: ([x, axes], attributes) => {
    const { dims, data } = given(x);
    const named = axes === undefined ? attributes.ints("axes") : [...numbers(axes)];
    const gone = new Set(named.map((axis) => axisOf(axis, dims.length)));
    // Where none are named the rows stay, be it a single one.
    const stays = (dim: number, at: number) => (named.length > 0 ? !gone.has(at) : at === 0 || dim !== 1);
    return one(dims.filter(stays), data);
  },
  Unsqueeze: ([x, axes], attributes) => {
    const { dims, data } = given(x);
    const named = axes === undefined ? attributes.ints("axes") : [...numbers(axes)];
    const rank = dims.length + named.length;
    const shape = [...dims];
    for (const axis of named.map((own) => axisOf(own, rank)).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return one(shape, data);
  },
  Constant: (_, attributes) => {
    const value = attributes.tensor("value");
    if (value !== undefined) return [value];
    if (attributes.has("value_float")) return one([], Float64Array.of(attributes.float("value_float", 0)));
    if (attributes.has("value_int")) return one([], Float64Array.of(attributes.int("value_int", 0)));
    const list = attributes.has("value_floats") ? attributes.floats("value_floats") : attributes.ints("value_ints");
    if (attributes.has("value_floats") || attributes.has("value_ints"))
      return one([list.length], Float64Array.from(list));
    throw unsupported("a Constant that is neither tensor nor number");
  },
  Add: binary((x, y) => x + y),
  Sub: binary((x, y) => x - y),
  Mul: binary((x, y) => x * y),
  Div: binary((x, y) => x / y),
  Pow: binary((x, y) => x ** y),
  Less: binary((x, y) => Number(x < y)),
  LessOrEqual: binary((x, y) => Number(x <= y)),
  Greater: binary((x, y) => Number(x > y)),
  GreaterOrEqual: binary((x, y) => Number(x >= y)),
  Equal: binary((x, y) => Number(x === y)),
  And: binary((x, y) => Number(x !== 0 && y !== 0)),
  Or: binary((x, y) => Number(x !== 0 || y !== 0)),
  Max: folded(Math.max),
  Min: folded(Math.min),
  Sum: folded((x, y) => x + y),
  Not: unary((value) => Number(value === 0)),
  Neg: unary((value) => -value),
  Abs: unary(Math.abs),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Reciprocal: unary((value) => 1 / value),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Relu: unary((value) => Math.max(0, value)),
  Tanh: unary(Math.tanh),
  Sigmoid: unary((value) => 1 / (1 + Math.exp(-value))),
  IsNaN: unary((value) => Number(Number.isNaN(value))),
  Where: ([condition, a, b]) => {
    const [chosen] = broadcast(given(condition), given(a), (c, value) => (c !== 0 ? value : 0));
    const [rest] = broadcast(given(condition), given(b), (c, value) => (c !== 0 ? 0 : value));
    return broadcast(given(chosen), given(rest), (x, y) => x + y);
  },
  Clip: ([x, low, high], attributes) => {
    const bottom = low === undefined ? attributes.float("min", Number.NEGATIVE_INFINITY) : numbers(low)[0]!;
    const top = high === undefined ? attributes.float("max", Number.POSITIVE_INFINITY) : numbers(high)[0]!;
    return [each(given(x), (value) => Math.min(top, Math.max(bottom, value)))];
  },
  MatMul: ([a, b]) => [matmul(given(a), given(b))],
  Gemm: ([a, b, c], attributes) => {
    if (attributes.int("transA", 0) !== 0) throw unsupported("a Gemm with transA");
    const product = matmul(given(a), given(b), attributes.int("transB", 0) === 1);
    const scaled = each(product, (value) => value * attributes.float("alpha", 1));
    return c === undefined
      ? [scaled]
      : broadcast(
          scaled,
          each(c, (value) => value * attributes.float("beta", 1)),
          (x, y) => x + y,
        );
  },
  Softmax: ([x], attributes) => {
    const tensor = given(x);
    const rank = tensor.dims.length;
    if (rank !== 2 || axisOf(attributes.int("axis", -1), rank) !== 1)
      throw unsupported("a Softmax that is not over the columns of a matrix");
    const data = numbers(tensor).slice();
    softmaxRows(data, widthOf(tensor));
    return one(tensor.dims, data);
  },
  ReduceSum: reduction(sumOf),
  ReduceMean: reduction((values) => sumOf(values) / values.length),
  ReduceProd: reduction((values) => values.reduce((product, value) => product * value, 1)),
  ReduceSumSquare: reduction((values) => values.reduce((sum, value) => sum + value * value, 0)),
  ReduceL1: reduction((values) => values.reduce((sum, value) => sum + Math.abs(value), 0)),
  ReduceL2: reduction((values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))),
  ReduceMax: reduction(greatest),
  ReduceMin: reduction(least),
  ReduceLogSumExp: reduction((values) => {
    const most = greatest(values);
    return Number.isFinite(most) ? most + Math.log(sumOf(values.map((value) => Math.exp(value - most)))) : most;
  }),
  ArgMax: placeOf(greatest),
  ArgMin: placeOf(least),
  Gather: ([x, indices], attributes) =>
    take(given(x), [...numbers(given(indices))], attributes.int("axis", 0), given(indices).dims),
  // Of the last axis.
  ArrayFeatureExtractor: ([x, indices]) => {
    const { dims, data } = given(x);
    const flat = dims.length < 2 ? { dims: [1, size(dims)], data } : { dims, data };
    const at = [...numbers(given(indices))];
    return take(flat, at, flat.dims.length - 1, [at.length]);
  },
  Imputer: ([x], attributes) => {
    const isWhole = attributes.has("imputed_value_int64s");
    const fill = isWhole ? attributes.ints("imputed_value_int64s") : attributes.floats("imputed_value_floats");
    const replaced = isWhole
      ? attributes.int("replaced_value_int64", 0)
      : attributes.float("replaced_value_float", Number.NaN);
    const width = widthOf(given(x));
    const data = numbers(given(x)).map((value, at) =>
      value === replaced || (Number.isNaN(replaced) && Number.isNaN(value))
        ? fill[fill.length === 1 ? 0 : at % width]!
        : value,
    );
    return one(given(x).dims, data);
  },
  Scaler: ([x], attributes) => {
    const [offset, scale] = [attributes.floats("offset"), attributes.floats("scale")];
    const width = widthOf(given(x));
    const of = (list: readonly number[], at: number) => list[list.length === 1 ? 0 : at % width]!;
    return one(
      given(x).dims,
      numbers(given(x)).map((value, at) => Math.fround(Math.fround(value - of(offset, at)) * of(scale, at))),
    );
  },
  Normalizer: ([x], attributes) => {
    const norm = attributes.text("norm", "MAX");
    const width = widthOf(given(x));
    const data = numbers(given(x)).slice();
    for (let from = 0; from < data.length; from += width) {
      const row = data.subarray(from, from + width);
      const length =
        norm === "L1"
          ? row.reduce((sum, value) => sum + Math.abs(value), 0)
          : norm === "L2"
            ? Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
            : row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (length > 0) for (let at = 0; at < width; at++) row[at]! /= length;
    }
    return one(given(x).dims, data);
  },
  Binarizer: ([x], attributes) => [each(given(x), (value) => Number(value > attributes.float("threshold", 0)))],
  OneHotEncoder: ([x], attributes) => {
    const categories = attributes.has("cats_strings")
      ? attributes.texts("cats_strings")
      : attributes.ints("cats_int64s");
    const place = new Map<string | number, number>(categories.map((category, at) => [category, at]));
    const data = new Float64Array(given(x).data.length * categories.length);
    for (const [at, value] of given(x).data.entries()) {
      const k = place.get(value);
      if (k !== undefined) data[at * categories.length + k] = 1;
      else if (attributes.int("zeros", 1) === 0)
        throw new LearnError(
          "UNKNOWN_CATEGORY",
          `The ONNX model does not know the category ${JSON.stringify(value)}.`,
          { field: "columns" },
        );
    }
    return one([...given(x).dims, categories.length], data);
  },
  LabelEncoder: ([x], attributes) => {
    for (const name of ["keys_tensor", "values_tensor", "classes_strings"])
      if (attributes.has(name)) throw unsupported(`a LabelEncoder with ${name}`);
    const keys: readonly (string | number)[] = ["keys_strings", "keys_int64s", "keys_floats"].flatMap(
      (name): readonly (string | number)[] =>
        !attributes.has(name)
          ? []
          : name === "keys_strings"
            ? attributes.texts(name)
            : name === "keys_int64s"
              ? attributes.ints(name)
              : attributes.floats(name),
    );
    const isText = attributes.has("values_strings");
    if (isText) {
      const texts = attributes.texts("values_strings");
      const known = new Map(keys.map((key, at) => [key, texts[at]!]));
      return one(
        given(x).dims,
        Array.from(
          given(x).data,
          (value: string | number) => known.get(value) ?? attributes.text("default_string", "_Unused"),
        ),
      );
    }
    const isFloat = attributes.has("values_floats");
    const values = isFloat ? attributes.floats("values_floats") : attributes.ints("values_int64s");
    const known = new Map(keys.map((key, at) => [key, values[at]!]));
    const otherwise = isFloat ? attributes.float("default_float", 0) : attributes.int("default_int64", -1);
    return one(
      given(x).dims,
      Float64Array.from(given(x).data, (value: string | number) => known.get(value) ?? otherwise),
    );
  },
  LinearClassifier: ([x], attributes) => linearScores(given(x), attributes, true),
  LinearRegressor: ([x], attributes) => linearScores(given(x), attributes, false),
  TreeEnsembleClassifier: ([x], attributes) => treeScores(given(x), attributes, true),
  TreeEnsembleRegressor: ([x], attributes) => treeScores(given(x), attributes, false),
  // Maps are for people: the numbers under them are what is asked for.
  ZipMap: ([x]) => [given(x)],
};

/** Whole-number labels of the classifier that a graph holds; undefined: none found. */
export function classesOf(nodes: readonly OnnxNode[]): readonly number[] | undefined {
  for (const { operator, attributes } of nodes) {
    const names = ["classlabels_int64s", "classlabels_ints"].find((name) => attributes.has(name));
    if (names !== undefined) return attributes.ints(names);
    if (
      operator !== "ZipMap" &&
      ["classlabels_strings"].some((name) => attributes.has(name) && attributes.texts(name).length > 0)
    )
      throw new LearnError("UNSUPPORTED_ONNX", "The ONNX model's classes are texts: expected whole numbers.", {
        field: "bytes",
        hint: "Encode the target as whole numbers before it is fitted.",
      });
  }
  return undefined;
}
