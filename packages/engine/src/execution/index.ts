export { executeFunction, executeTask, idempotencyKeyOf, type TaskExecution } from "./execute-task.ts";
export { MAX_OUTPUT_BYTES } from "./json-output.ts";
export type { TaskOutcome } from "./outcome.ts";
export { taskErrorOf } from "./task-error.ts";
