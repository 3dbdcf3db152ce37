import type { Entity, FeatureValue, FeatureView, ValueType } from "../definitions.ts";
import { FeatureViewNotMaterializedError, InvalidFeatureRequestError } from "../errors.ts";
import type { ResolvedFeatures } from "../feature-references.ts";
import { isoOf } from "../moments.ts";
import { transformed } from "../transformations.ts";
import type { OnlineStore, OnlineValues } from "./online-store.ts";

/**
 * `NOT_FOUND`: the store holds nothing for this entity. `OUTSIDE_MAX_AGE`: what it holds is older than the view's ttl.
 * A null value that was materialised is `PRESENT`, and so is what a transformation computed.
 */
export type FeatureStatus = "PRESENT" | "NOT_FOUND" | "OUTSIDE_MAX_AGE";

/** The newest values for one entity row. */
export interface OnlineFeatures<Values = Readonly<Record<string, FeatureValue>>> {
  readonly entity: Readonly<Record<string, FeatureValue>>;
  readonly values: Values;
  readonly statuses: { readonly [Feature in keyof Values]: FeatureStatus };
  /** Since when each value holds, ISO-8601; null where nothing was found, and for what a transformation computed. */
  readonly eventTimestamps: { readonly [Feature in keyof Values]: string | null };
  /** The newest of them; null when nothing was found. */
  readonly eventTimestamp: string | null;
}

/** How values are read. */
export interface ReadingRules {
  /** The moment to which a view's ttl counts, microseconds since the epoch. */
  readonly nowUs: number;
  /** What becomes of a value that is older than its view's ttl; its status is `OUTSIDE_MAX_AGE` either way. */
  readonly pastTtl: "null" | "serve";
  /** What is said of a view that was never materialised. */
  readonly beforeMaterialization: "error" | "not_found";
}

/** Reads and transforms the newest values for each entity row: one round trip to the store. */
export async function onlineFeatures(
  online: OnlineStore,
  resolved: ResolvedFeatures,
  entityRows: readonly Readonly<Record<string, FeatureValue>>[],
  rules: ReadingRules,
): Promise<OnlineFeatures[]> {
  for (const [index, row] of entityRows.entries()) checkEntityRow(resolved, row, index);
  const queries = resolved.views.map(({ view }) => queryOf(view, entityRows));
  const answers = await online.read(queries.map(({ view, entities }) => ({ view, entities })));
  const held = queries.map(({ rows }, at) => {
    const values = new Array<OnlineValues | undefined>(entityRows.length).fill(undefined);
    rows.forEach((row, n) => {
      values[row] = answers[at]?.[n];
    });
    return values;
  });
  if (rules.beforeMaterialization === "error") {
    for (const [at, { view }] of resolved.views.entries()) {
      const empty = entityRows.length > 0 && (held[at]?.every((one) => one === undefined) ?? true);
      if (empty && !(await online.holds(view))) throw new FeatureViewNotMaterializedError(view.name);
    }
  }
  const places = placesOf(resolved);
  return entityRows.map((entity, row) => answerOf(resolved, places, entity, held, row, rules));
}

/** Where the value of an answered name comes from: a view and its feature, or, without one, a transformation. */
interface Place {
  readonly name: string;
  readonly at: number;
  readonly feature: string;
}

function placesOf({ views, outputs }: ResolvedFeatures): Place[] {
  const known = new Map(
    views.flatMap(({ features }, at) => features.map(({ column, feature }) => [column, { at, feature }] as const)),
  );
  return outputs.map((name) => ({ name, ...(known.get(name) ?? { at: -1, feature: "" }) }));
}

/** The entities of a view, without rows of which a join key is null. */
function queryOf(view: FeatureView, entityRows: readonly Readonly<Record<string, FeatureValue>>[]) {
  const rows: number[] = [];
  const entities: string[][] = [];
  for (const [index, row] of entityRows.entries()) {
    const key = view.entities.map(({ joinKey }) => row[joinKey] ?? null);
    if (key.includes(null)) continue;
    rows.push(index);
    entities.push(key.map(String));
  }
  return { view, rows, entities };
}

function answerOf(
  { views, transformations }: ResolvedFeatures,
  places: readonly Place[],
  entity: Readonly<Record<string, FeatureValue>>,
  held: readonly (readonly (OnlineValues | undefined)[])[],
  row: number,
  { nowUs, pastTtl }: ReadingRules,
): OnlineFeatures {
  let newest: number | null = null;
  const ofViews = views.map(({ view }, at) => {
    const one = held[at]?.[row];
    if (one === undefined) return undefined;
    newest = Math.max(newest ?? one.eventUs, one.eventUs);
    const stale = view.ttl > 0 && nowUs - one.eventUs > view.ttl * 1000;
    return { values: one.values, stale, hidden: stale && pastTtl === "null", since: isoOf(one.eventUs) };
  });
  let computed: Readonly<Record<string, FeatureValue>> = {};
  if (transformations.length > 0) {
    const inputs: Record<string, FeatureValue> = { ...entity };
    for (const [at, { features }] of views.entries()) {
      const one = ofViews[at];
      for (const { feature, column } of features) inputs[column] = one?.hidden ? null : (one?.values[feature] ?? null);
    }
    computed = transformed(transformations, inputs);
  }
  const values: Record<string, FeatureValue> = {};
  const statuses: Record<string, FeatureStatus> = {};
  const eventTimestamps: Record<string, string | null> = {};
  for (const { name, at, feature } of places) {
    if (at < 0) {
      values[name] = computed[name] ?? null;
      statuses[name] = "PRESENT";
      eventTimestamps[name] = null;
      continue;
    }
    const one = ofViews[at];
    const value = one?.values[feature];
    values[name] = value === undefined || one?.hidden ? null : value;
    statuses[name] = value === undefined ? "NOT_FOUND" : one?.stale ? "OUTSIDE_MAX_AGE" : "PRESENT";
    eventTimestamps[name] = value === undefined ? null : (one?.since ?? null);
  }
  return { entity, values, statuses, eventTimestamps, eventTimestamp: isoOf(newest) };
}

/** Checks the fields of an entity row: every join key and request value is there, in its type, and nothing else. */
export function checkEntityRow(
  expected: Pick<ResolvedFeatures, "entities" | "request">,
  row: Readonly<Record<string, FeatureValue>>,
  index: number,
): void {
  const { entities, request } = expected;
  for (const names of [entities, request]) {
    for (const name of names.keys()) {
      if (row[name] !== undefined) continue;
      const problem = "is missing (null means that it is not known)";
      throw new InvalidFeatureRequestError(`entityRows.${index}.${name}`, problem, fieldsOf(expected));
    }
  }
  for (const [name, value] of Object.entries(row)) {
    const entity = entities.get(name);
    const type = entity?.type ?? request.get(name);
    if (type === undefined) {
      const problem = "is no join key of the requested views";
      throw new InvalidFeatureRequestError(`entityRows.${index}.${name}`, problem, fieldsOf(expected));
    }
    if (value !== null && !fits(type, value)) {
      const problem = `${JSON.stringify(value)} is not ${wantedIn(entity, type)}`;
      throw new InvalidFeatureRequestError(`entityRows.${index}.${name}`, problem);
    }
  }
}

/** What an entity row must hold, for a hint. */
function fieldsOf({ entities, request }: Pick<ResolvedFeatures, "entities" | "request">): string {
  const keys = `Join keys: ${[...entities.keys()].join(", ")}`;
  return request.size === 0 ? keys : `${keys}; values of the request: ${[...request.keys()].join(", ")}`;
}

function wantedIn(entity: Entity | undefined, type: ValueType): string {
  const what = {
    string: "a string",
    bigint: "an integer",
    int: "an integer",
    double: "a number",
    boolean: "a boolean",
    timestamp: "an ISO-8601 moment",
  }[type];
  return entity === undefined ? what : `${what}, as join keys of the entity "${entity.name}" are`;
}

function fits(type: ValueType, value: string | number | boolean): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "timestamp":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    case "boolean":
      return typeof value === "boolean";
    case "double":
      return typeof value === "number";
    case "int":
      return Number.isSafeInteger(value);
    case "bigint":
      // Text is for what a number cannot hold exactly.
      return typeof value === "string"
        ? /^-?[1-9]\d{15,18}$/.test(value) && !Number.isSafeInteger(Number(value))
        : Number.isSafeInteger(value);
  }
}
