import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, realpath, rm, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import type { CsvColumn, StagedCsv } from "./api.ts";
import { checkValue } from "./csv-values.ts";
import { diskFull, isDiskFull, LakeError } from "./errors.ts";

/** A quoted field longer than this many characters is taken for a quote that was never closed. */
const LONGEST_RECORD = 1_000_000;

export interface StageOptions {
  readonly source: string;
  readonly columns: readonly CsvColumn[];
  readonly sourceRoots: readonly string[];
  /** Where the checked copy goes. */
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
}

/** Reads a CSV file once, checks every row, and writes a copy of known form; see `Lake.stageCsv`. */
export async function stageCsv(o: StageOptions): Promise<StagedCsv> {
  const path = await locate(o.source, o.sourceRoots);
  const csv = join(o.scratch, `${randomUUID()}.csv`);
  try {
    const rows = await copyChecked(path, csv, o);
    return { view: { csv, columns: o.columns }, rows, close: () => rm(csv, { force: true }) };
  } catch (error) {
    await rm(csv, { force: true });
    throw isDiskFull(error) ? diskFull("a checked copy of the source", error) : error;
  }
}

async function copyChecked(path: string, target: string, o: StageOptions): Promise<number> {
  const out = await open(target, "wx");
  try {
    const bad = new BadRows(o.source);
    let order: readonly number[] | undefined;
    let rows = 0;
    let buffer: string[] = [];
    for await (const { line, text } of records(path, o.signal)) {
      const fields = splitRecord(text);
      if (!order) {
        order = headerOrder(o, fields ?? []);
        continue;
      }
      rows++;
      const checked = checkRow(bad, line, text, fields, order, o.columns);
      if (!checked || bad.count > 0) continue;
      buffer.push(checked);
      if (buffer.length >= 10_000) buffer = await flush(out, buffer);
    }
    if (!order || rows === 0) {
      throw new LakeError(
        "SOURCE_EMPTY",
        `The source ${o.source} ${order ? "holds a header but no rows" : "is empty"}.`,
        { field: "source" },
      );
    }
    bad.throwIfAny();
    await flush(out, buffer);
    return rows;
  } finally {
    await out.close();
  }
}

async function flush(out: FileHandle, lines: readonly string[]): Promise<string[]> {
  if (lines.length > 0) await out.writeFile(`${lines.join("\n")}\n`);
  return [];
}

/** Keeps the first bad row and counts the others. */
class BadRows {
  readonly #source: string;
  #first: string | undefined;
  count = 0;

  constructor(source: string) {
    this.#source = source;
  }

  add(line: number, what: string): undefined {
    this.count++;
    this.#first ??= `${this.#source}, line ${line}: ${what}`;
    return undefined;
  }

  throwIfAny(): void {
    if (this.#first === undefined) return;
    const all = this.count === 1 ? "It is the only bad row." : `${this.count} rows are bad in all.`;
    throw new LakeError("BAD_ROW", `${this.#first} ${all} Nothing was written.`, {
      field: "source",
      hint: "Mend the file (or have its maker mend it), then load it again.",
    });
  }
}

function checkRow(
  bad: BadRows,
  line: number,
  text: string,
  fields: readonly string[] | undefined,
  order: readonly number[],
  columns: readonly CsvColumn[],
): string | undefined {
  if (!fields)
    return bad.add(line, `the row ${shown(text)} holds a quote that does not enclose a whole field, or is not closed.`);
  if (fields.length !== order.length)
    return bad.add(line, `the row ${shown(text)} has ${fields.length} columns, ${order.length} were expected.`);
  const values: string[] = [];
  for (const [i, column] of columns.entries()) {
    const field = fields[order[i]!]!;
    const checked = checkValue(field, column);
    if ("expected" in checked)
      return bad.add(line, `column ${column.name} holds ${shown(field)}, expected ${checked.expected}.`);
    // Quotes tell a text from the empty field, which is null.
    values.push(
      checked.value === null
        ? ""
        : column.type === "string"
          ? `"${checked.value.replaceAll('"', '""')}"`
          : checked.value,
    );
  }
  return values.join(",");
}

const shown = (text: string) => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** Where each column stands in the file's rows. */
function headerOrder(o: StageOptions, header: readonly string[]): number[] {
  const names = o.columns.map((c) => c.name);
  const missing = names.filter((n) => !header.includes(n));
  const unknown = header.filter((n) => !names.includes(n));
  const twice = header.filter((n, i) => header.indexOf(n) !== i);
  if (missing.length + unknown.length + twice.length > 0) {
    const say = (what: string, list: readonly string[]) =>
      list.length > 0 ? [`${what} ${list.map((n) => JSON.stringify(n)).join(", ")}`] : [];
    const problems = [...say("missing", missing), ...say("unknown", unknown), ...say("twice", twice)].join("; ");
    throw new LakeError(
      "SOURCE_HEADER",
      `The header (line 1) of ${o.source} does not have the columns ${names.join(", ")}: ${problems}.`,
      { field: "source" },
    );
  }
  return names.map((n) => header.indexOf(n));
}

/** The records of a file with the line each starts on (the header is line 1). A quoted field may span lines. */
async function* records(path: string, signal: AbortSignal | undefined): AsyncGenerator<{ line: number; text: string }> {
  let rest = "";
  let pending: { line: number; text: string } | undefined;
  let line = 0;
  const take = (physical: string) => {
    line++;
    const text = physical.endsWith("\r") ? physical.slice(0, -1) : physical;
    const record = pending
      ? { line: pending.line, text: `${pending.text}\n${text}` }
      : { line, text: line === 1 ? text.replace(/^\uFEFF/, "") : text };
    const open =
      record.text.includes('"') && record.text.split('"').length % 2 === 0 && record.text.length < LONGEST_RECORD;
    pending = open ? record : undefined;
    return open ? undefined : record;
  };
  const stream = createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  for await (const chunk of stream) {
    const lines = `${rest}${String(chunk)}`.split("\n");
    rest = lines.pop() ?? "";
    for (const physical of lines) {
      const record = take(physical);
      if (record) yield record;
    }
  }
  if (rest !== "") {
    const record = take(rest);
    if (record) yield record;
  }
  if (pending) yield pending;
}

/** The fields of a record (RFC 4180), or undefined when its quotes are not in order. */
export function splitRecord(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(",");
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  while (field.lastIndex <= text.length) {
    const match = field.exec(text);
    if (!match) return undefined;
    fields.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === "") return fields;
  }
  return fields;
}

/** The real path of a source, if it is a file inside the roots. */
async function locate(source: string, roots: readonly string[]): Promise<string> {
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => resolve(root))));
  const inside = (path: string, folders: readonly string[]) =>
    folders.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
  const outside = () =>
    new LakeError(
      "SOURCE_OUTSIDE_ROOTS",
      `The source ${source} is outside of the folders sources may come from (${roots.join(", ") || "none"}).`,
      { field: "source" },
    );
  let path: string;
  try {
    path = await realpath(source);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) {
      if (!inside(resolve(source), [...realRoots, ...roots.map((r) => resolve(r))])) throw outside();
      throw new LakeError("SOURCE_NOT_FOUND", `The source ${source} does not exist.`, { field: "source" });
    }
    throw error;
  }
  if (!inside(path, realRoots)) throw outside();
  const info = await stat(path);
  if (info.isDirectory())
    throw new LakeError("SOURCE_IS_DIRECTORY", `The source ${source} is a directory, a CSV file was expected.`, {
      field: "source",
    });
  if (info.size === 0) throw new LakeError("SOURCE_EMPTY", `The source ${source} is empty.`, { field: "source" });
  return path;
}
