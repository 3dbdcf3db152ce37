import { McpServer, type ServerContext } from "@modelcontextprotocol/server";
import { z } from "zod";
import { inputJsonSchema, parseArguments } from "./arguments.ts";
import type { Contract, Progress, ToolAnnotations, ToolArguments, ToolContract } from "./contract.ts";
import { ToolError, type ToolErrorData, toolErrorData } from "./errors.ts";
import { CALL_ID_META, ERROR_META, IDEMPOTENCY_KEY_META, TRACEPARENT_META } from "./meta.ts";

/** `level` of a log line, as in MCP. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** What a tool's handler gets beside its arguments. */
export interface ToolContext {
  /** Aborted when the caller cancels the call or is gone. */
  readonly signal: AbortSignal;
  /** The same for every attempt of one call: an effect done under it must not be done again. */
  readonly idempotencyKey?: string;
  /** The caller's trace, as in W3C Trace Context, when it has one. */
  readonly traceparent?: string;
  /** Tells the caller how far the call has come; nothing happens when it did not ask. */
  progress(progress: Progress): void;
  /** Sends a log line to the caller. */
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

/** A function for every tool of a contract: arguments with defaults filled in → output as the output schema takes it. */
export type Handlers<C extends Contract> = {
  readonly [K in keyof C["tools"]]: (
    args: ToolArguments<C, K>,
    context: ToolContext,
  ) => DeepReadonly<z.input<C["tools"][K]["output"]>> | Promise<DeepReadonly<z.input<C["tools"][K]["output"]>>>;
};

/** An output is only read, so a handler may hand over what it must not change. Stops at records and at what is readonly. */
type DeepReadonly<T> = T extends (infer I)[]
  ? readonly DeepReadonly<I>[]
  : T extends readonly unknown[]
    ? T
    : T extends object
      ? string extends keyof T
        ? T
        : { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

/** An MCP server ready to be served: inside the process (`createMcpPool`), by `serveStdio` or by `serveHttp`. */
export interface ServerImplementation<C extends Contract = Contract> {
  readonly contract: C;
  /** A fresh protocol instance over the same handlers; one per connection. */
  build(): McpServer;
}

/**
 * Joins a contract to functions. Arguments are checked before a handler runs, its output after; whatever a handler
 * throws becomes an `isError` answer with `{ code, message, field?, hint?, retryable }` as JSON text and in `_meta`.
 *
 * Codes given here: `INVALID_ARGUMENTS` (field, value, expectation; unknown keys too), `INVALID_OUTPUT` (the handler
 * broke its contract), `INTERNAL_ERROR` (an error without a code of its own).
 *
 * @example
 * implement(clock, { now: () => ({ now: new Date().toISOString() }) })
 */
export function implement<C extends Contract>(contract: C, handlers: Handlers<C>): ServerImplementation<C> {
  // The mapped type is exact for callers; inside, a tool's name and its schemas are values only known at run time.
  const run = handlers as unknown as Record<string, (args: unknown, context: ToolContext) => unknown>;
  const tools = Object.entries(contract.tools).map(([name, tool]) => {
    const handler = run[name];
    if (handler === undefined) throw new Error(`Server "${contract.name}": tool "${name}" has no handler.`);
    return { name, tool, handler, inputSchema: described(inputJsonSchema(tool.input)), outputSchema: outputOf(tool) };
  });
  return {
    contract,
    build() {
      const server = new McpServer(
        { name: contract.name, version: "0.1.0" },
        { instructions: contract.instructions, capabilities: { logging: {} } },
      );
      for (const { name, tool, handler, inputSchema, outputSchema } of tools) {
        server.registerTool(
          name,
          {
            description: tool.description,
            inputSchema,
            outputSchema,
            annotations: mcpAnnotations(tool.annotations ?? {}),
          },
          async (args, context) => answer(contract.name, name, tool, handler, args, context),
        );
      }
      return server;
    },
  };
}

async function answer(
  server: string,
  name: string,
  tool: ToolContract,
  handler: (args: unknown, context: ToolContext) => unknown,
  args: unknown,
  context: ServerContext,
) {
  const sender = notifications(server, context);
  const { [IDEMPOTENCY_KEY_META]: key, [TRACEPARENT_META]: traceparent } = context.mcpReq._meta ?? {};
  try {
    const output = await handler(parseArguments(name, tool.input, args), {
      signal: context.mcpReq.signal,
      ...(typeof key === "string" ? { idempotencyKey: key } : {}),
      ...(typeof traceparent === "string" ? { traceparent } : {}),
      progress: sender.progress,
      log: sender.log,
    });
    const text = JSON.stringify(checkedOutput(name, tool, output));
    await sender.sent();
    // Parsed again, so that a caller in this process gets what one behind a socket gets.
    const structuredContent: Record<string, unknown> = JSON.parse(text);
    return { structuredContent, content: [{ type: "text" as const, text }] };
  } catch (thrown) {
    await sender.sent();
    return errorAnswer(toolErrorData(thrown));
  }
}

function checkedOutput(name: string, tool: ToolContract, output: unknown): unknown {
  const parsed = tool.output.safeParse(output);
  if (parsed.success) return parsed.data;
  throw new ToolError("INVALID_OUTPUT", `${name} answered against its contract: ${z.prettifyError(parsed.error)}`, {
    hint: "This is a fault of the server, not of the call.",
  });
}

function errorAnswer(error: ToolErrorData) {
  return {
    isError: true,
    content: [{ type: "text" as const, text: JSON.stringify(error) }],
    _meta: { [ERROR_META]: { ...error } },
  };
}

/** Progress and log lines leave in order, and all of them before the answer. A caller that is gone is no failure. */
function notifications(server: string, context: ServerContext) {
  const { progressToken, [CALL_ID_META]: callId } = context.mcpReq._meta ?? {};
  let sending = Promise.resolve();
  const send = (one: () => Promise<void>) => {
    sending = sending.then(one).catch(() => undefined);
  };
  return {
    progress({ done, total, note }: Progress): void {
      if (progressToken === undefined) return;
      send(() =>
        context.mcpReq.notify({
          method: "notifications/progress",
          params: {
            progressToken,
            progress: done,
            ...(total === undefined ? {} : { total }),
            ...(note === undefined ? {} : { message: note }),
          },
        }),
      );
    },
    log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
      send(() => context.mcpReq.log(level, { message, fields, ...(callId === undefined ? {} : { callId }) }, server));
    },
    sent: () => sending,
  };
}

function mcpAnnotations({ readOnly = false, destructive = false, idempotent = false }: ToolAnnotations) {
  return { readOnlyHint: readOnly, destructiveHint: destructive, idempotentHint: idempotent };
}

function outputOf(tool: ToolContract) {
  return described(z.toJSONSchema(tool.output, { io: "output", unrepresentable: "any" }));
}

/** A schema the SDK lists but does not check: the checks are ours, for the sake of their messages. */
function described(jsonSchema: Record<string, unknown>) {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "dagwright",
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => jsonSchema, output: () => jsonSchema },
    },
  };
}
