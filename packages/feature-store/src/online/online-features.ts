import type { Entity, FeatureValue, ValueType } from "../definitions.ts";
import { FeatureViewNotMaterializedError, InvalidFeatureRequestError, shown } from "../errors.ts";
import type { RequestedView, ResolvedFeatures } from "../feature-references.ts";
import { isoOf, momentIn } from "../moments.ts";
import { transformed } from "../transformations.ts";
import type { OnlineStore, OnlineValues } from "./online-store.ts";

/**
 * `NOT_FOUND`: the store holds nothing for this entity, or what it holds was written before the feature was defined, or
 * when it had another type. `OUTSIDE_MAX_AGE`: what it holds is older than the view's ttl.
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
  const queries = resolved.views.map((one) => queryOf(one, entityRows));
  const answers = await online.read(queries);
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
  const form = formOf(resolved);
  return entityRows.map((entity, row) => answerOf(resolved, form, entity, held, row, rules));
}

/**
 * The form of every answer to a request. Answers are copies of it, which costs less than to make them name by name;
 * where every feature is present, which is the rule, they share the statuses.
 */
interface AnswerForm {
  readonly nulls: Readonly<Record<string, null>>;
  readonly present: Readonly<Record<string, FeatureStatus>>;
  /** Of each view that is read, the names that are answered, each with its place among the view's values. */
  readonly answered: readonly (readonly (readonly [name: string, place: number])[])[];
}

function formOf({ views, outputs }: ResolvedFeatures): AnswerForm {
  const asked = new Set(outputs);
  return {
    nulls: Object.fromEntries(outputs.map((name) => [name, null])),
    present: Object.freeze(Object.fromEntries(outputs.map((name) => [name, "PRESENT" as const]))),
    answered: views.map(({ features }) =>
      features.flatMap(({ column }, place) => (asked.has(column) ? [[column, place] as const] : [])),
    ),
  };
}

/** What is asked of the store for a view: its entities, without the rows of which a join key is null. */
function queryOf({ view, features }: RequestedView, entityRows: readonly Readonly<Record<string, FeatureValue>>[]) {
  const rows: number[] = [];
  const entities: string[][] = [];
  for (const [index, row] of entityRows.entries()) {
    const key = view.entities.map(({ joinKey }) => row[joinKey] ?? null);
    if (key.includes(null)) continue;
    rows.push(index);
    entities.push(key.map(String));
  }
  return { view, features: features.map(({ feature }) => feature), rows, entities };
}

function answerOf(
  { views, transformations }: ResolvedFeatures,
  { nulls, present, answered }: AnswerForm,
  entity: Readonly<Record<string, FeatureValue>>,
  held: readonly (readonly (OnlineValues | undefined)[])[],
  row: number,
  { nowUs, pastTtl }: ReadingRules,
): OnlineFeatures {
  const values: Record<string, FeatureValue> = { ...nulls };
  const others: Record<string, FeatureStatus> = {};
  const eventTimestamps: Record<string, string | null> = { ...nulls };
  const inputs: Record<string, FeatureValue> | undefined = transformations.length > 0 ? { ...entity } : undefined;
  let newest: number | null = null;
  let newestSince: string | null = null;
  for (const [at, { view, features }] of views.entries()) {
    const one = held[at]?.[row];
    const stale = one !== undefined && view.ttl > 0 && nowUs - one.eventUs > view.ttl * 1000;
    const hidden = stale && pastTtl === "null";
    const since = one === undefined ? null : isoOf(one.eventUs);
    if (one !== undefined && (newest === null || one.eventUs > newest)) {
      newest = one.eventUs;
      newestSince = since;
    }
    for (const [name, place] of answered[at] ?? []) {
      const value = one?.values[place];
      if (value === undefined) {
        others[name] = "NOT_FOUND";
        continue;
      }
      if (!hidden) values[name] = value;
      if (stale) others[name] = "OUTSIDE_MAX_AGE";
      eventTimestamps[name] = since;
    }
    if (inputs === undefined) continue;
    for (const [place, { column }] of features.entries()) inputs[column] = hidden ? null : (one?.values[place] ?? null);
  }
  if (inputs !== undefined) Object.assign(values, transformed(transformations, inputs));
  const statuses = Object.keys(others).length === 0 ? present : { ...present, ...others };
  return { entity, values, statuses, eventTimestamps, eventTimestamp: newestSince };
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
      const problem = `${shown(value)} is not ${wantedIn(entity, type)}`;
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
  const keys = entity === undefined ? "" : `, as join keys of the entity "${entity.name}" are`;
  const large =
    type === "bigint" ? " (64 bits; beyond 2^53 as decimal text, since a number does not hold it exactly)" : "";
  return what + keys + large;
}

function fits(type: ValueType, value: string | number | boolean): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "timestamp":
      return typeof value === "string" && momentIn(value) !== undefined;
    case "boolean":
      return typeof value === "boolean";
    case "double":
      return typeof value === "number";
    case "int":
      return Number.isSafeInteger(value);
    case "bigint":
      // Text is for what a number cannot hold exactly.
      if (typeof value !== "string") return Number.isSafeInteger(value);
      return (
        /^-?[1-9]\d{15,18}$/.test(value) &&
        !Number.isSafeInteger(Number(value)) &&
        BigInt.asIntN(64, BigInt(value)) === BigInt(value)
      );
  }
}
