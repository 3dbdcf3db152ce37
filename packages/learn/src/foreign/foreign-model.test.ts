import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Columns } from "../columns.ts";
import { LearnError } from "../errors.ts";
import { wine } from "../fixtures/samples.ts";
import { loadModel, serializeModel } from "../model-file.ts";
import { toOnnx } from "../onnx.ts";
import { createRandom } from "../random.ts";
import { train } from "../train.ts";

const file = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const Expected = z.record(
  z.string(),
  z.object({
    operators: z.array(z.string()),
    rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
    said: z.array(z.array(z.number())),
  }),
);
const expected = Expected.parse(JSON.parse(file("expected.json").toString()));

function columnsOf(names: readonly string[], rows: readonly (readonly (string | number | null)[])[]): Columns {
  const values = names.map((_, at) =>
    typeof rows[0]?.[at] === "string"
      ? rows.map((row) => (row[at] === null ? null : String(row[at])))
      : Float64Array.from(rows, (row) => Number(row[at] ?? Number.NaN)),
  );
  return { names, values, rowCount: rows.length };
}

describe("ONNX files that skl2onnx made of scikit-learn's models say what scikit-learn said", () => {
  test.each(Object.entries(expected))("%s", (name, { rows, said }) => {
    // As Node reads a file: a Buffer, whose slice() copies nothing.
    const model = loadModel(file(`${name}.onnx`));
    const columns = columnsOf(model.featureNames, rows);
    const spoken = model.task === "regression" ? model.predict(columns) : model.predictProba(columns);
    expect(spoken).toHaveLength(said.flat().length);
    for (const [at, value] of said.flat().entries())
      expect(Math.abs(spoken[at]! - value) / Math.max(1, Math.abs(value))).toBeLessThan(1e-5);
    const record = Object.fromEntries(model.featureNames.map((feature, at) => [feature, rows[3]?.[at] ?? null]));
    expect(model.predictRow(record).prediction).toBe(model.predict(columns)[3]);
    expect(serializeModel(model)).toEqual(toOnnx(model));
    expect(loadModel(serializeModel(model)).predict(columns)).toEqual(model.predict(columns));
  });
});

test("our own ONNX files are read too", async () => {
  const { columns, target } = wine();
  for (const algorithm of ["random_forest", "gradient_boosting", "logistic_regression"] as const) {
    const model = await train({ algorithm, columns, target });
    const again = loadModel(toOnnx(model));
    expect(again.featureNames).toEqual(model.featureNames);
    expect(again.classes).toEqual(model.classes);
    const [one, other] = [model.predictProba(columns), again.predictProba(columns)];
    for (const [at, value] of one.entries()) expect(Math.abs(other[at]! - value)).toBeLessThan(1e-5);
  }
});

test("what cannot be read is refused with a reason", () => {
  const bytes = new Uint8Array(file("forest.onnx"));
  for (let length = 1; length < bytes.length; length += 211)
    expect(() => loadModel(bytes.slice(0, length))).toThrow(expect.objectContaining({ code: "INVALID_MODEL" }));
  const text = Buffer.from(file("linear.onnx")).toString("latin1").replaceAll("LinearRegressor", "LinearRegressoX");
  expect(() => loadModel(new Uint8Array(Buffer.from(text, "latin1")))).toThrow("LinearRegressoX, which is not read");
  const model = loadModel(new Uint8Array(file("mixed.onnx")));
  expect(() => model.predictRow({ a: 1, b: 2, city: 3 })).toThrow('Feature "city": expected a text');
  expect(() => model.predictRow({ a: 1, b: 2 })).toThrow('needs the feature "city"');
});

test("a file with any bytes changed is refused with a reason, or computed: it neither hangs nor breaks", () => {
  const random = createRandom(1, 2);
  const codes = new Set<string>();
  for (const name of ["linear", "logistic_three", "dropped", "bayes", "mixed_forest"])
    for (let at = 0; at < 100; at++) {
      const bytes = new Uint8Array(file(`${name}.onnx`));
      for (let changes = 0; changes < 3; changes++) bytes[random.below(bytes.length)] = random.below(256);
      try {
        const model = loadModel(bytes);
        const texts = new Set(model.textFeatures);
        model.predictRow(Object.fromEntries(model.featureNames.map((one) => [one, texts.has(one) ? "ams" : 1.5])));
        codes.add("computed");
      } catch (error) {
        codes.add(error instanceof LearnError ? error.code : `${String(error)}, ${name} ${at}`);
      }
    }
  expect([...codes].sort()).toEqual(["INVALID_MODEL", "UNKNOWN_CATEGORY", "UNSUPPORTED_ONNX", "computed"]);
});
