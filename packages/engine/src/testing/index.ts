export { type ClearedRun, type Clearing, clearedRun, markedRun } from "../core/clear.ts";
export { type CachedOutput, memoryCache, type TaskCache } from "./memory-cache.ts";
export { type Mock, type Mocks, mock, UnknownMockError } from "./mocks.ts";
export { type ControlMark, type ControlRemark, type RunControl, RunRequestError } from "./run-control.ts";
export { type InProcessOptions, runInProcess } from "./run-in-process.ts";
