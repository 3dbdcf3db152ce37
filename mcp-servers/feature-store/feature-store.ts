import { createHash, randomUUID } from "node:crypto";
import { type FeatureStore, type OnlineRequest, UnknownFeatureError } from "@dagwright/feature-store";
import { nearest, ToolError } from "@dagwright/mcp-kit";

/** Which features are joined to which rows, into which table. */
export interface HistoricalFeaturesRequest {
  readonly entities: { readonly table: string; readonly version?: number | undefined };
  readonly features: readonly string[];
  readonly fullFeatureNames: boolean;
  readonly output: { readonly table: string };
}

/** The feature views as a caller sees them: durations in seconds, features as a list. */
export function listFeatureViews(store: FeatureStore) {
  return store.listViews().map((view) => ({
    name: view.name,
    entities: view.entities.map(({ name, joinKey }) => ({ name, joinKey })),
    table: view.source.table,
    timestampField: view.source.timestampField,
    ttlSeconds: view.ttl / 1000,
    features: Object.entries(view.features).map(([name, type]) => ({ name, type })),
  }));
}

/**
 * Writes a point-in-time join to a table, once for each idempotency key: a repeated call finds the first one's version.
 * Without a key every call writes.
 */
export async function writeHistoricalFeatures(
  store: FeatureStore,
  request: HistoricalFeaturesRequest,
  { idempotencyKey, signal }: { readonly idempotencyKey?: string; readonly signal: AbortSignal },
) {
  const call = createHash("sha256").update(JSON.stringify(request)).digest("hex").slice(0, 16);
  const appId = `get_historical_features/${idempotencyKey ?? randomUUID()}/${call}`;
  const output = { table: request.output.table, txn: { appId, version: 1 } };
  const written = await named(() => store.getHistoricalFeatures({ ...request, output, signal }));
  return { ...written, columns: written.columns.map(({ name, type }) => ({ name, type })) };
}

/** Brings the newest values of views into the online store. */
export async function materializeFeatures(
  store: FeatureStore,
  request: { readonly views: readonly string[]; readonly until: string; readonly start?: string | undefined },
  signal: AbortSignal,
) {
  return [...(await named(() => store.materialize({ ...request, signal })))];
}

/** The newest values for each entity row. */
export async function onlineFeatures(store: FeatureStore, request: OnlineRequest) {
  const { results } = await named(() => store.getOnlineFeatures(request));
  return [...results];
}

/** Says of an unknown name which one was probably meant. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UnknownFeatureError)) throw error;
    const meant = nearest(error.given, error.known);
    throw new ToolError(error.code, error.message, {
      field: error.field,
      hint: meant === undefined ? error.hint : `Did you mean "${meant}"?`,
      cause: error,
    });
  }
}
