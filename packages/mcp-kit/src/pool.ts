import type { CallToolResult } from "@modelcontextprotocol/client";
import { z } from "zod";
import type { CallOptions, Connection } from "./connection.ts";
import type { Contract, ToolClient, ToolContract } from "./contract.ts";
import { readToolErrorData, ToolError, type ToolErrorData } from "./errors.ts";
import type { LazyServer, McpServerLocation } from "./location.ts";
import { ERROR_META } from "./meta.ts";
import { nearest } from "./nearest.ts";

/** Connections to MCP servers: opened by the first call, shared by all. It never repeats a call. */
export interface McpPool {
  /** A typed way to the tools of `contract`, at the server of its name. */
  client<C extends Contract>(contract: C, options?: CallOptions): ToolClient<C>;
  /** Ends all connections and child processes; calls in flight fail with `CONNECTION_CLOSED`. */
  close(): Promise<void>;
}

/**
 * Makes a pool over servers by name. A child process or a server that died is connected to again by the next call.
 *
 * Calls throw `ToolError`: the server's own, or `UNKNOWN_SERVER`, `UNKNOWN_TOOL`, `UNAUTHORIZED`, `PROTOCOL_ERROR`,
 * `INVALID_OUTPUT` (the answer does not fit the contract), `TOOL_FAILED` (a foreign server's error in plain words), and,
 * worth another attempt, `CONNECTION_FAILED`, `CONNECTION_CLOSED` and `TIMEOUT`.
 */
export function createMcpPool(options: { readonly servers: Readonly<Record<string, McpServerLocation>> }): McpPool {
  const { servers } = options;
  const connections = new Map<string, Promise<Connection>>();
  const opened = new Set<Connection>();
  let closed = false;

  function connect(name: string): Promise<Connection> {
    const known = connections.get(name);
    if (known !== undefined) return known;
    if (!Object.hasOwn(servers, name)) throw unknownServer(name, Object.keys(servers));
    const location = servers[name]!;
    const opening: Promise<Connection> = open(name, location, () => forget(name, opening));
    connections.set(name, opening);
    return opening;
  }

  async function open(name: string, location: McpServerLocation, onClosed: () => void): Promise<Connection> {
    // Loaded here: a process that only serves has no use for the client half of the SDK.
    const { openConnection } = await import("./connection.ts");
    const there = await openedAt(name, location, onClosed);
    const connection = await openConnection(name, there, onClosed);
    opened.add(connection);
    return connection;
  }

  function forget(name: string, connection: Promise<Connection>): void {
    if (connections.get(name) === connection) connections.delete(name);
  }

  async function call(contract: Contract, tool: string, input: unknown, options: CallOptions): Promise<unknown> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (closed) throw new ToolError("POOL_CLOSED", `${contract.name}.${tool} was called after the pool was closed.`);
    const toolContract = contract.tools[tool];
    if (toolContract === undefined) throw unknownTool(contract, tool);
    const opening = connect(contract.name);
    try {
      const connection = await unlessAborted(opening, signal);
      const result = await connection.call(tool, input, options);
      return readAnswer(contract, tool, toolContract, result);
    } catch (error) {
      // An HTTP server that went away may have forgotten a session: the next call starts afresh.
      if (error instanceof ToolError && error.code === "CONNECTION_CLOSED") forget(contract.name, opening);
      throw error;
    }
  }

  return {
    client<C extends Contract>(contract: C, options: CallOptions = {}): ToolClient<C> {
      const untyped = { call: (tool: string, input: unknown) => call(contract, tool, input, options) };
      // The answer was checked against the contract's output schema, which is where the type comes from.
      return untyped as ToolClient<C>;
    },
    async close() {
      closed = true;
      await Promise.allSettled(connections.values());
      connections.clear();
      await Promise.all([...opened].map((connection) => connection.close()));
    },
  };
}

/** A server that is opened by its first call is opened again by the next one when that failed. */
async function openedAt(
  name: string,
  location: McpServerLocation,
  onFailed: () => void,
): Promise<Exclude<McpServerLocation, LazyServer>> {
  if (typeof location !== "function") return location;
  try {
    return await location();
  } catch (error) {
    onFailed();
    const message = error instanceof Error ? error.message : String(error);
    throw new ToolError("CONNECTION_FAILED", `MCP server "${name}" could not be opened: ${message}`, {
      retryable: true,
    });
  }
}

function readAnswer(contract: Contract, tool: string, toolContract: ToolContract, result: CallToolResult): unknown {
  if (result.isError === true) throw toToolError(readErrorAnswer(result));
  const parsed = toolContract.output.safeParse(result.structuredContent);
  if (parsed.success) return parsed.data;
  throw new ToolError(
    "INVALID_OUTPUT",
    `${contract.name}.${tool} answered against its contract: ${z.prettifyError(parsed.error)}`,
    { hint: "The server may be of another version than its caller." },
  );
}

function readErrorAnswer(result: CallToolResult): ToolErrorData {
  const text = result.content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  return (
    readToolErrorData(result._meta?.[ERROR_META]) ??
    readToolErrorData(parsedOrUndefined(text)) ?? { code: "TOOL_FAILED", message: text, retryable: true }
  );
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toToolError({ code, message, ...details }: ToolErrorData): ToolError {
  return new ToolError(code, message, details);
}

function unknownServer(name: string, known: readonly string[]): ToolError {
  const meant = nearest(name, known);
  return new ToolError("UNKNOWN_SERVER", `There is no MCP server "${name}" in the pool.`, {
    hint: meant === undefined ? `There are: ${known.join(", ") || "none"}.` : `Did you mean "${meant}"?`,
  });
}

function unknownTool(contract: Contract, tool: string): ToolError {
  const known = Object.keys(contract.tools);
  const meant = nearest(tool, known);
  return new ToolError("UNKNOWN_TOOL", `Server "${contract.name}" has no tool "${tool}".`, {
    hint: meant === undefined ? `It has: ${known.join(", ")}.` : `Did you mean "${meant}"?`,
  });
}

/** Waits for `promise`, or throws the signal's reason; the promise itself goes on. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
