export {
  type Contract,
  defineContract,
  type Progress,
  type ToolAnnotations,
  type ToolArguments,
  type ToolClient,
  type ToolContract,
  type ToolInput,
  type ToolOutput,
} from "./contract.ts";
export { ToolError, type ToolErrorData, toolErrorData } from "./errors.ts";
export { type Handlers, implement, type LogLevel, type ServerImplementation, type ToolContext } from "./implement.ts";
export { nearest } from "./nearest.ts";
