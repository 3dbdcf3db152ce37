import { type DataType, DateUnit, Precision, TimeUnit, Type, type Vector } from "apache-arrow";
import { LakeError } from "./errors.ts";
import { decimalScalar, isoTimestamp, type Scalar } from "./scalars.ts";

/** The type of an Arrow column in Spark SQL's words; one that Delta has no word for keeps its own name, in lower case. */
export function arrowToSpark(type: DataType): string {
  switch (type.typeId) {
    case Type.Int:
      return { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint" }[bits(type)] ?? lower(type);
    case Type.Float:
      return "precision" in type && type.precision === Precision.SINGLE ? "float" : "double";
    case Type.Decimal:
      return "precision" in type && "scale" in type ? `decimal(${type.precision},${type.scale})` : lower(type);
    case Type.Utf8:
    case Type.LargeUtf8:
      return "string";
    case Type.Bool:
      return "boolean";
    case Type.Date:
      return "date";
    case Type.Timestamp:
      return "timestamp";
    case Type.Binary:
    case Type.LargeBinary:
      return "binary";
    case Type.Null:
      return "void";
    default:
      return lower(type);
  }
}

const bits = (type: DataType): number => ("bitWidth" in type && typeof type.bitWidth === "number" ? type.bitWidth : 0);
const lower = (type: DataType) => type.toString().toLowerCase();

/** Reads one value of a column as a scalar, by the rules of `toScalar`. */
export type ReadValue = (row: number) => Scalar;

/** How values of a column are read. @throws LakeError UNSUPPORTED_TYPE for lists, structs, maps, intervals */
export function valueReader(vector: Vector, column: string): ReadValue {
  const type: DataType = vector.type;
  const get = (row: number): unknown => vector.get(row);
  const orNull =
    (read: (value: unknown) => Scalar): ReadValue =>
    (row) => {
      const value = get(row);
      return value === null || value === undefined ? null : read(value);
    };
  switch (type.typeId) {
    case Type.Null:
      return () => null;
    case Type.Int:
      return orNull((value) => {
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : String(value);
      });
    case Type.Float:
      return orNull((value) => (Number.isFinite(value) ? Number(value) : null));
    case Type.Bool:
      return orNull((value) => value === true);
    case Type.Utf8:
    case Type.LargeUtf8:
      return orNull(String);
    case Type.Date:
      if ("unit" in type && type.unit === DateUnit.DAY) {
        return orNull((value) => new Date(Number(value)).toISOString().replace(/T.*$/, ""));
      }
      break;
    case Type.Timestamp:
      if ("unit" in type && type.unit === TimeUnit.MICROSECOND) {
        const micros = ticks(vector);
        return (row) => {
          const value = micros(row);
          return value === null ? null : isoTimestamp(value);
        };
      }
      break;
    case Type.Decimal: {
      const scale = "scale" in type && typeof type.scale === "number" ? type.scale : 0;
      return orNull((value) => decimalScalar(decimalText(words(value), scale)));
    }
    default:
  }
  throw new LakeError(
    "UNSUPPORTED_TYPE",
    `The column ${column} is of type ${arrowToSpark(type)}, which rows cannot hold.`,
    { hint: "Cast it to a number, a string, a date or a timestamp in the query." },
  );
}

/** Reads the whole 64-bit counts of a timestamp column: Arrow's own accessor gives milliseconds as a double. */
function ticks(vector: Vector): (row: number) => bigint | null {
  const [data] = vector.data;
  if (vector.data.length !== 1 || !data || !(data.values instanceof BigInt64Array)) {
    return (row) => {
      const value: unknown = vector.get(row);
      return value === null || value === undefined ? null : BigInt(Math.round(Number(value) * 1000));
    };
  }
  const { values } = data;
  return (row) => (vector.isValid(row) ? (values[row] ?? null) : null);
}

/** A decimal as Arrow keeps it: 128 bits, two's complement, in four little-endian words. */
function words(value: unknown): bigint {
  if (!(value instanceof Uint32Array)) throw new LakeError("UNSUPPORTED_TYPE", "A decimal of an unknown form.");
  let unsigned = 0n;
  for (let i = value.length - 1; i >= 0; i--) unsigned = (unsigned << 32n) | BigInt(value[i]!);
  return BigInt.asIntN(value.length * 32, unsigned);
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
