import { z } from "zod";
import { InvalidFeatureDefinitionError } from "./errors.ts";

/**
 * What a feature may hold. `int` is a 32 bit integer; `bigint` a 64 bit one, decimal text beyond 2^53; `timestamp` is
 * ISO-8601 text.
 */
export const ValueType = z.enum(["double", "int", "bigint", "string", "boolean", "timestamp"]);
export type ValueType = z.output<typeof ValueType>;

/** What a join key may hold. */
export type KeyType = "bigint" | "string";

/** The TypeScript type of a feature's value. */
export interface ValueTypes {
  readonly double: number;
  readonly int: number;
  /** A number, or decimal text for what a number cannot hold exactly (beyond 2^53). */
  readonly bigint: number | string;
  readonly string: string;
  readonly boolean: boolean;
  readonly timestamp: string;
}

/** A value of a feature or a join key. NaN and the infinities are null. */
export type FeatureValue = string | number | boolean | null;

/** Features or request values by name, with their types. */
export type FeatureTypes = Readonly<Record<string, ValueType>>;

/** A name that can be a column and stands before or after the colon of `view:feature`. */
const Name = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be letters, digits and underscores, no digit first")
  .refine((name) => !name.startsWith("__"), "must not begin with two underscores: such names are the queries' own");
const ColumnName = z.string().min(1);
const JoinKey = ColumnName.refine((name) => !name.startsWith("__"), "must not begin with two underscores");

const EntitySchema = z.strictObject({
  name: Name,
  joinKey: JoinKey,
  type: z.enum(["bigint", "string"]),
});

/** Something that features are about: a customer, a merchant. */
export interface Entity<Key extends string = string, Type extends KeyType = KeyType> {
  readonly name: string;
  /** The column by which rows are joined, of the same name in entity rows and in feature tables. */
  readonly joinKey: Key;
  readonly type: Type;
}

const Features = z.record(Name, ValueType).refine((features) => Object.keys(features).length > 0, {
  error: "must name at least one feature",
});

const FeatureViewSchema = z.strictObject({
  name: Name,
  entities: z.array(EntitySchema).min(1),
  source: z.strictObject({
    table: z.string().min(1),
    timestampField: ColumnName,
    createdTimestampColumn: ColumnName.optional(),
  }),
  ttl: z.number().min(0),
  features: Features,
});

/** A group of features that come from one table, for one entity or a combination of entities. */
export interface FeatureView<
  Name extends string = string,
  Entities extends readonly Entity[] = readonly Entity[],
  Features extends FeatureTypes = FeatureTypes,
> {
  readonly name: Name;
  readonly entities: Entities;
  readonly source: {
    /** Table of the lake: one row per entity and moment. */
    readonly table: string;
    /** Column that says since when a row's values hold: a date or a timestamp, in UTC where it names no zone. */
    readonly timestampField: string;
    /** Column that says when a row was written; of two rows for one moment the later written one counts. */
    readonly createdTimestampColumn?: string | undefined;
  };
  /** For how long a value holds after its timestamp, in milliseconds, inclusive; 0 = for ever. */
  readonly ttl: number;
  readonly features: Features;
}

/** What a transformation is given: the features of its sources by view, and the values of the request. */
export type TransformationInput<Sources extends FeatureView, Request extends FeatureTypes> = {
  readonly [View in Sources as View["name"]]: {
    readonly [Feature in keyof View["features"]]: ValueTypes[View["features"][Feature]] | null;
  };
} & { readonly request: { readonly [Name in keyof Request]: ValueTypes[Request[Name]] | null } };

/** What a transformation gives: every feature of its view. */
export type TransformationOutput<Features extends FeatureTypes> = {
  readonly [Feature in keyof Features]: ValueTypes[Features[Feature]] | null;
};

/** Features computed when they are asked for, from other views' features and from values of the request. */
export interface OnDemandView<
  Name extends string = string,
  Sources extends readonly FeatureView[] = readonly FeatureView[],
  Request extends FeatureTypes = FeatureTypes,
  Features extends FeatureTypes = FeatureTypes,
> {
  readonly name: Name;
  /** The views whose features it reads. */
  readonly sources: Sources;
  /** Values that only the caller knows (the amount of this purchase): fields of online entity rows, columns of historical ones. @default none */
  readonly request?: Request | undefined;
  readonly features: Features;
  /** A pure function of its input; the same code computes historical and online features. */
  transform(input: TransformationInput<Sources[number], Request>): TransformationOutput<Features>;
}

/** A feature view that is materialised, or one that is computed on demand. */
export type AnyView = FeatureView | OnDemandView;

/** The features that one model reads, under a name. */
export interface FeatureService<
  Name extends string = string,
  References extends readonly string[] = readonly string[],
> {
  readonly name: Name;
  /** `view:feature` each. */
  readonly features: References;
}

/** Whether a view is computed on demand. */
export function isOnDemand(view: AnyView): view is OnDemandView {
  return "transform" in view;
}

/** Checks an entity. @throws InvalidFeatureDefinitionError that names the field. */
export function entity<const Key extends string, const Type extends KeyType>(
  definition: Entity<Key, Type>,
): Entity<Key, Type> {
  check(`Entity "${definition.name}"`, EntitySchema, definition);
  return { ...definition };
}

/** Checks a feature view. @throws InvalidFeatureDefinitionError that names the field. */
export function featureView<
  const Name extends string,
  const Entities extends readonly Entity[],
  const Features extends FeatureTypes,
>(definition: FeatureView<Name, Entities, Features>): FeatureView<Name, Entities, Features> {
  const subject = `Feature view "${definition.name}"`;
  check(subject, FeatureViewSchema, definition);
  const { entities, source, features } = definition;
  const taken = new Set<string>();
  for (const key of entities.map(({ joinKey }) => joinKey)) {
    if (taken.has(key)) throw new InvalidFeatureDefinitionError(subject, "entities", `join key "${key}" stands twice`);
    taken.add(key);
  }
  for (const column of [source.timestampField, source.createdTimestampColumn]) {
    if (column !== undefined) taken.add(column);
  }
  for (const feature of Object.keys(features)) {
    if (taken.has(feature)) {
      throw new InvalidFeatureDefinitionError(subject, `features.${feature}`, "is a join key or a timestamp already");
    }
  }
  return { ...definition };
}

const OnDemandViewSchema = z.object({
  name: Name,
  sources: z.array(z.object({ name: z.string() })),
  request: z.record(Name, ValueType).optional(),
  features: Features,
});

/** Checks an on-demand view. @throws InvalidFeatureDefinitionError that names the field. */
export function onDemandView<
  const Name extends string,
  const Sources extends readonly FeatureView[],
  const Features extends FeatureTypes,
  const Request extends FeatureTypes = Record<never, ValueType>,
>(definition: OnDemandView<Name, Sources, Request, Features>): OnDemandView<Name, Sources, Request, Features> {
  const subject = `On-demand view "${definition.name}"`;
  check(subject, OnDemandViewSchema, definition);
  const refuse = (field: string, problem: string) => {
    throw new InvalidFeatureDefinitionError(subject, field, problem);
  };
  const names = definition.sources.map(({ name }) => name);
  if (new Set(names).size < names.length) refuse("sources", "a feature view stands twice");
  if (names.includes("request")) refuse("sources", 'a feature view named "request" cannot be told from the request');
  const keys = new Set(definition.sources.flatMap(({ entities }) => entities.map(({ joinKey }) => joinKey)));
  const request = Object.keys(definition.request ?? {});
  for (const name of request) if (keys.has(name)) refuse(`request.${name}`, "is a join key of a source already");
  if (names.length + request.length === 0) refuse("sources", "must name a feature view, or request a value");
  return { ...definition };
}

/** Checks a feature service. @throws InvalidFeatureDefinitionError that names the field. */
export function featureService<const Name extends string, const References extends readonly string[]>(
  definition: FeatureService<Name, References>,
): FeatureService<Name, References> {
  const subject = `Feature service "${definition.name}"`;
  check(subject, z.strictObject({ name: Name, features: z.array(z.string()).min(1) }), definition);
  return { ...definition };
}

/** All that a feature store is made of. */
export interface Definitions<View extends AnyView = AnyView, Service extends FeatureService = FeatureService> {
  readonly entities: readonly Entity[];
  readonly views: readonly View[];
  readonly services: readonly Service[];
}

/** Checks definitions together: names are unique, and what one names is among the others, as defined there. */
export function checkDefinitions({ entities, views, services }: Definitions): void {
  unique("entities", "entities", entities);
  unique("views", "feature views", views);
  unique("services", "feature services", services);
  const byName = new Map(entities.map((one) => [one.name, one]));
  const viewsByName = new Map(views.map((one) => [one.name, one]));
  for (const view of views) {
    if (isOnDemand(view)) {
      for (const source of view.sources) {
        if (JSON.stringify(viewsByName.get(source.name)) !== JSON.stringify(source)) {
          throw new InvalidFeatureDefinitionError(
            `On-demand view "${view.name}"`,
            "sources",
            `feature view "${source.name}" is not among the store's views, or differs there`,
          );
        }
      }
      continue;
    }
    for (const used of view.entities) {
      const known = byName.get(used.name);
      if (known?.joinKey !== used.joinKey || known.type !== used.type) {
        throw new InvalidFeatureDefinitionError(
          `Feature view "${view.name}"`,
          "entities",
          `entity "${used.name}" is not among the store's entities, or differs there`,
        );
      }
    }
  }
  for (const service of services) {
    for (const reference of service.features) {
      const [view = "", ...rest] = reference.split(":");
      const feature = rest.join(":");
      if (!Object.hasOwn(viewsByName.get(view)?.features ?? {}, feature)) {
        const subject = `Feature service "${service.name}"`;
        throw new InvalidFeatureDefinitionError(subject, "features", `there is no feature "${reference}"`);
      }
    }
  }
}

function unique(field: string, what: string, named: readonly { readonly name: string }[]): void {
  if (new Set(named.map(({ name }) => name)).size < named.length) {
    throw new InvalidFeatureDefinitionError("Feature store", field, `two ${what} have the same name`);
  }
}

function check(subject: string, schema: z.ZodType, definition: unknown): void {
  const parsed = schema.safeParse(definition);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  throw new InvalidFeatureDefinitionError(subject, issue?.path.join(".") ?? "", issue?.message ?? "not valid");
}
