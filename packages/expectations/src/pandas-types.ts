import { type Column, canonicalType, columnOf } from "./column-types.ts";
import { NotEvaluableError } from "./errors.ts";
import { columnMap, known, type MapArguments, type Plan } from "./plan.ts";
import { text } from "./sql.ts";

/** Names of numpy, pandas and Python, and the engine's types whose columns pandas would hold so. */
const PANDAS: Readonly<Record<string, readonly string[]>> = {
  int8: ["TINYINT"],
  int16: ["SMALLINT"],
  int32: ["INTEGER"],
  int64: ["BIGINT"],
  int: ["BIGINT", "INTEGER"],
  long: ["BIGINT"],
  uint8: ["UTINYINT"],
  uint16: ["USMALLINT"],
  uint32: ["UINTEGER"],
  uint64: ["UBIGINT"],
  float16: [],
  float32: ["FLOAT"],
  float64: ["DOUBLE"],
  float: ["DOUBLE", "FLOAT"],
  double: ["DOUBLE"],
  bool: ["BOOLEAN"],
  bool_: ["BOOLEAN"],
  datetime64: ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"],
  "datetime64[ns]": ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"],
  "timedelta64[ns]": ["INTERVAL"],
  object: ["VARCHAR"],
  object_: ["VARCHAR"],
  O: ["VARCHAR"],
  str: [],
  str_: [],
  string_types: [],
  bytes: [],
  complex: [],
  complex64: [],
  complex128: [],
  list: [],
  dict: [],
  none: [],
  Timestamp: [],
  category: [],
};
/** The names that pandas gives a whole column of texts; any other is asked of each text. */
const OF_A_COLUMN = new Set(["object", "object_", "O"]);
/** What every text is in Python. */
const OF_A_TEXT = new Set(["str", "string_types"]);

/** Names of Python's moments, which no text is. */
const OF_A_MOMENT = new Set(["date", "datetime"]);

/**
 * One of several types, as Great Expectations asks a list: pandas' name of moments without a unit is then no type, and
 * texts are asked value by value, which none of them is an object.
 */
export function ofTypes(kwargs: MapArguments, types: readonly string[], columns: readonly Column[]): Plan {
  const asked = types.map((type) => (type === "datetime64" || OF_A_COLUMN.has(type) ? "bytes" : type));
  return ofType(kwargs, asked, columns);
}

/**
 * The type of a column by the engine's, Spark SQL's or pandas' name. As in pandas, whose text columns hold objects, a
 * text column is asked value by value when only names of pandas and Python are given.
 */
export function ofType(kwargs: MapArguments, types: readonly string[], columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  const actual = canonicalType(column.type);
  const named = types.some((type) => isNamed(type, actual));
  if (column.family !== "text" || named || types.some((type) => OF_A_COLUMN.has(type))) {
    return known(named, column.type);
  }
  const objects = types.filter((type) => Object.hasOwn(PANDAS, type) || OF_A_MOMENT.has(type));
  if (objects.length === 0) {
    if (types.length > 0 && types.every((type) => canonicalType(type) !== type.toUpperCase() || ENGINES.test(type))) {
      return known(false, column.type);
    }
    throw new NotEvaluableError(
      `${types.join(", ") || "An empty list"} names no type that is known here; expected a name of Spark SQL, DuckDB or pandas`,
    );
  }
  return columnMap(kwargs, columns, () => text(String(objects.some((type) => OF_A_TEXT.has(type)))));
}

const ENGINES =
  /^(tinyint|smallint|int(eger)?|bigint|hugeint|decimal.*|double|boolean|date|timestamp.*|varchar|interval|binary|blob|array.*|map.*|struct.*)$/i;

function isNamed(type: string, actual: string): boolean {
  return canonicalType(type) === actual || (Object.hasOwn(PANDAS, type) && (PANDAS[type] ?? []).includes(actual));
}

/** pandas' types with missing values of their own, which no column here has. */
const NULLABLE = /^(U?Int(8|16|32|64)|Float(32|64)|boolean)$/;
/** Python's names of what a value is, never a column. */
const OF_A_VALUE = new Set(["list", "dict", "none", "string_types", "long", "Timestamp"]);

/** The type of a column as a whole. */
export function columnType(kwargs: { column: string; type_: string }, columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  const isEngines =
    kwargs.type_ !== "Timestamp" &&
    (canonicalType(kwargs.type_) !== kwargs.type_.toUpperCase() || ENGINES.test(kwargs.type_));
  if (
    !isEngines &&
    !NULLABLE.test(kwargs.type_) &&
    (!Object.hasOwn(PANDAS, kwargs.type_) || OF_A_VALUE.has(kwargs.type_))
  ) {
    throw new NotEvaluableError(
      `${kwargs.type_} is no type of a column that is known here; expected a name of Spark SQL, DuckDB or pandas`,
    );
  }
  return known(isNamed(kwargs.type_, canonicalType(column.type)), column.type);
}
