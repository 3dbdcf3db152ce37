/*
 * Where DuckDB's own function differs from Spark's (4.1, ANSI mode), a macro gives Spark's result or raises an error.
 * `typeof` is constant for a column, so DuckDB folds the branches away. None may be called `trunc`: DuckDB uses trunc
 * inside every INTERVAL. A parameter called `k` is always a constant.
 */

const FRACTIONAL = (x: string) => `(typeof(${x}) IN ('DOUBLE', 'FLOAT') OR typeof(${x}) LIKE 'DECIMAL%')`;

/** Spark casts no value of another kind. */
const only = (x: string, kinds: string, to: string) => `WHEN NOT regexp_full_match(typeof(${x}), '${kinds}|"NULL"')
    THEN error('UNSUPPORTED: a ' || typeof(${x}) || ' where a ${to} is expected; cast it to one first')`;
const INTEGERS = "(BIG|SMALL|TINY|HUGE)INT|INTEGER";
const NUMBERS = `${INTEGERS}|DOUBLE|FLOAT|DECIMAL.*`;
const TIMES = "DATE|TIMESTAMP.*";

/** Spark cuts fractions off, DuckDB rounds them; Spark refuses '2.7' as an integer, DuckDB rounds that too. */
const toInteger = (name: string, type: string) => `CREATE MACRO ${name}(x) AS CASE
  ${only("x", `${NUMBERS}|VARCHAR|BOOLEAN`, "number")}
  WHEN regexp_full_match(typeof(x), 'DECIMAL\\((1[6-9]|[23]\\d),.*') THEN CAST(split_part(CAST(x AS VARCHAR), '.', 1) AS ${type})
  WHEN ${FRACTIONAL("x")} AND abs(CAST(x AS DOUBLE)) > 9007199254740992
    THEN error('CAST_OVERFLOW: a fraction beyond 2^53 cannot be cast to ${type} exactly')
  WHEN ${FRACTIONAL("x")} THEN CAST(trunc(CAST(x AS DOUBLE)) AS ${type})
  WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), ${INTEGER_TEXT})
    THEN error('CAST_INVALID_INPUT: the string ' || CAST(x AS VARCHAR) || ' is no ${type}')
  ELSE CAST(x AS ${type}) END`;

const EXACT = `${INTEGERS}|DECIMAL[^ ]*`;
/** The types of two expressions that both engines bring to the same one. */
const ALIKE = `'"NULL" .*|.* "NULL"|(${EXACT}|DOUBLE) (${EXACT}|DOUBLE)|(DOUBLE|FLOAT) (DOUBLE|FLOAT)|(${TIMES}) (${TIMES})|VARCHAR VARCHAR|BOOLEAN BOOLEAN|BLOB BLOB'`;
const DECIMAL = "DECIMAL\\(\\d+,\\d+\\)";
/** A sum of whole numbers is a HUGEINT here and a BIGINT in Spark. */
const OVERFLOWS = "typeof(x) = 'HUGEINT' AND x IS NOT NULL AND TRY_CAST(x AS BIGINT) IS NULL";
const INTEGER_TEXT = "'\\s*[+-]?\\d+\\s*'";
const NUMBER_TEXT = "'(?i)\\s*[+-]?(\\d+\\.?\\d*(e[+-]?\\d+)?|\\.\\d+(e[+-]?\\d+)?|inf|infinity|nan)\\s*'";
const DATE_TEXT = "'\\s*\\d{4}-\\d{1,2}-\\d{1,2}\\s*'";
const TIME_TEXT =
  "'\\s*\\d{4}-\\d{1,2}-\\d{1,2}([ T]([01]?\\d|2[0-3]):[0-5]?\\d(:[0-5]?\\d(\\.\\d{1,6})?)?(Z|[+-](0\\d|1[0-7]):[0-5]\\d|[+-]18:00)?)?\\s*'";

/** A string that Spark may read as another value than DuckDB does, or not at all. */
const otherwise = (
  pattern: string,
  what: string,
) => `WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), ${pattern})
    THEN error('CAST_INVALID_INPUT: the string ' || CAST(x AS VARCHAR) || ' is no ${what} that every engine reads alike')`;

/** A value whose type follows from that of `x`: which field a struct is asked for is known before anything is computed. */
const byDecimal = (x: string, decimal: string, other: string) =>
  `struct_extract(row(${other}, ${decimal}), if(typeof(${x}) LIKE 'DECIMAL%', 2, 1))`;

/** As Java casts: NaN is 0, what is beyond 64 bits is the nearest number within. A decimal stays one, a BIGINT exact. */
const rounded = (name: string) =>
  `CREATE MACRO spark_${name}(x) AS ${byDecimal(
    "x",
    `${name}(x)`,
    `CASE WHEN typeof(x) LIKE 'DECIMAL%' THEN 0
  WHEN typeof(x) NOT IN ('DOUBLE', 'FLOAT') THEN CAST(x AS BIGINT)
  WHEN isnan(CAST(x AS DOUBLE)) THEN 0
  WHEN CAST(x AS DOUBLE) >= 9223372036854775807 THEN 9223372036854775807
  WHEN CAST(x AS DOUBLE) <= -9223372036854775808 THEN CAST('-9223372036854775808' AS BIGINT)
  ELSE CAST(${name}(x) AS BIGINT) END`,
  )}`;

/** Letters that Spark writes as several capitals (ß as SS), which DuckDB leaves or writes as one; and those newer than it. */
export const OTHER_IN_CAPITALS = `[${[
  "\\x{df}\\x{149}\\x{1f0}\\x{390}\\x{3b0}\\x{587}\\x{1e96}-\\x{1e9a}\\x{1f50}\\x{1f52}\\x{1f54}\\x{1f56}",
  "\\x{1f80}-\\x{1faf}\\x{1fb2}-\\x{1fb4}\\x{1fb6}\\x{1fb7}\\x{1fbc}\\x{1fc2}-\\x{1fc4}\\x{1fc6}\\x{1fc7}\\x{1fcc}",
  "\\x{1fd2}\\x{1fd3}\\x{1fd6}\\x{1fd7}\\x{1fe2}-\\x{1fe4}\\x{1fe6}\\x{1fe7}\\x{1ff2}-\\x{1ff4}\\x{1ff6}\\x{1ff7}\\x{1ffc}",
  "\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}",
  "\\x{19b}\\x{264}\\x{1c8a}\\x{a7cd}\\x{a7cf}\\x{a7d3}\\x{a7d5}\\x{a7db}\\x{10d70}-\\x{10d85}\\x{16ebb}-\\x{16ed3}",
].join("")}]`;
/** A dotted capital I, a sigma that may end a word, and letters newer than DuckDB. */
export const OTHER_IN_SMALL =
  "[\\x{130}\\x{1c89}\\x{a7cb}\\x{a7cc}\\x{a7ce}\\x{a7d2}\\x{a7d4}\\x{a7da}\\x{a7dc}\\x{10d50}-\\x{10d65}\\x{16ea0}-\\x{16eb8}]|\\x{3a3}([^\\p{Lu}\\p{Ll}]|$)";

/** Text of more than ASCII is looked at for letters that the engines write otherwise. */
const cased = (name: string, letters: string) => `CREATE MACRO spark_${name}(x) AS CASE
  WHEN strlen(CAST(x AS VARCHAR)) > length(CAST(x AS VARCHAR)) AND regexp_matches(CAST(x AS VARCHAR), '${letters}')
  THEN error('UNSUPPORTED: ${name} of ' || CAST(x AS VARCHAR) || ': it has a letter that each engine writes in another way')
  ELSE ${name}(spark_string(x)) END`;

const MACROS: readonly string[] = [
  toInteger("spark_bigint", "BIGINT"),
  toInteger("spark_int", "INTEGER"),
  toInteger("spark_smallint", "SMALLINT"),
  toInteger("spark_tinyint", "TINYINT"),
  `CREATE MACRO spark_double(x) AS CASE ${only("x", `${NUMBERS}|VARCHAR|BOOLEAN`, "number")} ${otherwise(NUMBER_TEXT, "double")} ELSE CAST(x AS DOUBLE) END`,
  `CREATE MACRO spark_date(x) AS CASE ${only("x", `${TIMES}|VARCHAR`, "date")} ${otherwise(TIME_TEXT, "date")} ELSE CAST(x AS DATE) END`,
  `CREATE MACRO spark_timestamp(x) AS CASE ${only("x", `${TIMES}|VARCHAR`, "timestamp")} ${otherwise(TIME_TEXT, "timestamp")} ELSE CAST(x AS TIMESTAMPTZ) END`,
  // A condition: DuckDB takes a number or a text for one, Spark refuses it. What is never computed is still bound, and
  // bool_and takes nothing but booleans (`engineError` puts that into words).
  "CREATE MACRO spark_truth(x) AS CASE WHEN true THEN x ELSE list_bool_and([x]) END",
  // Whether a and b are of one kind. Of a FLOAT and a number that is no DOUBLE, Spark makes a DOUBLE, DuckDB a FLOAT.
  `CREATE MACRO spark_alike(a, b) AS CASE WHEN regexp_full_match(typeof(a) || ' ' || typeof(b), ${ALIKE}) THEN true
     ELSE error('UNSUPPORTED: a ' || typeof(a) || ' beside a ' || typeof(b) || ': each engine makes something else of them; cast one of them') END`,
  `CREATE MACRO spark_operand(x) AS CASE WHEN typeof(x) IN ('FLOAT', 'VARCHAR', 'BOOLEAN')
     THEN error('UNSUPPORTED: arithmetic with a ' || typeof(x) || '; cast it to double') ELSE x END`,
  `CREATE MACRO spark_md5(x) AS CASE ${only("x", "VARCHAR", "string")} ELSE md5(CAST(x AS VARCHAR)) END`,
  // Whether the constant k may be compared with x as it is.
  `CREATE MACRO spark_compared(x, k) AS CASE
     WHEN k IS NULL OR typeof(x) = '"NULL"' OR typeof(x) = typeof(k) THEN true
     WHEN typeof(k) = 'VARCHAR' AND (
       (typeof(x) = 'DATE' AND regexp_full_match(CAST(k AS VARCHAR), ${DATE_TEXT}))
       OR (typeof(x) = 'TIMESTAMP WITH TIME ZONE' AND regexp_full_match(CAST(k AS VARCHAR), ${TIME_TEXT}))
       OR (typeof(x) IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT') AND regexp_full_match(CAST(k AS VARCHAR), ${INTEGER_TEXT}))
       OR (typeof(x) IN ('DOUBLE', 'FLOAT') AND regexp_full_match(CAST(k AS VARCHAR), ${NUMBER_TEXT}))) THEN true
     WHEN 'VARCHAR' IN (typeof(x), typeof(k)) OR 'BOOLEAN' IN (typeof(x), typeof(k))
       THEN error('UNSUPPORTED: a ' || typeof(x) || ' is compared with the ' || typeof(k) || ' ' || CAST(k AS VARCHAR) || '; cast one of them')
     ELSE spark_alike(x, k) END`,
  `CREATE MACRO spark_summable(x) AS CASE WHEN typeof(x) IN ('BOOLEAN', 'VARCHAR')
     THEN error('UNSUPPORTED: the sum of a ' || typeof(x) || '; cast it to a number') ELSE x END`,
  // Spark adds up doubles for a mean of whole numbers.
  `CREATE MACRO spark_averageable(x) AS CASE WHEN NOT regexp_full_match(typeof(x), '${INTEGERS}|DOUBLE|FLOAT|"NULL"')
     THEN error('UNSUPPORTED: the mean of a ' || typeof(x) || '; cast it to double') ELSE CAST(x AS DOUBLE) END`,
  `CREATE MACRO spark_sum(x) AS CASE
     WHEN typeof(x) LIKE 'DECIMAL(38,%' AND strlen(ltrim(replace(CAST(abs(x) AS VARCHAR), '.', ''), '0')) > 38
     THEN error('ARITHMETIC_OVERFLOW: a sum of more than 38 digits')
     WHEN ${OVERFLOWS} THEN error('ARITHMETIC_OVERFLOW: long overflow') ELSE x END`,
  "CREATE MACRO spark_integer(x) AS CAST(x AS INTEGER)",
  `CREATE MACRO spark_boolean(x) AS CASE WHEN typeof(x) = 'VARCHAR'
     THEN error('UNSUPPORTED: a string cannot be cast to boolean here; compare it instead')
     ${only("x", `${NUMBERS}|BOOLEAN`, "boolean")} ELSE CAST(x AS BOOLEAN) END`,
  // Spark and Java write floating-point numbers and timestamps in another form than DuckDB.
  `CREATE MACRO spark_string(x) AS CASE
     WHEN typeof(x) = 'DATE' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\\d{4}-\\d\\d-\\d\\d')
     THEN error('UNSUPPORTED: the date ' || CAST(x AS VARCHAR) || ' cannot become a string here: each engine writes its year in another way')
     WHEN regexp_full_match(typeof(x), 'VARCHAR|BIGINT|INTEGER|SMALLINT|TINYINT|HUGEINT|BOOLEAN|DATE|"NULL"|DECIMAL.*') THEN CAST(x AS VARCHAR)
     ELSE error('UNSUPPORTED: a ' || typeof(x) || ' cannot become a string here; cast it to bigint, decimal or date first') END`,
  `CREATE MACRO spark_decimal_source(x) AS CASE ${only("x", `${NUMBERS}|VARCHAR|BOOLEAN`, "number")}
     ${otherwise(NUMBER_TEXT, "decimal")} WHEN typeof(x) IN ('DOUBLE', 'FLOAT')
     THEN error('UNSUPPORTED: a floating-point number cannot be cast to decimal here; use round') ELSE x END`,
  // The scale of a decimal quotient follows from the types of both sides, which a macro cannot give.
  `CREATE MACRO spark_div(a, b) AS CASE
     WHEN regexp_full_match(typeof(a) || typeof(b), '([A-Z]*INT(EGER)?|"NULL")?${DECIMAL}([A-Z]*INT(EGER)?|"NULL"|${DECIMAL})?')
     THEN error('UNSUPPORTED: a division of decimals; cast one side to double, or write 1.0D for 1.0')
     WHEN b = 0 THEN error('DIVIDE_BY_ZERO: Division by zero') ELSE spark_operand(a) / spark_operand(b) END`,
  // Beyond 38 digits Spark gives up digits after the point, down to 6 of them; DuckDB keeps them or overflows.
  `CREATE MACRO spark_exact(x) AS CASE WHEN regexp_full_match(typeof(x), 'DECIMAL\\((1[89]|[23]\\d),([7-9]|[1-3]\\d)\\)')
     THEN error('UNSUPPORTED: a ' || typeof(x) || ' out of an operation: Spark may keep fewer digits after the point; cast a side to fewer')
     WHEN ${OVERFLOWS} THEN error('ARITHMETIC_OVERFLOW: long overflow') ELSE x END`,
  "CREATE MACRO spark_mod(a, b) AS CASE WHEN b = 0 THEN error('DIVIDE_BY_ZERO: Division by zero') ELSE spark_operand(a) % spark_operand(b) END",
  `CREATE MACRO spark_subtrahend(x) AS CASE WHEN typeof(x) IN ('DATE', 'TIMESTAMP WITH TIME ZONE')
     THEN error('UNSUPPORTED: minus a date or a timestamp is an interval; use datediff') ELSE x END`,
  `CREATE MACRO spark_plus_interval(a, i) AS CASE WHEN typeof(a) = 'DATE'
     THEN error('UNSUPPORTED: date plus interval; use date_add or add_months') ELSE a + i END`,
  `CREATE MACRO spark_minus_interval(a, i) AS CASE WHEN typeof(a) = 'DATE'
     THEN error('UNSUPPORTED: date minus interval; use date_sub or add_months') ELSE a - i END`,
  // Spark rounds the shortest decimal form half up (1.005 → 1.01); DuckDB rounds the binary value (1.0).
  // The two differ only about halves: elsewhere the binary value is rounded, a hundred times faster. The branches for
  // doubles take the type that the last one has: a rounded decimal stays one.
  `CREATE MACRO spark_round(x, k) AS CASE WHEN typeof(x) = 'DOUBLE' AND abs(x) * power(10, k) < 1e9
       AND abs(abs(CAST(x AS DOUBLE)) * power(10, k) - trunc(abs(CAST(x AS DOUBLE)) * power(10, k)) - 0.5) > 1e-4
     THEN cast_to_type(round(CAST(x AS DOUBLE), k) + CAST(0 AS DOUBLE), round(x, k))
     WHEN typeof(x) IN ('DOUBLE', 'FLOAT') AND abs(x) < 1e15
     THEN cast_to_type(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 18)), k), round(x, k))
     WHEN typeof(x) NOT IN ('DOUBLE', 'FLOAT') AND abs(CAST(x AS DOUBLE)) * power(10, k) >= 9007199254740992
     THEN error('UNSUPPORTED: a number of more than 15 digits cannot be rounded exactly here') ELSE round(x, k) END`,
  rounded("ceil"),
  rounded("floor"),
  `CREATE MACRO spark_sign(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') AND isnan(CAST(x AS DOUBLE))
     THEN CAST('NaN' AS DOUBLE) ELSE CAST(sign(x) AS DOUBLE) END`,
  "CREATE MACRO spark_sqrt(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(x) END",
  "CREATE MACRO spark_ln(x) AS CASE WHEN x <= 0 THEN NULL ELSE ln(x) END",
  "CREATE MACRO spark_log10(x) AS CASE WHEN x <= 0 THEN NULL ELSE log10(x) END",
  // To C, 1 to whatever power is 1.
  `CREATE MACRO spark_power(a, b) AS CASE ${only("a", NUMBERS, "number")} ${only("b", NUMBERS, "number")} WHEN isnan(CAST(b AS DOUBLE)) OR (isinf(CAST(b AS DOUBLE)) AND abs(CAST(a AS DOUBLE)) = 1)
     THEN CAST('NaN' AS DOUBLE) ELSE power(CAST(a AS DOUBLE), CAST(b AS DOUBLE)) END`,
  "CREATE MACRO spark_percentile(x, k) AS quantile_cont(CAST(x AS DOUBLE), k)",
  `CREATE MACRO spark_number(x) AS CASE ${only("x", NUMBERS, "number")} ELSE x END`,
  "CREATE MACRO spark_year(x) AS CAST(year(spark_date(x)) AS INTEGER)",
  "CREATE MACRO spark_quarter(x) AS CAST(quarter(spark_date(x)) AS INTEGER)",
  "CREATE MACRO spark_month(x) AS CAST(month(spark_date(x)) AS INTEGER)",
  "CREATE MACRO spark_day(x) AS CAST(day(spark_date(x)) AS INTEGER)",
  "CREATE MACRO spark_hour(x) AS CAST(hour(spark_timestamp(x)) AS INTEGER)",
  "CREATE MACRO spark_minute(x) AS CAST(minute(spark_timestamp(x)) AS INTEGER)",
  "CREATE MACRO spark_second(x) AS CAST(second(spark_timestamp(x)) AS INTEGER)",
  "CREATE MACRO spark_dayofweek(x) AS CAST(dayofweek(spark_date(x)) + 1 AS INTEGER)",
  "CREATE MACRO spark_weekday(x) AS CAST(isodow(spark_date(x)) - 1 AS INTEGER)",
  "CREATE MACRO spark_dayofyear(x) AS CAST(dayofyear(spark_date(x)) AS INTEGER)",
  "CREATE MACRO spark_weekofyear(x) AS CAST(weekofyear(spark_date(x)) AS INTEGER)",
  // Spark trims blanks alone, DuckDB also what Unicode calls spaces.
  "CREATE MACRO spark_trim(x) AS trim(spark_string(x), ' ')",
  "CREATE MACRO spark_ltrim(x) AS ltrim(spark_string(x), ' ')",
  "CREATE MACRO spark_rtrim(x) AS rtrim(spark_string(x), ' ')",
  cased("upper", OTHER_IN_CAPITALS),
  cased("lower", OTHER_IN_SMALL),
  "CREATE MACRO spark_length(x) AS CAST(length(spark_string(x)) AS INTEGER)",
  `CREATE MACRO spark_isnan(x) AS CASE WHEN typeof(x) NOT IN ('DOUBLE', 'FLOAT')
     THEN error('UNSUPPORTED: isnan of a ' || typeof(x)) ELSE x IS NOT NULL AND isnan(CAST(x AS DOUBLE)) END`,
  `CREATE MACRO spark_pmod(a, b) AS CASE WHEN b = 0 THEN error('REMAINDER_BY_ZERO: Remainder by zero')
     WHEN typeof(a) NOT IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT') OR typeof(b) NOT IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT')
     THEN error('UNSUPPORTED: pmod of anything but whole numbers') WHEN a % b < 0 THEN (a % b + b) % b ELSE a % b END`,
  "CREATE MACRO spark_log2(x) AS CASE WHEN x <= 0 THEN NULL ELSE log2(x) END",
  "CREATE MACRO spark_unix_micros(x) AS epoch_us(CAST(x AS TIMESTAMPTZ))",
  "CREATE MACRO spark_last_day(x) AS last_day(spark_date(x))",
  "CREATE MACRO spark_datediff(a, b) AS CAST(date_diff('day', spark_date(b), spark_date(a)) AS INTEGER)",
  `CREATE MACRO spark_whole(n) AS CASE WHEN typeof(n) NOT IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', '"NULL"') THEN error('UNSUPPORTED: a number of days or months that is a ' || typeof(n)) ELSE CAST(n AS INTEGER) END`,
  "CREATE MACRO spark_date_add(d, n) AS spark_date(d) + spark_whole(n)",
  "CREATE MACRO spark_date_sub(d, n) AS spark_date(d) - spark_whole(n)",
  "CREATE MACRO spark_add_months(d, n) AS CAST(spark_date(d) + to_months(spark_whole(n)) AS DATE)",
  "CREATE MACRO spark_date_trunc(k, t) AS date_trunc(k, spark_timestamp(t))",
  "CREATE MACRO spark_trunc_date(k, d) AS CAST(date_trunc(k, spark_date(d)) AS DATE)",
  // Of a text with an offset the date in UTC.
  "CREATE MACRO spark_date_format(d, k) AS strftime(spark_date(CASE WHEN typeof(d) = 'VARCHAR' THEN spark_timestamp(d) ELSE d END), k)",
];

const HEAD = /^CREATE MACRO (\w+)\(([^)]*)\) AS ([\s\S]*)$/;

/**
 * How often each macro's expansion holds its parameters. DuckDB puts an argument's text in the place of each, so calls
 * within calls multiply.
 */
export const USES: ReadonlyMap<string, readonly number[]> = countUses();

function countUses(): Map<string, readonly number[]> {
  const known = new Map<string, readonly number[]>();
  for (const macro of MACROS) {
    const [, name = "", parameters = "", body = ""] = HEAD.exec(macro) ?? [];
    let within = 1;
    for (const [inner, uses] of known) if (body.includes(`${inner}(`)) within = Math.max(within, ...uses);
    const count = (p: string) => body.match(new RegExp(`\\b${p}\\b`, "g"))?.length ?? 1;
    known.set(
      name,
      parameters.split(", ").map((p) => within * count(p)),
    );
  }
  return known;
}

/** The name of a macro's twin, which computes its arguments once. It takes longer, by a list of one struct a row. */
export const onceOf = (name: string) => `${name}_once`;

function once(macro: string): string {
  const [, name = "", text = ""] = HEAD.exec(macro) ?? [];
  const parameters = text.split(", ");
  const fields = parameters.filter((p) => p !== "k").map((p) => `'${p}': ${p}`);
  const inner = parameters.map((p) => (p === "k" ? p : `v.${p}`)).join(", ");
  return `CREATE MACRO ${onceOf(name)}(${parameters.join(", ")}) AS
    list_transform([{${fields.join(", ")}}], lambda v: ${name}(${inner}))[1]`;
}

/** DuckDB macros that carry Spark's meaning, one statement each; what aggregates has no twin, for it needs none. */
export const SPARK_MACROS: readonly string[] = MACROS.flatMap((macro) => {
  const [, name = ""] = HEAD.exec(macro) ?? [];
  return Math.max(...(USES.get(name) ?? [])) > 1 ? [macro, once(macro)] : [macro];
});
