import { z } from "zod";
import { InvalidFeatureDefinitionError } from "./errors.ts";

/** What a feature or a join key may hold. `bigint` is a 64 bit integer. */
export const ValueType = z.enum(["double", "bigint", "string", "boolean"]);
export type ValueType = z.output<typeof ValueType>;

/** A name that can be a column and stands before or after the colon of `view:feature`. */
const Name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be letters, digits and underscores, no digit first");
const ColumnName = z.string().min(1);

const EntitySchema = z.strictObject({
  name: Name,
  joinKey: ColumnName,
  type: z.enum(["bigint", "string"]),
});

/** Something that features are about: a customer, a merchant. */
export interface Entity {
  readonly name: string;
  /** The column by which rows are joined, of the same name in entity rows and in feature tables. */
  readonly joinKey: string;
  readonly type: "bigint" | "string";
}

const FeatureViewSchema = z.strictObject({
  name: Name,
  entities: z.array(EntitySchema).min(1),
  source: z.strictObject({
    table: z.string().min(1),
    timestampField: ColumnName,
    createdTimestampColumn: ColumnName.optional(),
  }),
  ttl: z.number().min(0),
  features: z.record(Name, ValueType).refine((features) => Object.keys(features).length > 0, {
    error: "must name at least one feature",
  }),
});

/** A group of features that come from one table, for one entity or a combination of entities. */
export interface FeatureView {
  readonly name: string;
  readonly entities: readonly Entity[];
  readonly source: {
    /** Table of the lake: one row per entity and moment. */
    readonly table: string;
    /** Column that says since when a row's values hold. */
    readonly timestampField: string;
    /** Column that says when a row was written; of two rows for one moment the later written one counts. */
    readonly createdTimestampColumn?: string | undefined;
  };
  /** For how long a value holds after its timestamp, in milliseconds; 0 = for ever. Historical joins only. */
  readonly ttl: number;
  readonly features: Readonly<Record<string, ValueType>>;
}

/** Checks an entity. @throws InvalidFeatureDefinitionError that names the field. */
export function entity(definition: Entity): Entity {
  return checked(`Entity "${definition.name}"`, EntitySchema, definition);
}

/** Checks a feature view. @throws InvalidFeatureDefinitionError that names the field. */
export function featureView(definition: FeatureView): FeatureView {
  const subject = `Feature view "${definition.name}"`;
  const view = checked(subject, FeatureViewSchema, definition);
  const taken = new Set<string>();
  for (const key of view.entities.map(({ joinKey }) => joinKey)) {
    if (taken.has(key)) throw new InvalidFeatureDefinitionError(subject, "entities", `join key "${key}" stands twice`);
    taken.add(key);
  }
  for (const column of [view.source.timestampField, view.source.createdTimestampColumn]) {
    if (column !== undefined) taken.add(column);
  }
  for (const feature of Object.keys(view.features)) {
    if (taken.has(feature)) {
      throw new InvalidFeatureDefinitionError(subject, `features.${feature}`, "is a join key or a timestamp already");
    }
  }
  return view;
}

/** Checks definitions together: names are unique, every view's entities are among `entities`, as defined there. */
export function checkDefinitions(entities: readonly Entity[], views: readonly FeatureView[]): void {
  const byName = new Map(entities.map((one) => [one.name, one]));
  if (byName.size < entities.length) {
    throw new InvalidFeatureDefinitionError("Feature store", "entities", "two entities have the same name");
  }
  if (new Set(views.map(({ name }) => name)).size < views.length) {
    throw new InvalidFeatureDefinitionError("Feature store", "views", "two feature views have the same name");
  }
  for (const view of views) {
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
}

function checked<T>(subject: string, schema: z.ZodType<T>, definition: T): T {
  const parsed = schema.safeParse(definition);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InvalidFeatureDefinitionError(subject, issue?.path.join(".") ?? "", issue?.message ?? "not valid");
}
