import type { DuckDBValue } from "@duckdb/node-api";
import { DuckDBMapValue } from "@duckdb/node-api";
import type { ReplaceWhere } from "./api.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";

type Bounds = Record<string, string | number>;

/** Delta's statistics of a file, as JSON, from what COPY … RETURN_STATS says of its columns. */
export function deltaStats(rows: number, columns: DuckDBValue, fields: readonly DeltaField[]): string {
  const minValues: Bounds = {};
  const maxValues: Bounds = {};
  const nullCount: Record<string, number> = {};
  for (const [key, values] of entries(columns)) {
    const field = fields.find((f) => `"${f.name}"` === key);
    if (!field) continue;
    const stats = new Map(entries(values).map(([k, v]) => [k, String(v)]));
    if (stats.has("null_count")) nullCount[field.name] = Number(stats.get("null_count"));
    const min = bound(field.type, stats.get("min"));
    const max = bound(field.type, stats.get("max"));
    if (min === undefined || max === undefined || stats.get("has_nan") === "true") continue;
    minValues[field.name] = min;
    maxValues[field.name] = max;
  }
  return JSON.stringify({ numRecords: rows, minValues, maxValues, nullCount });
}

/** The entries of a DuckDB map as JavaScript sees them. */
export function entries(value: DuckDBValue): [string, DuckDBValue][] {
  return value instanceof DuckDBMapValue ? value.entries.map(({ key, value: v }) => [String(key), v]) : [];
}

/** A bound that readers of any language compare as we do; others are left out, which is always allowed. */
function bound(type: string, text: string | undefined): string | number | undefined {
  if (text === undefined) return undefined;
  if (type === "date") return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined;
  if (type === "string") return text.length <= 32 ? text : undefined;
  if (type === "long" || type === "integer" || type === "short" || type === "byte") {
    return Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
  }
  return type === "double" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

interface Stats {
  numRecords?: number;
  minValues?: Record<string, unknown>;
  maxValues?: Record<string, unknown>;
}

function parseStats(file: AddFile): Stats {
  try {
    const stats: unknown = JSON.parse(file.stats ?? "{}");
    return typeof stats === "object" && stats !== null ? stats : {};
  } catch {
    return {}; // statistics are a hint; without them the file is read
  }
}

/** Rows of a file, where its statistics say so. */
export function numRecords(file: AddFile): number | undefined {
  const { numRecords: n } = parseStats(file);
  return typeof n === "number" ? n : undefined;
}

/** Whether statistics leave open that a row of the file lies within the bounds (dates and numbers only). */
export function mayMatch(file: AddFile, field: DeltaField, where: ReplaceWhere): boolean {
  const stats = parseStats(file);
  const min = stats.minValues?.[field.name];
  const max = stats.maxValues?.[field.name];
  const number = typeof min === "number" && typeof max === "number";
  const date = field.type === "date" && typeof min === "string" && typeof max === "string";
  if (!number && !date) return true;
  const value = (x: unknown) => (number ? Number(x) : String(x).slice(0, 10));
  const comparable = (x: unknown) => (number ? Number.isFinite(Number(x)) : /^\d{4}-\d{2}-\d{2}/.test(String(x)));
  const below = where.from ?? where.equals ?? undefined;
  if (below !== undefined && comparable(below) && value(max) < value(below)) return false;
  const above = where.until ?? where.equals ?? undefined;
  if (above === undefined || !comparable(above)) return true;
  return !(
    value(min) > value(above) ||
    (where.until !== undefined && value(min) === value(above) && String(above).length <= 10)
  );
}
