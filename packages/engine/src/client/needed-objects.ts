import type { Payload } from "@temporalio/common";
import { largePayloads } from "../objects/large-payloads.ts";
import { ObjectMissingError, type ObjectStore } from "../objects/object-store.ts";
import type { RunStore } from "../store/run-store.ts";
import type { ClientGround } from "./ground.ts";

/** A key of the object store, wherever it stands in a text. */
const KEY = /[0-9a-f]{64}/g;

/**
 * The objects that workflows in flight and what the run store keeps refer to. Whatever reads like a key counts as one:
 * rather one object too many stays. The workflows are read first: one that ends meanwhile is in the store by then.
 */
export async function neededObjects(
  { temporal }: Pick<ClientGround, "temporal">,
  store: RunStore,
  objects: ObjectStore,
): Promise<Set<string>> {
  const found = new Set<string>();
  const note = (text: string) => {
    for (const [key] of text.matchAll(KEY)) found.add(key);
  };
  const codec = largePayloads(objects);
  for await (const { workflowId, runId } of temporal.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const payload of payloadsIn(history)) {
      note(textOf(payload));
      const [decoded] = await codec.decode([payload]).catch((error: unknown) => {
        if (error instanceof ObjectMissingError) return [];
        throw error;
      });
      // Most payloads are plain: nothing else stands in them unpacked.
      if (decoded !== undefined && decoded !== payload) note(textOf(decoded));
    }
  }
  for await (const text of store.valueTexts()) note(text);
  return found;
}

function textOf({ data }: Payload): string {
  return Buffer.from(data ?? []).toString("latin1");
}

function* payloadsIn(part: unknown): Iterable<Payload> {
  if (typeof part !== "object" || part === null || part instanceof Uint8Array) return;
  if (isPayload(part)) yield part;
  else for (const field of Object.values(part)) yield* payloadsIn(field);
}

function isPayload(part: object): part is Payload {
  return "data" in part && part.data instanceof Uint8Array;
}
