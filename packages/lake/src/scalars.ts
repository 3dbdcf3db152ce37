import { type DuckDBType, DuckDBTypeId, type DuckDBValue } from "@duckdb/node-api";
import { LakeError } from "./errors.ts";

/** A value of a row or a parameter: dates and timestamps are ISO strings. */
export type Scalar = string | number | boolean | null;

/** Whether Spark takes a whole number for an INT. */
export const isInt = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31;

/**
 * Checks a parameter's value and gives it as DuckDB binds it: other numbers than whole ones as DOUBLE, whole ones as
 * BIGINT; in Spark SQL as INTEGER where they fit, as Spark takes them.
 */
export function bindable(name: string, value: Scalar, dialect: "duckdb" | "spark"): DuckDBValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) {
    return Number.isSafeInteger(value) && !(dialect === "spark" && isInt(value)) && !Object.is(value, -0)
      ? BigInt(value)
      : value;
  }
  throw new LakeError("PARAM_TYPE", `The parameter :${name} must be a string, a finite number, a boolean or null.`, {
    field: name,
  });
}

/** One value of a DuckDB result as a scalar. Whole numbers beyond 2^53 and decimals of more than 15 digits are strings. */
export function toScalar(value: DuckDBValue, type: DuckDBType, column: string): Scalar {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  switch (type.typeId) {
    case DuckDBTypeId.DATE:
      return value.toString();
    case DuckDBTypeId.DECIMAL:
      return decimalScalar(value.toString());
    case DuckDBTypeId.TIMESTAMP_TZ:
    case DuckDBTypeId.TIMESTAMP:
      if ("micros" in value) return isoTimestamp(value.micros);
      break;
    case DuckDBTypeId.TIMESTAMP_S:
      if ("seconds" in value && typeof value.seconds === "bigint") return isoTimestamp(value.seconds * 1_000_000n);
      break;
    case DuckDBTypeId.TIMESTAMP_MS:
      if ("millis" in value) return isoTimestamp(value.millis * 1000n);
      break;
    case DuckDBTypeId.TIMESTAMP_NS:
      if ("nanos" in value && typeof value.nanos === "bigint") return isoTimestamp(value.nanos / 1000n);
      break;
    default:
  }
  throw new LakeError(
    "UNSUPPORTED_TYPE",
    `The column ${column} is of type ${type.toString()}, which rows cannot hold.`,
    {
      hint: "Cast it to a number, a string, a date or a timestamp in the query.",
    },
  );
}

/** A decimal as a number where it has at most 15 digits, else as its text. */
export function decimalScalar(text: string): Scalar {
  return text.replace(/[-.]/g, "").replace(/^0+/, "").length <= 15 ? Number(text) : text;
}

/** `1998-01-31T00:00:00.000Z`; microseconds are shown only where they are not whole milliseconds. */
export function isoTimestamp(micros: bigint): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const iso = new Date(Number((micros - rest) / 1000n)).toISOString();
  return rest === 0n ? iso : `${iso.slice(0, -1)}${rest.toString().padStart(3, "0")}Z`;
}
