import { LearnError } from "../errors.ts";
import { softmaxRows } from "../links.ts";
import type { Attributes, OnnxNode, Tensor } from "./onnx-file.ts";
import { linearScores, treeScores } from "./scorers.ts";

/** What an operator makes of its inputs: a tensor for each output. */
export type Operator = (inputs: readonly Tensor[], attributes: Attributes) => readonly Tensor[];

const numbers = ({ data }: Tensor): Float64Array => {
  if (data instanceof Float64Array) return data;
  throw new LearnError("INVALID_MODEL", "The ONNX file computes with texts where numbers are expected.", {
    field: "bytes",
  });
};
const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
const rowsOf = ({ dims }: Tensor) => dims[0] ?? 1;
const widthOf = ({ dims }: Tensor) => size(dims.slice(1));
const each = (tensor: Tensor, act: (value: number) => number): Tensor => ({
  dims: tensor.dims,
  data: numbers(tensor).map(act),
});
const one = (dims: readonly number[], data: Tensor["data"]): readonly Tensor[] => [{ dims, data }];

/** Numpy's broadcasting. */
function broadcast(a: Tensor, b: Tensor, act: (a: number, b: number) => number): readonly Tensor[] {
  const rank = Math.max(a.dims.length, b.dims.length);
  const full = ({ dims }: Tensor) => [...new Array<number>(rank - dims.length).fill(1), ...dims];
  const [left, right] = [full(a), full(b)];
  const dims = left.map((dim, at) => (dim === 1 ? right[at]! : dim));
  const [x, y] = [numbers(a), numbers(b)];
  const data = new Float64Array(size(dims));
  const place = (own: readonly number[], index: number) => {
    let rest = index;
    let at = 0;
    let stride = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const position = rest % dims[axis]!;
      rest = Math.floor(rest / dims[axis]!);
      if (own[axis]! > 1) at += position * stride;
      stride *= own[axis]!;
    }
    return at;
  };
  for (let index = 0; index < data.length; index++) data[index] = act(x[place(left, index)]!, y[place(right, index)]!);
  return one(dims, data);
}

function matmul(a: Tensor, b: Tensor, transposeB = false): Tensor {
  const rows = rowsOf(a);
  const inner = widthOf(a);
  const columns = transposeB ? rowsOf(b) : widthOf(b);
  const [x, y] = [numbers(a), numbers(b)];
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += x[row * inner + k]! * y[transposeB ? column * inner + k : k * columns + column]!;
      data[row * columns + column] = sum;
    }
  return { dims: [rows, columns], data };
}

/** Columns of tensors beside each other. */
function concat(inputs: readonly Tensor[], axis: number): readonly Tensor[] {
  const rows = rowsOf(inputs[0]!);
  if (axis === 0) {
    const dims = [inputs.reduce((sum, tensor) => sum + rowsOf(tensor), 0), ...inputs[0]!.dims.slice(1)];
    const values = inputs.flatMap(({ data }) => [...data]);
    return one(dims, inputs[0]!.data instanceof Float64Array ? Float64Array.from(values, Number) : values.map(String));
  }
  const width = inputs.reduce((sum, tensor) => sum + widthOf(tensor), 0);
  const isText = !(inputs[0]!.data instanceof Float64Array);
  const texts = new Array<string>(isText ? rows * width : 0);
  const values = new Float64Array(isText ? 0 : rows * width);
  let from = 0;
  for (const tensor of inputs) {
    const own = widthOf(tensor);
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < own; k++) {
        const value = tensor.data[row * own + k]!;
        if (isText) texts[row * width + from + k] = String(value);
        else values[row * width + from + k] = Number(value);
      }
    from += own;
  }
  return one([rows, width], isText ? texts : values);
}

function take(
  tensor: Tensor,
  indices: readonly number[],
  axis: number,
  indexDims: readonly number[],
): readonly Tensor[] {
  const { dims, data } = tensor;
  const outer = size(dims.slice(0, axis));
  const inner = size(dims.slice(axis + 1));
  const length = dims[axis] ?? 1;
  const picked: (number | string)[] = [];
  for (let at = 0; at < outer; at++)
    for (const index of indices)
      for (let k = 0; k < inner; k++)
        picked.push(data[(at * length + (index < 0 ? index + length : index)) * inner + k]!);
  const shape = [...dims.slice(0, axis), ...indexDims, ...dims.slice(axis + 1)];
  return one(shape, data instanceof Float64Array ? Float64Array.from(picked, Number) : picked.map(String));
}

function reshaped(tensor: Tensor, wanted: readonly number[]): readonly Tensor[] {
  const total = size(tensor.dims);
  const dims = wanted.map((dim, at) => (dim === 0 ? tensor.dims[at]! : dim));
  const known = dims.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  return one(
    dims.map((dim) => (dim === -1 ? total / known : dim)),
    tensor.data,
  );
}

function reduced(tensor: Tensor, attributes: Attributes, act: (values: Float64Array) => number): readonly Tensor[] {
  const rows = rowsOf(tensor);
  const width = widthOf(tensor);
  const data = Float64Array.from({ length: rows }, (_, row) =>
    act(numbers(tensor).subarray(row * width, (row + 1) * width)),
  );
  return one(attributes.int("keepdims", 1) === 1 ? [rows, 1] : [rows], data);
}

/** The operators that skl2onnx writes for scikit-learn's classical models and transformers, and those of `toOnnx`. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Identity: ([x]) => [x!],
  Cast: ([x], attributes) => {
    const to = attributes.int("to", 1);
    const { data, dims } = x!;
    if (to === 8) return one(dims, Array.from(data, String));
    const values = data instanceof Float64Array ? data : Float64Array.from(data, Number);
    if (to === 1) return one(dims, values.map(Math.fround));
    if (to === 9)
      return one(
        dims,
        values.map((value) => Number(value !== 0)),
      );
    return one(dims, to === 6 || to === 7 ? values.map(Math.trunc) : values);
  },
  Concat: (inputs, attributes) => concat(inputs, attributes.int("axis", 1)),
  FeatureVectorizer: (inputs) => concat(inputs, 1),
  Reshape: ([x, shape]) => reshaped(x!, [...numbers(shape!)]),
  Flatten: ([x]) => one([rowsOf(x!), widthOf(x!)], x!.data),
  Squeeze: ([x]) =>
    one(
      x!.dims.filter((dim, at) => at === 0 || dim !== 1),
      x!.data,
    ),
  Unsqueeze: ([x]) => one([...x!.dims, 1], x!.data),
  Constant: (_, attributes) => {
    const value = attributes.tensor("value");
    if (value !== undefined) return [value];
    if (attributes.has("value_float")) return one([], Float64Array.of(attributes.float("value_float", 0)));
    return one([], Float64Array.of(attributes.int("value_int", 0)));
  },
  Add: ([a, b]) => broadcast(a!, b!, (x, y) => x + y),
  Sub: ([a, b]) => broadcast(a!, b!, (x, y) => x - y),
  Mul: ([a, b]) => broadcast(a!, b!, (x, y) => x * y),
  Div: ([a, b]) => broadcast(a!, b!, (x, y) => x / y),
  Less: ([a, b]) => broadcast(a!, b!, (x, y) => Number(x < y)),
  Greater: ([a, b]) => broadcast(a!, b!, (x, y) => Number(x > y)),
  Equal: ([a, b]) => broadcast(a!, b!, (x, y) => Number(x === y)),
  And: ([a, b]) => broadcast(a!, b!, (x, y) => Number(x !== 0 && y !== 0)),
  Or: ([a, b]) => broadcast(a!, b!, (x, y) => Number(x !== 0 || y !== 0)),
  Max: ([a, b]) => broadcast(a!, b!, Math.max),
  Min: ([a, b]) => broadcast(a!, b!, Math.min),
  Not: ([x]) => [each(x!, (value) => Number(value === 0))],
  Neg: ([x]) => [each(x!, (value) => -value)],
  Abs: ([x]) => [each(x!, Math.abs)],
  Sqrt: ([x]) => [each(x!, Math.sqrt)],
  Exp: ([x]) => [each(x!, Math.exp)],
  Log: ([x]) => [each(x!, Math.log)],
  Relu: ([x]) => [each(x!, (value) => Math.max(0, value))],
  Tanh: ([x]) => [each(x!, Math.tanh)],
  Sigmoid: ([x]) => [each(x!, (value) => 1 / (1 + Math.exp(-value)))],
  IsNaN: ([x]) => [each(x!, (value) => Number(Number.isNaN(value)))],
  Where: ([condition, a, b]) => {
    const chosen = broadcast(condition!, a!, (c, value) => (c !== 0 ? value : 0));
    const rest = broadcast(condition!, b!, (c, value) => (c !== 0 ? 0 : value));
    return broadcast(chosen[0]!, rest[0]!, (x, y) => x + y);
  },
  Clip: ([x, low, high]) => {
    const [least, most] = [
      low === undefined ? Number.NEGATIVE_INFINITY : numbers(low)[0]!,
      high === undefined ? Number.POSITIVE_INFINITY : numbers(high)[0]!,
    ];
    return [each(x!, (value) => Math.min(most, Math.max(least, value)))];
  },
  MatMul: ([a, b]) => [matmul(a!, b!)],
  Gemm: ([a, b, c], attributes) => {
    const product = matmul(a!, b!, attributes.int("transB", 0) === 1);
    const scaled = each(product, (value) => value * attributes.float("alpha", 1));
    return c === undefined
      ? [scaled]
      : broadcast(
          scaled,
          each(c, (value) => value * attributes.float("beta", 1)),
          (x, y) => x + y,
        );
  },
  Softmax: ([x]) => {
    const data = numbers(x!).slice();
    softmaxRows(data, widthOf(x!));
    return one(x!.dims, data);
  },
  ReduceSum: ([x], attributes) => reduced(x!, attributes, (values) => values.reduce((sum, value) => sum + value, 0)),
  ReduceMax: ([x], attributes) =>
    reduced(x!, attributes, (values) =>
      values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
    ),
  ArgMax: ([x], attributes) =>
    reduced(x!, attributes, (values) =>
      values.indexOf(values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)),
    ),
  Gather: ([x, indices], attributes) => take(x!, [...numbers(indices!)], attributes.int("axis", 0), indices!.dims),
  ArrayFeatureExtractor: ([x, indices]) => {
    const flat = x!.dims.length < 2 ? { dims: [1, size(x!.dims)], data: x!.data } : x!;
    const at = [...numbers(indices!)];
    return take(flat, at, 1, [at.length]);
  },
  Imputer: ([x], attributes) => {
    const fill = attributes.floats("imputed_value_floats");
    const replaced = attributes.float("replaced_value_float", Number.NaN);
    const width = widthOf(x!);
    const data = numbers(x!).map((value, at) =>
      value === replaced || (Number.isNaN(replaced) && Number.isNaN(value))
        ? fill[fill.length === 1 ? 0 : at % width]!
        : value,
    );
    return one(x!.dims, data);
  },
  Scaler: ([x], attributes) => {
    const [offset, scale] = [attributes.floats("offset"), attributes.floats("scale")];
    const width = widthOf(x!);
    const of = (list: readonly number[], at: number) => list[list.length === 1 ? 0 : at % width]!;
    return one(
      x!.dims,
      numbers(x!).map((value, at) => Math.fround(Math.fround(value - of(offset, at)) * of(scale, at))),
    );
  },
  Normalizer: ([x], attributes) => {
    const norm = attributes.text("norm", "MAX");
    const width = widthOf(x!);
    const data = numbers(x!).slice();
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
    return one(x!.dims, data);
  },
  Binarizer: ([x], attributes) => [each(x!, (value) => Number(value > attributes.float("threshold", 0)))],
  OneHotEncoder: ([x], attributes) => {
    const categories = attributes.has("cats_strings")
      ? attributes.texts("cats_strings")
      : attributes.ints("cats_int64s");
    const place = new Map<string | number, number>(categories.map((category, at) => [category, at]));
    const data = new Float64Array(x!.data.length * categories.length);
    for (const [at, value] of x!.data.entries()) {
      const k = place.get(value);
      if (k !== undefined) data[at * categories.length + k] = 1;
      else if (attributes.int("zeros", 1) === 0)
        throw new LearnError(
          "UNKNOWN_CATEGORY",
          `The ONNX model does not know the category ${JSON.stringify(value)}.`,
          { field: "columns" },
        );
    }
    return one([...x!.dims, categories.length], data);
  },
  LabelEncoder: ([x], attributes) => {
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
        x!.dims,
        Array.from(
          x!.data,
          (value: string | number) => known.get(value) ?? attributes.text("default_string", "_Unused"),
        ),
      );
    }
    const isFloat = attributes.has("values_floats");
    const values = isFloat ? attributes.floats("values_floats") : attributes.ints("values_int64s");
    const known = new Map(keys.map((key, at) => [key, values[at]!]));
    const otherwise = isFloat ? attributes.float("default_float", 0) : attributes.int("default_int64", -1);
    return one(
      x!.dims,
      Float64Array.from(x!.data, (value: string | number) => known.get(value) ?? otherwise),
    );
  },
  LinearClassifier: ([x], attributes) => linearScores(x!, attributes, true),
  LinearRegressor: ([x], attributes) => linearScores(x!, attributes, false),
  TreeEnsembleClassifier: ([x], attributes) => treeScores(x!, attributes, true),
  TreeEnsembleRegressor: ([x], attributes) => treeScores(x!, attributes, false),
  // Maps are for people: the numbers under them are what is asked for.
  ZipMap: ([x]) => [x!],
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
