const EVERYWHERE: Readonly<Record<string, string>> = {
  warm_start: "Each training begins anew; take a larger n_estimators or max_iter.",
  verbose: "Progress is told by onProgress, and by the tools' progress notes.",
};
const OF_TREES = {
  ...EVERYWHERE,
  ccp_alpha: "Trees are not pruned afterwards; bound them by max_depth, max_leaf_nodes or min_samples_leaf.",
  splitter: "Every split is the best one among max_features.",
  num_leaves: "Use max_leaf_nodes.",
  min_child_samples: "Use min_samples_leaf.",
  colsample_bytree: "Use max_features, a share of the features drawn at every node.",
};
const OF_SOLVERS = {
  ...EVERYWHERE,
  solver: "There is none to choose: the one that suits the penalty is taken.",
  copy_X: "Data given are never changed.",
};

/**
 * Hyper-parameters of scikit-learn's namesakes (some of LightGBM's and XGBoost's too) that an algorithm here has not, with
 * what to use instead.
 */
export const PARAMS_ELSEWHERE = {
  random_forest: {
    ...OF_TREES,
    monotonic_cst: "Only gradient_boosting keeps to monotonic_cst.",
    max_iter: "Use n_estimators.",
  },
  gradient_boosting: {
    ...OF_TREES,
    max_iter: "Use n_estimators.",
    num_boost_round: "Use n_estimators.",
    eta: "Use learning_rate.",
    reg_lambda: "Use l2_regularization.",
    lambda_l2: "Use l2_regularization.",
    early_stopping: "Set n_iter_no_change (a count of rounds) to stop early, null not to.",
    early_stopping_rounds: "Use n_iter_no_change.",
    scoring: "Early stopping goes by the loss.",
    quantile: 'Use alpha, with the loss "quantile".',
    init: "Boosting begins with the constant that alone fits best.",
    criterion: "Splits are judged by gradient and curvature of the loss.",
    interaction_cst: "Interactions are not bounded; max_depth: 1 allows none.",
    min_impurity_decrease: "Bound trees by min_samples_leaf, max_leaf_nodes or l2_regularization.",
    min_weight_fraction_leaf: "Bound leaves by min_samples_leaf.",
  },
  logistic_regression: {
    ...OF_SOLVERS,
    dual: "The primal problem is solved; its optimum is the same.",
    intercept_scaling: "The intercept is never penalised, so it needs no scaling.",
    multi_class: "More than two classes are learnt together (multinomial).",
    alpha: "Use C, which is the inverse: a smaller C is a stronger penalty.",
  },
  ridge: {
    ...OF_SOLVERS,
    max_iter: "It is solved exactly, without iterations.",
    tol: "It is solved exactly, without iterations.",
    positive: "Weights may have any sign; gradient_boosting's monotonic_cst bounds the direction of a feature.",
    C: "Use alpha, which is the inverse: a larger alpha is a stronger penalty.",
  },
  neural_network: {
    ...EVERYWHERE,
    loss: "Classes are learnt by log loss, numbers by the squared error.",
    learning_rate: "The rate is constant; use learning_rate_init.",
    power_t: "The rate is constant; use learning_rate_init.",
    nesterovs_momentum: 'The solver "sgd" has Nesterov\'s momentum; momentum: 0 is without.',
    max_fun: 'The solvers are "adam" and "sgd", bounded by max_iter.',
  },
};
