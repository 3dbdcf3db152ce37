import { type Algorithm, type Columns, train } from "@dagwright/learn";
import { z } from "zod";

const Matrix = z.array(z.array(z.number().nullable())).min(1);

const Input = z.object({
  model: z.string(),
  params: z.record(z.string(), z.unknown()).default({}),
  seed: z.number().int(),
  xTrain: Matrix,
  yTrain: z.array(z.number()),
  xTest: Matrix,
});

const ALGORITHM: Readonly<Record<string, Algorithm>> = {
  rf: "random_forest",
  gb: "gradient_boosting",
  lr: "logistic_regression",
  ridge: "ridge",
};

/** scikit-learn's names, of which some are ours without a choice. */
const PARAM: Readonly<Record<string, string>> = {
  nEstimators: "n_estimators",
  maxDepth: "max_depth",
  minSamplesSplit: "min_samples_split",
  minSamplesLeaf: "min_samples_leaf",
  maxFeatures: "max_features",
  learningRate: "learning_rate",
  maxIter: "max_iter",
};
const ALWAYS: Readonly<Record<string, unknown>> = { standardize: true, penalty: "l2" };

function columnsOf(rows: readonly (readonly (number | null)[])[]): Columns {
  const width = rows[0]?.length ?? 0;
  if (rows.some((row) => row.length !== width)) throw new Error("the rows differ in length");
  const at = Array.from({ length: width }, (_, column) => column);
  return {
    names: at.map((column) => `f${column}`),
    values: at.map((column) => Float64Array.from(rows, (row) => row[column] ?? Number.NaN)),
    rowCount: rows.length,
  };
}

function paramsOf(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!(name in ALWAYS)) params[PARAM[name] ?? name] = value;
    else if (ALWAYS[name] !== value) throw new Error(`${name} is ${JSON.stringify(value)}: expected ${ALWAYS[name]}`);
  }
  return params;
}

async function trainOn(input: unknown, task: "classification" | "regression") {
  const { model, params, seed, xTrain, yTrain, xTest } = Input.parse(input);
  const algorithm = ALGORITHM[model];
  if (algorithm === undefined) throw new Error(`unknown model ${model}`);
  const trained = await train({
    algorithm,
    task,
    columns: columnsOf(xTrain),
    target: Float64Array.from(yTrain),
    params: paramsOf(params),
    seed,
  });
  return { trained, columns: columnsOf(xTest) };
}

/** Operations of the area `ml`. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "ml.fitPredict": async (input) => {
    const { trained, columns } = await trainOn(input, "classification");
    const flat = trained.predictProba(columns);
    const width = trained.classes.length;
    const proba = Array.from({ length: columns.rowCount }, (_, row) => [
      ...flat.subarray(row * width, (row + 1) * width),
    ]);
    return { pred: [...trained.predict(columns)], proba };
  },
  "ml.fitPredictRegression": async (input) => {
    const { trained, columns } = await trainOn(input, "regression");
    return { pred: [...trained.predict(columns)] };
  },
};
