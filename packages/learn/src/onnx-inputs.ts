import type { FittedInput } from "./inputs.ts";
import {
  DOUBLE,
  FLOAT,
  floatAttribute,
  floatsAttribute,
  type GraphWriter,
  INT64,
  intAttribute,
  intsAttribute,
  ML,
  STRING,
  stringsAttribute,
} from "./onnx-graph.ts";

/**
 * Adds a model's inputs and what is done to them first; gives the numbers that the model sees, [N, width], of the type
 * that it computes in (FLOAT or DOUBLE; columns that are taken as they come are FLOAT).
 * Numbers only: one input `input`, float [N, F]. With texts: an input for each column by its name, [N, 1], float or
 * string, "" for a missing text.
 */
export function addInputs(graph: GraphWriter, inputs: readonly FittedInput[], type: number): string {
  const hasTexts = inputs.some((input) => input.kind === "category" && input.isText);
  if (!hasTexts) graph.input("input", FLOAT, inputs.length);
  if (!hasTexts && inputs.every(isPlain)) return "input";
  const parts = inputs.map((input, at) => {
    const isText = input.kind === "category" && input.isText;
    if (hasTexts) graph.input(input.name, isText ? STRING : FLOAT, 1);
    const own = hasTexts
      ? input.name
      : graph.node("Gather", ["input", graph.ints(graph.fresh("place"), [at])], graph.fresh("column"), [
          intAttribute("axis", 1),
        ]);
    return input.kind === "number" ? addNumber(graph, own, input, type) : addCategory(graph, own, input, type);
  });
  return graph.node("Concat", parts.flat(), "seen", [intAttribute("axis", 1)]);
}

function isPlain(input: FittedInput): boolean {
  return (
    input.kind === "number" && input.impute === null && !input.indicator && input.offset === 0 && input.factor === 1
  );
}

function addNumber(
  graph: GraphWriter,
  column: string,
  input: FittedInput & { kind: "number" },
  type: number,
): string[] {
  let value = column;
  const missing = input.impute !== null || input.indicator ? graph.node("IsNaN", [column], graph.fresh("missing")) : "";
  // In double: trees saw what double precision gave, rounded to float, and the others all of its digits.
  value = graph.node("Cast", [value], graph.fresh("double"), [intAttribute("to", DOUBLE)]);
  if (input.impute !== null) {
    const fill = graph.doubles(graph.fresh("fill"), [1, 1], [input.impute]);
    value = graph.node("Where", [missing, fill, value], graph.fresh("filled"));
  }
  if (input.offset !== 0)
    value = graph.node(
      "Sub",
      [value, graph.doubles(graph.fresh("offset"), [1, 1], [input.offset])],
      graph.fresh("centred"),
    );
  if (input.factor !== 1)
    value = graph.node(
      "Mul",
      [value, graph.doubles(graph.fresh("factor"), [1, 1], [input.factor])],
      graph.fresh("scaled"),
    );
  value = graph.node("Cast", [value], graph.fresh("number"), [intAttribute("to", type)]);
  if (!input.indicator) return [value];
  return [value, graph.node("Cast", [missing], graph.fresh("indicator"), [intAttribute("to", type)])];
}

function addCategory(
  graph: GraphWriter,
  column: string,
  input: FittedInput & { kind: "category" },
  type: number,
): string[] {
  const { categories, isText } = input;
  const codes = categories.map((_, code) => code);
  const imputed = input.impute === null ? -1 : categories.indexOf(input.impute);
  const unknown = -1;
  let code: string;
  if (isText) {
    const keys = [...categories.map(String), ""];
    const attributes = [
      stringsAttribute("keys_strings", keys),
      intsAttribute("values_int64s", [...codes, imputed]),
      intAttribute("default_int64", unknown),
    ];
    code = graph.node("LabelEncoder", [column], graph.fresh("code"), attributes, ML);
  } else {
    const attributes = [
      floatsAttribute("keys_floats", categories.map(Number)),
      floatsAttribute("values_floats", codes),
      floatAttribute("default_float", unknown),
    ];
    const encoded = graph.node("LabelEncoder", [column], graph.fresh("encoded"), attributes, ML);
    const missing = graph.node("IsNaN", [column], graph.fresh("missing"));
    const fill = graph.floats(graph.fresh("fill"), [1, 1], [imputed]);
    const filled = graph.node("Where", [missing, fill, encoded], graph.fresh("filled"));
    code = graph.node("Cast", [filled], graph.fresh("code"), [intAttribute("to", INT64)]);
  }
  if (input.encode === "one_hot") {
    const attributes = [intsAttribute("cats_int64s", codes), intAttribute("zeros", 1)];
    const hot = graph.node("OneHotEncoder", [code], graph.fresh("hot"), attributes, ML);
    const flat = graph.node("Flatten", [hot], graph.fresh("flat"), [intAttribute("axis", 1)]);
    return [graph.node("Cast", [flat], graph.fresh("shares"), [intAttribute("to", type)])];
  }
  const number = graph.node("Cast", [code], graph.fresh("number"), [intAttribute("to", FLOAT)]);
  const isUnknown = graph.node(
    "Less",
    [number, graph.floats(graph.fresh("zero"), [1, 1], [0])],
    graph.fresh("unknown"),
  );
  const none = graph.floats(graph.fresh("none"), [1, 1], [Number.NaN]);
  const ordinal = graph.node("Where", [isUnknown, none, number], graph.fresh("ordinal"));
  return [graph.node("Cast", [ordinal], graph.fresh("place"), [intAttribute("to", type)])];
}
