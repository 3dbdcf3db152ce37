import type { Connection } from "@temporalio/client";
import { SEARCH_ATTRIBUTES } from "../sandbox/protocol.ts";

/** Numbers of the types in Temporal's protocol. */
const TYPE_NUMBERS = { Keyword: 2, Datetime: 6 } as const;

/** The search attributes of ours that a namespace lacks, with their types. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<{ name: string; type: keyof typeof TYPE_NUMBERS }[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) =>
    name in customAttributes ? [] : [{ name, type }],
  );
}

/** Adds the search attributes that a namespace lacks. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, TYPE_NUMBERS[type]])),
  });
}
