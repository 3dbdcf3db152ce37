import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CsvDialect, SourceColumn } from "./api.ts";
import { BadRows, shown } from "./bad-rows.ts";
import { LakeError } from "./errors.ts";
import { quoteIdentifier, quoteLiteral } from "./names.ts";
import { isGzip, isZstd, physicalLines, unpackedBytes } from "./source-bytes.ts";
import { firstBytes, type SourceFile } from "./source-files.ts";
import { checkedSql, checkValue } from "./source-values.ts";

/** A quoted field longer than this many characters is taken for a quote that was never closed. */
const LONGEST_RECORD = 1_000_000;

/** A dialect with everything decided. */
interface Dialect {
  readonly delimiter: string;
  /** Empty: quotes mean nothing. */
  readonly quote: string;
  readonly header: boolean;
  readonly encoding: string | undefined;
  readonly nullText: string;
}

function dialectOf(o: CsvDialect = {}, fileName: string): Dialect {
  const {
    delimiter = /\.tsv(\.(gz|zst))?$/i.test(fileName) ? "\t" : ",",
    quote = '"',
    header = true,
    encoding,
    nullText = "",
  } = o;
  const refuse = (field: string, expected: string) => {
    throw new LakeError(
      "SOURCE_DIALECT",
      `csv.${field} ${JSON.stringify(o[field as keyof CsvDialect])}: ${expected}.`,
      {
        field: `csv.${field}`,
      },
    );
  };
  if (!/^[^\r\n"\p{L}\p{N}]$/u.test(delimiter))
    refuse("delimiter", "one character that is no letter, digit, quote or line break was expected");
  if (!/^[^\r\n]?$/u.test(quote) || quote === delimiter)
    refuse("quote", "one character other than the delimiter, or none, was expected");
  if (encoding !== undefined) {
    try {
      new TextDecoder(encoding);
    } catch {
      refuse("encoding", "a name of an encoding was expected, such as utf-8, windows-1252 or utf-16le");
    }
  }
  return { delimiter, quote, header, encoding, nullText };
}

/** A file as DuckDB reads it. */
interface Prepared extends SourceFile {
  /** The file, or its copy in UTF-8. */
  readonly readable: string;
  readonly compression: "gzip" | "zstd" | "none";
  readonly dialect: Dialect;
}

/** CSV files, ready to be read. */
export interface CsvSource {
  /** Paths that the reader must be allowed to read. */
  readonly paths: readonly string[];
  /** SQL of all rows, typed and checked: it fails on the first row that is wrong. */
  readonly sql: string;
  /** Finds that row and says what is wrong with it. */
  diagnose(signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Prepares CSV files: finds encodings and compression, reads and checks headers.
 * @param scratch where copies go of files that are not UTF-8
 */
export async function csvSource(
  files: readonly SourceFile[],
  columns: readonly SourceColumn[],
  csv: CsvDialect | undefined,
  scratch: string,
): Promise<CsvSource> {
  const prepared: Prepared[] = [];
  // Files whose columns stand in the same order are read together.
  const groups = new Map<string, { names: readonly string[]; first: Prepared; files: Prepared[] }>();
  for (const file of files) {
    const ready = await prepare(file, dialectOf(csv, file.name), scratch);
    prepared.push(ready);
    const names = ready.dialect.header ? await headerOf(ready, columns) : columns.map((c) => c.name);
    if (names.length === 0) continue;
    const key = JSON.stringify([names, ready.compression, ready.dialect.delimiter]);
    const group = groups.get(key);
    if (group) group.files.push(ready);
    else groups.set(key, { names, first: ready, files: [ready] });
  }
  const checked = columns.map((c) => ({ column: c, ...checkedSql(quoteIdentifier(c.name), c) }));
  const values = checked.map(
    ({ column, value, valid }) =>
      `CASE WHEN ${valid} THEN ${value} ELSE error('bad row') END AS ${quoteIdentifier(column.name)}`,
  );
  const reads = [...groups.values()].map(({ names, first, files: group }) => {
    const { delimiter, quote, header, nullText } = first.dialect;
    const paths = group.map((f) => quoteLiteral(f.readable)).join(", ");
    const types = names.map((name) => `${quoteLiteral(name)}: 'VARCHAR'`).join(", ");
    const nulls = [...new Set(["", nullText])].map(quoteLiteral).join(", ");
    const options = [
      `columns = {${types}}`,
      "auto_detect = false",
      `header = ${header}`,
      `delim = ${quoteLiteral(delimiter)}`,
      `quote = ${quoteLiteral(quote)}`,
      `escape = ${quoteLiteral(quote)}`,
      `nullstr = [${nulls}]`,
      "strict_mode = true",
      "max_line_size = 16777216",
      "buffer_size = 33554432",
      `compression = '${first.compression}'`,
    ];
    return `SELECT ${values.join(", ")} FROM read_csv([${paths}], ${options.join(", ")})`;
  });
  const empty = columns.map((c) => `NULL AS ${quoteIdentifier(c.name)}`).join(", ");
  return {
    paths: prepared.map((f) => f.readable),
    sql: reads.length > 0 ? reads.join(" UNION ALL ") : `SELECT ${empty} WHERE false`,
    diagnose: (signal) => diagnose(prepared, columns, signal),
  };
}

async function prepare(file: SourceFile, dialect: Dialect, scratch: string): Promise<Prepared> {
  const start = await firstBytes(file.path, 4);
  const gzip = isGzip(start);
  const zstd = isZstd(start);
  const compression = gzip ? "gzip" : zstd ? "zstd" : "none";
  const found = markedEncoding(gzip ? await firstUnpacked(file) : start) ?? dialect.encoding;
  const name = new TextDecoder(found ?? "utf-8").encoding;
  if (name === "utf-8") return { ...file, dialect, readable: file.path, compression };
  if (zstd) {
    throw new LakeError("SOURCE_DIALECT", `${file.name} is packed with zstd; only UTF-8 is read from such files.`, {
      field: "csv.encoding",
    });
  }
  const readable = join(scratch, `${randomUUID()}.csv`);
  const decoder = new TextDecoder(name, { fatal: true });
  async function* decoded() {
    try {
      for await (const chunk of unpackedBytes(file, gzip)) yield decoder.decode(chunk, { stream: true });
      yield decoder.decode();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new LakeError("SOURCE_DIALECT", `${file.name} is no text in ${name}.`, { field: "csv.encoding" });
    }
  }
  await pipeline(Readable.from(decoded()), createWriteStream(readable));
  return { ...file, dialect, readable, compression: "none" };
}

/** The encoding that a byte order mark says. */
function markedEncoding(start: Uint8Array): string | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return "utf-16le";
  return start[0] === 0xfe && start[1] === 0xff ? "utf-16be" : undefined;
}

async function firstUnpacked(file: SourceFile): Promise<Uint8Array> {
  for await (const chunk of unpackedBytes(file, true)) if (chunk.length > 1) return chunk;
  return new Uint8Array();
}

/** The names in a file's header, checked against the columns; none for an empty file. */
async function headerOf(file: Prepared, columns: readonly SourceColumn[]): Promise<string[]> {
  // What zstd packs, Node 20 does not unpack: the header then has the columns in their order.
  if (file.compression === "zstd") return columns.map((c) => c.name);
  for await (const { text } of records(file, undefined)) {
    const header = splitRecord(text, file.dialect) ?? [];
    checkHeader(file.name, header, columns);
    return header;
  }
  return [];
}

function checkHeader(source: string, header: readonly string[], columns: readonly SourceColumn[]): void {
  const names = columns.map((c) => c.name);
  const missing = names.filter((n) => !header.includes(n));
  const unknown = header.filter((n) => !names.includes(n));
  const twice = header.filter((n, i) => header.indexOf(n) !== i);
  if (missing.length + unknown.length + twice.length === 0) return;
  const say = (what: string, list: readonly string[]) =>
    list.length > 0 ? [`${what} ${list.map((n) => JSON.stringify(n)).join(", ")}`] : [];
  const problems = [...say("missing", missing), ...say("unknown", unknown), ...say("twice", twice)].join("; ");
  throw new LakeError(
    "SOURCE_HEADER",
    `The header (line 1) of ${source} does not have the columns ${names.join(", ")}: ${problems}.`,
    { field: "source" },
  );
}

/** Reads rows once more, slowly, and names the first bad one and how many come with it. */
async function diagnose(
  files: readonly Prepared[],
  columns: readonly SourceColumn[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const bad = new BadRows();
  let mixed: LakeError | undefined;
  for (const file of files) {
    if (file.compression === "zstd") continue;
    const { dialect } = file;
    let ending: string | undefined;
    let order = dialect.header ? undefined : columns.map((_, i) => i);
    for await (const { line, text, end } of records(file, signal)) {
      bad.goOn();
      ending ??= end;
      if (end !== undefined && end !== ending) mixed ??= mixedEndings(file.name, line, end, ending);
      const fields = splitRecord(text, dialect);
      if (!order) {
        order = columns.map((c) => (fields ?? []).indexOf(c.name));
        continue;
      }
      const what = wrongWith(text, fields, order, columns, dialect);
      if (what !== undefined) bad.add(file.name, line, what);
    }
  }
  bad.throwIfAny();
  if (mixed) throw mixed;
}

/** DuckDB takes one kind of line end a file; rows that are right in themselves fail by the other. */
function mixedEndings(file: string, line: number, end: string, before: string | undefined): LakeError {
  const [here, there] = [end, before].map((one) => JSON.stringify(one));
  return new LakeError(
    "SOURCE_DIALECT",
    `${file}, line ${line}: the row ends with ${here}, those before it with ${there}. Nothing was written.`,
    { field: "source", hint: "Write all line ends of the file in one way." },
  );
}

function wrongWith(
  text: string,
  fields: readonly string[] | undefined,
  order: readonly number[],
  columns: readonly SourceColumn[],
  { nullText, quote }: Dialect,
): string | undefined {
  if (text.includes("\r") && (quote === "" || !text.includes(quote)))
    return `the row ${shown(text)} holds a carriage return outside of quotes.`;
  if (!fields) return `the row ${shown(text)} holds a quote that does not enclose a whole field, or is not closed.`;
  if (fields.length !== order.length)
    return `the row ${shown(text)} has ${fields.length} columns, ${order.length} were expected.`;
  for (const [i, column] of columns.entries()) {
    const field = fields[order[i]!]!;
    const checked = checkValue(field === nullText ? "" : field, column);
    if ("expected" in checked) return `column ${column.name} holds ${shown(field)}, expected ${checked.expected}.`;
  }
  return undefined;
}

/** One record, the line it starts on (the header is line 1), and what ends it where the file does not. */
interface CsvRecord {
  readonly line: number;
  readonly text: string;
  readonly end: "\n" | "\r\n" | undefined;
}

/** The records of a file. A quoted field may span lines. */
async function* records(file: Prepared, signal: AbortSignal | undefined): AsyncGenerator<CsvRecord> {
  const { quote } = file.dialect;
  let pending: CsvRecord | undefined;
  let line = 0;
  const take = (physical: string, isEnded: boolean) => {
    line++;
    const isCrLf = physical.endsWith("\r");
    const text = isCrLf ? physical.slice(0, -1) : physical;
    const end: CsvRecord["end"] = isEnded ? (isCrLf ? "\r\n" : "\n") : undefined;
    const record: CsvRecord = pending
      ? { line: pending.line, text: `${pending.text}\n${text}`, end }
      : { line, text: line === 1 ? text.replace(/^\uFEFF/, "") : text, end };
    // Blank lines are no rows.
    if (!pending && record.text === "") return undefined;
    const isOpen =
      quote !== "" &&
      record.text.includes(quote) &&
      record.text.split(quote).length % 2 === 0 &&
      record.text.length < LONGEST_RECORD;
    pending = isOpen ? record : undefined;
    return isOpen ? undefined : record;
  };
  for await (const physical of physicalLines(
    unpackedBytes({ path: file.readable, name: file.name }, file.compression === "gzip", signal),
  )) {
    const record = take(physical.text, physical.isEnded);
    if (record) yield record;
  }
  if (pending) yield pending;
}

/** The fields of a record (RFC 4180), or undefined when its quotes are not in order. */
function splitRecord(text: string, { delimiter, quote }: Dialect): string[] | undefined {
  if (quote === "" || !text.includes(quote)) return text.split(delimiter);
  const fields: string[] = [];
  for (let at = 0; ; ) {
    if (text[at] !== quote) {
      const end = text.indexOf(delimiter, at);
      fields.push(end < 0 ? text.slice(at) : text.slice(at, end));
      if (end < 0) return fields;
      at = end + 1;
      continue;
    }
    let field = "";
    let from = at + 1;
    for (;;) {
      const end = text.indexOf(quote, from);
      if (end < 0) return undefined;
      field += text.slice(from, end);
      from = end + 1;
      if (text[from] !== quote) break;
      field += quote;
      from++;
    }
    fields.push(field);
    if (from === text.length) return fields;
    if (text[from] !== delimiter) return undefined;
    at = from + 1;
  }
}
