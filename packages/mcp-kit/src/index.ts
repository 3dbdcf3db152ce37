export type { CallOptions, LogLine } from "./connection.ts";
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
export type { HttpServer, McpServerLocation, StdioServer } from "./location.ts";
export { readMcpConfig } from "./mcp-config.ts";
export { nearest } from "./nearest.ts";
export { createMcpPool, type McpPool } from "./pool.ts";
export { type HttpOptions, type ServedOnHttp, serveHttp } from "./serve-http.ts";
export { type ServedOnStdio, serveStdio } from "./serve-stdio.ts";
