import { readFile } from "node:fs/promises";
import { Connection, type TLSConfig } from "@temporalio/client";
import { TemporalUnreachableError, TlsFileError } from "./errors.ts";

/** How to reach Temporal. */
export interface TemporalAddress {
  /** host:port */
  readonly address: string;
  /** TLS: with the system's authorities, or with files of your own; an API key implies it. @default false */
  readonly tls?: boolean | TlsFiles | undefined;
  /** For Temporal Cloud. */
  readonly apiKey?: string | undefined;
}

/** Files in PEM, by their paths. */
export interface TlsFiles {
  /** The authorities that the server's certificate is checked by. @default the system's */
  readonly ca?: string | undefined;
  /** What the client shows of itself (mTLS), with its key. @default nothing */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the server's certificate must have. @default the address's */
  readonly serverName?: string | undefined;
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
  const secured = await tlsOf({ tls, apiKey });
  try {
    return await Connection.connect({
      address,
      tls: secured,
      connectTimeout: timeoutMs,
      ...(apiKey === undefined ? {} : { apiKey }),
    });
  } catch (cause) {
    throw new TemporalUnreachableError(address, whyUnreachable(cause), { cause });
  }
}

/**
 * TLS as Temporal's clients take it.
 * @throws TlsFileError naming the file that cannot be read
 */
export async function tlsOf({ tls, apiKey }: Pick<TemporalAddress, "tls" | "apiKey">): Promise<TLSConfig | boolean> {
  if (tls === undefined || typeof tls === "boolean") return tls === true || apiKey !== undefined;
  const [ca, crt, key] = await Promise.all([tls.ca, tls.cert, tls.key].map(pem));
  return {
    ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
  };
}

async function pem(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new TlsFileError(file, cause);
  }
}

/** The reason in the words of the deepest error: "connect ECONNREFUSED 127.0.0.1:7233". */
export function whyUnreachable(thrown: unknown): string {
  let text = thrown instanceof Error ? thrown.message : String(thrown);
  for (let error = thrown; error instanceof Error; error = error.cause) text = error.message;
  return text.split("\n")[0] || "no reason given";
}
