import { Connection } from "@temporalio/client";
import { TemporalUnreachableError } from "./errors.ts";

/** How to reach Temporal. */
export interface TemporalAddress {
  /** host:port */
  readonly address: string;
  /** TLS with the system's authorities; an API key implies it. @default false */
  readonly tls?: boolean | undefined;
  /** For Temporal Cloud. */
  readonly apiKey?: string | undefined;
}

/** How long a server may take to answer at first, in milliseconds. */
const CONNECT_TIMEOUT_MS = 4_000;

/**
 * Connects to Temporal.
 * @throws TemporalUnreachableError within 5 seconds.
 */
export async function connectTemporal(
  { address, tls, apiKey }: TemporalAddress,
  timeoutMs: number = CONNECT_TIMEOUT_MS,
): Promise<Connection> {
  try {
    return await Connection.connect({
      address,
      tls: tls === true || apiKey !== undefined,
      connectTimeout: timeoutMs,
      ...(apiKey === undefined ? {} : { apiKey }),
    });
  } catch (cause) {
    throw new TemporalUnreachableError(address, whyUnreachable(cause), { cause });
  }
}

/** The reason in the words of the deepest error: "connect ECONNREFUSED 127.0.0.1:7233". */
export function whyUnreachable(thrown: unknown): string {
  let text = thrown instanceof Error ? thrown.message : String(thrown);
  for (let error = thrown; error instanceof Error; error = error.cause) text = error.message;
  return text.split("\n")[0] || "no reason given";
}
