import { SparkConnectError } from "./errors.ts";

/** What may be bound to a `:name` of a statement. */
export type SparkValue = string | number | bigint | boolean | Date | Uint8Array | null;

const INT32 = 2 ** 31;
const INT64 = 2n ** 63n;

/**
 * One value as Spark's literal: a whole number is an INT where it fits, else a BIGINT; any other number a DOUBLE;
 * a bigint a BIGINT; a Date a TIMESTAMP in microseconds; null the untyped NULL.
 */
export function literal(name: string, value: SparkValue): Readonly<Record<string, unknown>> {
  const refuse = (expectation: string) =>
    new SparkConnectError("SPARK_PARAMETER", `Parameter "${name}" is ${String(value)}; it must be ${expectation}.`, {
      field: name,
    });
  if (value === null) return { null: { null: {} } };
  if (typeof value === "string") return { string: value };
  if (typeof value === "boolean") return { boolean: value };
  if (typeof value === "bigint") {
    if (value < -INT64 || value >= INT64) throw refuse("within 64 bits");
    return { long: String(value) };
  }
  if (value instanceof Uint8Array) return { binary: value };
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refuse("a valid date");
    return { timestamp: String(BigInt(value.getTime()) * 1000n) };
  }
  if (!Number.isInteger(value) || Object.is(value, -0)) return { double: value };
  if (value >= -INT32 && value < INT32) return { integer: value };
  return Number.isSafeInteger(value) ? { long: String(value) } : { double: value };
}
