export type { Deployed, DeploymentStatus, Deployments, DeployRequest, EndpointTest } from "./api.ts";
export { openDeployments } from "./deployments.ts";
export { ServingError, type ServingErrorCode } from "./errors.ts";
export type { LoggedPrediction, PredictionLog, PredictionWindow } from "./prediction-log.ts";
export { createPredictionServer } from "./prediction-server.ts";
export type { FeatureRow, ModelLoader, Prediction, PredictiveModel } from "./served-model.ts";
