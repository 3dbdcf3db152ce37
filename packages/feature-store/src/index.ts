export {
  type AnyView,
  type Entity,
  entity,
  type FeatureService,
  type FeatureValue,
  type FeatureView,
  featureService,
  featureView,
  isOnDemand,
  type OnDemandView,
  onDemandView,
  type ValueType,
} from "./definitions.ts";
export {
  FeatureTableMismatchError,
  FeatureTransformationError,
  FeatureViewNotMaterializedError,
  InvalidFeatureDefinitionError,
  InvalidFeatureRequestError,
  OnlineStoreUnavailableError,
  RegistryMovedError,
  UnknownFeatureError,
} from "./errors.ts";
export {
  type FeatureStore,
  type FeatureStoreOptions,
  type HistoricalRequest,
  type ListedView,
  type OnlineOptions,
  type OnlineRequest,
  openFeatureStore,
  type TypedFeatureStore,
} from "./feature-store.ts";
export type { MaterializedView, MaterializeRequest } from "./materialize.ts";
export type { HistoricalOutput, HistoricalRows, HistoricalTable } from "./offline/historical.ts";
export type { OfflineStore } from "./offline/offline-store.ts";
export type { FeatureStatus, OnlineFeatures } from "./online/online-features.ts";
export type { OnlineQuery, OnlineRow, OnlineStatistics, OnlineStore, OnlineValues } from "./online/online-store.ts";
export { openRedisOnlineStore, type RedisOnlineStoreOptions } from "./online/redis-store.ts";
export { openSqliteOnlineStore } from "./online/sqlite-store.ts";
export type { RegistryStore } from "./registry/registry.ts";
export type { RegistryChange, RegistryPlan } from "./registry/registry-plan.ts";
