import {
  type Columns,
  type ColumnValues,
  type FieldValue,
  LARGEST_VALUE,
  missingFields,
  selectColumns,
} from "../columns.ts";
import { LearnError } from "../errors.ts";
import type { Model } from "../model.ts";
import { type OnnxFile, readOnnxFile, type Tensor } from "./onnx-file.ts";
import { classesOf, OPERATORS } from "./operators.ts";
import { damaged, size } from "./tensors.ts";

const sources = new WeakMap<Model, Uint8Array>();

/** The file that a foreign model was read from; undefined for one of our own. */
export function foreignBytes(model: Model): Uint8Array | undefined {
  return sources.get(model);
}

/** Whether bytes may be an ONNX file: they begin with its version field. */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && bytes.length > 8;
}

/**
 * A model from an ONNX file of scikit-learn's classical models and transformers, as skl2onnx writes it, or of `toOnnx`.
 * Features: the inputs' names where there are several, else the file's metadata, else f0, f1, …. Numbers are computed in
 * double precision and rounded where the file rounds, so probabilities agree with ONNX Runtime to about 1e-6.
 * @throws LearnError INVALID_MODEL for damaged bytes, UNSUPPORTED_ONNX naming the operator that is not read
 */
export function loadOnnx(given: Uint8Array): Model {
  // Copied: the caller may change the bytes, and those of Node's Buffer.slice() would lie anywhere in their memory.
  const bytes = new Uint8Array(given);
  const file = readOnnxFile(bytes);
  const unknown = file.nodes.find(({ operator }) => OPERATORS[operator] === undefined);
  if (unknown !== undefined)
    throw new LearnError("UNSUPPORTED_ONNX", `The ONNX file has the operator ${unknown.operator}, which is not read.`, {
      field: "bytes",
      hint: `Read are ${Object.keys(OPERATORS).sort().join(", ")}.`,
    });
  const single = file.inputs.length === 1 && file.inputs[0]!.width !== 1 ? file.inputs[0] : undefined;
  if (single?.width === 0)
    throw new LearnError(
      "UNSUPPORTED_ONNX",
      `The ONNX file's input ${single.name} does not say how many columns it has.`,
      {
        field: "bytes",
        hint: "Convert the model with initial_types that name the number of features.",
      },
    );
  const names =
    single === undefined
      ? file.inputs.map(({ name }) => name)
      : Array.from({ length: single.width }, (_, at) => file.features[at] ?? `f${at}`);
  const texts = new Set(
    single === undefined
      ? file.inputs.filter(({ isText }) => isText).map(({ name }) => name)
      : single.isText
        ? names
        : [],
  );
  const written = file.constants.get("classes");
  const found =
    classesOf(file.nodes) ??
    (file.outputs.includes("label") && written?.data instanceof Float64Array ? [...written.data] : []);
  const isClassifier = found.length > 0 && file.outputs.length > 1;
  const classes = isClassifier ? found : [];
  const width = classes.length;
  const say = (columns: readonly ColumnValues[], rowCount: number): Float64Array => {
    const feeds =
      single === undefined ? columnFeeds(file, columns, rowCount) : matrixFeed(single.name, columns, rowCount);
    const data = runGraph(file, feeds, file.outputs[isClassifier ? 1 : 0]!).data;
    if (data instanceof Float64Array && data.length === rowCount * Math.max(1, width)) return data;
    throw new LearnError(
      "UNSUPPORTED_ONNX",
      `The ONNX file's output ${file.outputs[isClassifier ? 1 : 0]} is not one number a row and class.`,
      { field: "bytes" },
    );
  };
  const read = (columns: Columns) => {
    const selected = selectColumns(names, columns);
    for (const [at, name] of names.entries())
      if (selected[at] instanceof Float64Array === texts.has(name)) throw wrongType(name, texts.has(name));
    return selected;
  };
  const best = (said: Float64Array, row: number) => {
    let most = 0;
    for (let k = 1; k < width; k++) if (said[row * width + k]! > said[row * width + most]!) most = k;
    return classes[most]!;
  };
  const model: Model = {
    algorithm: "onnx",
    task: isClassifier ? "classification" : "regression",
    featureNames: names,
    textFeatures: [...texts],
    inputs: [],
    classes,
    params: {},
    featureImportance: [],
    predictProba(columns) {
      if (!isClassifier)
        throw new LearnError("UNSUPPORTED_TASK", "A regression model has no class probabilities: call predict.", {
          field: "task",
        });
      return say(read(columns), columns.rowCount);
    },
    predict(columns) {
      const said = say(read(columns), columns.rowCount);
      return isClassifier ? Float64Array.from({ length: columns.rowCount }, (_, row) => best(said, row)) : said;
    },
    predictRow(record) {
      const said = say(
        names.map((name) => fieldOf(record, names, name, texts.has(name))),
        1,
      );
      if (!isClassifier) return { prediction: said[0]!, probabilities: {} };
      return {
        prediction: best(said, 0),
        probabilities: Object.fromEntries(classes.map((value, k) => [String(value), said[k]!])),
      };
    },
  };
  sources.set(model, bytes);
  return Object.freeze(model);
}

function fieldOf(
  record: Readonly<Record<string, FieldValue>>,
  names: readonly string[],
  name: string,
  isText: boolean,
): ColumnValues {
  const value = record[name];
  if (value === undefined) throw missingFields(names, record);
  if (isText) {
    if (value !== null && typeof value !== "string") throw wrongType(name, true);
    return [value];
  }
  const number = value === null ? Number.NaN : Number(value);
  if (typeof value === "string" || Math.abs(number) > LARGEST_VALUE) throw wrongType(name, false);
  return Float64Array.of(number);
}

function wrongType(name: string, isText: boolean): LearnError {
  return new LearnError(
    "INVALID_VALUE",
    `Feature "${name}": expected ${isText ? "a text" : "a finite number"}, or null where it is missing.`,
    { field: name },
  );
}

function columnFeeds(file: OnnxFile, columns: readonly ColumnValues[], rowCount: number): Map<string, Tensor> {
  return new Map(
    file.inputs.map(({ name }, at) => {
      const values = columns[at]!;
      const data = values instanceof Float64Array ? values.map(Math.fround) : values.map((value) => value ?? "");
      return [name, { dims: [rowCount, 1], data }];
    }),
  );
}

function matrixFeed(name: string, columns: readonly ColumnValues[], rowCount: number): Map<string, Tensor> {
  const width = columns.length;
  if (columns[0] instanceof Float64Array) {
    const data = new Float64Array(rowCount * width);
    for (const [at, values] of columns.entries())
      for (let row = 0; row < rowCount; row++) data[row * width + at] = Math.fround(Number(values[row]));
    return new Map([[name, { dims: [rowCount, width], data }]]);
  }
  const data = Array.from({ length: rowCount * width }, (_, at) =>
    String(columns[at % width]![Math.floor(at / width)] ?? ""),
  );
  return new Map([[name, { dims: [rowCount, width], data }]]);
}

function runGraph(file: OnnxFile, feeds: ReadonlyMap<string, Tensor>, wanted: string): Tensor {
  const known = new Map<string, Tensor>([...file.constants, ...feeds]);
  const tensorOf = (name: string): Tensor => {
    const tensor = known.get(name);
    if (tensor !== undefined) return tensor;
    throw new LearnError("INVALID_MODEL", `The ONNX file uses ${name}, which nothing makes before.`, {
      field: "bytes",
    });
  };
  for (const { operator, inputs, outputs, attributes } of file.nodes) {
    const made = OPERATORS[operator]!(
      inputs.map((name) => (name === "" ? undefined : tensorOf(name))),
      attributes,
    );
    for (const [at, name] of outputs.entries()) {
      const tensor = made[at];
      if (tensor === undefined) continue;
      if (tensor.data.length !== size(tensor.dims))
        throw damaged(`${operator} makes ${tensor.data.length} values, not ${tensor.dims.join("×")}`);
      known.set(name, tensor);
    }
  }
  return tensorOf(wanted);
}
