import { defineSuite, type ExpectationResult, type SuiteDefinition, validate } from "@dagwright/expectations";
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
/** The columns that an expectation names. */
const Named = z.object({
  column: z.string().optional(),
  column_A: z.string().optional(),
  column_B: z.string().optional(),
  column_list: z.array(z.string()).optional(),
});

const DUCKDB_TYPES = { number: "DOUBLE", string: "VARCHAR", boolean: "BOOLEAN", datetime: "TIMESTAMP" } as const;
/** Names that Great Expectations reports for the columns of a pandas frame. */
const PANDAS_TYPES: Readonly<Record<string, string>> = {
  double: "float64",
  string: "object_",
  boolean: "bool",
  timestamp: "datetime64[ns]",
};
/** Rows of a partial list. */
const PARTIAL = 20;
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

function resultOf({ expectation, resultFormat, columns }: Input, result: ExpectationResult): Record<string, unknown> {
  if (resultFormat === "BOOLEAN_ONLY") return {};
  const { elementCount, missingCount, unexpectedCount, observed } = result;
  if (elementCount === null || unexpectedCount === null) {
    const ofType = /_type(_list)?$/.test(expectation.type);
    if (result.unexpectedValues !== undefined || result.missingValues !== undefined) {
      return {
        observed_value: null,
        ...(result.unexpectedValues && {
          unexpected_count: unexpectedCount,
          partial_unexpected_list: result.unexpectedValues,
        }),
        ...(result.missingValues && { missing_count: missingCount, partial_missing_list: result.missingValues }),
      };
    }
    return { observed_value: ofType ? (PANDAS_TYPES[String(observed)] ?? observed) : observed };
  }
  const sample = result.sample.toSorted((a, b) => Number(a[INDEX]) - Number(b[INDEX]));
  const kwargs = Named.parse(expectation.kwargs);
  const names = kwargs.column_list ?? [kwargs.column ?? kwargs.column_A ?? "", kwargs.column_B ?? ""];
  const cell = (row: (typeof sample)[number], column: string) => {
    const value = row[column] ?? null;
    // The reference writes moments without a zone.
    return columns[column] === "datetime" && typeof value === "string" ? value.replace(/(\.000)?Z$/, "") : value;
  };
  const values = sample.map((row) => {
    if (kwargs.column !== undefined) return cell(row, kwargs.column);
    if (kwargs.column_list !== undefined) {
      return Object.fromEntries(kwargs.column_list.map((column) => [column, cell(row, column)]));
    }
    return [cell(row, kwargs.column_A ?? ""), cell(row, kwargs.column_B ?? "")];
  });
  const indices = sample.map((row) => row[INDEX]);
  const partial = values.slice(0, PARTIAL);
  const percent = (count: number) => (elementCount === 0 ? null : (100 * count) / elementCount);
  return {
    element_count: elementCount,
    unexpected_count: unexpectedCount,
    unexpected_percent: result.unexpectedPercent,
    partial_unexpected_list: partial,
    ...(missingCount !== null && {
      missing_count: missingCount,
      missing_percent: percent(missingCount),
      unexpected_percent_total: percent(unexpectedCount),
      unexpected_percent_nonmissing: result.unexpectedPercent,
    }),
    ...(resultFormat !== "BASIC" && {
      partial_unexpected_counts: countsOf(
        kwargs.column_list === undefined ? partial : partial.map((row) => Object.values(Object(row))),
        names.map((name) => columns[name] === "number"),
      ),
      partial_unexpected_index_list: indices.slice(0, PARTIAL),
    }),
    ...(resultFormat === "COMPLETE" && { unexpected_list: values, unexpected_index_list: indices }),
  };
}

/** Values with their counts; one with a missing number counts alone: NaN in pandas, which equals not even itself. */
function countsOf(values: readonly unknown[], numeric: readonly boolean[]): { value: unknown; count: number }[] {
  const counts = new Map<string, { value: unknown; count: number }>();
  for (const [index, value] of values.entries()) {
    const cells: unknown[] = Array.isArray(value) ? value : [value];
    const lone = cells.some((cell, position) => cell === null && numeric[position] === true);
    const key = lone ? `missing ${index}` : JSON.stringify(value);
    counts.set(key, { value, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** Operations of the area `quality`, by name. */
export const ops: Record<string, (input: unknown) => unknown | Promise<unknown>> = {
  "quality.validate": qualityValidate,
};
