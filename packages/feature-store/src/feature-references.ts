import {
  type AnyView,
  type Definitions,
  type Entity,
  type FeatureView,
  isOnDemand,
  type OnDemandView,
  type ValueType,
} from "./definitions.ts";
import { InvalidFeatureRequestError, UnknownFeatureError } from "./errors.ts";

/** One feature of a view, and the column that holds it in joined rows. */
export interface RequestedFeature {
  readonly feature: string;
  readonly type: ValueType;
  readonly column: string;
}

/** The features that are read from one view. */
export interface RequestedView {
  readonly view: FeatureView;
  readonly features: readonly RequestedFeature[];
}

/** An on-demand view whose features are computed, and the columns that its transformation reads. */
export interface RequestedTransformation {
  readonly view: OnDemandView;
  readonly features: readonly RequestedFeature[];
  readonly inputs: readonly { readonly view: string; readonly feature: string; readonly column: string }[];
}

/** What a request for features comes to. */
export interface ResolvedFeatures {
  /** The answered names, in the order of the request: the feature's name, or `view__feature` with full names. */
  readonly outputs: readonly string[];
  readonly views: readonly RequestedView[];
  readonly transformations: readonly RequestedTransformation[];
  /** The entities of all views that are read, by join key. */
  readonly entities: ReadonlyMap<string, Entity>;
  /** The values that transformations ask of the caller. */
  readonly request: ReadonlyMap<string, ValueType>;
}

/** Definitions by name, as requests refer to them. */
export interface Catalogue {
  readonly views: ReadonlyMap<string, AnyView>;
  readonly services: ReadonlyMap<string, readonly string[]>;
}

/** Definitions, to be looked up by name. */
export function catalogueOf({ views, services }: Omit<Definitions, "entities">): Catalogue {
  return {
    views: new Map(views.map((view) => [view.name, view])),
    services: new Map(services.map(({ name, features }) => [name, features])),
  };
}

/** The view of that name. @throws UnknownFeatureError */
export function materializedView(catalogue: Catalogue, name: string, field: string): FeatureView {
  const view = catalogue.views.get(name);
  if (view === undefined) throw new UnknownFeatureError(field, "feature view", name, [...catalogue.views.keys()]);
  if (!isOnDemand(view)) return view;
  throw new InvalidFeatureRequestError(
    field,
    `"${name}" is computed on demand and holds no values`,
    `Name its sources: ${view.sources.map((source) => source.name).join(", ") || "it has none"}.`,
  );
}

/**
 * Reads `view:feature` references or the name of a feature service.
 *
 * @throws UnknownFeatureError for a service, a view or a feature that is not defined.
 * @throws InvalidFeatureRequestError for a malformed reference, or when two features would have the same name.
 */
export function resolveFeatures(
  catalogue: Catalogue,
  selected: readonly string[] | string,
  fullFeatureNames: boolean,
): ResolvedFeatures {
  const outputs: string[] = [];
  const read = new Map<string, { view: FeatureView; features: RequestedFeature[] }>();
  const computed = new Map<string, { view: OnDemandView; features: RequestedFeature[] }>();
  const taken = new Map<string, string>();
  for (const { reference, field } of referencesOf(catalogue, selected)) {
    const { view, feature, type } = lookUp(catalogue, reference, field);
    const column = fullFeatureNames ? `${view.name}__${feature}` : feature;
    const other = taken.get(column.toLowerCase());
    if (other !== undefined) {
      throw new InvalidFeatureRequestError(
        field,
        `"${reference}" and "${other}" would both be named "${column}"`,
        fullFeatureNames || other === reference ? "Name each feature once." : "Ask for full feature names.",
      );
    }
    taken.set(column.toLowerCase(), reference);
    outputs.push(column);
    if (isOnDemand(view)) add(computed, view, { feature, type, column });
    else add(read, view, { feature, type, column });
  }
  const transformations = [...computed.values()].map(({ view, features }) => {
    const inputs = view.sources.flatMap((source) =>
      Object.entries(source.features).map(([feature, type]) => {
        const column = `__input__${source.name}__${feature}`;
        const known = read.get(source.name)?.features.some((one) => one.column === column) ?? false;
        if (!known) add(read, source, { feature, type, column });
        return { view: source.name, feature, column };
      }),
    );
    return { view, features, inputs };
  });
  const views = [...read.values()];
  const entities = new Map(views.flatMap(({ view }) => view.entities.map((one) => [one.joinKey, one] as const)));
  const request = new Map(transformations.flatMap(({ view }) => Object.entries(view.request ?? {})));
  for (const name of request.keys()) {
    if (!entities.has(name)) continue;
    throw new InvalidFeatureRequestError("features", `"${name}" is a value of the request and a join key at once`);
  }
  return { outputs, views, transformations, entities, request };
}

function add<View extends AnyView>(
  to: Map<string, { view: View; features: RequestedFeature[] }>,
  view: View,
  feature: RequestedFeature,
): void {
  const there = to.get(view.name);
  if (there === undefined) to.set(view.name, { view, features: [feature] });
  else there.features.push(feature);
}

function referencesOf({ services }: Catalogue, selected: readonly string[] | string) {
  if (typeof selected !== "string") {
    if (selected.length === 0) throw new InvalidFeatureRequestError("features", "must name at least one feature");
    return selected.map((reference, index) => ({ reference, field: `features.${index}` }));
  }
  const features = services.get(selected);
  if (features !== undefined) return features.map((reference) => ({ reference, field: "features" }));
  throw new UnknownFeatureError("features", "feature service", selected, [...services.keys()]);
}

function lookUp({ views }: Catalogue, reference: string, field: string) {
  const [viewName, feature, ...rest] = reference.split(":");
  if (!viewName || !feature || rest.length > 0) {
    throw new InvalidFeatureRequestError(field, `"${reference}" is not of the form view:feature`);
  }
  const view = views.get(viewName);
  if (view === undefined) throw new UnknownFeatureError(field, "feature view", viewName, [...views.keys()]);
  const type = Object.hasOwn(view.features, feature) ? view.features[feature] : undefined;
  if (type === undefined) {
    const known = Object.keys(view.features).map((name) => `${viewName}:${name}`);
    throw new UnknownFeatureError(field, "feature", reference, known);
  }
  return { view, feature, type };
}
