import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import {
  type Entity,
  entity,
  type FeatureStore,
  featureService,
  featureView,
  openFeatureStore,
} from "@dagwright/feature-store";
import { z } from "zod";
import { scratch, scratchTable } from "./scratch-lake.ts";

const CellValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Row = z.record(z.string(), CellValue);
const Definitions = z.object({
  entities: z.array(z.object({ name: z.string(), joinKey: z.string(), type: z.string() })),
  featureViews: z.array(
    z.object({
      name: z.string(),
      source: z.string(),
      entities: z.array(z.string()),
      ttlSeconds: z.number(),
      timestampField: z.string(),
      createdTimestampColumn: z.string().nullable(),
      features: z.record(z.string(), z.string()),
    }),
  ),
  featureServices: z.array(z.object({ name: z.string(), features: z.array(z.string()) })).default([]),
});
type Definitions = z.output<typeof Definitions>;
const References = z.union([z.string(), z.array(z.string())]);
const Base = z.object({ definitions: Definitions, sources: z.record(z.string(), z.array(Row)) });

const Historical = Base.extend({
  features: References,
  fullFeatureNames: z.boolean(),
  entityRows: z.array(Row),
});
const Views = z.array(z.string()).nullish();
const OnlineSession = Base.extend({
  steps: z.array(
    z.discriminatedUnion("step", [
      z.object({
        id: z.string(),
        step: z.literal("materialize"),
        input: z.object({ start: z.string(), end: z.string(), featureViews: Views }),
      }),
      z.object({
        id: z.string(),
        step: z.literal("materialize_incremental"),
        input: z.object({ end: z.string(), featureViews: Views }),
      }),
      z.object({
        id: z.string(),
        step: z.literal("online"),
        input: z.object({
          features: References,
          entityRows: z.array(Row),
          fullFeatureNames: z.boolean().default(false),
        }),
      }),
    ]),
  ),
});

const TYPES = {
  double: { duckdb: "DOUBLE", names: ["float64", "float32", "double", "float"] },
  bigint: { duckdb: "BIGINT", names: ["int64", "int32", "bigint", "int"] },
  string: { duckdb: "VARCHAR", names: ["string", "str"] },
  boolean: { duckdb: "BOOLEAN", names: ["bool", "boolean"] },
} as const;
type ValueType = keyof typeof TYPES;

function typeOf(name: string): ValueType {
  for (const type of ["double", "bigint", "string", "boolean"] as const) {
    if (TYPES[type].names.some((known) => known === name.toLowerCase())) return type;
  }
  throw new Error(`type ${name} is not known`);
}

async function historical(raw: unknown) {
  const { definitions, sources, features, fullFeatureNames, entityRows } = Historical.parse(raw);
  return withStore(definitions, sources, async (store) => {
    const table = await scratchTable(entityTypes(definitions, entityRows), entityRows);
    const { rows } = await store.getHistoricalFeatures({
      entities: { table },
      features,
      fullFeatureNames,
    });
    return { rows };
  });
}

async function onlineSession(raw: unknown) {
  const { definitions, sources, steps } = OnlineSession.parse(raw);
  const all = definitions.featureViews.map(({ name }) => name);
  return withStore(definitions, sources, async (store) => {
    const answers: Record<string, unknown> = {};
    for (const { id, step, input } of steps) {
      try {
        if (step === "online") {
          answers[id] = await online(store, definitions, input);
        } else {
          const from = step === "materialize" ? { start: input.start } : { incremental: true };
          answers[id] = await store.materialize({ views: input.featureViews ?? all, until: input.end, ...from });
        }
      } catch (error) {
        answers[id] = { error: true, message: error instanceof Error ? error.message : String(error) };
      }
    }
    return { steps: answers };
  });
}

async function online(
  store: FeatureStore,
  definitions: Definitions,
  input: { features: string | string[]; entityRows: z.output<typeof Row>[]; fullFeatureNames: boolean },
) {
  // As in Feast: a join key that is not there finds nothing, others are no error, ttl is for historical features.
  const keys = joinKeysOf(definitions, input.features);
  const { results } = await store.getOnlineFeatures({
    ...input,
    entityRows: input.entityRows.map((row) => Object.fromEntries(keys.map((key) => [key, row[key] ?? null]))),
    pastTtl: "serve",
    beforeMaterialization: "not_found",
  });
  const given = (index: number) => input.entityRows[index] ?? {};
  const values = results.map((result, index) => ({ ...given(index), ...result.values }));
  const statuses = results.map((result, index) => ({
    ...Object.fromEntries(Object.keys(given(index)).map((key) => [key, "PRESENT"])),
    ...result.statuses,
  }));
  return { values: columnsOf(values), statuses: columnsOf(statuses) };
}

/** The join keys of the views whose features are asked for. */
function joinKeysOf(definitions: Definitions, features: string | string[]): string[] {
  const references =
    typeof features === "string"
      ? (definitions.featureServices.find(({ name }) => name === features)?.features ?? [])
      : features;
  const views = new Set(references.map((reference) => reference.split(":")[0]));
  const entities = definitions.featureViews.filter(({ name }) => views.has(name)).flatMap((view) => view.entities);
  return definitions.entities.filter(({ name }) => entities.includes(name)).map(({ joinKey }) => joinKey);
}

/** Rows turned into columns. */
function columnsOf(rows: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown[]> {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return Object.fromEntries([...names].map((name) => [name, rows.map((row) => row[name] ?? null)]));
}

/** A feature store over the definitions, its online store empty, its sources as tables. */
async function withStore<T>(
  definitions: Definitions,
  sources: z.output<typeof Base>["sources"],
  work: (store: FeatureStore) => Promise<T>,
): Promise<T> {
  const { lake, folder } = await scratch();
  const entities = definitions.entities.map(({ name, joinKey, type }) =>
    entity({ name, joinKey, type: typeOf(type) === "string" ? "string" : "bigint" }),
  );
  const tables: Record<string, string> = {};
  for (const [name, rows] of Object.entries(sources))
    tables[name] = await scratchTable(sourceTypes(definitions, name), rows);
  const views = definitions.featureViews.map((view) =>
    featureView({
      name: view.name,
      entities: view.entities.map((name) => entityNamed(entities, name)),
      source: {
        table: tables[view.source] ?? "missing",
        timestampField: view.timestampField,
        ...(view.createdTimestampColumn !== null && { createdTimestampColumn: view.createdTimestampColumn }),
      },
      ttl: view.ttlSeconds * 1000,
      features: Object.fromEntries(Object.entries(view.features).map(([name, type]) => [name, typeOf(type)])),
    }),
  );
  const services = definitions.featureServices.map((service) => featureService(service));
  const root = mkdtempSync(join(folder, "features-"));
  const store = await openFeatureStore({ root, lake, entities, views, services });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function entityNamed(entities: readonly Entity[], name: string): Entity {
  const found = entities.find((one) => one.name === name);
  if (found === undefined) throw new Error(`entity ${name} is not defined`);
  return found;
}

/** The columns that the views over a source name, with their types. */
function sourceTypes(definitions: Definitions, source: string): Record<string, string> {
  const types: Record<string, string> = {};
  for (const view of definitions.featureViews.filter((one) => one.source === source)) {
    for (const { name, joinKey, type } of definitions.entities) {
      if (view.entities.includes(name)) types[joinKey] = TYPES[typeOf(type)].duckdb;
    }
    types[view.timestampField] = "TIMESTAMPTZ";
    if (view.createdTimestampColumn !== null) types[view.createdTimestampColumn] = "TIMESTAMPTZ";
    for (const [name, type] of Object.entries(view.features)) types[name] = TYPES[typeOf(type)].duckdb;
  }
  return types;
}

/** The columns of entity rows: join keys as defined, the others by their values. */
function entityTypes(definitions: Definitions, rows: readonly z.output<typeof Row>[]): Record<string, string> {
  const types: Record<string, string> = {};
  for (const name of new Set(rows.flatMap((row) => Object.keys(row)))) {
    const joined = definitions.entities.find(({ joinKey }) => joinKey === name);
    const values = rows.map((row) => row[name] ?? null).filter((value) => value !== null);
    if (joined !== undefined) types[name] = TYPES[typeOf(joined.type)].duckdb;
    else if (name === "event_timestamp") types[name] = "TIMESTAMPTZ";
    else if (values.every((value) => Number.isSafeInteger(value))) types[name] = "BIGINT";
    else if (values.every((value) => typeof value === "number")) types[name] = "DOUBLE";
    else if (values.every((value) => typeof value === "boolean")) types[name] = "BOOLEAN";
    else types[name] = "VARCHAR";
  }
  return types;
}

/** Operations of the area `features`, by name. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "features.historical": historical,
  "features.onlineSession": onlineSession,
};
