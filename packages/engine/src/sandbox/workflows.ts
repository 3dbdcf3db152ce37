/**
 * The workflow bundle: the interpreter for every workflow type (each DAG id is one), the retraining controller, the logs of
 * assets and the triggers of the DAGs that wait for them.
 */
export { dagwrightAsset } from "./asset-log.ts";
export { dagwrightAssetTrigger } from "./asset-trigger.ts";
export { interpreter as default } from "./interpreter.ts";
export { retrainingController } from "./retraining-controller.ts";
