import { z } from "zod";
import { LearnError } from "./errors.ts";

/** The algorithms, by the name under which `train` takes them. */
export const ALGORITHMS = ["random_forest", "gradient_boosting", "logistic_regression", "ridge"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const Count = z.number().int().min(1);
const MaxDepth = Count.nullable();
const MaxFeatures = z.union([z.enum(["sqrt", "log2"]), Count, z.number().gt(0).lt(1), z.null()], {
  error: 'expected "sqrt", "log2", a count of features, a share between 0 and 1, or null for all',
});
const MinSamplesSplit = z.number().int().min(2);

/** Names, meanings and defaults of scikit-learn's RandomForestClassifier and RandomForestRegressor. */
export const ForestParams = z.strictObject({
  n_estimators: Count.default(100),
  max_depth: MaxDepth.default(null),
  min_samples_split: MinSamplesSplit.default(2),
  min_samples_leaf: Count.default(1),
  /** For regression `train` makes null, all features, the default. */
  max_features: MaxFeatures.default("sqrt"),
  bootstrap: z.boolean().default(true),
});
export type ForestParams = z.output<typeof ForestParams>;

/** Names, meanings and defaults of scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor. */
export const BoostingParams = z.strictObject({
  n_estimators: Count.default(100),
  learning_rate: z.number().gt(0).default(0.1),
  max_depth: MaxDepth.default(3),
  min_samples_split: MinSamplesSplit.default(2),
  min_samples_leaf: Count.default(1),
  max_features: MaxFeatures.default(null),
});
export type BoostingParams = z.output<typeof BoostingParams>;

/** Names, meanings and defaults of scikit-learn's LogisticRegression (L2, lbfgs). */
export const LogisticParams = z.strictObject({
  C: z.number().gt(0).default(1),
  max_iter: Count.default(100),
  tol: z.number().gt(0).default(1e-4),
});
export type LogisticParams = z.output<typeof LogisticParams>;

/** Names, meanings and defaults of scikit-learn's Ridge, behind a StandardScaler. */
export const RidgeParams = z.strictObject({ alpha: z.number().gt(0).default(1) });
export type RidgeParams = z.output<typeof RidgeParams>;

/**
 * Checks hyper-parameters and fills in defaults.
 * @throws LearnError UNKNOWN_PARAM naming the known ones; INVALID_PARAM naming the value and what was expected
 */
export function parseParams<S extends z.ZodObject>(
  algorithm: Algorithm,
  schema: S,
  params: Readonly<Record<string, unknown>>,
): z.output<S> {
  const known = Object.keys(schema.shape);
  for (const name of Object.keys(params))
    if (!known.includes(name))
      throw new LearnError(
        "UNKNOWN_PARAM",
        `${algorithm} has no hyper-parameter "${name}"; it has ${known.join(", ")}.`,
        {
          field: `params.${name}`,
        },
      );
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0] ?? "");
  throw new LearnError(
    "INVALID_PARAM",
    `${algorithm}'s hyper-parameter ${name} is ${JSON.stringify(params[name])}: ${issue?.message}.`,
    {
      field: `params.${name}`,
    },
  );
}

/**
 * How many of `features` columns a node looks at.
 * @throws LearnError INVALID_PARAM when the count is larger than there are features
 */
export function featuresPerNode(maxFeatures: z.output<typeof MaxFeatures>, features: number): number {
  if (maxFeatures === null) return features;
  if (maxFeatures === "sqrt") return Math.max(1, Math.floor(Math.sqrt(features)));
  if (maxFeatures === "log2") return Math.max(1, Math.floor(Math.log2(features)));
  if (maxFeatures < 1) return Math.max(1, Math.floor(maxFeatures * features));
  if (maxFeatures > features)
    throw new LearnError(
      "INVALID_PARAM",
      `max_features is ${maxFeatures}: expected at most ${features}, the number of features.`,
      {
        field: "params.max_features",
      },
    );
  return maxFeatures;
}
