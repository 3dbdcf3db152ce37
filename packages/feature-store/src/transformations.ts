import type { FeatureValue, OnDemandView, ValueType } from "./definitions.ts";
import { FeatureTransformationError, shown } from "./errors.ts";
import type { RequestedTransformation } from "./feature-references.ts";
import { momentIn } from "./moments.ts";

/**
 * The computed features of one row, by their columns.
 *
 * @param row The inputs by their columns, and the values of the request by name.
 * @throws FeatureTransformationError when a transformation fails or gives what its view does not define.
 */
export function transformed(
  transformations: readonly RequestedTransformation[],
  row: Readonly<Record<string, FeatureValue>>,
): Record<string, FeatureValue> {
  const values: Record<string, FeatureValue> = {};
  for (const { view, features, inputs } of transformations) {
    const given: Record<string, Record<string, FeatureValue>> = {};
    for (const source of view.sources) given[source.name] = {};
    for (const { view: source, feature, column } of inputs) {
      const of = given[source];
      if (of !== undefined) of[feature] = row[column] ?? null;
    }
    const request = Object.fromEntries(Object.keys(view.request ?? {}).map((name) => [name, row[name] ?? null]));
    const output = outputOf(view, { ...given, request });
    for (const { feature, type, column } of features) values[column] = checked(view, feature, type, output[feature]);
  }
  return values;
}

function outputOf(
  view: OnDemandView,
  input: Parameters<OnDemandView["transform"]>[0],
): Readonly<Record<string, unknown>> {
  try {
    const output: unknown = view.transform(input);
    if (typeof output === "object" && output !== null) return { ...output };
    throw new TypeError(`it gave ${shown(output)} where an object of features is expected`);
  } catch (error) {
    throw new FeatureTransformationError(view.name, error instanceof Error ? error.message : String(error), error);
  }
}

function checked(view: OnDemandView, feature: string, type: ValueType, value: unknown): FeatureValue {
  if (value === null || value === undefined) return null;
  // Not a number and the infinities are null, as everywhere.
  if (typeof value === "number" && !Number.isFinite(value)) return null;
  if (isOf(type, value)) return value;
  throw new FeatureTransformationError(view.name, `it gave ${shown(value)} for ${feature}, where ${type} is expected`);
}

function isOf(type: ValueType, value: unknown): value is string | number | boolean {
  switch (type) {
    case "double":
      return typeof value === "number";
    case "int":
      // 32 bits: historically a larger one would be null, online it would not.
      return typeof value === "number" && (value | 0) === value;
    case "bigint":
      if (typeof value === "string")
        return /^-?\d{1,19}$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value);
      return Number.isSafeInteger(value);
    case "string":
      return typeof value === "string";
    case "timestamp":
      return typeof value === "string" && momentIn(value) !== undefined;
    case "boolean":
      return typeof value === "boolean";
  }
}
