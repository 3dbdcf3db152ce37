/*
 * Where DuckDB's own function differs from Spark's (4.1, ANSI mode), a macro gives Spark's result or raises an error.
 * `typeof` is constant for a column, so DuckDB folds the branches away. None may be called `trunc`: DuckDB uses trunc
 * inside every INTERVAL.
 */

const FRACTIONAL = (x: string) => `(typeof(${x}) IN ('DOUBLE', 'FLOAT') OR typeof(${x}) LIKE 'DECIMAL%')`;

/** Spark cuts fractions off, DuckDB rounds them; Spark refuses '2.7' as an integer, DuckDB rounds that too. */
const toInteger = (name: string, type: string) => `CREATE MACRO ${name}(x) AS CASE
  WHEN ${FRACTIONAL("x")} AND abs(CAST(x AS DOUBLE)) > 9007199254740992
    THEN error('CAST_OVERFLOW: a fraction beyond 2^53 cannot be cast to ${type} exactly')
  WHEN ${FRACTIONAL("x")} THEN CAST(trunc(CAST(x AS DOUBLE)) AS ${type})
  WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\\s*[+-]?\\d+\\s*')
    THEN error('CAST_INVALID_INPUT: the string ' || CAST(x AS VARCHAR) || ' is no ${type}')
  ELSE CAST(x AS ${type}) END`;

/** DuckDB macros that carry Spark's meaning, one statement each. */
export const SPARK_MACROS: readonly string[] = [
  toInteger("spark_bigint", "BIGINT"),
  toInteger("spark_int", "INTEGER"),
  toInteger("spark_smallint", "SMALLINT"),
  toInteger("spark_tinyint", "TINYINT"),
  "CREATE MACRO spark_double(x) AS CAST(x AS DOUBLE)",
  "CREATE MACRO spark_date(x) AS CAST(x AS DATE)",
  "CREATE MACRO spark_timestamp(x) AS CAST(x AS TIMESTAMPTZ)",
  `CREATE MACRO spark_boolean(x) AS CASE WHEN typeof(x) = 'VARCHAR'
     THEN error('UNSUPPORTED: a string cannot be cast to boolean here; compare it instead') ELSE CAST(x AS BOOLEAN) END`,
  // Spark and Java write floating-point numbers and timestamps in another form than DuckDB.
  `CREATE MACRO spark_string(x) AS CASE
     WHEN typeof(x) IN ('VARCHAR', 'BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT', 'BOOLEAN', 'DATE', '"NULL"')
       OR typeof(x) LIKE 'DECIMAL%' THEN CAST(x AS VARCHAR)
     ELSE error('UNSUPPORTED: a ' || typeof(x) || ' cannot become a string here; cast it to bigint, decimal or date first') END`,
  `CREATE MACRO spark_decimal_source(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT')
     THEN error('UNSUPPORTED: a floating-point number cannot be cast to decimal here; use round') ELSE x END`,
  "CREATE MACRO spark_div(a, b) AS CASE WHEN b = 0 THEN error('DIVIDE_BY_ZERO: Division by zero') ELSE a / b END",
  "CREATE MACRO spark_mod(a, b) AS CASE WHEN b = 0 THEN error('DIVIDE_BY_ZERO: Division by zero') ELSE a % b END",
  `CREATE MACRO spark_sub(a, b) AS CASE WHEN typeof(a) = 'DATE' AND typeof(b) = 'DATE'
     THEN error('UNSUPPORTED: date minus date is an interval; use datediff') ELSE a - b END`,
  `CREATE MACRO spark_plus_interval(a, i) AS CASE WHEN typeof(a) = 'DATE'
     THEN error('UNSUPPORTED: date plus interval; use date_add or add_months') ELSE a + i END`,
  `CREATE MACRO spark_minus_interval(a, i) AS CASE WHEN typeof(a) = 'DATE'
     THEN error('UNSUPPORTED: date minus interval; use date_sub or add_months') ELSE a - i END`,
  // Spark rounds the shortest decimal form half up (1.005 → 1.01); DuckDB rounds the binary value (1.0).
  `CREATE MACRO spark_round(x, n) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') AND abs(x) < 1e15
     THEN CAST(round(CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 18)), n) AS DOUBLE) ELSE round(x, n) END`,
  "CREATE MACRO spark_ceil(x) AS CAST(ceil(x) AS BIGINT)",
  "CREATE MACRO spark_floor(x) AS CAST(floor(x) AS BIGINT)",
  "CREATE MACRO spark_sign(x) AS CAST(sign(x) AS DOUBLE)",
  "CREATE MACRO spark_sqrt(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(x) END",
  "CREATE MACRO spark_ln(x) AS CASE WHEN x <= 0 THEN NULL ELSE ln(x) END",
  "CREATE MACRO spark_log10(x) AS CASE WHEN x <= 0 THEN NULL ELSE log10(x) END",
  "CREATE MACRO spark_year(x) AS CAST(year(CAST(x AS DATE)) AS INTEGER)",
  "CREATE MACRO spark_quarter(x) AS CAST(quarter(CAST(x AS DATE)) AS INTEGER)",
  "CREATE MACRO spark_month(x) AS CAST(month(CAST(x AS DATE)) AS INTEGER)",
  "CREATE MACRO spark_day(x) AS CAST(day(CAST(x AS DATE)) AS INTEGER)",
  "CREATE MACRO spark_hour(x) AS CAST(hour(CAST(x AS TIMESTAMPTZ)) AS INTEGER)",
  "CREATE MACRO spark_unix_micros(x) AS epoch_us(CAST(x AS TIMESTAMPTZ))",
  "CREATE MACRO spark_last_day(x) AS last_day(CAST(x AS DATE))",
  "CREATE MACRO spark_datediff(a, b) AS CAST(date_diff('day', CAST(b AS DATE), CAST(a AS DATE)) AS INTEGER)",
  "CREATE MACRO spark_date_add(d, n) AS CAST(d AS DATE) + CAST(n AS INTEGER)",
  "CREATE MACRO spark_date_sub(d, n) AS CAST(d AS DATE) - CAST(n AS INTEGER)",
  "CREATE MACRO spark_add_months(d, n) AS CAST(CAST(d AS DATE) + to_months(CAST(n AS INTEGER)) AS DATE)",
  "CREATE MACRO spark_date_trunc(u, t) AS date_trunc(u, CAST(t AS TIMESTAMPTZ))",
  "CREATE MACRO spark_trunc_date(u, d) AS CAST(date_trunc(u, CAST(d AS DATE)) AS DATE)",
  "CREATE MACRO spark_date_format(d, f) AS strftime(CAST(d AS DATE), f)",
];
