import { call } from "./spark-call.ts";
import { refuse, type SqlNode } from "./sql-tree.ts";

/** An allowed scalar function: how many arguments it takes and how its call is written for DuckDB. */
export interface ScalarFunction {
  readonly min: number;
  readonly max: number;
  /** `args` are rewritten already; `source` are the same as Spark's parser gave them, for constants. */
  readonly rewrite: (args: readonly SqlNode[], source: readonly SqlNode[]) => SqlNode;
  /** From which argument on one of them is the result: they have to be of one kind. */
  readonly chooses?: number;
  /** Whether the types of whole numbers among its arguments make that of its result. */
  readonly numbers?: boolean;
  /** Whether its two arguments are compared. */
  readonly compares?: boolean;
}

const plain = (name: string, min: number, max = min): ScalarFunction => ({
  min,
  max,
  rewrite: (args) => call(name, args),
});

const choice = (name: string, max: number): ScalarFunction => ({ ...plain(name, 2, max), chooses: 0 });

const stringLiteral = (value: string): SqlNode => ({ literal: { literal_type: "string", value } });

/** The value of a literal node of that kind, else undefined. */
export function literalOf(node: SqlNode | undefined, kind: "string" | "number"): string | undefined {
  const literal = node?.literal;
  if (typeof literal !== "object" || literal === null || !("literal_type" in literal) || !("value" in literal))
    return undefined;
  return literal.literal_type === kind && typeof literal.value === "string" ? literal.value : undefined;
}

const UNITS: Readonly<Record<string, string>> = {
  year: "year",
  yyyy: "year",
  yy: "year",
  quarter: "quarter",
  month: "month",
  mon: "month",
  mm: "month",
  week: "week",
};
const TIME_UNITS: Readonly<Record<string, string>> = {
  ...UNITS,
  day: "day",
  dd: "day",
  hour: "hour",
  minute: "minute",
  second: "second",
};

/** `date_trunc` and `trunc` with a constant unit. */
function truncate(name: string, macro: string, unitAt: 0 | 1, units: Readonly<Record<string, string>>): ScalarFunction {
  return {
    min: 2,
    max: 2,
    rewrite: (args, source) => {
      const unit = units[literalOf(source[unitAt], "string")?.toLowerCase() ?? ""];
      if (unit === undefined) return refuse(`${name} without a constant unit, one of ${Object.keys(units).join(", ")}`);
      return call(macro, [stringLiteral(unit), args[1 - unitAt]!]);
    },
  };
}

const FORMATS: Readonly<Record<string, string>> = {
  "yyyy-MM-dd": "%Y-%m-%d",
  "yyyy-MM": "%Y-%m",
  yyyy: "%Y",
  MM: "%m",
  dd: "%d",
  yyyyMMdd: "%Y%m%d",
  yyyyMM: "%Y%m",
};

const round: ScalarFunction = {
  min: 1,
  max: 2,
  rewrite: (args, source) => {
    const digits = source[1] === undefined ? "0" : literalOf(source[1], "number");
    if (digits === undefined || !/^\d+$/.test(digits) || Number(digits) > 15) {
      return refuse("round without a constant number of digits between 0 and 15");
    }
    return call("spark_round", [args[0]!, { literal: { literal_type: "number", value: digits } }]);
  },
};

const substring: ScalarFunction = {
  min: 2,
  max: 3,
  rewrite: (args, source) => {
    // From 0 or from the end the two engines count differently.
    if (!/^[1-9]\d*$/.test(literalOf(source[1], "number") ?? ""))
      return refuse("substring without a constant start of 1 or more");
    if (args.length === 3 && !/^\d+$/.test(literalOf(source[2], "number") ?? "")) {
      return refuse("substring without a constant length of 0 or more");
    }
    return call("substring", args);
  },
};

/** What is a chain of || already. */
function chainOf(value: SqlNode): SqlNode | undefined {
  const inner = value["paren"];
  if (typeof inner !== "object" || inner === null || !("this" in inner)) return undefined;
  const chain = inner.this;
  return typeof chain === "object" && chain !== null && "concat" in chain ? { ...chain } : undefined;
}

const concat: ScalarFunction = {
  min: 1,
  max: 1000,
  rewrite: (args) => {
    const [first, ...rest] = args.map((arg) => chainOf(arg) ?? call("spark_string", [arg]));
    const chain = rest.reduce<SqlNode>(
      (left, right) => ({
        concat: { left, right, left_comments: [], operator_comments: [], trailing_comments: [] },
      }),
      first!,
    );
    return { paren: { this: chain, trailing_comments: [] } };
  },
};

const dateFormat: ScalarFunction = {
  min: 2,
  max: 2,
  rewrite: (args, source) => {
    const format = FORMATS[literalOf(source[1], "string") ?? ""];
    if (format === undefined)
      return refuse(`date_format without a constant format, one of ${Object.keys(FORMATS).join(", ")}`);
    return call("spark_date_format", [args[0]!, stringLiteral(format)]);
  },
};

const isNullOf = (value: SqlNode, not: boolean): SqlNode => ({
  is_null: { this: value, not, postfix_form: false, trailing_comments: [] },
});

const isNull = (not: boolean): ScalarFunction => ({ min: 1, max: 1, rewrite: ([value]) => isNullOf(value!, not) });

/** Spark SQL's scalar functions that run on DuckDB with Spark's result. Everything else is refused. */
export const SCALAR_FUNCTIONS: ReadonlyMap<string, ScalarFunction> = new Map<string, ScalarFunction>([
  ["coalesce", { ...choice("coalesce", 100), min: 1 }],
  ["nvl", choice("coalesce", 2)],
  ["ifnull", choice("coalesce", 2)],
  ["nullif", { ...plain("nullif", 2), compares: true }],
  ["if", { ...plain("if", 3), chooses: 1 }],
  ["abs", plain("abs", 1)],
  ["ceil", plain("spark_ceil", 1)],
  ["ceiling", plain("spark_ceil", 1)],
  ["floor", plain("spark_floor", 1)],
  ["round", round],
  ["sqrt", plain("spark_sqrt", 1)],
  ["ln", plain("spark_ln", 1)],
  ["log10", plain("spark_log10", 1)],
  ["exp", plain("exp", 1)],
  ["power", plain("spark_power", 2)],
  ["pow", plain("spark_power", 2)],
  ["sign", plain("spark_sign", 1)],
  ["greatest", choice("greatest", 100)],
  ["least", choice("least", 100)],
  ["upper", plain("spark_upper", 1)],
  ["lower", plain("spark_lower", 1)],
  ["trim", plain("spark_trim", 1)],
  ["ltrim", plain("spark_ltrim", 1)],
  ["rtrim", plain("spark_rtrim", 1)],
  ["length", plain("spark_length", 1)],
  ["char_length", plain("spark_length", 1)],
  ["isnull", isNull(false)],
  ["isnotnull", isNull(true)],
  ["isnan", plain("spark_isnan", 1)],
  ["nvl2", { min: 3, max: 3, chooses: 1, rewrite: ([x, a, b]) => call("if", [isNullOf(x!, true), a!, b!]) }],
  ["signum", plain("spark_sign", 1)],
  ["log2", plain("spark_log2", 1)],
  ["mod", { ...plain("spark_mod", 2), numbers: true }],
  ["pmod", { ...plain("spark_pmod", 2), numbers: true }],
  ["substring", substring],
  ["substr", substring],
  ["concat", concat],
  ["replace", plain("replace", 3)],
  ["md5", plain("spark_md5", 1)],
  ["datediff", plain("spark_datediff", 2)],
  ["date_diff", plain("spark_datediff", 2)],
  ["date_add", plain("spark_date_add", 2)],
  ["date_sub", plain("spark_date_sub", 2)],
  ["add_months", plain("spark_add_months", 2)],
  ["date_trunc", truncate("date_trunc", "spark_date_trunc", 0, TIME_UNITS)],
  ["trunc", truncate("trunc", "spark_trunc_date", 1, UNITS)],
  ["year", plain("spark_year", 1)],
  ["quarter", plain("spark_quarter", 1)],
  ["month", plain("spark_month", 1)],
  ["day", plain("spark_day", 1)],
  ["dayofmonth", plain("spark_day", 1)],
  ["hour", plain("spark_hour", 1)],
  ["minute", plain("spark_minute", 1)],
  ["second", plain("spark_second", 1)],
  ["dayofweek", plain("spark_dayofweek", 1)],
  ["weekday", plain("spark_weekday", 1)],
  ["dayofyear", plain("spark_dayofyear", 1)],
  ["weekofyear", plain("spark_weekofyear", 1)],
  ["last_day", plain("spark_last_day", 1)],
  ["unix_micros", plain("spark_unix_micros", 1)],
  ["to_date", plain("spark_date", 1)],
  ["date_format", dateFormat],
]);

/** Kinds of node in which polyglot's parser wraps a scalar call, with the fields that hold its arguments in order. */
export const CALL_NODES: ReadonlyMap<string, { readonly name: string; readonly fields: readonly string[] }> = new Map(
  Object.entries({
    coalesce: { name: "coalesce", fields: ["expressions"] },
    nvl: { name: "nvl", fields: ["this", "expression"] },
    if_func: { name: "if", fields: ["condition", "true_value", "false_value"] },
    abs: { name: "abs", fields: ["this"] },
    ceil: { name: "ceil", fields: ["this"] },
    floor: { name: "floor", fields: ["this"] },
    sqrt: { name: "sqrt", fields: ["this"] },
    ln: { name: "ln", fields: ["this"] },
    exp: { name: "exp", fields: ["this"] },
    power: { name: "power", fields: ["this", "expression"] },
    upper: { name: "upper", fields: ["this"] },
    lower: { name: "lower", fields: ["this"] },
    length: { name: "length", fields: ["this"] },
    substring: { name: "substring", fields: ["this", "start", "length"] },
    add_months: { name: "add_months", fields: ["this", "expression"] },
    year: { name: "year", fields: ["this"] },
    quarter: { name: "quarter", fields: ["this"] },
    month: { name: "month", fields: ["this"] },
    day: { name: "day", fields: ["this"] },
    hour: { name: "hour", fields: ["this"] },
    minute: { name: "minute", fields: ["this"] },
    second: { name: "second", fields: ["this"] },
    day_of_month: { name: "dayofmonth", fields: ["this"] },
    day_of_week: { name: "dayofweek", fields: ["this"] },
    day_of_year: { name: "dayofyear", fields: ["this"] },
    week_of_year: { name: "weekofyear", fields: ["this"] },
    mod_func: { name: "mod", fields: ["this", "expression"] },
    nvl2: { name: "nvl2", fields: ["this", "true_value", "false_value"] },
    last_day: { name: "last_day", fields: ["this"] },
  }),
);

/** Aggregates with the same result on both engines; each may be distinct, filtered or windowed. */
export const AGGREGATES: ReadonlySet<string> = new Set([
  "sum",
  "avg",
  "min",
  "max",
  "stddev",
  "stddev_samp",
  "stddev_pop",
  "variance",
  "var_samp",
  "var_pop",
  "count_if",
  "logical_or",
  "logical_and",
]);

/** Types that CAST may name, as the parser writes them, and as the macros are called. */
export const CASTS: Readonly<Record<string, string>> = {
  big_int: "bigint",
  bigint: "bigint",
  long: "bigint",
  int: "int",
  integer: "int",
  small_int: "smallint",
  smallint: "smallint",
  tiny_int: "tinyint",
  tinyint: "tinyint",
  double: "double",
  date: "date",
  timestamp: "timestamp",
  boolean: "boolean",
  string: "string",
  text: "string",
};
