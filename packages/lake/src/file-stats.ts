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

/** What the log says of a file's rows; nothing where it cannot be read, for it is a hint. */
export function parseStats(file: Pick<AddFile, "stats">): z.infer<typeof Stats> {
  try {
    return Stats.catch({}).parse(JSON.parse(file.stats ?? "{}"));
  } catch {
    return {};
  }
}

/** Rows of a file, where its statistics say so. */
export function numRecords(file: AddFile): number | undefined {
  return parseStats(file).numRecords;
}

/** A condition that may also name the greatest value that meets it. */
export interface Within extends ReplaceWhere {
  /** Inclusive; in place of `until`. */
  readonly through?: string | undefined;
}

/** Whether partition values and statistics leave open that a row of the file meets a condition. */
export function mayMatch(file: AddFile, field: DeltaField, where: Within): boolean {
  const stats = parseStats(file);
  const partition = Object.hasOwn(file.partitionValues, field.name);
  const value = file.partitionValues[field.name] || null;
  const nulls = partition ? (value === null ? 1 : 0) : stats.nullCount?.[field.name];
  if (where.equals === null) return nulls !== 0;
  if (partition && value === null) return false;
  const min = comparable(field.type, partition ? value : stats.minValues?.[field.name]);
  const max = comparable(field.type, partition ? value : stats.maxValues?.[field.name]);
  const from = comparable(field.type, where.from ?? where.equals);
  if (max !== undefined && from !== undefined && compare(max, from) < 0) return false;
  const until = comparable(field.type, where.until ?? where.through ?? where.equals);
  if (min === undefined || until === undefined) return true;
  return where.until === undefined ? compare(min, until) <= 0 : compare(min, until) < 0;
}
