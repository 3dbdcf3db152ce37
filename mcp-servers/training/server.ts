import { implement } from "@dagwright/mcp-kit";
import { training } from "./contract.ts";
import { loadTrainedModel, saveTrainedModel } from "./model-files.ts";
import {
  compareModels,
  getModelMetrics,
  listTrainedModels,
  type TrainingServices,
  trainModel,
  validateModel,
} from "./training.ts";
import { tuneHyperparameters } from "./tuning.ts";

/** The training server over the tables it learns from and the store that keeps its runs. */
export function createTrainingServer(services: TrainingServices) {
  return implement(training, {
    train_model: (args, ctx) => trainModel(services, args, ctx),
    hyperparameter_tuning: (args, ctx) => tuneHyperparameters(services, args, ctx),
    validate_model: (args, ctx) => validateModel(services, args, ctx),
    compare_models: (args, ctx) => compareModels(services, args, ctx),
    get_model_metrics: (args) => getModelMetrics(services, args),
    list_trained_models: (args) => listTrainedModels(services, args),
    save_model: (args, ctx) => saveTrainedModel(services, args, ctx),
    load_model: (args, ctx) => loadTrainedModel(services, args, ctx),
  });
}
