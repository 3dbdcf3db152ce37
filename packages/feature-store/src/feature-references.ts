import type { FeatureView, ValueType } from "./definitions.ts";
import { InvalidFeatureRequestError, UnknownFeatureError } from "./errors.ts";

/** One requested feature: where it comes from and under which name it is answered. */
interface RequestedFeature {
  readonly feature: string;
  readonly type: ValueType;
  /** The feature's name, or `view__feature` with full names. */
  readonly outputName: string;
}

/** The requested features of one view. */
export interface RequestedView {
  readonly view: FeatureView;
  readonly features: readonly RequestedFeature[];
}

/**
 * Reads `view:feature` references, grouped by view in the order they are first named.
 *
 * @throws UnknownFeatureError for a view or a feature that is not defined.
 * @throws InvalidFeatureRequestError for a malformed reference, or when two features would have the same name.
 */
export function resolveFeatures(
  views: ReadonlyMap<string, FeatureView>,
  references: readonly string[],
  fullFeatureNames: boolean,
): RequestedView[] {
  if (references.length === 0) throw new InvalidFeatureRequestError("features", "must name at least one feature");
  const requested = new Map<string, RequestedFeature[]>();
  const taken = new Map<string, string>();
  for (const [index, reference] of references.entries()) {
    const field = `features.${index}`;
    const [viewName, feature, ...rest] = reference.split(":");
    if (!viewName || !feature || rest.length > 0) {
      throw new InvalidFeatureRequestError(field, `"${reference}" is not of the form view:feature`);
    }
    const view = views.get(viewName);
    if (view === undefined) throw new UnknownFeatureError(field, "feature view", viewName, [...views.keys()]);
    const type = view.features[feature];
    if (type === undefined) {
      const known = Object.keys(view.features).map((name) => `${viewName}:${name}`);
      throw new UnknownFeatureError(field, "feature", reference, known);
    }
    const outputName = fullFeatureNames ? `${viewName}__${feature}` : feature;
    const other = taken.get(outputName);
    if (other !== undefined) {
      throw new InvalidFeatureRequestError(
        field,
        `"${reference}" and "${other}" would both be named "${outputName}"`,
        fullFeatureNames || other === reference ? "Name each feature once." : "Ask for full feature names.",
      );
    }
    taken.set(outputName, reference);
    requested.set(viewName, [...(requested.get(viewName) ?? []), { feature, type, outputName }]);
  }
  return [...requested].flatMap(([name, features]) => {
    const view = views.get(name);
    return view === undefined ? [] : [{ view, features }];
  });
}
