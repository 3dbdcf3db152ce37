import type { SourceColumn } from "./api.ts";
import { BadRows, shown } from "./bad-rows.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import { isGzip, physicalLines, unpackedBytes } from "./source-bytes.ts";
import { firstBytes, type SourceFile } from "./source-files.ts";
import { checkedSql, checkValue } from "./source-values.ts";

/** SQL of all rows of JSON lines, typed and checked: it fails on the first row that is wrong. */
export function jsonSql(files: readonly SourceFile[], columns: readonly SourceColumn[]): string {
  const place = ({ name }: SourceColumn) => quoteLiteral(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  const values = columns.map((column) => {
    const at = place(column);
    const type = `json_type(json, ${at})`;
    const text = `CASE WHEN ${type} <> 'NULL' THEN json_extract_string(json, ${at}) END`;
    const { value, valid } = checkedSql(text, column);
    const kinds = kindsOf(column).map(quoteLiteral).join(", ");
    return `CASE WHEN coalesce(${type} IN ('NULL', ${kinds}), true) AND ${valid} THEN ${value} ELSE error('bad row') END AS ${quoteIdentifier(column.name)}`;
  });
  const paths = files.map((f) => quoteLiteral(f.path)).join(", ");
  // As many keys as columns that are there: none is unknown, none comes twice.
  const there = `list_filter(json_exists(json, [${columns.map(place).join(", ")}]), lambda found: found)`;
  const known = `CASE WHEN json_type(json) = 'OBJECT' AND len(json_keys(json)) = len(${there}) THEN true ELSE error('bad row') END`;
  return `SELECT ${values.join(", ")} FROM read_ndjson_objects([${paths}], maximum_object_size = 16777216) WHERE ${known}`;
}

/** What DuckDB calls the JSON values that a column takes. */
function kindsOf({ type }: SourceColumn): string[] {
  switch (type) {
    case "bigint":
    case "int":
      return ["BIGINT", "UBIGINT"];
    case "double":
      return ["BIGINT", "UBIGINT", "DOUBLE"];
    case "boolean":
      return ["BOOLEAN"];
    case "string":
    case "date":
    case "timestamp":
      return ["VARCHAR"];
    default:
      return ["VARCHAR", "BIGINT", "UBIGINT", "DOUBLE"];
  }
}

/** Reads lines once more, slowly, and names the first bad one and how many come with it. */
export async function diagnoseJson(
  files: readonly SourceFile[],
  columns: readonly SourceColumn[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const bad = new BadRows();
  for (const file of files) {
    const start = await firstBytes(file.path, 2);
    let line = 0;
    for await (const { text } of physicalLines(unpackedBytes(file, isGzip(start), signal))) {
      line++;
      bad.goOn();
      const what = text.trim() === "" ? undefined : wrongWith(text.trimEnd(), columns);
      if (what !== undefined) bad.add(file.name, line, what);
    }
  }
  bad.throwIfAny();
}

function wrongWith(text: string, columns: readonly SourceColumn[]): string | undefined {
  let row: unknown;
  try {
    row = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return `${shown(text)} is no JSON: ${error instanceof Error ? error.message : error}.`;
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) return `${shown(text)} is no JSON object.`;
  const unknown = Object.keys(row).find((key) => !columns.some((c) => c.name === key));
  if (unknown !== undefined) {
    return `it has the unknown column ${JSON.stringify(unknown)}; ${columns.map((c) => c.name).join(", ")} were expected.`;
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) return `it has the key ${JSON.stringify(twice)} twice.`;
  for (const column of columns) {
    const value: unknown = Object.hasOwn(row, column.name) ? Reflect.get(row, column.name) : null;
    const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    const fits = kind === "null" || kindOf(column).includes(kind);
    const checked = fits
      ? checkValue(value === null ? "" : exact(value), column)
      : { expected: `a JSON ${kindOf(column).join(" or ")}` };
    if ("expected" in checked && !(column.type === "string" && value === ""))
      return `column ${column.name} holds ${shown(JSON.stringify(value))}, expected ${checked.expected}.`;
  }
  return undefined;
}

/** The first key that a JSON object has more than once. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let before = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    if (token === ":" && depth === 1) {
      const key = String(JSON.parse(before));
      if (seen.has(key)) return key;
      seen.add(key);
    }
    before = token;
  }
  return undefined;
}

function exact(value: unknown): string {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

function kindOf({ type }: SourceColumn): string[] {
  if (type === "boolean") return ["boolean"];
  if (type === "string" || type === "date" || type === "timestamp") return ["string"];
  return type === "bigint" || type === "int" || type === "double" ? ["number"] : ["number", "string"];
}
