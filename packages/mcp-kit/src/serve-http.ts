import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import {
  hostHeaderValidation,
  type NodeIncomingMessageLike,
  originValidation,
  toNodeHandler,
} from "@modelcontextprotocol/node";
import { createMcpHandler, localhostAllowedHostnames } from "@modelcontextprotocol/server";
import { ToolError } from "./errors.ts";
import type { ServerImplementation } from "./implement.ts";

export interface HttpOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to listen on. @default "127.0.0.1" */
  readonly host?: string;
  /** When given, every request must carry `Authorization: Bearer <token>`. */
  readonly token?: string;
  /** Further names under which clients reach this server (a proxy's, a container's), without a port. */
  readonly allowedHosts?: readonly string[];
}

export interface ServedOnHttp {
  /** Where clients connect, e.g. `http://127.0.0.1:7300/mcp`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves Streamable HTTP at `/mcp`, without sessions, to clients of both protocol eras. A foreign `Host` or `Origin`
 * header is refused with 403 (a web page must not reach a server on the reader's machine), a wrong token with 401.
 *
 * @throws ToolError `PORT_IN_USE`
 */
export async function serveHttp(implementation: ServerImplementation, options: HttpOptions): Promise<ServedOnHttp> {
  const { port, host = "127.0.0.1", token, allowedHosts = [] } = options;
  const handler = createMcpHandler(() => implementation.build());
  const handle = toNodeHandler(handler);
  const hosts = [...namesOf(host), ...allowedHosts];
  const hostAllowed = hostHeaderValidation(hosts);
  const originAllowed = originValidation(hosts);
  const server = createServer((request, response) => {
    if (!hostAllowed(request, response) || !originAllowed(request, response)) return;
    if (token !== undefined && !carriesToken(request.headers.authorization, token)) {
      response.writeHead(401, { "www-authenticate": "Bearer", "content-type": "application/json" });
      response.end(JSON.stringify({ error: "invalid_token", error_description: "A valid bearer token is required." }));
      return;
    }
    if (new URL(request.url ?? "/", "http://localhost").pathname !== "/mcp") {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: "not_found", error_description: "MCP is served at /mcp." }));
      return;
    }
    // Node types `method` and `url` as possibly undefined, the SDK as possibly absent: the same object.
    handle(request as NodeIncomingMessageLike, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  await listen(server, port, host);
  // A server that listens on TCP has an address record, not a pipe's name.
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/mcp`,
    async close() {
      await handler.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Host names by which a listener on `host` is rightly addressed; IPv6 in brackets. */
function namesOf(host: string): string[] {
  const bracketed = (address: string) => (address.includes(":") ? `[${address}]` : address);
  const everywhere = host === "0.0.0.0" || host === "::";
  const own = everywhere
    ? [hostname(), ...Object.values(networkInterfaces()).flatMap((cards) => (cards ?? []).map((card) => card.address))]
    : [host];
  return [...new Set([...localhostAllowedHostnames(), ...own.map(bracketed)])];
}

/** Compared by digest, so that neither content nor length shows in the time it takes. */
function carriesToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(header ?? "")?.[1] ?? "";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const taken = "code" in error && error.code === "EADDRINUSE";
      reject(
        taken
          ? new ToolError("PORT_IN_USE", `Port ${port} on ${host} is in use by another process.`, {
              field: "port",
              hint: "Choose another port, or 0 for a free one.",
              cause: error,
            })
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}
