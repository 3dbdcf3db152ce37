import type { DuckDBValue } from "@duckdb/node-api";
import { DuckDBMapValue } from "@duckdb/node-api";
import { z } from "zod";
import type { ReplaceWhere } from "./api.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import { quoteIdentifier } from "./names.ts";
import { comparable, compare } from "./ordering.ts";

/** Longer texts are cut in statistics, as Delta's own writers do. */
const LONGEST_TEXT = 32;

/** What is known of one column's values in a file, as DuckDB writes them as texts. */
export interface ColumnStats {
  readonly nulls?: string | undefined;
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly hasNaN?: boolean;
}

/** What COPY … RETURN_STATS says of columns, by their names. */
export function copiedStats(columns: DuckDBValue, fields: readonly DeltaField[]): ReadonlyMap<string, ColumnStats> {
  const known = new Map(fields.map(({ name }) => [quoteIdentifier(name), name]));
  const found = new Map<string, ColumnStats>();
  for (const [key, values] of entries(columns)) {
    const name = known.get(key);
    if (name === undefined) continue;
    const stats = new Map(entries(values).map(([k, v]) => [k, String(v)]));
    const [nulls, min, max] = ["null_count", "min", "max"].map((k) => stats.get(k));
    found.set(name, { nulls, min, max, hasNaN: stats.get("has_nan") === "true" });
  }
  return found;
}

/** Delta's statistics of a file, as JSON. */
export function deltaStats(
  rows: number,
  columns: ReadonlyMap<string, ColumnStats>,
  fields: readonly DeltaField[],
): string {
  const [least, most, nulls]: string[][] = [[], [], []];
  for (const [column, stats] of columns) {
    const field = fields.find((f) => f.name === column);
    if (!field) continue;
    const name = JSON.stringify(field.name);
    if (stats.nulls !== undefined) nulls!.push(`${name}:${stats.nulls}`);
    const min = bound(field.type, stats.min, "min");
    const max = bound(field.type, stats.max, "max");
    if (min === undefined || max === undefined || stats.hasNaN === true) continue;
    least!.push(`${name}:${min}`);
    most!.push(`${name}:${max}`);
  }
  // As text: JSON.stringify would round what a double cannot hold.
  return `{"numRecords":${rows},"minValues":{${least}},"maxValues":{${most}},"nullCount":{${nulls}}}`;
}

/** The entries of a DuckDB map as JavaScript sees them. */
export function entries(value: DuckDBValue): [string, DuckDBValue][] {
  return value instanceof DuckDBMapValue ? value.entries.map(({ key, value: v }) => [String(key), v]) : [];
}

/** A bound as JSON that readers of any language compare as we do; others are left out, which is always allowed. */
function bound(type: string, text: string | undefined, side: "min" | "max"): string | undefined {
  if (text === undefined) return undefined;
  switch (type) {
    case "date":
      return /^\d{4}-\d{2}-\d{2}$/.test(text) ? JSON.stringify(text) : undefined;
    case "timestamp":
      return timestampBound(text, side);
    case "string":
      return textBound(text, side);
    case "boolean":
      return text === "0" || text === "false" ? "false" : text === "1" || text === "true" ? "true" : undefined;
    case "float":
    case "double": {
      const number = type === "float" ? Math.fround(Number(text)) : Number(text);
      return Number.isFinite(number) ? JSON.stringify(number) : undefined;
    }
    case "binary":
      return undefined;
    default:
      return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
  }
}

/** Delta's statistics know milliseconds: downwards for the least, upwards for the most. */
function timestampBound(text: string, side: "min" | "max"): string | undefined {
  const micros = comparable("timestamp", text);
  if (typeof micros !== "bigint") return undefined;
  const floor = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const millis = side === "max" && floor * 1000n < micros ? floor + 1n : floor;
  return JSON.stringify(new Date(Number(millis)).toISOString());
}

/** The beginning of a text; the most is raised at its last character, so that no text is above it. */
function textBound(text: string, side: "min" | "max"): string | undefined {
  const characters = [...text];
  if (characters.length <= LONGEST_TEXT) return JSON.stringify(text);
  const start = characters.slice(0, LONGEST_TEXT);
  if (side === "min") return JSON.stringify(start.join(""));
  while (start.length > 0) {
    const point = start.pop()!.codePointAt(0)!;
    // Surrogates are no characters.
    const next = point === 0xd7ff ? 0xe000 : point + 1;
    if (next <= 0x10ffff) return JSON.stringify(start.join("") + String.fromCodePoint(next));
  }
  return undefined;
}

const Stats = z.object({
  numRecords: z.number().int().min(0).optional().catch(undefined),
  minValues: z.record(z.string(), z.unknown()).optional().catch(undefined),
  maxValues: z.record(z.string(), z.unknown()).optional().catch(undefined),
  nullCount: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

const parsed = new WeakMap<object, z.infer<typeof Stats>>();

/** What the log says of a file's rows; nothing where it cannot be read, for it is a hint. */
export function parseStats(file: Pick<AddFile, "stats">): z.infer<typeof Stats> {
  const known = parsed.get(file);
  if (known) return known;
  let stats: z.infer<typeof Stats> = {};
  try {
    stats = Stats.catch({}).parse(JSON.parse(file.stats ?? "{}"));
  } catch {
    // Statistics that are no JSON tell nothing.
  }
  parsed.set(file, stats);
  return stats;
}

/** Rows of a file, where its statistics say so. */
export function numRecords(file: AddFile): number | undefined {
  return parseStats(file).numRecords;
}

/** A condition that may also name the greatest value that meets it, or none. */
export interface Within extends ReplaceWhere {
  /** Inclusive; in place of `until`. */
  readonly through?: string | undefined;
  /** Exclusive; in place of `from`. */
  readonly above?: string | undefined;
  /** Any value that is not null. */
  readonly known?: true;
}

/** Whether partition values and statistics leave open that a row of the file meets a condition. */
export function mayMatch(file: AddFile, field: DeltaField, where: Within): boolean {
  const { nulls, rows, min, max } = Object.hasOwn(file.partitionValues, field.name)
    ? partitionBounds(file, field)
    : statisticsBounds(file, field);
  if (where.equals === null) return nulls !== 0;
  if (typeof nulls === "number" && nulls === rows) return false;
  const from = comparable(field.type, where.from ?? where.above ?? where.equals);
  const order = max === undefined || from === undefined ? 1 : compare(max, from);
  if (where.above === undefined ? order < 0 : order <= 0) {
    // Others leave NaNs out of their statistics, and NaN is above all numbers.
    const mayBeNaN = (field.type === "double" || field.type === "float") && where.equals === undefined;
    if (!mayBeNaN) return false;
  }
  const until = comparable(field.type, where.until ?? where.through ?? where.equals);
  if (min === undefined || until === undefined) return true;
  return where.until === undefined ? compare(min, until) <= 0 : compare(min, until) < 0;
}

/** A file's values of a partition column: one, or nulls. */
function partitionBounds(file: AddFile, { name, type }: DeltaField) {
  const value = file.partitionValues[name] || null;
  const bound = comparable(type, value);
  return { nulls: value === null ? 1 : 0, rows: 1, min: bound, max: bound };
}

/** Between which values a file's are, as far as its statistics can be believed. */
function statisticsBounds(file: AddFile, { name, type }: DeltaField) {
  const { numRecords: rows, nullCount, minValues, maxValues } = parseStats(file);
  const [nulls, least, most] = [nullCount?.[name], minValues?.[name], maxValues?.[name]];
  const precision = Number(/^decimal\((\d+)/.exec(type)?.[1] ?? 0);
  // Some write decimals as the nearest double.
  const isRounded = precision > 15 && (typeof least === "number" || typeof most === "number");
  if (isRounded) return { nulls, rows, min: undefined, max: undefined };
  const max = comparable(type, most);
  // Milliseconds are cut off, not rounded up.
  return {
    ...{ nulls, rows, min: comparable(type, least) },
    max: type === "timestamp" && typeof max === "bigint" ? max + 999n : max,
  };
}
