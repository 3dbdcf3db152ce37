import type { ServerImplementation } from "./implement.ts";

/** A server that runs as a child process and speaks MCP on stdin and stdout. */
export interface StdioServer {
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Added to a short list of harmless variables of this process (PATH, HOME, …); nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** @default the working folder of this process */
  readonly cwd?: string | undefined;
}

/** A server behind Streamable HTTP. */
export interface HttpServer {
  readonly url: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A server of this process that is opened by the first call to it. */
export type LazyServer = () => Promise<ServerImplementation>;

/** Where a server lives: in this process, in a child process, or behind a URL. */
export type McpServerLocation = ServerImplementation | LazyServer | StdioServer | HttpServer;
