import { isGrpcServiceError, ServiceError } from "@temporalio/client";
import { TemporalRequestError, TemporalUnreachableError } from "./errors.ts";
import { whyUnreachable } from "./temporal-connection.ts";

/** Those of gRPC's status codes that make a difference here. */
const status = {
  cancelled: 1,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** Whether Temporal said that there is no such thing. */
export function isNotFound(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === "NamespaceNotFoundError") return false;
  return error.name.endsWith("NotFoundError") || grpcCodeOf(error) === status.notFound;
}

/** Whether the server is one that cannot do what it was asked for, such as Temporal's test server. */
export function isUnimplemented(error: unknown): boolean {
  return grpcCodeOf(error) === status.unimplemented;
}

/** Whether nobody answered in time: neither the server nor, for a query or an update, a worker. */
export function isTooLate(error: unknown): boolean {
  const code = grpcCodeOf(error);
  return code === status.deadlineExceeded || code === status.cancelled;
}

/** Makes a call to Temporal; its failures are said in our words. Errors of ours pass. */
export async function temporalCall<T>(address: string, what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string") throw error;
    const code = grpcCodeOf(error);
    const why = whyUnreachable(error);
    if (code === status.unavailable || code === status.deadlineExceeded) {
      throw new TemporalUnreachableError(address, why, { cause: error });
    }
    const retryable = code === status.resourceExhausted || code === status.internal;
    throw new TemporalRequestError(what, why, retryable, { cause: error });
  }
}

function grpcCodeOf(error: unknown): number | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause.code : undefined;
}
