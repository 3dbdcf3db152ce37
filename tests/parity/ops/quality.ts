import {
  defineSuite,
  type ExpectationResult,
  formatResult,
  type Json,
  type SuiteDefinition,
  type ValidateOptions,
  validate,
} from "@dagwright/expectations";
import { z } from "zod";
import { type Cell, scratch, scratchTable } from "./scratch-lake.ts";

const ColumnType = z.enum(["number", "string", "boolean", "datetime"]);
const CellValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
export const Input = z.object({
  columns: z.record(z.string(), ColumnType),
  rows: z.number().int(),
  data: z.record(z.string(), z.array(CellValue)),
  expectation: z.object({ type: z.string(), kwargs: z.record(z.string(), z.unknown()) }),
  resultFormat: z.enum(["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]),
});
export type QualityInput = z.output<typeof Input>;

const DUCKDB_TYPES = { number: "DOUBLE", string: "VARCHAR", boolean: "BOOLEAN", datetime: "TIMESTAMP" } as const;
/** Names that Great Expectations reports for the columns of a pandas frame. */
const PANDAS_TYPES: Readonly<Record<string, string>> = {
  double: "float64",
  string: "object_",
  boolean: "bool",
  timestamp: "datetime64",
};
const PANDAS_DTYPES: Readonly<Record<string, string>> = {
  double: "float64",
  string: "object",
  boolean: "bool",
  timestamp: "datetime64[ns]",
};
export const INDEX = "parity row index";
/** Expectations that report single rows. */
export const ROW_EXPECTATION = /^expect_(column_values?_|column_pair_|compound_|select_|multicolumn_)/;

async function qualityValidate(raw: unknown) {
  const input = Input.parse(raw);
  const table = await tableOf(input, ROW_EXPECTATION.test(input.expectation.type));
  const { lake } = await scratch();
  return answerOf(input, {
    view: "data",
    query: (sql, params) => lake.native(sql, { views: { data: { table } }, ...(params && { params }) }),
  });
}

/** What an expectation says of a view, told as the reference tells it; the view numbers its rows in the column `INDEX`. */
export async function answerOf(input: QualityInput, at: Pick<ValidateOptions, "view" | "query" | "dialect">) {
  // The vocabulary is checked by defineSuite itself: whatever is not in it is an error reply.
  const definition = { name: "parity", expectations: [input.expectation] } as unknown as SuiteDefinition;
  const suite = defineSuite(definition);
  const { results } = await validate({ suite, ...at, sampleSize: Math.max(1, input.rows) });
  const [result] = results;
  if (result === undefined) throw new Error("no result");
  if (result.exception !== undefined) {
    return { success: false, result: {}, exception: true, exceptionMessage: result.exception };
  }
  return { success: result.success, result: resultOf(input, result), exception: false };
}

/** The frame as a table; with its row numbers, where an expectation reports single rows. */
async function tableOf({ columns, rows, data }: QualityInput, numbered: boolean): Promise<string> {
  const names = Object.keys(columns);
  const lines = Array.from({ length: rows }, (_, row) => {
    const line: Record<string, Cell> = numbered ? { [INDEX]: row } : {};
    for (const name of names) {
      const cell = data[name]?.[row] ?? null;
      line[name] = columns[name] === "number" && cell === "NaN" ? null : cell;
    }
    return line;
  });
  const types = Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, DUCKDB_TYPES[type]]));
  return scratchTable(numbered ? { [INDEX]: "BIGINT", ...types } : types, lines);
}

/** The result as the reference tells it: rows in order, moments without a zone, pandas' names of types. */
function resultOf({ expectation, resultFormat, columns }: QualityInput, result: ExpectationResult) {
  const names = Object.keys(columns);
  const moments = new Set(names.filter((name) => columns[name] === "datetime"));
  const column = String(expectation.kwargs["column"]);
  const isPair = expectation.type.includes("_pair_");
  const shown = (name: string, value: Json): Json => {
    if (!moments.has(name)) return value;
    // A missing moment has a name of its own; pairs come as numpy writes them.
    if (typeof value !== "string") return "NaT";
    return isPair ? value.replace(/\.(\d{3})Z$/, ".$1000000") : value.replace(/(\.000)?Z$/, "");
  };
  const sample = result.sample
    .toSorted((a, b) => Number(a[INDEX]) - Number(b[INDEX]))
    .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shown(name, value)] as const)));
  const observed = /_type(_list)?$/.test(expectation.type)
    ? (PANDAS_TYPES[String(result.observed)] ?? result.observed)
    : expectation.type === "expect_column_type_to_be"
      ? (PANDAS_DTYPES[String(result.observed)] ?? result.observed)
      : expectation.type === "expect_column_most_common_value_to_be_in_set" && Array.isArray(result.observed)
        ? result.observed.map((mode) => (moments.has(column) ? String(mode).replace(/\.(\d{3})Z$/, ".$1000000") : mode))
        : result.observed === null && moments.has(column) && /_(min|max)_/.test(expectation.type)
          ? "NaT"
          : result.observed;
  const values = result.unexpectedValues?.map((value) => shown(column, value));
  return formatResult(
    { ...result, sample, observed, ...(values && { unexpectedValues: values }) },
    {
      format: resultFormat,
      indexColumn: INDEX,
      numberColumns: names.filter((name) => columns[name] === "number"),
    },
  );
}

/** Operations of the area `quality`, by name. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "quality.validate": qualityValidate,
};
