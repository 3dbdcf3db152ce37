import { z } from "zod";
import { type ColumnValues, type FieldValue, LARGEST_VALUE, missingFields } from "./columns.ts";
import { LearnError } from "./errors.ts";

const NumberInput = z.object({
  name: z.string(),
  kind: z.literal("number"),
  /** Stands in for a missing value; null: it stays missing. */
  impute: z.number().nullable(),
  indicator: z.boolean(),
  /** The model sees (value − offset) × factor. */
  offset: z.number(),
  factor: z.number(),
});
const CategoryInput = z.object({
  name: z.string(),
  kind: z.literal("category"),
  isText: z.boolean(),
  encode: z.enum(["one_hot", "ordinal"]),
  categories: z.array(z.union([z.string(), z.number()])),
  impute: z.union([z.string(), z.number()]).nullable(),
  unknown: z.enum(["ignore", "error"]),
});

/** A column as the model takes it, and what is done to it first. */
export const FittedInput = z.discriminatedUnion("kind", [NumberInput, CategoryInput]);
export type FittedInput = z.output<typeof FittedInput>;

/** Turns raw rows into the numbers that a model sees. */
export interface InputReader {
  /** Numbers that the model sees of each row. */
  readonly width: number;
  /** For each of them, the place of the column that it comes from. */
  readonly source: readonly number[];
  /** For each of them, whether it is the code of a category. */
  readonly isCategory: readonly boolean[];
  /** True where the model sees the columns as they are. */
  readonly isPlain: boolean;
  /** @throws LearnError INVALID_VALUE for a column of another type, UNKNOWN_CATEGORY where that is asked for */
  readColumns(columns: readonly ColumnValues[], rowCount: number): Float64Array[];
  /** One row. @throws LearnError MISSING_FEATURE, INVALID_VALUE, UNKNOWN_CATEGORY */
  readRow(record: Readonly<Record<string, FieldValue>>): Float64Array;
}

/** Makes the reader of fitted inputs. */
export function createInputReader(inputs: readonly FittedInput[]): InputReader {
  const names = inputs.map(({ name }) => name);
  const source: number[] = [];
  const isCategory: boolean[] = [];
  const codes = inputs.map((input) =>
    input.kind === "category" ? new Map(input.categories.map((category, code) => [category, code])) : undefined,
  );
  const places = inputs.map((input, at) => {
    const place = source.length;
    const count = widthOf(input);
    for (let k = 0; k < count; k++) {
      source.push(at);
      isCategory.push(input.kind === "category" && input.encode === "ordinal");
    }
    return place;
  });
  const width = source.length;
  const isPlain = inputs.every(
    (input) =>
      input.kind === "number" && input.impute === null && !input.indicator && input.offset === 0 && input.factor === 1,
  );
  // Of single rows the looking up costs as much as the trees: what is asked of numbers that are there lies in arrays.
  const numbers = inputs.map((input) => (input.kind === "number" ? input : undefined));
  const isNumber = Uint8Array.from(numbers, (input) => Number(input !== undefined));
  const offsets = Float64Array.from(numbers, (input) => input?.offset ?? 0);
  const factors = Float64Array.from(numbers, (input) => input?.factor ?? 1);
  const codeOf = (at: number, input: z.output<typeof CategoryInput>, value: string | number | null): number => {
    const given =
      value === null || value === "" || Number.isNaN(value)
        ? input.impute
        : typeof value === "number"
          ? Math.fround(value) + 0
          : value;
    if (given === null) return Number.NaN;
    const code = codes[at]!.get(given);
    if (code !== undefined) return code;
    if (input.unknown === "ignore") return Number.NaN;
    throw new LearnError(
      "UNKNOWN_CATEGORY",
      `Feature "${input.name}" is ${JSON.stringify(value)}: expected one of ${input.categories
        .slice(0, 20)
        .map((one) => JSON.stringify(one))
        .join(", ")}${input.categories.length > 20 ? ", …" : ""}.`,
      { field: input.name },
    );
  };
  return {
    width,
    source,
    isCategory,
    isPlain,
    readColumns(columns, rowCount) {
      for (const [at, input] of inputs.entries()) checkType(input, columns[at]!);
      if (isPlain) return columns.map((values) => (values instanceof Float64Array ? values : new Float64Array()));
      const read: Float64Array[] = [];
      for (const [at, input] of inputs.entries()) {
        const values = columns[at]!;
        const own = Array.from({ length: widthOf(input) }, () => new Float64Array(rowCount));
        read.push(...own);
        if (input.kind === "number") {
          for (let row = 0; row < rowCount; row++) {
            const value = Number(values[row]);
            const isMissing = Number.isNaN(value);
            own[0]![row] = ((isMissing && input.impute !== null ? input.impute : value) - input.offset) * input.factor;
            if (input.indicator) own[1]![row] = Number(isMissing);
          }
          continue;
        }
        for (let row = 0; row < rowCount; row++) {
          const code = codeOf(at, input, values[row]!);
          if (input.encode === "ordinal") own[0]![row] = code;
          else if (!Number.isNaN(code)) own[code]![row] = 1;
        }
      }
      return read;
    },
    readRow(record) {
      const row = new Float64Array(width);
      // Going through a record's own keys is much faster than asking for each name, where they come in the inputs' order.
      let next = 0;
      for (const name in record) {
        if (name !== names[next]) continue;
        const given = record[name];
        const isOdd = typeof given !== "number" || !(Math.abs(given) <= LARGEST_VALUE) || isNumber[next] === 0;
        if (isOdd) break;
        row[places[next]!] = (given - offsets[next]!) * factors[next]!;
        next++;
      }
      for (let at = next; at < inputs.length; at++) {
        const input = inputs[at]!;
        const given = record[input.name];
        if (given === undefined || (given === null && !Object.hasOwn(record, input.name)))
          throw missingFields(names, record);
        const place = places[at]!;
        if (input.kind === "number") {
          const value = given === null ? Number.NaN : typeof given === "boolean" ? Number(given) : given;
          if (typeof value !== "number" || Math.abs(value) > LARGEST_VALUE)
            throw invalidField(input.name, given, "a finite number from -3.4e38 to 3.4e38");
          const isMissing = Number.isNaN(value);
          row[place] = ((isMissing && input.impute !== null ? input.impute : value) - input.offset) * input.factor;
          if (input.indicator) row[place + 1] = Number(isMissing);
          continue;
        }
        const value = typeof given === "boolean" ? Number(given) : given;
        if (value !== null && (typeof value === "string") !== input.isText)
          throw invalidField(input.name, given, input.isText ? "a text" : "a number");
        const code = codeOf(at, input, value);
        if (input.encode === "ordinal") row[place] = code;
        else if (!Number.isNaN(code)) row[place + code] = 1;
      }
      return row;
    },
  };
}

function widthOf(input: FittedInput): number {
  if (input.kind === "number") return input.indicator ? 2 : 1;
  return input.encode === "ordinal" ? 1 : input.categories.length;
}

function checkType(input: FittedInput, values: ColumnValues): void {
  const isText = !(values instanceof Float64Array);
  const expected = input.kind === "category" && input.isText;
  if (isText === expected) return;
  throw new LearnError(
    "INVALID_VALUE",
    `Column "${input.name}" holds ${isText ? "texts" : "numbers"}: expected ${expected ? "texts" : "numbers"}, as in training.`,
    { field: input.name },
  );
}

function invalidField(name: string, value: unknown, expected: string): LearnError {
  return new LearnError(
    "INVALID_VALUE",
    `Feature "${name}" is ${typeof value === "number" ? value : JSON.stringify(value)}: expected ${expected}, or null where it is missing.`,
    { field: name },
  );
}
