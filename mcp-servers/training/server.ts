import { implement } from "@dagwright/mcp-kit";
import { training } from "./contract.ts";
import { compareModels, getModelMetrics, listTrainedModels, type TrainingServices, trainModel } from "./training.ts";

/** The training server over the tables it learns from and the store that keeps its runs. */
export function createTrainingServer(services: TrainingServices) {
  return implement(training, {
    train_model: (args, ctx) => trainModel(services, args, ctx),
    compare_models: (args) => compareModels(services, args),
    get_model_metrics: (args) => getModelMetrics(services, args),
    list_trained_models: (args) => listTrainedModels(services, args),
  });
}
