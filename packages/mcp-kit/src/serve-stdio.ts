import { serveStdio as serve } from "@modelcontextprotocol/server/stdio";
import type { ServerImplementation } from "./implement.ts";

/** A server that is being served. */
export interface ServedOnStdio {
  /** Settles when the client has gone (stdin ended): time for the process to let go of what it holds. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves on this process's stdin and stdout, to one client, in whichever protocol era it opens with (2025 or 2026).
 * Nothing else may write to stdout; logs belong on stderr.
 */
export function serveStdio(implementation: ServerImplementation): ServedOnStdio {
  const handle = serve(() => implementation.build());
  const closed = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve).once("close", resolve);
  });
  return { closed, close: () => handle.close() };
}
