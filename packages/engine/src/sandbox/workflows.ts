/** The workflow bundle: the interpreter for every workflow type (each DAG id is one), backfills, retraining controllers. */
export { dagwrightBackfill } from "./backfill.ts";
export { interpreter as default } from "./interpreter.ts";
export { retrainingController } from "./retraining-controller.ts";
