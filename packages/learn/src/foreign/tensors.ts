import { LearnError } from "../errors.ts";
import type { Tensor } from "./onnx-file.ts";

/** Tensors of doubles or texts, and numpy's ways with their axes. */
export const numbers = ({ data }: Tensor): Float64Array => {
  if (data instanceof Float64Array) return data;
  throw damaged("it computes with texts where numbers are expected");
};
export const size = (dims: readonly number[]) => dims.reduce((product, dim) => product * dim, 1);
export const rowsOf = ({ dims }: Tensor) => dims[0] ?? 1;
export const widthOf = ({ dims }: Tensor) => size(dims.slice(1));
export const each = (tensor: Tensor, act: (value: number) => number): Tensor => ({
  dims: tensor.dims,
  data: numbers(tensor).map(act),
});
export const one = (dims: readonly number[], data: Tensor["data"]): readonly Tensor[] => [{ dims, data }];

export function damaged(reason: string): LearnError {
  return new LearnError("INVALID_MODEL", `The ONNX file cannot be computed: ${reason}.`, { field: "bytes" });
}

export function unsupported(what: string): LearnError {
  return new LearnError("UNSUPPORTED_ONNX", `The ONNX file has ${what}, which is not read.`, { field: "bytes" });
}

/** An axis from 0; negative ones count from the end. */
export function axisOf(axis: number, rank: number): number {
  const own = axis < 0 ? axis + rank : axis;
  if (own >= 0 && own < Math.max(1, rank)) return own;
  throw damaged(`axis ${axis} of a tensor of ${rank} dimensions`);
}

/** Numpy's broadcasting. */
export function broadcast(a: Tensor, b: Tensor, act: (a: number, b: number) => number): readonly Tensor[] {
  const rank = Math.max(a.dims.length, b.dims.length);
  const full = ({ dims }: Tensor) => [...new Array<number>(rank - dims.length).fill(1), ...dims];
  const [left, right] = [full(a), full(b)];
  const dims = left.map((dim, at) => {
    if (dim === right[at] || right[at] === 1) return dim;
    if (dim === 1) return right[at]!;
    throw damaged(`sizes ${a.dims.join("×")} and ${b.dims.join("×")} do not go together`);
  });
  const [x, y] = [numbers(a), numbers(b)];
  const data = new Float64Array(size(dims));
  for (let index = 0; index < data.length; index++)
    data[index] = act(x[placeIn(left, dims, index)]!, y[placeIn(right, dims, index)]!);
  return one(dims, data);
}

/** Where the value at `index` of a tensor of sizes `dims` stands in one that has size 1 along some of its axes. */
function placeIn(own: readonly number[], dims: readonly number[], index: number): number {
  let rest = index;
  let at = 0;
  let stride = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const position = rest % dims[axis]!;
    rest = Math.floor(rest / dims[axis]!);
    if (own[axis]! > 1) at += position * stride;
    stride *= own[axis]!;
  }
  return at;
}

/** Of two matrices. */
export function matmul(a: Tensor, b: Tensor, transposeB = false): Tensor {
  if (a.dims.length > 2 || b.dims.length > 2) throw unsupported("a product of tensors of more than two dimensions");
  const rows = rowsOf(a);
  const inner = widthOf(a);
  const columns = transposeB ? rowsOf(b) : widthOf(b);
  const [x, y] = [numbers(a), numbers(b)];
  if (y.length !== inner * columns)
    throw damaged(`sizes ${a.dims.join("×")} and ${b.dims.join("×")} are no product of matrices`);
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

/** Tensors one after another along an axis. */
export function concat(inputs: readonly Tensor[], axis: number): readonly Tensor[] {
  const first = inputs[0];
  if (first === undefined) throw damaged("nothing is put together");
  const own = axisOf(axis, first.dims.length);
  for (const { dims } of inputs)
    if (dims.length !== first.dims.length || dims.some((dim, at) => at !== own && dim !== first.dims[at]))
      throw damaged(`sizes ${first.dims.join("×")} and ${dims.join("×")} do not go beside each other`);
  const outer = size(first.dims.slice(0, own));
  const parts = inputs.map(({ dims, data }) => ({ data, length: size(dims.slice(own)) }));
  const width = parts.reduce((sum, { length }) => sum + length, 0);
  const dims = first.dims.with(
    own,
    inputs.reduce((sum, tensor) => sum + (tensor.dims[own] ?? 1), 0),
  );
  const isText = !(first.data instanceof Float64Array);
  const texts = new Array<string>(isText ? outer * width : 0);
  const values = new Float64Array(isText ? 0 : outer * width);
  let from = 0;
  for (const { data, length } of parts) {
    for (let row = 0; row < outer; row++)
      for (let k = 0; k < length; k++) {
        const value = data[row * length + k]!;
        if (isText) texts[row * width + from + k] = String(value);
        else values[row * width + from + k] = Number(value);
      }
    from += length;
  }
  return one(dims, isText ? texts : values);
}

/** Rows as wide as all that they hold. */
export function flattened(tensor: Tensor): Tensor {
  return { dims: [rowsOf(tensor), widthOf(tensor)], data: tensor.data };
}

export function take(
  tensor: Tensor,
  indices: readonly number[],
  axis: number,
  indexDims: readonly number[],
): readonly Tensor[] {
  const { dims, data } = tensor;
  const own = axisOf(axis, dims.length);
  const outer = size(dims.slice(0, own));
  const inner = size(dims.slice(own + 1));
  const length = dims[own] ?? 1;
  const picked: (number | string)[] = [];
  for (let at = 0; at < outer; at++)
    for (const index of indices) {
      const from = index < 0 ? index + length : index;
      if (!(from >= 0 && from < length)) throw damaged(`place ${index} of ${length}`);
      for (let k = 0; k < inner; k++) picked.push(data[(at * length + from) * inner + k]!);
    }
  const shape = [...dims.slice(0, own), ...indexDims, ...dims.slice(own + 1)];
  return one(shape, data instanceof Float64Array ? Float64Array.from(picked, Number) : picked.map(String));
}

export function reshaped(tensor: Tensor, wanted: readonly number[]): readonly Tensor[] {
  const total = size(tensor.dims);
  const dims = wanted.map((dim, at) => (dim === 0 ? (tensor.dims[at] ?? 1) : dim));
  const known = dims.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const shape = dims.map((dim) => (dim === -1 ? total / known : dim));
  if (size(shape) !== total || !shape.every(Number.isInteger))
    throw damaged(`${total} values are not ${wanted.join("×")}`);
  return one(shape, tensor.data);
}

/** Each run of values along the axes, all where none are named, as one. */
export function reduced(
  tensor: Tensor,
  axes: readonly number[],
  keepDims: boolean,
  act: (values: Float64Array) => number,
): readonly Tensor[] {
  const { dims } = tensor;
  const rank = dims.length;
  const gone = new Set(axes.length === 0 ? dims.map((_, at) => at) : axes.map((axis) => axisOf(axis, rank)));
  const kept = dims.map((dim, at) => (gone.has(at) ? 1 : dim));
  const count = size(dims.filter((_, at) => gone.has(at)));
  const runs = Array.from({ length: size(kept) }, () => new Float64Array(count));
  const filled = new Uint32Array(runs.length);
  for (const [index, value] of numbers(tensor).entries()) {
    const at = placeIn(kept, dims, index);
    runs[at]![filled[at]!++] = value;
  }
  const shape = keepDims ? kept : dims.filter((_, at) => !gone.has(at));
  return one(shape, Float64Array.from(runs, act));
}
