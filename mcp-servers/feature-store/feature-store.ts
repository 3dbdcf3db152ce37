import { createHash, randomUUID } from "node:crypto";
import { type FeatureStore, isOnDemand, type MaterializeRequest, type OnlineRequest } from "@dagwright/feature-store";

/** Which features are joined to which rows, into which table. */
export interface HistoricalFeaturesRequest {
  readonly entities: { readonly table: string; readonly version?: number | undefined };
  readonly features: readonly string[] | string;
  readonly fullFeatureNames: boolean;
  readonly output: { readonly table: string };
}

/** The definitions as a caller sees them: durations in seconds, features as a list. */
export async function listFeatureViews(store: FeatureStore) {
  const listed = await store.listViews();
  const typesOf = (features: Readonly<Record<string, string>>) =>
    Object.entries(features).map(([name, type]) => ({ name, type }));
  return {
    views: listed.flatMap(({ view, materializedUntil }) =>
      isOnDemand(view)
        ? []
        : [
            {
              name: view.name,
              entities: view.entities.map(({ name, joinKey }) => ({ name, joinKey })),
              table: view.source.table,
              timestampField: view.source.timestampField,
              ttlSeconds: view.ttl / 1000,
              features: typesOf(view.features),
              materializedUntil,
            },
          ],
    ),
    onDemandViews: listed.flatMap(({ view }) =>
      isOnDemand(view)
        ? [
            {
              name: view.name,
              sources: view.sources.map(({ name }) => name),
              request: typesOf(view.request ?? {}),
              features: typesOf(view.features),
            },
          ]
        : [],
    ),
    services: store.listServices().map(({ name, features }) => ({ name, features: [...features] })),
  };
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
  const written = await store.getHistoricalFeatures({ ...request, output, signal });
  return { ...written, columns: written.columns.map(({ name, type }) => ({ name, type })) };
}

/** Brings the newest values of views into the online store. */
export async function materializeFeatures(store: FeatureStore, request: MaterializeRequest, signal: AbortSignal) {
  return [...(await store.materialize({ ...request, signal }))];
}

/** The newest values for each entity row. */
export async function onlineFeatures(store: FeatureStore, request: OnlineRequest) {
  const { results } = await store.getOnlineFeatures(request);
  return [...results];
}
