import { type Columns, selectColumns } from "./columns.ts";
import { createInputReader } from "./inputs.ts";
import { likeliest } from "./links.ts";
import { createLink, knownDefinition, type Model, type ModelDefinition, rawScoresOf } from "./model.ts";
import { createPace, inTurns, type Pace } from "./pace.ts";
import { scoringRows } from "./packed-trees.ts";

/** Rows that are predicted before others may have the thread, where a row costs little. */
const PART = 4096;

/**
 * `Model.predict` that lets others in: a large forest takes minutes for many rows.
 * @throws as `Model.predict`; the signal's reason
 */
export async function predictInTurns(model: Model, columns: Columns, signal?: AbortSignal): Promise<Float64Array> {
  const said = await sayInTurns(model, columns, createPace(signal));
  return model.task === "regression" ? said : classesOf(model, said);
}

/** What the model says of every row: each class's probability, or the number. */
export async function sayInTurns(model: Model, columns: Columns, pace: Pace): Promise<Float64Array> {
  const definition = knownDefinition(model);
  if (definition !== undefined) return createLink(definition)(await rawScoresInTurns(definition, columns, pace));
  const isRegression = model.task === "regression";
  const say = (part: Columns) => (isRegression ? model.predict(part) : model.predictProba(part));
  return inParts(columns, isRegression ? 1 : model.classes.length, say, pace);
}

/** `rawScoresOf` of columns that lets others in. */
export async function rawScoresInTurns(
  { inputs, scores }: Pick<ModelDefinition, "inputs" | "scores">,
  columns: Columns,
  pace: Pace,
): Promise<Float64Array> {
  if (scores.kind !== "trees") return inParts(columns, scores.outputs, rawScoresOf({ inputs, scores }), pace);
  const names = inputs.map(({ name }) => name);
  const read = createInputReader(inputs).readColumns(selectColumns(names, columns), columns.rowCount);
  return await inTurns(scoringRows(scores, read, columns.rowCount), pace);
}

/** @param width values that `say` gives a row */
async function inParts(
  columns: Columns,
  width: number,
  say: (part: Columns) => Float64Array,
  pace: Pace,
): Promise<Float64Array> {
  const said = new Float64Array(columns.rowCount * width);
  for (let from = 0; from < columns.rowCount; from += PART) {
    said.set(say(slice(columns, from, Math.min(columns.rowCount, from + PART))), from * width);
    await pace.breathe();
  }
  return said;
}

/** The most probable class of each row, the first of equals. */
export function classesOf({ classes }: Pick<Model, "classes">, probabilities: Float64Array): Float64Array {
  const width = classes.length;
  return Float64Array.from(
    { length: probabilities.length / width },
    (_, row) => classes[likeliest(probabilities, row, width)]!,
  );
}

function slice({ names, values }: Columns, from: number, until: number): Columns {
  const part = values.map((column) =>
    column instanceof Float64Array ? column.subarray(from, until) : column.slice(from, until),
  );
  return { names, values: part, rowCount: until - from };
}
