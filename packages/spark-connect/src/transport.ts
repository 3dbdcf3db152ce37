import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { SparkAddress } from "./address.ts";
import { type SparkConnectError, SparkSqlError, SparkUnavailableError } from "./errors.ts";
import { decodeErrorInfo } from "./protocol.ts";

/** The largest message that is received, in bytes: the limit of Spark's own clients. */
const MOST_BYTES = 128 * 2 ** 20;
const SERVICE = "/spark.connect.SparkConnectService/";

/** The bare calls of one connection: bytes in, bytes out, gRPC's own errors. */
export interface Transport {
  stream(method: string, request: Buffer): AsyncIterable<Buffer> & { cancel(): void };
  unary(method: string, request: Buffer, timeoutMs: number): Promise<Buffer>;
  close(): void;
}

/** Opens a connection; the first call is what reaches the server. */
export function openTransport(address: SparkAddress, rootCertificates?: Uint8Array): Transport {
  const client = new Client(
    `${address.host}:${address.port}`,
    address.tls
      ? credentials.createSsl(rootCertificates === undefined ? null : Buffer.from(rootCertificates))
      : credentials.createInsecure(),
    { "grpc.max_receive_message_length": MOST_BYTES, "grpc.max_send_message_length": MOST_BYTES },
  );
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(address.headers)) metadata.set(name, value);
  if (address.token !== undefined) metadata.set("authorization", `Bearer ${address.token}`);
  const same = (bytes: Buffer) => bytes;
  return {
    stream(method, request) {
      const stream = client.makeServerStreamRequest(SERVICE + method, same, same, request, metadata);
      // A stream cancelled after its reader left still emits CANCELLED, and an error nobody hears ends the process.
      return stream.on("error", () => undefined);
    },
    unary: (method, request, timeoutMs) =>
      new Promise((resolve, reject) => {
        const options = { deadline: Date.now() + timeoutMs };
        client.makeUnaryRequest(SERVICE + method, same, same, request, metadata, options, (error, answer) => {
          if (error !== null) reject(error);
          else resolve(answer ?? Buffer.alloc(0));
        });
      }),
    close: () => client.close(),
  };
}

/** Whether an error is one of gRPC. */
export function isGrpcError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "metadata" in error;
}

/** A call that reached no server: it may be sent again without running twice. */
export function isUnsent(error: ServiceError): boolean {
  return error.code === status.UNAVAILABLE && /No connection established|ECONNREFUSED/.test(error.details);
}

/** A connection that broke below the protocol: reset streams come as INTERNAL, CANCELLED or UNKNOWN without details. */
export function isDropped(error: ServiceError): boolean {
  if (error.code === status.UNAVAILABLE) return true;
  const reset = /RST_STREAM|ECONNRESET|premature|Connection dropped|stream (was )?(reset|closed)/i.test(error.details);
  return reset && [status.INTERNAL, status.CANCELLED, status.UNKNOWN].includes(error.code);
}

/** An error of gRPC as one of this client's classes, with Spark's error class and SQLSTATE. */
export function asSparkError(error: ServiceError): SparkConnectError {
  if (isDropped(error))
    return new SparkUnavailableError(`The Spark Connect server cannot be reached: ${error.details}`, {
      hint: "Check that the server runs and that host, port and use_ssl of the address are right.",
      cause: error,
    });
  const [trailer] = error.metadata.get("grpc-status-details-bin");
  const info = trailer instanceof Uint8Array ? decodeErrorInfo(trailer) : undefined;
  const errorClass = info?.metadata?.["errorClass"] ?? /^\[([A-Z][A-Z0-9_.]*)\]/.exec(error.details)?.[1];
  const sqlState = info?.metadata?.["sqlState"] ?? /SQLSTATE: ([0-9A-Z]{5})/.exec(error.details)?.[1];
  return new SparkSqlError(error.details, {
    cause: error,
    ...(errorClass === undefined ? {} : { errorClass }),
    ...(sqlState === undefined ? {} : { sqlState }),
  });
}
