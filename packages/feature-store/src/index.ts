export { type Entity, entity, type FeatureView, featureView, type ValueType } from "./definitions.ts";
export {
  FeatureTableMismatchError,
  InvalidFeatureDefinitionError,
  InvalidFeatureRequestError,
  UnknownFeatureError,
} from "./errors.ts";
export {
  type FeatureStore,
  type FeatureStoreOptions,
  type HistoricalOutput,
  type HistoricalRequest,
  type HistoricalRows,
  type HistoricalTable,
  type MaterializedView,
  type MaterializeRequest,
  type OfflineStore,
  type OnlineFeatures,
  type OnlineRequest,
  openFeatureStore,
} from "./feature-store.ts";
export type { FeatureValue } from "./online-store.ts";
