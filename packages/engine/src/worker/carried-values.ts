import type { Json } from "../core/graph.ts";
import { outputTooLarge } from "../execution/json-output.ts";
import type { TaskOutcome } from "../execution/outcome.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { storeLarge } from "../objects/stored-outputs.ts";
import type { RunLimits } from "../sandbox/protocol.ts";

/** Largest output without an object store, in bytes of JSON: histories carry it several times, and Temporal refuses 2 MiB. */
const LARGEST_WITHOUT_STORE = 1_048_576;

/** Largest output that the scheduler itself looks at, in bytes of JSON: it stands in the run's memory. */
const LARGEST_STEERING = 16_777_216;

/** Beyond so long a pause, a clear or a cancel would have to wait for a series of light tasks. */
const SERIES = { steps: 100, ms: 100 };

/** What fits into a run whose worker has an object store, or has none. */
export function limitsOf(objects: ObjectStore | null, events: number): RunLimits {
  if (objects === null) return { input: 1_048_576, result: 1_500_000, events: null, series: SERIES };
  return { input: 67_108_864, result: 16_777_216, events, series: SERIES };
}

/** An outcome as a run carries it: a large output is kept in the object store, with a reference in its place. */
export async function carried(
  objects: ObjectStore | null,
  outcome: TaskOutcome,
  what: string,
  steering: boolean,
): Promise<TaskOutcome> {
  if (outcome.type !== "success") return outcome;
  if (objects !== null && !steering) return { ...outcome, output: await storeLarge(objects, outcome.output) };
  const most = objects === null ? LARGEST_WITHOUT_STORE : LARGEST_STEERING;
  const bytes = bytesOf(outcome.output);
  return bytes > most ? outputTooLarge(what, bytes, most) : outcome;
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
