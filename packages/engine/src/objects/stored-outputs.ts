import { follow } from "../core/expression.ts";
import type { Json } from "../core/graph.ts";
import type { RunView } from "../core/state.ts";
import { referenceTo, STORED, storedValueOf } from "../core/stored-value.ts";
import { keep, type ObjectStore } from "./object-store.ts";

/** Outputs beyond this are kept in the object store, in bytes of JSON. */
export const LARGEST_INLINE = 262_144;

/** A value as a run carries it: itself when it is small, else a reference to where it is kept. */
export async function storeLarge(objects: ObjectStore, value: Json): Promise<Json> {
  const text = Buffer.from(JSON.stringify(value));
  if (text.length <= LARGEST_INLINE) return value;
  const sha256 = await keep(objects, text);
  return referenceTo({ sha256, bytes: text.length });
}

/**
 * A value with all that it refers to in its place.
 * @throws ObjectMissingError
 */
export async function fetchStored(objects: ObjectStore, value: Json): Promise<Json> {
  // Most values refer to nothing: a look at their text is cheaper than a walk.
  if (typeof value !== "object" || value === null || !JSON.stringify(value).includes(STORED)) return value;
  const fetched = new Map<string, Promise<Json>>();
  return (await resolved(value)) ?? null;

  async function resolved(part: Json): Promise<Json | undefined> {
    if (typeof part !== "object" || part === null) return part;
    const stored = storedValueOf(part);
    if (stored !== null) {
      const { sha256, path = [] } = stored;
      const whole = fetched.get(sha256) ?? objects.get(sha256).then(parsed);
      fetched.set(sha256, whole);
      return follow(await whole, path);
    }
    if (Array.isArray(part)) return await Promise.all(part.map(async (item: Json) => (await resolved(item)) ?? null));
    const fields = await Promise.all(
      Object.entries(part).map(async ([key, field]: [string, Json]) => [key, await resolved(field)] as const),
    );
    // As where values are at hand: a field that an output does not have is left out.
    return Object.fromEntries(fields.filter((field): field is [string, Json] => field[1] !== undefined));
  }
}

/** A run's view with all outputs in their place. */
export async function viewWithOutputs(objects: ObjectStore, view: RunView): Promise<RunView> {
  const { output, tasks } = view;
  // A view is JSON but for fields that are undefined.
  const fetched = await fetchStored(objects, JSON.parse(JSON.stringify({ output, tasks })) as Json);
  return { ...view, ...(fetched as unknown as Pick<RunView, "output" | "tasks">) };
}

function parsed(bytes: Uint8Array): Json {
  // Written by storeLarge above, so it is JSON.
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
}
