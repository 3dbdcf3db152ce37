import { urisOf } from "../core/asset-condition.ts";
import type { AssetCondition, GraphAsset, Json } from "../core/graph.ts";

/** Which assets a DAG waits for. */
export interface AssetExpression {
  /** Both must have been updated since the DAG last ran by them. */
  and(other: AssetExpression): AssetExpression;
  /** One of them must have been updated. */
  or(other: AssetExpression): AssetExpression;
  readonly condition: AssetCondition;
}

/** Something that tasks update and DAGs wait for: a table, a file, a model. */
export interface Asset extends AssetExpression, GraphAsset {}

/** What else may be said of an asset. */
export interface AssetOptions {
  /** What people call it. @default its uri */
  readonly name?: string;
  /** What else is to be known of it; shown beside it. */
  readonly extra?: { readonly [key: string]: Json };
}

/** Marks assets and what is made of them across copies of this package. */
const BRAND = Symbol.for("dagwright.asset");

/**
 * Names something that tasks update (`outlets`) and DAGs wait for (`schedule: onAssets(…)`). The same uri is the same
 * asset everywhere; what stands behind it is never looked at.
 *
 * @param uri With a scheme: `s3://bucket/day.csv`, `lake://purchases`.
 * @example const purchases = asset("lake://purchases");
 */
export function asset(uri: string, { name, extra }: AssetOptions = {}): Asset {
  const known = { uri, ...(name === undefined ? {} : { name }), ...(extra === undefined ? {} : { extra }) };
  return Object.assign(expressionOf({ kind: "asset", uri }), known);
}

function expressionOf(condition: AssetCondition): AssetExpression {
  const joined = (kind: "and" | "or", other: AssetExpression) => {
    // What is no expression is told when a DAG uses it.
    const right = isExpression(other) ? other.condition : NO_ASSET;
    // `a.and(b).and(c)` is one list.
    const of = [condition, right].flatMap((one) => (one.kind === kind ? one.of : [one]));
    return expressionOf({ kind, of });
  };
  const expression: AssetExpression = {
    and: (other) => joined("and", other),
    or: (other) => joined("or", other),
    condition,
  };
  return Object.defineProperty(expression, BRAND, { value: true });
}

const NO_ASSET: AssetCondition = { kind: "asset", uri: "" };

function isExpression(value: unknown): value is AssetExpression {
  return typeof value === "object" && value !== null && BRAND in value;
}

function isAsset(value: unknown): value is Asset {
  return isExpression(value) && value.condition.kind === "asset";
}

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s\p{Cc}]{1,480}$/u;

/** Why a text cannot be the uri of an asset; null when it can. */
export function uriProblem(uri: unknown): string | null {
  if (typeof uri === "string" && URI.test(uri)) return null;
  return `the uri of an asset is ${JSON.stringify(uri) ?? typeof uri}: expected a scheme and what it names, without blanks, such as "s3://bucket/day.csv"`;
}

/** The condition of `onAssets`; what is wrong with it is told to `mistake`. */
export function checkedCondition(expression: unknown, mistake: (message: string) => void): AssetCondition {
  if (!isExpression(expression)) {
    mistake("onAssets(…): expected an asset, or assets joined by .and(…) and .or(…)");
    return NO_ASSET;
  }
  for (const uri of urisOf(expression.condition)) {
    const problem = uriProblem(uri);
    if (problem !== null) mistake(`onAssets(…): ${problem}`);
  }
  return expression.condition;
}

/** Largest `extra` of an asset or an event, in characters of JSON: it travels through many histories. */
export const LARGEST_EXTRA = 16_384;

/** Why a value cannot be an `extra`; null when it can. */
export function extraProblem(extra: unknown): string | null {
  if (typeof extra !== "object" || extra === null || Array.isArray(extra) || !isJson(extra))
    return "expected a plain object of JSON";
  const { length } = JSON.stringify(extra);
  return length > LARGEST_EXTRA ? `it has ${length} characters as JSON: at most ${LARGEST_EXTRA} are allowed` : null;
}

function isJson(value: unknown): value is Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object": {
      if (value === null) return true;
      if (Array.isArray(value)) return value.every(isJson);
      const prototype: unknown = Object.getPrototypeOf(value);
      return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson);
    }
    default:
      return false;
  }
}

/** What a node updates, as the graph keeps it; what is wrong with it is told to `mistake`. */
export function checkedOutlets(
  outlets: readonly Asset[] | undefined,
  mistake: (message: string) => void,
): readonly GraphAsset[] | undefined {
  if (outlets === undefined || outlets.length === 0) return undefined;
  const known = new Map<string, GraphAsset>();
  for (const [place, outlet] of outlets.entries()) {
    if (!isAsset(outlet)) {
      mistake(`outlets[${place}] is no asset: expected what asset("…") gave`);
      continue;
    }
    const { uri, name, extra } = outlet;
    const problem = uriProblem(uri);
    if (problem !== null) mistake(`outlets[${place}]: ${problem}`);
    if (known.has(uri)) mistake(`outlets[${place}] is ${uri}, which stands in the list already`);
    const wrong = extra === undefined ? null : extraProblem(extra);
    if (wrong !== null) mistake(`outlets[${place}]: the extra of ${uri}: ${wrong}`);
    known.set(uri, { uri, ...(name === undefined ? {} : { name }), ...(extra === undefined ? {} : { extra }) });
  }
  return [...known.values()];
}
