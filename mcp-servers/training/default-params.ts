import type { Algorithm } from "@dagwright/learn";

/**
 * Where the defaults of this server's tools are not scikit-learn's: leaves of 5 rows give a forest better probabilities on
 * rare classes. `train_model` and `hyperparameter_tuning` both begin with them, so that what a study finds trains as it
 * was measured.
 */
export const DEFAULT_PARAMS: Readonly<Record<Algorithm, Readonly<Record<string, unknown>>>> = {
  random_forest: { min_samples_leaf: 5 },
  gradient_boosting: {},
  logistic_regression: {},
  ridge: {},
  neural_network: {},
};
