export { type Mock, type Mocks, mock, UnknownMockError } from "./mocks.ts";
export { type InProcessOptions, runInProcess } from "./run-in-process.ts";
