import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deltaToDuck } from "./column-types.ts";
import type { AddFile, DeltaField } from "./delta-actions.ts";
import type { Bindings, Session } from "./engine.ts";
import { LakeError } from "./errors.ts";
import { mayMatch, type Within } from "./file-stats.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import type { Snapshot } from "./replay.ts";

/*
 * Which files of its tables a query can do without. DuckDB plans the query over empty stand-ins of the tables, of which
 * it knows nothing but the columns; its optimizer puts below each scan's filter whatever the query's conditions say of
 * that scan's rows. A file is left out where the log's partition values and statistics rule out, for every scan of its
 * table, that a row passes. Whatever is not understood rules out nothing.
 */

/** Tables of fewer files are read whole: planning twice costs more. */
const FEWEST_FILES = 4;

/** The plan is made a moment before the query runs: conditions on the time of day would be of that moment. */
const OF_NOW = /\b(now|today|age|current\w*|local\w*|transaction_timestamp|get_current\w*|unix_timestamp|curdate)\b/i;

/** A query without any of these words has no condition that a scan could be spared by. */
const CONDITION = /\b(where|on|having|qualify)\b/i;

/** What a filter says of a scan's rows; undefined is what is not understood. */
type Condition =
  | { readonly every: readonly (Condition | undefined)[] }
  | { readonly some: readonly (Condition | undefined)[] }
  | { readonly column: number; readonly where: Within }
  | undefined;

/**
 * Tells which files of a query's tables may hold rows that matter to it.
 * @param tables the snapshot of each view that is a table; views of these names are put up on the session
 * @param scratch a folder that the session may read
 * @returns by view; a view that is missing is to be read whole
 */
export async function filesThatMatter(
  session: Session,
  query: { readonly sql: string; readonly bindings: Bindings },
  tables: ReadonlyMap<string, Snapshot>,
  scratch: string,
): Promise<ReadonlyMap<string, readonly AddFile[]>> {
  const found = new Map<string, readonly AddFile[]>();
  const isSmall = [...tables.values()].every(({ files }) => files.length < FEWEST_FILES);
  if (isSmall || !CONDITION.test(query.sql) || OF_NOW.test(query.sql)) return found;
  const empty = join(scratch, "empty.csv");
  await writeFile(empty, "");
  const names = [...tables.keys()];
  for (const [v, [name, { fields }]] of [...tables].entries()) {
    await session.run(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS ${standIn(v, fields, empty)}`);
  }
  const scans = await plannedScans(session, query);
  if (!scans || scans.some(({ view }) => view === undefined)) return found;
  const conditions: Condition[][] = names.map(() => []);
  for (const { view, filter } of scans) {
    conditions[view ?? 0]?.push(filter === undefined ? undefined : await conditionOf(session, filter));
  }
  for (const [v, [name, { files, fields }]] of [...tables].entries()) {
    const any: Condition = { some: conditions[v] ?? [] };
    found.set(
      name,
      files.filter((file) => mayPass(file, fields, any)),
    );
  }
  return found;
}

/** A table of no rows and unknown statistics, whose columns are named by their places. */
function standIn(view: number, fields: readonly DeltaField[], empty: string): string {
  const names = fields.map(({ name }, i) => `v${view}_${i} AS ${quoteIdentifier(name)}`);
  const types = fields.map(({ type }, i) => `v${view}_${i}: ${quoteLiteral(deltaToDuck(type))}`);
  return `SELECT ${names.join(", ")} FROM read_csv(${quoteLiteral(empty)}, auto_detect = false, header = false, columns = {${types.join(", ")}})`;
}

/** One reading of a stand-in, and the filter right above it. */
interface Scan {
  /** The place of its view; undefined where no column is read, so that it could be any. */
  readonly view: number | undefined;
  readonly filter: string | undefined;
}

async function plannedScans(
  session: Session,
  { sql, bindings }: { readonly sql: string; readonly bindings: Bindings },
): Promise<Scan[] | undefined> {
  let plan: unknown;
  try {
    const [row] = await session.rows(`EXPLAIN (FORMAT json) ${sql}`, bindings);
    plan = JSON.parse(String(row?.[1]));
  } catch (error) {
    // Whatever is wrong with the query, it is said when it runs.
    if (error instanceof SyntaxError || (error instanceof LakeError && error.code === "SQL_FAILED")) return undefined;
    throw error;
  }
  const scans: Scan[] = [];
  return collect(plan, undefined, scans) ? scans : undefined;
}

/** Finds the scans of a plan. @returns false where there may be some that it does not show */
function collect(node: unknown, filter: string | undefined, scans: Scan[]): boolean {
  if (Array.isArray(node)) return node.every((one) => collect(one, filter, scans));
  if (!isRecord(node)) return false;
  const name = String(node["name"]).trim();
  const info = isRecord(node["extra_info"]) ? node["extra_info"] : {};
  // Its children are hidden.
  if (name.startsWith("POSITIONAL")) return false;
  if (name === "READ_CSV") {
    const column = lines(info["Projections"])[0];
    const view = /^v(\d+)_\d+$/.exec(column ?? "")?.[1];
    scans.push({ view: view === undefined ? undefined : Number(view), filter });
    return true;
  }
  const below = name === "FILTER" ? lines(info["Expression"]).join("\n") : undefined;
  return collect(node["children"], below, scans);
}

/** A text of a plan; DuckDB splits it into lines. */
function lines(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];
}

async function conditionOf(session: Session, filter: string): Promise<Condition> {
  const [row] = await session.rows(`SELECT json_serialize_sql(${quoteLiteral(`SELECT ${filter}`)}::VARCHAR)`);
  try {
    const parsed: unknown = JSON.parse(String(row?.[0]));
    const statement = isRecord(parsed) && Array.isArray(parsed["statements"]) ? parsed["statements"][0] : undefined;
    const node = isRecord(statement) ? statement["node"] : undefined;
    const list = isRecord(node) ? node["select_list"] : undefined;
    return Array.isArray(list) && list.length === 1 ? understood(list[0]) : undefined;
  } catch (error) {
    // Numbers beyond JSON's.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const TURNED: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: "COMPARE_EQUAL",
  COMPARE_GREATERTHAN: "COMPARE_LESSTHAN",
  COMPARE_GREATERTHANOREQUALTO: "COMPARE_LESSTHANOREQUALTO",
  COMPARE_LESSTHAN: "COMPARE_GREATERTHAN",
  COMPARE_LESSTHANOREQUALTO: "COMPARE_GREATERTHANOREQUALTO",
};

/** What a parsed expression demands of a column, as far as statistics can tell. */
function understood(node: unknown): Condition {
  if (!isRecord(node)) return undefined;
  const children = Array.isArray(node["children"]) ? node["children"] : [];
  const [first, ...others] = children;
  switch (node["type"]) {
    case "CONJUNCTION_AND":
      return { every: children.map(understood) };
    case "CONJUNCTION_OR":
      return { some: children.map(understood) };
    case "COLUMN_REF":
      return demand(node, (column) => ({ column, equals: true }));
    case "OPERATOR_NOT":
      return demand(first, (column) => ({ column, equals: false }));
    case "OPERATOR_IS_NULL":
      return demand(first, (column) => ({ column, equals: null }));
    case "OPERATOR_IS_NOT_NULL":
      return demand(first, (column) => ({ column, known: true }));
    case "COMPARE_IN":
      return { some: others.map((other) => comparison("COMPARE_EQUAL", first, other)) };
    case "COMPARE_BETWEEN":
      return {
        every: [
          comparison("COMPARE_GREATERTHANOREQUALTO", node["input"], node["lower"]),
          comparison("COMPARE_LESSTHANOREQUALTO", node["input"], node["upper"]),
        ],
      };
    default: {
      const [type, left, right] = [String(node["type"]), node["left"], node["right"]];
      return placeOf(left) === undefined ? comparison(TURNED[type] ?? "", right, left) : comparison(type, left, right);
    }
  }
}

function comparison(type: string, column: unknown, constant: unknown): Condition {
  const value = constantOf(constant);
  if (value === undefined) return undefined;
  return demand(column, (name) => {
    switch (type) {
      case "COMPARE_EQUAL":
        return { column: name, equals: value };
      case "COMPARE_GREATERTHAN":
        return { column: name, above: value };
      case "COMPARE_GREATERTHANOREQUALTO":
        return { column: name, from: value };
      case "COMPARE_LESSTHAN":
        return { column: name, until: value };
      case "COMPARE_LESSTHANOREQUALTO":
        return { column: name, through: value };
      default:
        return undefined;
    }
  });
}

function demand(node: unknown, where: (column: string) => Within | undefined): Condition {
  const column = placeOf(node);
  const wanted = column === undefined ? undefined : where(String(column));
  return column === undefined || wanted === undefined ? undefined : { column, where: wanted };
}

/** The place of a stand-in's column in its table. */
function placeOf(node: unknown): number | undefined {
  if (!isRecord(node) || node["type"] !== "COLUMN_REF" || !Array.isArray(node["column_names"])) return undefined;
  const [name, ...more] = node["column_names"];
  const place = more.length === 0 ? /^v\d+_(\d+)$/.exec(String(name))?.[1] : undefined;
  return place === undefined ? undefined : Number(place);
}

/** A constant as text, if JSON did not change it. */
function constantOf(node: unknown): string | undefined {
  if (!isRecord(node)) return undefined;
  if (node["type"] === "OPERATOR_CAST") {
    const { child } = node;
    const isText = isRecord(child) && isRecord(child["value"]) && typeof child["value"]["value"] === "string";
    return isText ? constantOf(child) : undefined;
  }
  const constant = node["type"] === "VALUE_CONSTANT" ? node["value"] : undefined;
  if (!isRecord(constant) || constant["is_null"] !== false) return undefined;
  const { value, type } = constant;
  if (typeof value === "string") return value;
  if (typeof value !== "number" || !isRecord(type)) return undefined;
  if (type["id"] === "DOUBLE" || type["id"] === "FLOAT") return String(value);
  if (!Number.isSafeInteger(value)) return undefined;
  const info = type["type_info"];
  const scale = type["id"] === "DECIMAL" && isRecord(info) ? Number(info["scale"]) : 0;
  if (scale === 0) return String(value);
  const digits = String(Math.abs(value)).padStart(scale + 1, "0");
  return `${value < 0 ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function mayPass(file: AddFile, fields: readonly DeltaField[], condition: Condition): boolean {
  if (condition === undefined) return true;
  if ("every" in condition) return condition.every.every((one) => mayPass(file, fields, one));
  if ("some" in condition) return condition.some.some((one) => mayPass(file, fields, one));
  const field = fields[condition.column];
  return field === undefined || mayMatch(file, field, condition.where);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
