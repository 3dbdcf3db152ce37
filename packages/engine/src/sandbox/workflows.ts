/** The workflow bundle: the interpreter for every workflow type (each DAG id is one), and the retraining controller. */
export { interpreter as default } from "./interpreter.ts";
export { retrainingController } from "./retraining-controller.ts";
