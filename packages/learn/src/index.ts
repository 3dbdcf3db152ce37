/** Training on columns: forests, boosting, logistic regression, metrics, tuning, ONNX. */
export {
  accuracy,
  balancedAccuracy,
  cohenKappa,
  confusionMatrix,
  matthewsCorrelation,
  precisionRecallF1,
  precisionRecallF1PerClass,
} from "./classification-metrics.ts";
export type { Columns, ColumnValues, FieldValue } from "./columns.ts";
export { LearnError, type LearnErrorCode } from "./errors.ts";
export {
  crossValidate,
  evaluate,
  isLoss,
  type LearningCurvePoint,
  learningCurve,
  type PermutationImportance,
  permutationImportance,
  type Score,
  scoresOf,
} from "./evaluation.ts";
export type { FeatureImportance, Model } from "./model.ts";
export { loadModel, serializeModel, serializeModelInTurns } from "./model-file.ts";
export { type ClassificationMetrics, classificationMetrics } from "./model-metrics.ts";
export { toOnnx, toOnnxInTurns } from "./onnx.ts";
export type { TrainingProgress } from "./pace.ts";
export { ALGORITHMS, type Algorithm } from "./params.ts";
export { predictInTurns } from "./predictions.ts";
export type { ColumnStep, Preprocessing } from "./preprocessing.ts";
export { regressionMetrics } from "./regression-metrics.ts";
export {
  averagePrecision,
  brierScore,
  logLoss,
  precisionRecallCurve,
  rocAuc,
  rocAucMulti,
  rocCurve,
} from "./score-metrics.ts";
export { type Fold, kFold, stratifiedKFold, takeRows, timeSeriesSplit } from "./splits.ts";
export type { Task } from "./target.ts";
export { checkTraining, type TrainOptions, train } from "./train.ts";
export { type ParamImportance, paramImportances, type SharedStudy, shareStudy } from "./tuning/propose.ts";
export type { PrunerInput } from "./tuning/pruners.ts";
export type { SamplerInput } from "./tuning/sampler.ts";
export type { DimensionInput, ParamValue, TrialParams } from "./tuning/space.ts";
export { createStudy, resumeStudy, type Study, type StudyOptions } from "./tuning/study.ts";
export type { Direction, Trial } from "./tuning/trial.ts";
