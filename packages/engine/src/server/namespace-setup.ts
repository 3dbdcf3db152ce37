import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { isNotFound } from "../client/temporal-call.ts";
import { connectTemporal, type TemporalAddress, whyUnreachable } from "../client/temporal-connection.ts";
import { ensureSearchAttributes, missingSearchAttributes } from "./search-attributes.ts";

/** How long a new namespace may take to be known to all of the server, in milliseconds. */
const SETTLING_MS = 30_000;

/** What a setup has done, and what was there already. */
export interface NamespaceSetup {
  readonly namespace: string;
  readonly created: boolean;
  /** Names of search attributes. */
  readonly added: readonly string[];
}

/** The server does not let us make the namespace or its search attributes. */
export class NamespaceSetupError extends Error {
  readonly code = "SETUP_REFUSED";
  readonly retryable = false;
  readonly hint =
    "On Temporal Cloud they are made in its own console (or by tcld); elsewhere the operator's rights are needed.";
  constructor(what: string, why: string, options?: ErrorOptions) {
    super(`Temporal refused to ${what}: ${why}`, options);
    this.name = "NamespaceSetupError";
  }
}

/**
 * Makes the namespace when it is missing, and the search attributes that runs publish. Twice is once.
 *
 * @param o.retentionDays How long a new namespace keeps runs that have ended; one that is there is left as it is. @default 7
 * @throws TemporalUnreachableError, NamespaceSetupError
 */
export async function setUpNamespace(
  o: TemporalAddress & { readonly namespace: string; readonly retentionDays?: number },
): Promise<NamespaceSetup> {
  const { namespace, retentionDays = 7 } = o;
  const connection = await connectTemporal(o);
  try {
    const created = await ensureNamespace(connection, namespace, retentionDays);
    const missing = await settled(() => missingSearchAttributes(connection, namespace), created);
    await settled(() => ensureSearchAttributes(connection, namespace), created);
    // What was added is not there at once: a run that comes too early would be refused.
    for (const until = Date.now() + SETTLING_MS; Date.now() < until; await pause(200)) {
      if ((await missingSearchAttributes(connection, namespace)).length === 0) break;
    }
    return { namespace, created, added: missing.map(({ name }) => name) };
  } catch (cause) {
    if (cause instanceof NamespaceSetupError) throw cause;
    throw new NamespaceSetupError(`set up namespace "${namespace}"`, whyUnreachable(cause), { cause });
  } finally {
    await connection.close();
  }
}

async function ensureNamespace(connection: Connection, namespace: string, retentionDays: number): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return false;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      description: "Runs of Dagwright's DAGs",
      workflowExecutionRetentionPeriod: msToTs(retentionDays * 86_400_000),
    });
    return true;
  } catch (cause) {
    throw new NamespaceSetupError(`make namespace "${namespace}"`, whyUnreachable(cause), { cause });
  }
}

/** Tries for as long as a namespace that was just made may be unknown to a part of the server. */
async function settled<T>(call: () => Promise<T>, isNew: boolean): Promise<T> {
  for (const until = Date.now() + SETTLING_MS; ; await pause(500)) {
    try {
      return await call();
    } catch (error) {
      if (!isNew || Date.now() > until) throw error;
    }
  }
}
