import { z } from "zod";
import { SparkConnectError } from "./errors.ts";

/** Where a Spark Connect server listens, and who asks. */
export interface SparkAddress {
  readonly host: string;
  readonly port: number;
  /** Whether the connection uses TLS. */
  readonly tls: boolean;
  /** The bearer token of every call. */
  readonly token?: string;
  readonly userId?: string;
  /** A UUID: two clients with the same one share temporary views and settings. */
  readonly sessionId?: string;
  /** Every other parameter, sent as a header of every call. */
  readonly headers: Readonly<Record<string, string>>;
}

const SHAPE = /^sc:\/\/(\[[0-9a-fA-F:]+\]|[^\s/:;[\]]+)(?::(\d{1,5}))?(?:\/(?:;(.*))?)?$/;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const Flag = z.enum(["true", "false"]);

function bad(expected: string): SparkConnectError {
  // The address may hold a token: it is never repeated in a message.
  return new SparkConnectError("SPARK_ADDRESS", `A Spark Connect address must ${expected}.`, {
    field: "remote",
    hint: "Write it as sc://host:15002/;token=…;use_ssl=true.",
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad("be percent-encoded correctly");
  }
}

/**
 * Reads an address such as `sc://host:15002/;token=abc;use_ssl=true`, with the parameters of Spark 4.1's
 * connection string. The port is 15002 unless given. A token turns TLS on, as in PySpark; `use_ssl=false` beside
 * a token is accepted for a loopback host only.
 */
export function parseAddress(remote: string): SparkAddress {
  const [, host, port = "15002", parameters = ""] = SHAPE.exec(remote) ?? [];
  if (host === undefined) throw bad("have the form sc://host:port/;name=value");
  if (Number(port) < 1 || Number(port) > 65535) throw bad(`have a port of 1 to 65535, not ${port}`);
  const given = new Map<string, string>();
  for (const pair of parameters.split(";").filter((part) => part !== "")) {
    const at = pair.indexOf("=");
    if (at < 1) throw bad("give every parameter as name=value");
    given.set(decoded(pair.slice(0, at)), decoded(pair.slice(at + 1)));
  }
  const { token, use_ssl, user_id, session_id, ...headers } = Object.fromEntries(given);
  const flag = Flag.optional().safeParse(use_ssl);
  if (!flag.success) throw bad("have use_ssl=true or use_ssl=false");
  if (session_id !== undefined && !z.guid().safeParse(session_id).success) throw bad("have a UUID as session_id");
  if (token !== undefined && flag.data === "false" && !LOOPBACK.has(host))
    throw bad("use TLS when it has a token and the host is not this machine");
  return {
    host,
    port: Number(port),
    tls: flag.data === undefined ? token !== undefined : flag.data === "true",
    headers,
    ...(token === undefined ? {} : { token }),
    ...(user_id === undefined ? {} : { userId: user_id }),
    ...(session_id === undefined ? {} : { sessionId: session_id }),
  };
}
