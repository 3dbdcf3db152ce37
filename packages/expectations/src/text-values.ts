import { Ajv2020 } from "ajv/dist/2020.js";
import { inRange, type Range } from "./cells.ts";
import { type Column, columnOf } from "./column-types.ts";
import { readsAsDate } from "./dateutil.ts";
import { NotEvaluableError } from "./errors.ts";
import {
  and,
  columnMap,
  countOf,
  type Json,
  type MapArguments,
  mapOutcome,
  number,
  type Plan,
  rowsWhere,
  scopeOf,
} from "./plan.ts";
import { pythonRegex } from "./python-regex.ts";
import { type Fragment, identifier, join, perDialect, sql, TEXT, text } from "./sql.ts";
import { strptimeReader } from "./strptime.ts";

/** Texts that are judged here, each different one once. */
function textMap(
  kwargs: MapArguments,
  columns: readonly Column[],
  accepts: (value: string) => boolean,
  value = onlyText(columnOf(columns, kwargs.column)),
): Plan {
  const scope = scopeOf(kwargs, columns);
  if (value === undefined) return noText(kwargs, columns);
  return {
    asks: [countOf(scope.where), countOf(and(scope.where, scope.ignored))],
    texts: { value, where: scope.kept, accepts },
    judge: ({ values: [elements, ignored], texts: { rows, values } }) => {
      const bad = values.map((refused) => sql`${refused}`);
      return {
        outcome: mapOutcome(number(elements), number(ignored), rows, kwargs.mostly),
        ...(bad.length > 0 && { failing: rowsWhere(and(scope.kept, sql`(${value} IN (${join(bad, ", ")}))`)) }),
      };
    },
  };
}

/** A column of another type has no text, which matters only where it has values. */
function noText(kwargs: MapArguments, columns: readonly Column[]): Plan {
  const scope = scopeOf(kwargs, columns);
  return {
    asks: [countOf(scope.where), countOf(scope.kept)],
    judge: ({ values: [elements, kept] }) => {
      if (number(kept) > 0) plainText(columnOf(columns, kwargs.column));
      return { outcome: mapOutcome(number(elements), number(elements), 0, kwargs.mostly) };
    },
  };
}

/** Which of several patterns a text must match. */
export type Wanted = "any" | "all" | "none";

/**
 * Texts that match regular expressions (of Python's `re`) somewhere. The engine does it, unless one of them has what
 * engines lack or see otherwise: look-around, back-references, word borders.
 */
export function matchesRegex(
  kwargs: MapArguments,
  columns: readonly Column[],
  regexes: readonly string[],
  wanted: Wanted,
): Plan {
  const read = regexes.map(pythonRegex);
  const value = shown(columnOf(columns, kwargs.column));
  const engines = read.flatMap(({ engine }) => engine ?? []);
  if (engines.length < read.length) {
    const holds = { any: "some", all: "every", none: "some" } as const;
    const accepts = (given: string) => read[holds[wanted]](({ test }) => test(given)) !== (wanted === "none");
    return textMap(kwargs, columns, accepts, value);
  }
  return columnMap(kwargs, columns, (column) => {
    const shownAs = shown(column);
    const matches = engines.map((engine) =>
      perDialect({ duckdb: sql`regexp_matches(${shownAs}, ${engine})`, spark: sql`(${shownAs} RLIKE ${engine})` }),
    );
    return combined(matches, wanted);
  });
}

/** Texts that match patterns of SQL's LIKE as a whole. */
export function matchesLike(
  kwargs: MapArguments & { escape?: string | null | undefined },
  columns: readonly Column[],
  patterns: readonly string[],
  wanted: Wanted,
): Plan {
  // Spark's LIKE has an escape character in any case: one that no pattern holds is as good as none.
  const escaping = kwargs.escape ?? "\u0001";
  return columnMap(kwargs, columns, (column) =>
    combined(
      patterns.map(
        (pattern) => sql`(${plainText(column)} LIKE ${pattern} ESCAPE ${text(`'${escaping.replaceAll("'", "''")}'`)})`,
      ),
      wanted,
    ),
  );
}

function combined(conditions: readonly Fragment[], wanted: Wanted): Fragment {
  const one = sql`(${join(conditions, wanted === "all" ? " AND " : " OR ")})`;
  return wanted === "none" ? sql`(NOT ${one})` : one;
}

/** Texts whose number of characters lies in a range; of other values it is that of the text they are shown as. */
export function lengthBetween(kwargs: MapArguments & Range, columns: readonly Column[]): Plan {
  return columnMap(kwargs, columns, (column) =>
    inRange(sql`length(${shown(column)})`, kwargs, (value) => sql`${value}`),
  );
}

/** Texts that can be read in a strftime format, as Python reads them. */
export function matchesFormat(kwargs: MapArguments & { strftime_format: string }, columns: readonly Column[]): Plan {
  return textMap(kwargs, columns, strptimeReader(kwargs.strftime_format));
}

/** Texts that read as a date or a moment in one of the customary ways. */
export function readAsDates(kwargs: MapArguments, columns: readonly Column[]): Plan {
  return textMap(kwargs, columns, readsAsDate);
}

/** Texts that are JSON as Python reads it (NaN and Infinity too); a value that is no text never is. */
export function areJson(kwargs: MapArguments, columns: readonly Column[]): Plan {
  const column = columnOf(columns, kwargs.column);
  if (column.family !== "text") return columnMap(kwargs, columns, () => text("false"));
  return textMap(kwargs, columns, (value) => parsed(value) !== undefined);
}

/** Texts that are JSON and fit a schema. A text that is no JSON makes the expectation fail as not evaluable. */
export function matchJsonSchema(
  kwargs: MapArguments & { json_schema: Readonly<Record<string, Json>> },
  columns: readonly Column[],
): Plan {
  const column = columnOf(columns, kwargs.column);
  const fits = schemaCheck(kwargs.json_schema);
  return textMap(kwargs, columns, (value) => {
    const read = parsed(value);
    if (read !== undefined) return fits(read.json);
    throw new NotEvaluableError(`Column "${column.name}" holds ${JSON.stringify(value)}, which is not JSON`);
  });
}

function schemaCheck(schema: Readonly<Record<string, Json>>): (value: unknown) => boolean {
  // As Python's jsonschema: draft 2020-12, unknown words say nothing, formats are not held.
  const { $schema: _, ...plain } = schema;
  try {
    return new Ajv2020({ strict: false, validateFormats: false, allErrors: false, logger: false }).compile(plain);
  } catch (error) {
    throw new NotEvaluableError(`json_schema is not a JSON schema: ${error instanceof Error ? error.message : error}`);
  }
}

function parsed(value: string): { json: unknown } | undefined {
  for (const given of [
    value,
    value.replace(/("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g, (all, quoted) => quoted ?? (all && "0")),
  ]) {
    try {
      return { json: JSON.parse(given) };
    } catch {}
  }
  return undefined;
}

/** A value as pandas shows it as text. */
function shown(column: Column): Fragment {
  const name = identifier(column.name);
  if (column.family === "text") return name;
  if (column.family === "boolean") return sql`CASE WHEN ${name} THEN 'True' ELSE 'False' END`;
  return sql`CAST(${name} AS ${TEXT})`;
}

function onlyText(column: Column): Fragment | undefined {
  return column.family === "text" ? identifier(column.name) : undefined;
}

function plainText(column: Column): Fragment {
  if (column.family === "text") return identifier(column.name);
  throw new NotEvaluableError(`Column "${column.name}" holds ${column.type}; text is needed`);
}
