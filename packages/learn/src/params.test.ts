import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { puzzle } from "./fixtures/samples.ts";
import { type Algorithm, elsewhere } from "./params.ts";
import { checkTraining, train } from "./train.ts";

/** What scikit-learn's classes take, with defaults, as recorded of their get_params(). */
const { "scikit-learn": _, ...CLASSES } = z
  .record(z.string(), z.union([z.string(), z.record(z.string(), z.unknown())]))
  .parse(JSON.parse(readFileSync(new URL("fixtures/scikit-learn-params.json", import.meta.url), "utf8")));

const ALGORITHM_OF: Readonly<Record<string, Algorithm>> = {
  RandomForestClassifier: "random_forest",
  RandomForestRegressor: "random_forest",
  GradientBoostingClassifier: "gradient_boosting",
  GradientBoostingRegressor: "gradient_boosting",
  HistGradientBoostingClassifier: "gradient_boosting",
  HistGradientBoostingRegressor: "gradient_boosting",
  LogisticRegression: "logistic_regression",
  Ridge: "ridge",
  MLPClassifier: "neural_network",
  MLPRegressor: "neural_network",
};
/** 1.0 is all features there, which a number here cannot be told from 1; a default that says that the name will go. */
const SAID_OTHERWISE: Readonly<Record<string, unknown>> = { max_features: null, penalty: "l2", l1_ratio: null };

test.each(Object.entries(CLASSES))(
  "every hyper-parameter of %s is taken, or refused with what to use",
  async (name, given) => {
    const algorithm = ALGORITHM_OF[name]!;
    const task = name.endsWith("Regressor") || name === "Ridge" ? "regression" : "classification";
    const options = { algorithm, task, ...puzzle(40, 1, task) } as const;
    // Of what trains in a moment, what the model says of itself.
    const quick = algorithm === "neural_network" ? { max_iter: 1 } : {};
    const { params } = await train({ ...options, params: quick });
    for (const [param, value] of Object.entries(given)) {
      const refusal = elsewhere(algorithm, param);
      if (refusal !== undefined) {
        expect(() => checkTraining({ ...options, params: { [param]: value } })).toThrow(
          expect.objectContaining({ code: "UNKNOWN_PARAM", field: `params.${param}`, hint: refusal }),
        );
        expect(params).not.toHaveProperty(param);
      } else {
        expect(params).toHaveProperty(param);
        if (!name.startsWith("Hist") && !(param in quick))
          expect([value, SAID_OTHERWISE[param]]).toContainEqual(params[param]);
      }
    }
  },
);

test("l1_ratio alone means elasticnet, as in scikit-learn", async () => {
  const model = await train({ algorithm: "logistic_regression", ...puzzle(60, 1), params: { l1_ratio: 0.5 } });
  expect(model.params).toMatchObject({ penalty: "elasticnet", l1_ratio: 0.5 });
});
