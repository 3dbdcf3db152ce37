/** The workflow bundle: the interpreter for every workflow type (each DAG id is one), the retraining controller, and records of late. */
export { interpreter as default } from "./interpreter.ts";
export { lateRunRecord } from "./late-run-record.ts";
export { retrainingController } from "./retraining-controller.ts";
