import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openObjectStore, type TableRef } from "@dagwright/lake";
import {
  type AnyView,
  checkDefinitions,
  type Entity,
  type FeatureService,
  type FeatureValue,
  type FeatureView,
  isOnDemand,
} from "./definitions.ts";
import { InvalidFeatureRequestError, RegistryMovedError } from "./errors.ts";
import { catalogueOf, materializedView, resolveFeatures } from "./feature-references.ts";
import { lastUntil, type MaterializedView, type MaterializeRequest, materializeView, windowOf } from "./materialize.ts";
import { isoOf, readMoment } from "./moments.ts";
import {
  type HistoricalOutput,
  type HistoricalRows,
  type HistoricalTable,
  historicalRows,
  historicalTable,
} from "./offline/historical.ts";
import { checkedSource, type OfflineStore } from "./offline/offline-store.ts";
import { checkEntityRow, type OnlineFeatures, onlineFeatures } from "./online/online-features.ts";
import type { OnlineStore } from "./online/online-store.ts";
import { openSqliteOnlineStore } from "./online/sqlite-store.ts";
import { Registry, type RegistryStore, recorded } from "./registry/registry.ts";
import { planOf, type RegistryPlan } from "./registry/registry-plan.ts";
import type { EntityRow, Existing, FeatureReference, FeatureSelection, FeatureValues } from "./typed-features.ts";

export interface FeatureStoreOptions<View extends AnyView = AnyView, Service extends FeatureService = FeatureService> {
  /** Folder of the registry and of the SQLite file `online.db`, where those are not elsewhere; made when missing. */
  readonly root: string;
  /** Where the feature tables are. */
  readonly lake: OfflineStore;
  readonly entities: readonly Entity[];
  readonly views: readonly View[];
  /** @default none */
  readonly services?: readonly (Service & FeatureService<string, readonly FeatureReference<View>[]>)[] | undefined;
  /** Where online features are kept; the feature store closes it. @default the SQLite file */
  readonly online?: OnlineStore | undefined;
  /** Where the registry is kept, below `registry/`: an object store of the lake; the feature store closes it. @default `root` */
  readonly registry?: RegistryStore | undefined;
}

/** Which features, for which entities, as of when. */
export interface HistoricalRequest {
  /** Table with the join keys and a column `event_timestamp`; its other columns pass through. */
  readonly entities: TableRef;
  /** `view:feature` each, or the name of a feature service. */
  readonly features: FeatureSelection;
  /** Name features `view__feature` instead of `feature`. @default false */
  readonly fullFeatureNames?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How online features are asked for, besides which and for whom. */
export interface OnlineOptions {
  /** ISO-8601; the moment to which a view's ttl counts. @default now */
  readonly now?: string | undefined;
  /** What becomes of a value that is older than its view's ttl: null as in historical features, or as it is. Its status is `OUTSIDE_MAX_AGE`. @default "null" */
  readonly pastTtl?: "null" | "serve" | undefined;
  /** What is said of a view that was never materialised: an error, or that no entity was found. @default "error" */
  readonly beforeMaterialization?: "error" | "not_found" | undefined;
}

export interface OnlineRequest extends OnlineOptions {
  /** `view:feature` each, or the name of a feature service. */
  readonly features: FeatureSelection;
  /** Join key values, one entity (or combination of entities) each, and the values that transformations request. */
  readonly entityRows: readonly Readonly<Record<string, FeatureValue>>[];
  /** Name features `view__feature` instead of `feature`. @default false */
  readonly fullFeatureNames?: boolean | undefined;
}

/** A view, and up to when its values are in the online store. */
export interface ListedView {
  readonly view: AnyView;
  /** ISO-8601; null: not all that came before some moment was ever brought in, or the view is computed on demand. */
  readonly materializedUntil: string | null;
}

/** What a feature store does, whatever its definitions: names are checked at run time. */
export interface FeatureStore {
  listViews(): Promise<readonly ListedView[]>;
  listServices(): readonly FeatureService[];
  /** What `apply` would change in the registry. */
  plan(): Promise<RegistryPlan>;
  /**
   * Records the definitions in the registry; twice is the same as once, and several may do it at once.
   * @param plan Only this: when the registry moved and it would do something else, nothing is done.
   * @throws RegistryMovedError
   */
  apply(plan?: RegistryPlan): Promise<RegistryPlan>;
  /** Point-in-time join, written to a table of the lake, in the order of the entity rows. */
  getHistoricalFeatures(request: HistoricalRequest & { readonly output: HistoricalOutput }): Promise<HistoricalTable>;
  /** Point-in-time join: every entity row once, in order, with the newest values known at its `event_timestamp`, else null. */
  getHistoricalFeatures(request: HistoricalRequest): Promise<HistoricalRows>;
  /**
   * Brings the newest values up to `until` into the online store. Twice is the same as once, a newer value is never
   * replaced by an older one, and one that was cut short is made whole by the next.
   */
  materialize(request: MaterializeRequest): Promise<readonly MaterializedView[]>;
  /** The newest materialised values, as far as they hold now; what is computed on demand is computed of those. */
  getOnlineFeatures(request: OnlineRequest): Promise<{ readonly results: readonly OnlineFeatures[] }>;
  /** Removes the values of entities of one view; gives how many there were. They come back when they are materialised again. */
  removeOnlineFeatures(request: {
    readonly view: string;
    readonly entityRows: readonly Readonly<Record<string, FeatureValue>>[];
  }): Promise<number>;
  /**
   * Removes what no definition can answer with any more: values past their view's ttl, and those of views that are gone
   * or were defined otherwise. Gives how many there were.
   */
  removeExpired(options?: { readonly now?: string | undefined }): Promise<number>;
  close(): Promise<void>;
}

/** A feature store whose definitions the compiler knows: a misspelt feature does not compile, and values have types. */
export interface TypedFeatureStore<View extends AnyView, Service extends FeatureService>
  extends Omit<FeatureStore, "getOnlineFeatures"> {
  getOnlineFeatures<const Selected extends FeatureSelection, Full extends boolean = false>(
    request: OnlineOptions & {
      /** `view:feature` each, or the name of a feature service. */
      readonly features: Selected & Existing<Selected, View, Service>;
      /** Join key values, one entity (or combination of entities) each, and the values that transformations request. */
      readonly entityRows: readonly EntityRow<Selected, View, Service>[];
      /** Name features `view__feature` instead of `feature`. @default false */
      readonly fullFeatureNames?: Full | undefined;
    },
  ): Promise<{ readonly results: readonly OnlineFeatures<FeatureValues<Selected, Full, View, Service>>[] }>;
}

/**
 * Opens a feature store over its definitions. `apply` records them.
 *
 * @throws InvalidFeatureDefinitionError when definitions contradict each other.
 * @example
 * const store = await openFeatureStore({ root: "features", lake, entities: [customer], views: [spending] });
 * await store.apply();
 * await store.materialize({ views: ["spending"], until: "2026-03-01T00:00:00Z" });
 * const { results } = await store.getOnlineFeatures({ features: ["spending:total"], entityRows: [{ customer_id: 7 }] });
 */
export async function openFeatureStore<const View extends AnyView, const Service extends FeatureService = never>(
  options: FeatureStoreOptions<View, Service>,
): Promise<TypedFeatureStore<View, Service>> {
  const { root, lake, entities, views } = options;
  const definitions = { entities, views, services: options.services ?? [] };
  checkDefinitions(definitions);
  await mkdir(root, { recursive: true });
  const registryStore = options.registry ?? (await openObjectStore(root));
  const registry = new Registry(registryStore);
  const online = options.online ?? openSqliteOnlineStore(join(root, "online.db"));
  const catalogue = catalogueOf(definitions);
  const materialized = views.filter((view): view is View & FeatureView => !isOnDemand(view));
  const given = recorded(definitions);

  const store: FeatureStore = {
    listViews: async () => {
      const [now, identity] = [await registry.read(), await online.identity()];
      return views.map((view) => {
        const until = isOnDemand(view) ? undefined : lastUntil(now, view, identity);
        return { view, materializedUntil: until === undefined ? null : isoOf(until.us) };
      });
    },
    listServices: () => definitions.services,
    plan: async () => {
      const { version, state } = await registry.read();
      return planOf(version, state.definitions, given);
    },
    apply: async (wanted) => {
      let plan: RegistryPlan | undefined;
      await registry.change(({ version, state }) => {
        plan = planOf(version, state.definitions, given);
        if (wanted !== undefined && plan.text !== wanted.text) throw new RegistryMovedError(wanted.version, version);
        return plan.changes.length === 0 ? undefined : { ...state, definitions: given };
      });
      return plan ?? { version: 0, changes: [], text: "" };
    },
    getHistoricalFeatures: historical,
    materialize: async (request) => {
      const window = windowOf(request);
      const { signal } = request;
      const chosen = request.views.map((name, index) => materializedView(catalogue, name, `views.${index}`));
      // All tables are looked at before any value is brought in.
      for (const view of chosen) await checkedSource(lake, view);
      const done: MaterializedView[] = [];
      for (const view of chosen) {
        const { start, rows } = await materializeView({ lake, online, registry }, view, window, signal);
        const { entities: held, newestUs } = await online.statistics(view);
        done.push({ name: view.name, start, rows, entities: held, newest: isoOf(newestUs) });
      }
      return done;
    },
    getOnlineFeatures: async (request) => {
      const { features, entityRows, fullFeatureNames = false, now } = request;
      const { pastTtl = "null", beforeMaterialization = "error" } = request;
      const nowUs = now === undefined ? Date.now() * 1000 : readMoment("now", now).us;
      const resolved = resolveFeatures(catalogue, features, fullFeatureNames);
      const rules = { nowUs, pastTtl, beforeMaterialization };
      return { results: await onlineFeatures(online, resolved, entityRows, rules) };
    },
    removeOnlineFeatures: async ({ view: name, entityRows }) => {
      const view = materializedView(catalogue, name, "view");
      const keys = new Map(view.entities.map((one) => [one.joinKey, one] as const));
      const chosen = entityRows.map((row, index) => {
        checkEntityRow({ entities: keys, request: new Map() }, row, index);
        return view.entities.map(({ joinKey }) => {
          const value = row[joinKey] ?? null;
          if (value !== null) return String(value);
          throw new InvalidFeatureRequestError(`entityRows.${index}.${joinKey}`, "null names no entity");
        });
      });
      return online.remove(view, chosen);
    },
    removeExpired: async ({ now } = {}) => {
      const nowUs = now === undefined ? Date.now() * 1000 : readMoment("now", now).us;
      let removed = await online.removeAllBut(materialized);
      for (const view of materialized) {
        if (view.ttl > 0) removed += await online.removeBefore(view, nowUs - Math.round(view.ttl * 1000));
      }
      return removed;
    },
    close: async () => {
      registryStore.close();
      await online.close();
    },
  };

  function historical(request: HistoricalRequest & { readonly output: HistoricalOutput }): Promise<HistoricalTable>;
  function historical(request: HistoricalRequest): Promise<HistoricalRows>;
  async function historical(
    request: HistoricalRequest & { readonly output?: HistoricalOutput },
  ): Promise<HistoricalTable | HistoricalRows> {
    const { entities: rows, features, fullFeatureNames = false, output, signal } = request;
    const resolved = resolveFeatures(catalogue, features, fullFeatureNames);
    return output === undefined
      ? historicalRows(lake, rows, resolved, signal)
      : historicalTable(lake, rows, resolved, output, signal);
  }

  return typed(store);
}

/** The same store, its names known to the compiler. */
function typed<View extends AnyView, Service extends FeatureService>(
  store: FeatureStore,
): TypedFeatureStore<View, Service>;
function typed(store: FeatureStore): FeatureStore {
  return store;
}
