import {
  defineSuite,
  type ExpectationResult,
  formatResult,
  type SuiteDefinition,
  validate,
} from "@dagwright/expectations";
import { z } from "zod";
import { type Cell, scratch, scratchTable } from "./scratch-lake.ts";

const ColumnType = z.enum(["number", "string", "boolean", "datetime"]);
const CellValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Input = z.object({
  columns: z.record(z.string(), ColumnType),
  rows: z.number().int(),
  data: z.record(z.string(), z.array(CellValue)),
  expectation: z.object({ type: z.string(), kwargs: z.record(z.string(), z.unknown()) }),
  resultFormat: z.enum(["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]),
});
type Input = z.output<typeof Input>;

const DUCKDB_TYPES = { number: "DOUBLE", string: "VARCHAR", boolean: "BOOLEAN", datetime: "TIMESTAMP" } as const;
/** Names that Great Expectations reports for the columns of a pandas frame. */
const PANDAS_TYPES: Readonly<Record<string, string>> = {
  double: "float64",
  string: "object_",
  boolean: "bool",
  timestamp: "datetime64[ns]",
};
const INDEX = "parity row index";
/** Expectations that report single rows. */
const ROW_EXPECTATION = /^expect_(column_values?_|column_pair_|compound_|select_|multicolumn_)/;

async function qualityValidate(raw: unknown) {
  const input = Input.parse(raw);
  // The vocabulary is checked by defineSuite itself: whatever is not in it is an error reply.
  const definition = { name: "parity", expectations: [input.expectation] } as unknown as SuiteDefinition;
  const suite = defineSuite(definition);
  const singleValues = ROW_EXPECTATION.test(input.expectation.type);
  const table = await tableOf(input, singleValues);
  const { lake } = await scratch();
  const { results } = await validate({
    suite,
    view: "data",
    query: (sql, params) => lake.native(sql, { views: { data: { table } }, ...(params && { params }) }),
    sampleSize: Math.max(1, input.rows),
  });
  const [result] = results;
  if (result === undefined) throw new Error("no result");
  if (result.exception !== undefined) {
    return { success: false, result: {}, exception: true, exceptionMessage: result.exception };
  }
  return { success: result.success, result: resultOf(input, result), exception: false };
}

/** The frame as a table; with its row numbers, where an expectation reports single rows. */
async function tableOf({ columns, rows, data }: Input, numbered: boolean): Promise<string> {
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
function resultOf({ expectation, resultFormat, columns }: Input, result: ExpectationResult) {
  const names = Object.keys(columns);
  const moments = new Set(names.filter((name) => columns[name] === "datetime"));
  const sample = result.sample
    .toSorted((a, b) => Number(a[INDEX]) - Number(b[INDEX]))
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          moments.has(name) && typeof value === "string" ? value.replace(/(\.000)?Z$/, "") : value,
        ]),
      ),
    );
  const ofType = /_type(_list)?$/.test(expectation.type);
  const observed = ofType ? (PANDAS_TYPES[String(result.observed)] ?? result.observed) : result.observed;
  return formatResult(
    { ...result, sample, observed },
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
