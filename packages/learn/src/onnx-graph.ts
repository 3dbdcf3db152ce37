import { ProtobufWriter } from "./protobuf.ts";

export const FLOAT = 1;
export const INT64 = 7;
export const STRING = 8;
export const DOUBLE = 11;
/** The operators of classical models. */
export const ML = "ai.onnx.ml";

/** Collects the nodes, constants, inputs and outputs of a graph (onnx.proto's GraphProto). */
export class GraphWriter {
  readonly #graph = new ProtobufWriter();
  #count = 0;

  /** A name that no other tensor has. */
  fresh(hint: string): string {
    return `${hint}_${this.#count++}`;
  }

  /** Adds a node with one output; returns the output's name. */
  node(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: readonly ProtobufWriter[] = [],
    domain = "",
  ): string {
    const node = new ProtobufWriter();
    for (const input of inputs) node.string(1, input);
    node.string(2, output).string(3, `${operator}_${output}`).string(4, operator);
    for (const one of attributes) node.message(5, one);
    if (domain !== "") node.string(7, domain);
    this.#graph.message(1, node);
    return output;
  }

  floats(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    return this.#tensor(name, dims, FLOAT, new Uint8Array(Float32Array.from(values).buffer));
  }

  doubles(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    return this.#tensor(name, dims, DOUBLE, new Uint8Array(Float64Array.from(values).buffer));
  }

  ints(name: string, values: readonly number[]): string {
    return this.#tensor(name, [values.length], INT64, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  input(name: string, elements: number, width: number): void {
    this.#graph.message(11, valueInfo(name, elements, width));
  }

  output(name: string, elements: number, width?: number): void {
    this.#graph.message(12, valueInfo(name, elements, width));
  }

  finish(name: string): ProtobufWriter {
    return this.#graph.string(2, name);
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

// AttributeProto: name 1, f 2, i 3, s 4, floats 7, ints 8, strings 9, type 20.
const attribute = (name: string, type: number) => new ProtobufWriter().string(1, name).int(20, type);
export const floatAttribute = (name: string, value: number) => attribute(name, 1).float(2, value);
export const intAttribute = (name: string, value: number) => attribute(name, 2).int(3, value);
export const stringAttribute = (name: string, value: string) => attribute(name, 3).string(4, value);
export const floatsAttribute = (name: string, values: ArrayLike<number>) => attribute(name, 6).floats(7, values);
export const intsAttribute = (name: string, values: ArrayLike<number>) => attribute(name, 7).ints(8, values);
export function stringsAttribute(name: string, values: readonly string[]): ProtobufWriter {
  const writer = attribute(name, 8);
  for (const value of values) writer.string(9, value);
  return writer;
}

/** @param values packed numbers for "ints"; whole fields of the number 9 for "strings" */
export function longAttribute(name: string, kind: "ints" | "strings", values: ProtobufWriter): ProtobufWriter {
  return kind === "ints" ? attribute(name, 7).message(8, values) : attribute(name, 8).fields(values);
}
