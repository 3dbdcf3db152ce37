import { LearnError } from "../errors.ts";
import { type Field, floats32, floats64, floatsOf, intsOf, readFields, textOf, textsOf } from "./protobuf-reader.ts";

/** Numbers (booleans as 0 and 1) or texts, in rows. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float64Array | readonly string[];
}

/** An operator's settings. */
export interface Attributes {
  int(name: string, otherwise: number): number;
  float(name: string, otherwise: number): number;
  text(name: string, otherwise: string): string;
  ints(name: string): readonly number[];
  floats(name: string): readonly number[];
  texts(name: string): readonly string[];
  tensor(name: string): Tensor | undefined;
  has(name: string): boolean;
}

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** An input or output of the graph: its name, whether it holds texts, and its columns (0: unknown). */
export interface OnnxPort {
  readonly name: string;
  readonly isText: boolean;
  readonly width: number;
}

export interface OnnxFile {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly string[];
  /** Names of features, where `toOnnx` wrote the file. */
  readonly features: readonly string[];
}

const STRING = 8;
/** Of a value, by type. */
const BYTES: Readonly<Record<number, number>> = { 1: 4, 6: 4, 7: 8, 11: 8 };

/** Reads an ONNX file's graph. @throws LearnError INVALID_MODEL */
export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  const model = readFields(bytes);
  const graph = model.find(({ number }) => number === 7);
  if (graph === undefined)
    throw new LearnError("INVALID_MODEL", "The bytes are no ONNX file: there is no graph.", { field: "bytes" });
  const fields = readFields(graph.bytes);
  const all = (number: number) =>
    fields.filter((field) => field.number === number).map((field) => readFields(field.bytes));
  const constants = new Map(all(5).map((tensor) => [textsOf(tensor, 8)[0] ?? "", tensorOf(tensor)]));
  const metadata = model.filter(({ number }) => number === 14).map((field) => readFields(field.bytes));
  const features = metadata.find((entry) => textsOf(entry, 1)[0] === "features");
  return {
    nodes: all(1).map(nodeOf),
    constants,
    inputs: all(11)
      .map(portOf)
      .filter(({ name }) => !constants.has(name)),
    outputs: all(12).map((output) => textsOf(output, 1)[0] ?? ""),
    features: features === undefined ? [] : namesOf(textsOf(features, 2)[0] ?? "[]"),
  };
}

/** None where the metadata are not ours. */
function namesOf(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.map(String) : [];
  } catch {
    return [];
  }
}

function nodeOf(fields: readonly Field[]): OnnxNode {
  const attributes = fields.filter(({ number }) => number === 5).map(({ bytes }) => readFields(bytes));
  return {
    operator: textsOf(fields, 4)[0] ?? "",
    inputs: textsOf(fields, 1),
    outputs: textsOf(fields, 2),
    attributes: attributesOf(new Map(attributes.map((one) => [textsOf(one, 1)[0] ?? "", one]))),
  };
}

function attributesOf(known: ReadonlyMap<string, readonly Field[]>): Attributes {
  const field = (name: string, number: number) => known.get(name)?.find((one) => one.number === number);
  return {
    int: (name, otherwise) => field(name, 3)?.int ?? otherwise,
    float: (name, otherwise) => {
      const found = field(name, 2);
      return found === undefined ? otherwise : (floats32(found.bytes)[0] ?? otherwise);
    },
    text: (name, otherwise) => {
      const found = field(name, 4);
      return found === undefined ? otherwise : textOf(found.bytes);
    },
    ints: (name) => intsOf(known.get(name) ?? [], 8),
    floats: (name) => floatsOf(known.get(name) ?? [], 7),
    texts: (name) => textsOf(known.get(name) ?? [], 9),
    tensor: (name) => {
      const found = field(name, 5);
      return found === undefined ? undefined : tensorOf(readFields(found.bytes));
    },
    has: (name) => known.has(name),
  };
}

/** @throws LearnError INVALID_MODEL where values are missing, as those that lie in another file */
function tensorOf(fields: readonly Field[]): Tensor {
  const tensor = valuesOf(fields);
  const expected = tensor.dims.reduce((product, dim) => product * dim, 1);
  if (tensor.data.length === expected) return tensor;
  throw new LearnError(
    "INVALID_MODEL",
    `The ONNX file has a tensor of ${tensor.data.length} values: expected ${expected}, ${tensor.dims.join("×")}.`,
    { field: "bytes", hint: "Values that lie in another file are not read: save the model as one." },
  );
}

function valuesOf(fields: readonly Field[]): Tensor {
  const dims = intsOf(fields, 1);
  const type = intsOf(fields, 2)[0] ?? 0;
  if (type === STRING) return { dims, data: textsOf(fields, 6) };
  const raw = fields.find(({ number }) => number === 9)?.bytes;
  if (raw === undefined) {
    const doubles = fields.filter(({ number }) => number === 10).flatMap(({ bytes }) => [...floats64(bytes)]);
    return {
      dims,
      data: Float64Array.from([...floatsOf(fields, 4), ...intsOf(fields, 5), ...intsOf(fields, 7), ...doubles]),
    };
  }
  const own = raw.slice().buffer;
  if (raw.length % (BYTES[type] ?? 1) !== 0)
    throw new LearnError("INVALID_MODEL", "The ONNX file has a tensor that is cut off.", { field: "bytes" });
  if (type === 1) return { dims, data: Float64Array.from(new Float32Array(own)) };
  if (type === 11) return { dims, data: new Float64Array(own) };
  if (type === 7) return { dims, data: Float64Array.from(new BigInt64Array(own), Number) };
  if (type === 6) return { dims, data: Float64Array.from(new Int32Array(own)) };
  if (type === 9 || type === 2) return { dims, data: Float64Array.from(new Uint8Array(own)) };
  throw new LearnError(
    "INVALID_MODEL",
    `The ONNX file has a tensor of type ${type}: expected numbers, booleans or texts.`,
    {
      field: "bytes",
    },
  );
}

/** ValueInfoProto: name 1, type 2 { tensor 1 { element 1, shape 2 { dim 1 { value 1 } } } }. */
function portOf(fields: readonly Field[]): OnnxPort {
  const inside = (from: readonly Field[], number: number) => {
    const found = from.find((field) => field.number === number);
    return found === undefined ? [] : readFields(found.bytes);
  };
  const tensor = inside(inside(fields, 2), 1);
  const dims = inside(tensor, 2)
    .filter(({ number }) => number === 1)
    .map(({ bytes }) => intsOf(readFields(bytes), 1)[0] ?? 0);
  return { name: textsOf(fields, 1)[0] ?? "", isText: intsOf(tensor, 1)[0] === STRING, width: dims[1] ?? 0 };
}
