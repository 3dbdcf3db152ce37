/** The workflow bundle: the interpreter for every workflow type (each DAG id is one), and the long-lived workflows beside it. */
export { dagwrightAsset } from "./asset-log.ts";
export { dagwrightAssetTrigger } from "./asset-trigger.ts";
export { dagwrightBackfill } from "./backfill.ts";
export { interpreter as default } from "./interpreter.ts";
export { lateRunRecord } from "./late-run-record.ts";
export { dagwrightPool } from "./pool.ts";
export { retrainingController } from "./retraining-controller.ts";
