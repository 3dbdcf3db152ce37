import type {
  AnyView,
  Entity,
  FeatureService,
  FeatureTypes,
  FeatureValue,
  FeatureView,
  OnDemandView,
  ValueTypes,
} from "./definitions.ts";

/** `view:feature` of every feature of these views. */
export type FeatureReference<View extends AnyView> = string extends View["name"]
  ? string
  : View extends AnyView
    ? `${View["name"]}:${keyof View["features"] & string}`
    : never;

/** What is asked for: `view:feature` each, or the name of a feature service. */
export type FeatureSelection = readonly string[] | string;

/**
 * Features that are named literally must exist; names known only at run time are checked then. A selection that does
 * not exist becomes a sentence, which is what the compiler shows.
 */
export type Existing<
  Selected extends FeatureSelection,
  View extends AnyView,
  Service extends FeatureService,
> = Selected extends readonly string[]
  ? {
      readonly [Index in keyof Selected]: string extends Selected[Index]
        ? Selected[Index]
        : Selected[Index] extends FeatureReference<View>
          ? Selected[Index]
          : `There is no feature ${Selected[Index] & string}`;
    }
  : string extends Selected
    ? Selected
    : Selected extends Service["name"]
      ? Selected
      : `There is no feature service ${Selected & string}`;

/** The references behind a selection. */
type References<Selected, Service extends FeatureService> = Selected extends readonly string[]
  ? Selected[number]
  : Extract<Service, { readonly name: Selected }>["features"][number];

type ViewOf<Reference, View extends AnyView> = Reference extends `${infer Name}:${string}`
  ? Extract<View, { readonly name: Name }>
  : never;

type OutputName<Reference, Full> = Reference extends `${infer View}:${infer Feature}`
  ? Full extends true
    ? `${View}__${Feature}`
    : Feature
  : never;

type ValueOf<Reference, View extends AnyView> = Reference extends `${string}:${infer Feature}`
  ? ViewOf<Reference, View>["features"] extends infer Features extends FeatureTypes
    ? Feature extends keyof Features
      ? ValueTypes[Features[Feature]] | null
      : never
    : never
  : never;

/** The answered features by name, each with its type; any value where the names are known only at run time. */
export type FeatureValues<
  Selected,
  Full extends boolean,
  View extends AnyView,
  Service extends FeatureService,
> = string extends References<Selected, Service> | View["name"]
  ? Readonly<Record<string, FeatureValue>>
  : boolean extends Full
    ? Readonly<Record<string, FeatureValue>>
    : {
        readonly [Reference in References<Selected, Service> as OutputName<Reference, Full>]: ValueOf<Reference, View>;
      };

type SourceOf<View> = View extends OnDemandView ? View["sources"][number] : View extends FeatureView ? View : never;

type EntityOf<View> = View extends FeatureView ? View["entities"][number] : never;

type KeyValues<Of> = {
  readonly [One in Of as One extends Entity ? One["joinKey"] : never]: One extends Entity
    ? ValueTypes[One["type"]] | null
    : never;
};

type RequestValues<Requested extends FeatureTypes> = {
  readonly [Name in keyof Requested]: ValueTypes[Requested[Name]] | null;
};

type RequestOf<View> =
  View extends OnDemandView<string, readonly FeatureView[], infer Requested> ? RequestValues<Requested> : never;

type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** The fields of an entity row: join keys of the views that are asked for, and values that transformations request. */
export type EntityRow<Selected, View extends AnyView, Service extends FeatureService> = string extends
  | References<Selected, Service>
  | View["name"]
  ? Readonly<Record<string, FeatureValue>>
  : KeyValues<EntityOf<SourceOf<ViewOf<References<Selected, Service>, View>>>> &
      ([RequestOf<ViewOf<References<Selected, Service>, View>>] extends [never]
        ? unknown
        : Intersection<RequestOf<ViewOf<References<Selected, Service>, View>>>);
