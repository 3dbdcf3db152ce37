import fc from "fast-check";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Columns, FieldValue } from "./columns.ts";
import type { Model } from "./model.ts";
import { loadModel, serializeModel } from "./model-file.ts";
import { toOnnx } from "./onnx.ts";
import type { Algorithm } from "./params.ts";
import type { Preprocessing } from "./preprocessing.ts";
import { createRandom } from "./random.ts";
import { type TrainOptions, train } from "./train.ts";

const CITIES = ["ams", "ber", "cph", "dub", "edi", "fra", "gva"];

interface Draw {
  readonly seed: number;
  readonly rows: number;
  readonly classes: number;
  readonly algorithm: Algorithm;
  readonly params: Readonly<Record<string, unknown>>;
  readonly preprocessing: Preprocessing;
  readonly isWeighted: boolean;
}

/** Rows with numbers, codes and texts, of which some are missing. */
function sampleOf({ seed, rows, classes }: Pick<Draw, "seed" | "rows" | "classes">) {
  const random = createRandom(seed, 1);
  const unit = () => random.below(1 << 24) / (1 << 24);
  const number = Float64Array.from({ length: rows }, () =>
    unit() < 0.1 ? Number.NaN : Math.fround(unit() * 100 - 20),
  );
  const steps = Float64Array.from({ length: rows }, () => random.below(5));
  const city = Array.from({ length: rows }, () => (unit() < 0.1 ? null : CITIES[random.below(CITIES.length)]!));
  const columns: Columns = { names: ["number", "steps", "city"], values: [number, steps, city], rowCount: rows };
  const score = (row: number) =>
    (Number.isNaN(number[row]) ? 40 : number[row]!) +
    20 * steps[row]! +
    30 * ("bdg".includes(city[row]?.[0] ?? "b") ? 1 : 0) +
    25 * unit();
  const scores = Array.from({ length: rows }, (_, row) => score(row));
  const target =
    classes === 0
      ? Float64Array.from(scores)
      : Float64Array.from(scores, (value, row) =>
          row < classes ? row : Math.max(0, Math.min(classes - 1, Math.floor((value / 200) * classes))),
        );
  const sampleWeight = Float64Array.from({ length: rows }, () => 0.25 + unit());
  return { columns, target, sampleWeight };
}

function optionsOf(draw: Draw): TrainOptions {
  const { columns, target, sampleWeight } = sampleOf(draw);
  const task = draw.classes === 0 ? "regression" : "classification";
  const { algorithm, params, preprocessing, seed } = draw;
  return { algorithm, task, columns, target, params, preprocessing, seed, ...(draw.isWeighted && { sampleWeight }) };
}

const growth = {
  n_estimators: fc.integer({ min: 1, max: 6 }),
  max_leaf_nodes: fc.option(fc.integer({ min: 2, max: 12 })),
  max_depth: fc.option(fc.integer({ min: 1, max: 6 })),
  min_samples_leaf: fc.constantFrom(1, 5, 0.02),
  max_features: fc.constantFrom(null, "sqrt", 1),
};
const step: fc.Arbitrary<Preprocessing> = fc.record(
  {
    number: fc.constantFrom(
      { impute: "median", indicator: true, scale: "standard" } as const,
      { impute: 3, scale: "min_max" } as const,
      { indicator: true } as const,
    ),
    steps: fc.constantFrom({ encode: "ordinal" } as const, { encode: "one_hot", min_frequency: 2 } as const),
    city: fc.constantFrom({ encode: "one_hot" } as const, { encode: "ordinal", impute: "most_frequent" } as const),
  },
  { requiredKeys: [] },
);
const base = {
  seed: fc.integer({ min: 0, max: 1e6 }),
  rows: fc.constantFrom(20, 150, 2500),
  preprocessing: step,
  isWeighted: fc.boolean(),
};
const draws: fc.Arbitrary<Draw> = fc.oneof(
  fc.record({
    ...base,
    algorithm: fc.constant("random_forest" as const),
    classes: fc.constantFrom(0, 2, 3),
    params: fc.record({ ...growth, bootstrap: fc.boolean() }),
  }),
  fc.record({
    ...base,
    algorithm: fc.constant("gradient_boosting" as const),
    classes: fc.constantFrom(2, 4),
    params: fc.record({ ...growth, subsample: fc.constantFrom(1, 0.5), n_iter_no_change: fc.constantFrom(null, 2) }),
  }),
  fc.record({
    ...base,
    algorithm: fc.constant("gradient_boosting" as const),
    classes: fc.constant(0),
    params: fc.record({ ...growth, loss: fc.constantFrom("squared_error", "absolute_error", "huber", "quantile") }),
  }),
  fc.record({
    ...base,
    algorithm: fc.constant("logistic_regression" as const),
    classes: fc.constantFrom(2, 3),
    params: fc.record({ C: fc.constantFrom(0.1, 10), class_weight: fc.constantFrom(null, "balanced") }),
  }),
  fc.record({
    ...base,
    rows: fc.constantFrom(20, 150),
    algorithm: fc.constant("neural_network" as const),
    classes: fc.constantFrom(0, 2, 3),
    params: fc.record({
      hidden_layer_sizes: fc.constantFrom([5], [6, 4]),
      activation: fc.constantFrom("relu", "tanh", "logistic", "identity"),
      solver: fc.constantFrom("adam", "sgd"),
      max_iter: fc.constant(3),
    }),
  }),
  fc.record({
    ...base,
    algorithm: fc.constant("ridge" as const),
    classes: fc.constant(0),
    params: fc.record({ alpha: fc.constantFrom(0.5, 20) }),
  }),
);

/** New rows, with a city that training did not have. */
function askedOf(draw: Draw): Columns {
  const { columns } = sampleOf({ ...draw, seed: draw.seed + 1, rows: 60 });
  const [number, steps, city] = columns.values;
  return {
    ...columns,
    values: [
      number!,
      steps!,
      Array.from({ length: columns.rowCount }, (_, row) => city?.[row] ?? null).map((value, row) =>
        row % 13 === 0 ? "zrh" : value === null ? null : String(value),
      ),
    ],
  };
}

function recordAt({ names, values }: Columns, row: number): Record<string, FieldValue> {
  return Object.fromEntries(
    names.map((name, at) => {
      const value = values[at]![row]!;
      return [name, typeof value === "number" && Number.isNaN(value) ? null : value];
    }),
  );
}

async function onnxSays(model: Model, { names, values, rowCount }: Columns): Promise<ArrayLike<number>> {
  const session = await InferenceSession.create(toOnnx(model), { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    names.map((name, at) => {
      const column = values[at]!;
      return [
        name,
        column instanceof Float64Array
          ? new Tensor("float32", Float32Array.from(column), [rowCount, 1])
          : new Tensor(
              "string",
              column.map((value) => value ?? ""),
              [rowCount, 1],
            ),
      ];
    }),
  );
  const { probabilities, prediction } = await session.run(feeds);
  return (probabilities ?? prediction)?.data as Float32Array;
}

const says = (model: Model, columns: Columns) =>
  model.task === "regression" ? model.predict(columns) : model.predictProba(columns);

describe("for any data, algorithm, hyper-parameters and preprocessing", () => {
  test("the number of threads changes no bit of a model", async () => {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const one = serializeModel(await train({ ...optionsOf(draw), threads: 1 }));
        const three = serializeModel(await train({ ...optionsOf(draw), threads: 3 }));
        expect(Buffer.compare(one, three)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  test("saved and loaded it predicts the same, in bulk and row by row; ONNX Runtime within 1e-5", async () => {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const model = await train(optionsOf(draw));
        const asked = askedOf(draw);
        const expected = says(model, asked);
        const loaded = loadModel(serializeModel(model));
        expect(says(loaded, asked)).toEqual(expected);
        const classes = loaded.predict(asked);
        const width = expected.length / asked.rowCount;
        for (let row = 0; row < asked.rowCount; row += 7) {
          const { prediction, probabilities } = loaded.predictRow(recordAt(asked, row));
          expect(prediction).toBe(classes[row]);
          if (loaded.task === "classification")
            expect(Object.values(probabilities)).toEqual([...expected.subarray(row * width, (row + 1) * width)]);
        }
        const onnx = await onnxSays(model, asked);
        expect(onnx).toHaveLength(expected.length);
        for (const [at, value] of expected.entries())
          expect(Math.abs(onnx[at]! - value) / Math.max(1, Math.abs(value))).toBeLessThan(1e-5);
      }),
      { numRuns: 25 },
    );
  });

  test("a monotone feature never turns the prediction round", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(-1, 1), async (seed, way) => {
        const { columns, target } = sampleOf({ seed, rows: 400, classes: 2 });
        const params = { n_estimators: 10, monotonic_cst: { number: way }, min_samples_leaf: 3, max_depth: 4 };
        const model = await train({ algorithm: "gradient_boosting", columns, target, params });
        for (let row = 0; row < 10; row++) {
          const at = (number: number) => model.predictRow({ ...recordAt(columns, row), number }).probabilities["1"]!;
          for (let number = -30; number < 90; number += 5)
            expect(way * (at(number + 5) - at(number))).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 8 },
    );
  });
});
