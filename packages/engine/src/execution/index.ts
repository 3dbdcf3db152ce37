export { executeFunction, executeTask, type TaskExecution } from "./execute-task.ts";
export { MAX_OUTPUT_BYTES } from "./json-output.ts";
export type { TaskOutcome } from "./outcome.ts";
