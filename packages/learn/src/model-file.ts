import { z } from "zod";
import { Calibration } from "./calibration.ts";
import { ACTIVATIONS, layersOf } from "./dense.ts";
import { LearnError } from "./errors.ts";
import { foreignBytes, loadOnnx, looksLikeOnnx } from "./foreign/foreign-model.ts";
import { createInputReader, FittedInput } from "./inputs.ts";
import { createModel, definitionOf, linkOf, type Model, type ModelDefinition } from "./model.ts";
import { createPace, inOneGo, inTurns } from "./pace.ts";
import { ALGORITHMS } from "./params.ts";

/**
 * The file: "DWMODEL" and a byte for the version; the header's length in 4 bytes, little-endian; the header in JSON, which
 * lists the arrays; the arrays, little-endian, each begun at a multiple of 8 bytes from the start.
 */
const MAGIC = new TextEncoder().encode("DWMODEL");
const VERSION = 2;
/** What a calibrated model's file says: a reader that knows no calibration would leave it out without a word. */
const CALIBRATED = 3;
const PREFIX = MAGIC.length + 1 + 4;

const ARRAYS = { Float64Array, Float32Array, Int32Array, Uint8Array } as const;
type ArrayType = keyof typeof ARRAYS;
type TypedArray = Float64Array | Float32Array | Int32Array | Uint8Array;

const TREE_ARRAYS = {
  base: "Float64Array",
  roots: "Int32Array",
  treeOutput: "Int32Array",
  feature: "Int32Array",
  threshold: "Float32Array",
  left: "Int32Array",
  right: "Int32Array",
  flags: "Uint8Array",
  categories: "Uint8Array",
  leafValues: "Float64Array",
} as const;
const LINEAR_ARRAYS = {
  mean: "Float64Array",
  scale: "Float64Array",
  weights: "Float64Array",
  intercept: "Float64Array",
} as const;

const DENSE_ARRAYS = {
  sizes: "Int32Array",
  mean: "Float64Array",
  scale: "Float64Array",
  weights: "Float64Array",
} as const;

const Header = z.object({
  algorithm: z.enum(ALGORITHMS),
  task: z.enum(["classification", "regression"]),
  inputs: z.array(FittedInput).min(1),
  classes: z.array(z.number().int()),
  params: z.record(z.string(), z.unknown()),
  backend: z.string().optional(),
  oobScore: z.number().optional(),
  featureImportance: z.array(z.object({ feature: z.string(), importance: z.number() })),
  calibration: Calibration.optional(),
  scores: z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("trees"),
      outputs: z.number().int().min(1),
      leafWidth: z.number().int().min(1),
      average: z.boolean(),
    }),
    z.object({ kind: z.literal("linear"), outputs: z.number().int().min(1) }),
    z.object({ kind: z.literal("dense"), outputs: z.number().int().min(1), activation: z.enum(ACTIVATIONS) }),
  ]),
  /** Elements of each array, in the order of the file. */
  lengths: z.array(z.number().int().min(0)),
});

/** A model as bytes. @throws LearnError INVALID_MODEL for an object that this package did not make */
export function serializeModel(model: Model): Uint8Array {
  return inOneGo(writeModel(model));
}

/** `serializeModel` that lets others in. @throws as `serializeModel`; the signal's reason */
export async function serializeModelInTurns(model: Model, signal?: AbortSignal): Promise<Uint8Array> {
  return await inTurns(writeModel(model), createPace(signal));
}

/** Bytes that are copied before others may have the thread. */
const PIECE = 2 ** 20;

function* writeModel(model: Model): Generator<void, Uint8Array> {
  const foreign = foreignBytes(model);
  if (foreign !== undefined) return foreign.slice();
  const { scores, ...rest } = definitionOf(model);
  const arrays: TypedArray[] =
    scores.kind === "trees"
      ? [
          scores.base,
          scores.roots,
          scores.treeOutput,
          scores.feature,
          scores.threshold,
          scores.left,
          scores.right,
          scores.flags,
          scores.categories,
          scores.leafValues,
        ]
      : scores.kind === "dense"
        ? [scores.sizes, scores.mean, scores.scale, scores.weights]
        : [scores.mean, scores.scale, scores.weights, scores.intercept];
  const header = new TextEncoder().encode(
    JSON.stringify({
      ...rest,
      scores:
        scores.kind === "trees"
          ? { kind: scores.kind, outputs: scores.outputs, leafWidth: scores.leafWidth, average: scores.average }
          : scores.kind === "dense"
            ? { kind: scores.kind, outputs: scores.outputs, activation: scores.activation }
            : { kind: scores.kind, outputs: scores.outputs },
      lengths: arrays.map((array) => array.length),
    }),
  );
  const start = aligned(PREFIX + header.length);
  const bytes = new Uint8Array(arrays.reduce((at, array) => aligned(at) + array.byteLength, start));
  bytes.set(MAGIC);
  bytes[MAGIC.length] = rest.calibration === undefined ? VERSION : CALIBRATED;
  new DataView(bytes.buffer).setUint32(MAGIC.length + 1, header.length, true);
  bytes.set(header, PREFIX);
  let at = start;
  for (const array of arrays) {
    at = aligned(at);
    for (let from = 0; from < array.byteLength; from += PIECE) {
      const size = Math.min(PIECE, array.byteLength - from);
      bytes.set(new Uint8Array(array.buffer, array.byteOffset + from, size), at + from);
      yield;
    }
    at += array.byteLength;
  }
  return bytes;
}

/**
 * Reads a model from the bytes of `serializeModel`, or from an ONNX file (`loadOnnx` says which). All that a prediction relies on is checked.
 * @throws LearnError INVALID_MODEL for foreign, cut off or damaged bytes, and for another version of the format
 */
export function loadModel(bytes: Uint8Array): Model {
  if (looksLikeOnnx(bytes)) return loadOnnx(bytes);
  if (bytes.length < PREFIX || MAGIC.some((byte, at) => bytes[at] !== byte))
    throw invalid(`they do not begin with "DWMODEL" (${bytes.length} bytes)`);
  const version = bytes[MAGIC.length];
  if (version !== VERSION && version !== CALIBRATED)
    throw invalid(`they are of version ${version}; this package reads versions ${VERSION} and ${CALIBRATED}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length + 1, true);
  const { scores, lengths, ...rest } = readHeader(bytes, length);
  const reader = new ArrayReader(bytes, aligned(PREFIX + length), lengths);
  const definition: ModelDefinition = {
    ...rest,
    scores:
      scores.kind === "trees"
        ? { ...scores, ...reader.read(TREE_ARRAYS) }
        : scores.kind === "dense"
          ? { ...scores, ...reader.read(DENSE_ARRAYS) }
          : { ...scores, ...reader.read(LINEAR_ARRAYS) },
  };
  if ((definition.calibration !== undefined) !== (version === CALIBRATED))
    throw invalid(`they are of version ${version}, which does not go with the header`);
  const fault = faultOf(definition);
  if (fault !== undefined) throw invalid(fault);
  return createModel(definition);
}

function readHeader(bytes: Uint8Array, length: number): z.output<typeof Header> {
  if (PREFIX + length > bytes.length) throw invalid("they end within the header");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(PREFIX, PREFIX + length)));
  } catch {
    throw invalid("the header is no JSON");
  }
  const header = Header.safeParse(json);
  if (!header.success) throw invalid(`the header is wrong: ${z.prettifyError(header.error)}`);
  return header.data;
}

type Instances<T extends Readonly<Record<string, ArrayType>>> = { [K in keyof T]: InstanceType<(typeof ARRAYS)[T[K]]> };

class ArrayReader {
  readonly #bytes: Uint8Array;
  readonly #lengths: readonly number[];
  #at: number;

  constructor(bytes: Uint8Array, start: number, lengths: readonly number[]) {
    this.#bytes = bytes;
    this.#at = start;
    this.#lengths = lengths;
  }

  read<const T extends Readonly<Record<string, ArrayType>>>(types: T): Instances<T> {
    const entries = Object.entries(types);
    if (this.#lengths.length !== entries.length)
      throw invalid(`the header lists ${this.#lengths.length} arrays: expected ${entries.length}`);
    const arrays = entries.map(([name, type], index) => [name, this.#next(type, this.#lengths[index]!)]);
    if (this.#at !== this.#bytes.length) throw invalid(`${this.#bytes.length - this.#at} bytes are left over`);
    // Made entry by entry from `types`, so the keys and classes are those of T.
    return Object.fromEntries(arrays) as Instances<T>;
  }

  #next(type: ArrayType, length: number): TypedArray {
    const start = aligned(this.#at);
    this.#at = start + length * ARRAYS[type].BYTES_PER_ELEMENT;
    if (this.#at > this.#bytes.length) throw invalid("they end within the arrays");
    // Copied: the bytes may begin anywhere in their buffer (of a file read by Node, say), and may change after.
    return new ARRAYS[type](new Uint8Array(this.#bytes.subarray(start, this.#at)).buffer);
  }
}

/** What would make a prediction wrong or endless. */
function faultOf({ scores, inputs, classes, task, ...rest }: ModelDefinition): string | undefined {
  const features = createInputReader(inputs).width;
  const outputs = classes.length > 2 ? classes.length : 1;
  if (task === "regression" ? classes.length !== 0 : classes.length < 2)
    return `a ${task} model has ${classes.length} classes`;
  const { calibration } = rest;
  if (calibration !== undefined) {
    if (task === "regression" || calibration.curves.length !== outputs)
      return "the calibration does not fit the classes";
    if (calibration.method === "isotonic" && !calibration.curves.every(isRising))
      return "a calibration's knots do not rise";
  }
  if (scores.outputs !== outputs) return `the model has ${scores.outputs} outputs: expected ${outputs}`;
  if ((rest.algorithm === "neural_network") !== (scores.kind === "dense"))
    return `${rest.algorithm} has ${scores.kind} scores`;
  if (scores.kind === "dense") {
    const { sizes, mean, scale, weights } = scores;
    const wanted = layersOf(sizes).reduce((sum, { before, units }) => sum + (before + 1) * units, 0);
    const ends =
      sizes.length >= 2 && sizes[0] === features && sizes.at(-1) === outputs && sizes.every((one) => one > 0);
    const fits = ends && mean.length === features && scale.length === features && weights.length === wanted;
    return fits ? undefined : "the layers do not fit the features";
  }
  const isLinear = rest.algorithm === "logistic_regression" || rest.algorithm === "ridge";
  if (isLinear !== (scores.kind === "linear")) return `${rest.algorithm} has ${scores.kind} scores`;
  if (scores.kind === "linear") {
    const fits =
      scores.mean.length === features &&
      scores.scale.length === features &&
      scores.weights.length === outputs * features;
    return fits && scores.intercept.length === outputs ? undefined : "the coefficients do not fit the features";
  }
  const { roots, treeOutput, feature, threshold, left, right, flags, categories, leafValues, leafWidth, base } = scores;
  const nodes = feature.length;
  if (base.length !== outputs || treeOutput.length !== roots.length || roots.length === 0)
    return "the trees do not fit the outputs";
  if ([threshold, left, right, flags].some((array) => array.length !== nodes))
    return "the nodes' arrays differ in length";
  if (linkOf({ task, classes, ...rest }) === "share" && leafWidth !== outputs)
    return "the leaves do not fit the classes";
  for (const output of treeOutput) if (output < 0 || output + leafWidth > outputs) return "a tree has no such output";
  for (const root of roots) if (root < 0 || root >= nodes) return "a tree has no root";
  const isChild = (child: number, node: number) => child > node && child < nodes;
  for (let node = 0; node < nodes; node++) {
    const isLeaf = feature[node] === -1;
    const good = isLeaf
      ? left[node]! >= 0 && (left[node]! + 1) * leafWidth <= leafValues.length
      : feature[node]! >= 0 &&
        feature[node]! < features &&
        isChild(left[node]!, node) &&
        isChild(right[node]!, node) &&
        ((flags[node]! & 2) === 0 || (threshold[node]! >= 0 && 32 * (threshold[node]! + 1) <= categories.length));
    if (!good) return `node ${node} is wrong`;
  }
  return undefined;
}

function isRising({ x, y }: { readonly x: readonly number[]; readonly y: readonly number[] }): boolean {
  return x.length === y.length && x.every((one, at) => at === 0 || (one > x[at - 1]! && y[at]! >= y[at - 1]!));
}

function aligned(at: number): number {
  return Math.ceil(at / 8) * 8;
}

function invalid(reason: string): LearnError {
  return new LearnError("INVALID_MODEL", `The bytes are not a model that serializeModel wrote: ${reason}.`, {
    field: "bytes",
  });
}
