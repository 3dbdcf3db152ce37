/*
 * Values of columns as texts (of statistics, partitions and conditions) in forms that compare as the column's values
 * do. A text that is not understood has none: whoever asks then assumes nothing.
 */

/** Something whose order by `<` is the order of the column's values, or bytes. */
type Comparable = bigint | number | string | Buffer;

/** The comparable form of a value of a Delta type, or undefined. */
export function comparable(type: string, value: unknown): Comparable | undefined {
  if (value === null || value === undefined) return undefined;
  const text = typeof value === "number" ? exactText(type, value) : String(value);
  if (text === undefined) return undefined;
  switch (type) {
    case "string":
      return Buffer.from(text);
    case "boolean":
      return text === "true" ? 1 : text === "false" ? 0 : undefined;
    case "date":
      return /^\d{4}-\d{2}-\d{2}(?:$|[T ]\d)/.test(text) ? text.slice(0, 10) : undefined;
    case "timestamp":
      return micros(text);
    case "float":
    case "double": {
      const number = text.trim() === "" ? Number.NaN : Number(text);
      if (!Number.isFinite(number)) return undefined;
      return type === "float" ? Math.fround(number) : number;
    }
    case "binary":
      return undefined;
    default:
      return fixedPoint(text);
  }
}

/** Negative, zero or positive as `a` comes before, with or after `b`; both of one type. */
export function compare(a: Comparable, b: Comparable): number {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A number of JSON as text, if that is what stood there: of long ones JavaScript has lost some digits. */
function exactText(type: string, value: number): string | undefined {
  if (type === "float" || type === "double") return String(value);
  const digits = String(value).replace(/[-.]/g, "").replace(/^0+/, "").length;
  return Number.isSafeInteger(value) || digits <= 15 ? String(value) : undefined;
}

/** Whole numbers and decimals, times 10^38. */
function fixedPoint(text: string): bigint | undefined {
  const parts = /^([+-]?)(\d+)(?:\.(\d{0,38}))?$/.exec(text);
  if (!parts) return undefined;
  const [, sign, whole = "", fraction = ""] = parts;
  const value = BigInt(whole + fraction.padEnd(38, "0"));
  return sign === "-" ? -value : value;
}

/** Microseconds since 1970 of `1998-01-31[ T]hh:mm:ss[.ffffff][offset]`, in UTC without an offset. */
function micros(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6})\d*)?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(
    text,
  );
  if (!parts) return undefined;
  const [, day, time = "00:00:00", fraction = "", zone = "Z"] = parts;
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  const seconds = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(seconds) ? undefined : BigInt(seconds) * 1000n + BigInt(fraction.padEnd(6, "0"));
}
