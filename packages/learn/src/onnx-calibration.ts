import type { Calibration } from "./calibration.ts";
import { DOUBLE, FLOAT, type GraphWriter, intAttribute } from "./onnx-graph.ts";

/** Scores [N, curves] to probabilities [N, curves], in double precision within. */
export function addCalibration(graph: GraphWriter, calibration: Calibration, scores: string): string {
  const width = calibration.curves.length;
  const double = graph.node("Cast", [scores], "scores_double", [intAttribute("to", DOUBLE)]);
  const curves =
    calibration.method === "sigmoid" ? sigmoids(graph, calibration, double) : lines(graph, calibration, double);
  const single = graph.node("Cast", [curves], "calibrated", [intAttribute("to", FLOAT)]);
  if (width === 1) return single;
  const sum = graph.node("ReduceSum", [single, graph.ints("classes_axis", [1])], "calibrated_sum");
  const none = graph.node("Equal", [sum, graph.floats("no_share", [1], [0])], "calibrated_none");
  const shares = graph.node("Div", [single, sum], "calibrated_shares");
  return graph.node("Where", [none, graph.floats("equal_share", [1], [1 / width]), shares], "calibrated_whole");
}

function sigmoids(graph: GraphWriter, { curves }: Extract<Calibration, { method: "sigmoid" }>, scores: string): string {
  const row = (name: string, values: readonly number[]) => graph.doubles(name, [1, values.length], values);
  const [slopes, offsets] = [curves.map(({ slope }) => slope), curves.map(({ offset }) => offset)];
  const scaled = graph.node("Mul", [scores, row("slopes", slopes)], "sloped");
  return graph.node("Sigmoid", [graph.node("Add", [scaled, row("offsets", offsets)], "shifted")], "sigmoids");
}

/** A curve is its first level and, for each piece, its slope times how far the score has come in it. */
function lines(graph: GraphWriter, { curves }: Extract<Calibration, { method: "isotonic" }>, scores: string): string {
  const columns = curves.map(({ x, y }, k) => {
    const own = (hint: string) => `${hint}_curve_${k}`;
    const place = graph.ints(own("place"), [k]);
    const score = graph.node("Gather", [scores, place], own("score"), [intAttribute("axis", 1)]);
    const pieces = x.slice(1).map((to, at) => ({ from: x[at]!, width: to - x[at]!, rise: y[at + 1]! - y[at]! }));
    const rising = pieces.filter(({ rise }) => rise > 0);
    // A curve that is level everywhere has a piece all the same: a tensor may not be empty.
    const shown = rising.length > 0 ? rising : [{ from: 0, width: 1, rise: 0 }];
    const of = (hint: string, value: (piece: (typeof shown)[number]) => number, dims = [1, shown.length]) =>
      graph.doubles(own(hint), dims, shown.map(value));
    const from = of("from", (piece) => piece.from);
    const width = of("width", (piece) => piece.width);
    const slope = of("slopes", (piece) => piece.rise / piece.width, [shown.length, 1]);
    const come = graph.node("Sub", [score, from], own("come"));
    const begun = graph.node("Max", [come, graph.doubles(own("zero"), [1, 1], [0])], own("begun"));
    const within = graph.node("Min", [begun, width], own("within"));
    const risen = graph.node("MatMul", [within, slope], own("risen"));
    return graph.node("Add", [risen, graph.doubles(own("first"), [1, 1], [y[0]!])], own("line"));
  });
  return columns.length === 1 ? columns[0]! : graph.node("Concat", columns, "lines", [intAttribute("axis", 1)]);
}
