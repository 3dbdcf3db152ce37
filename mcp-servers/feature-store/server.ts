import type { FeatureStore } from "@dagwright/feature-store";
import { implement } from "@dagwright/mcp-kit";
import { featureStore } from "./contract.ts";
import { listFeatureViews, materializeFeatures, onlineFeatures, writeHistoricalFeatures } from "./feature-store.ts";

/** The feature-store server over a feature store. */
export function createFeatureStoreServer({ store }: { store: FeatureStore }) {
  return implement(featureStore, {
    list_feature_views: () => listFeatureViews(store),
    get_historical_features: (request, context) => writeHistoricalFeatures(store, request, context),
    materialize_features: async (request, { signal }) => ({ views: await materializeFeatures(store, request, signal) }),
    get_online_features: async (request) => ({ results: await onlineFeatures(store, request) }),
  });
}
