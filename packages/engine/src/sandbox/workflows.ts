/** The workflow bundle: the interpreter for every workflow type (each DAG id is one), pools, the retraining controller. */
export { interpreter as default } from "./interpreter.ts";
export { dagwrightPool } from "./pool.ts";
export { retrainingController } from "./retraining-controller.ts";
