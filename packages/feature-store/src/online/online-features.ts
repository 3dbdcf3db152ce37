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
  for (const [index, row] of entityRows.entries()) checkEntityRow(resolved, row, `entityRows.${index}`);
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
  return entityRows.map((entity, row) =>
    answerOf(
      resolved,
      entity,
      held.map((ofView) => ofView[row]),
      rules,
    ),
  );
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
  { views, transformations, outputs }: ResolvedFeatures,
  entity: Readonly<Record<string, FeatureValue>>,
  held: readonly (OnlineValues | undefined)[],
  { nowUs, pastTtl }: ReadingRules,
): OnlineFeatures {
  const columns: Record<string, FeatureValue> = {};
  const found: Record<string, FeatureStatus> = {};
  const since: Record<string, string | null> = {};
  let newestUs: number | null = null;
  for (const [at, { view, features }] of views.entries()) {
    const one = held[at];
    const stale = one !== undefined && view.ttl > 0 && nowUs - one.eventUs > view.ttl * 1000;
    const timestamp = one === undefined ? null : isoOf(one.eventUs);
    if (one !== undefined) newestUs = Math.max(newestUs ?? one.eventUs, one.eventUs);
    for (const { feature, column } of features) {
      const value = one?.values[feature];
      columns[column] = value === undefined || (stale && pastTtl === "null") ? null : value;
      found[column] = value === undefined ? "NOT_FOUND" : stale ? "OUTSIDE_MAX_AGE" : "PRESENT";
      since[column] = value === undefined ? null : timestamp;
    }
  }
  if (transformations.length > 0) {
    Object.assign(columns, transformed(transformations, { ...entity, ...columns }));
    for (const { column } of transformations.flatMap(({ features }) => features)) found[column] = "PRESENT";
  }
  const values: Record<string, FeatureValue> = {};
  const statuses: Record<string, FeatureStatus> = {};
  const eventTimestamps: Record<string, string | null> = {};
  for (const name of outputs) {
    values[name] = columns[name] ?? null;
    statuses[name] = found[name] ?? "NOT_FOUND";
    eventTimestamps[name] = since[name] ?? null;
  }
  return { entity, values, statuses, eventTimestamps, eventTimestamp: isoOf(newestUs) };
}

/** Checks the fields of an entity row: every join key and request value is there, in its type, and nothing else. */
export function checkEntityRow(
  { entities, request }: Pick<ResolvedFeatures, "entities" | "request">,
  row: Readonly<Record<string, FeatureValue>>,
  field: string,
): void {
  const hint = () => {
    const requested = [...request.keys()].join(", ");
    return `Join keys: ${[...entities.keys()].join(", ")}${requested === "" ? "" : `; values of the request: ${requested}`}`;
  };
  for (const name of [...entities.keys(), ...request.keys()]) {
    if (Object.hasOwn(row, name)) continue;
    throw new InvalidFeatureRequestError(`${field}.${name}`, "is missing (null means that it is not known)", hint());
  }
  for (const [name, value] of Object.entries(row)) {
    const entity = entities.get(name);
    const type = entity?.type ?? request.get(name);
    if (type === undefined) {
      throw new InvalidFeatureRequestError(`${field}.${name}`, "is no join key of the requested views", hint());
    }
    const wanted = wantedIn(entity, type);
    if (value !== null && !fits(type, value)) {
      throw new InvalidFeatureRequestError(`${field}.${name}`, `${JSON.stringify(value)} is not ${wanted}`);
    }
  }
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
