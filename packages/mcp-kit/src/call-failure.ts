import { ProtocolError, SdkError, SdkErrorCode } from "@modelcontextprotocol/client";
import { readToolErrorData, ToolError } from "./errors.ts";
import type { McpServerLocation } from "./location.ts";

/** A connection that could not be opened, as `ToolError`. */
export function connectionFailed(name: string, location: McpServerLocation, error: unknown): ToolError {
  const message = error instanceof Error ? error.message : String(error);
  const where = "url" in location ? location.url : "command" in location ? location.command : "this process";
  if (isUnauthorized(error))
    return new ToolError("UNAUTHORIZED", `MCP server "${name}" at ${where} refused the token.`, {
      hint: `Give the server's bearer token as the token of "${name}".`,
      cause: error,
    });
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return new ToolError(
    "CONNECTION_FAILED",
    `MCP server "${name}" at ${where} cannot be reached: ${deepest(error) ?? message}`,
    {
      hint:
        "url" in location
          ? "Start the server, or correct its url."
          : "Check that the command exists and speaks MCP on stdout.",
      retryable: !missing,
      cause: error,
    },
  );
}

/** `fetch failed` says nothing; its cause does. */
function deepest(error: unknown): string | undefined {
  let message: string | undefined;
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at.message !== "") message = at.message;
    else if ("code" in at) message = String(at.code);
  return message;
}

/** A 401, however the SDK wraps it. */
function isUnauthorized(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at.name === "UnauthorizedError" || Reflect.get(at, "status") === 401) return true;
  return false;
}

/** Everything that can go wrong between the caller and the handler, as `ToolError`. */
export function callFailed(server: string, tool: string, error: unknown): ToolError {
  if (error instanceof ToolError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const name = `${server}.${tool}`;
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return new ToolError("TIMEOUT", `${name} did not answer in time.`, { retryable: true, cause: error });
  if (error instanceof ProtocolError) {
    const data = readToolErrorData(error.data);
    if (data !== undefined) return new ToolError(data.code, `${name}: ${data.message}`, { ...data, cause: error });
    const notFound = /not found/i.test(message);
    return new ToolError(notFound ? "UNKNOWN_TOOL" : "PROTOCOL_ERROR", `${name}: ${message}`, { cause: error });
  }
  if (isUnauthorized(error))
    return new ToolError("UNAUTHORIZED", `${name}: the server refused the token.`, { cause: error });
  if (error instanceof SdkError && error.code === SdkErrorCode.InvalidResult)
    return new ToolError("PROTOCOL_ERROR", `${name}: ${message}`, { cause: error });
  return new ToolError("CONNECTION_CLOSED", `${name}: the connection to the server broke: ${message}`, {
    retryable: true,
    cause: error,
  });
}
