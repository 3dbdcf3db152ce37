import { mkdir, open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { LakeError } from "./errors.ts";
import { FileStore } from "./file-store.ts";
import type { ObjectStore, S3Options } from "./object-store.ts";

export type SourceFormat = "csv" | "jsonl" | "parquet" | "delta";

/** What to read: files of one format, sorted by name, or one Delta table. */
export type Located =
  | { readonly format: Exclude<SourceFormat, "delta">; readonly files: readonly SourceFile[] }
  | { readonly format: "delta"; readonly store: ObjectStore; readonly table: string };

/** One file of this machine. */
export interface SourceFile {
  /** As people know it. */
  readonly name: string;
  /** The real path. */
  readonly path: string;
}

/** How sources are found. */
export interface SourceRoots {
  /** Folders and `s3://bucket/prefix`. */
  readonly roots: readonly string[];
  readonly s3: S3Options;
  /** Where objects of a bucket are copied to. */
  readonly scratch: string;
}

const WILD = /[*?[{]/;
const ENDINGS: readonly (readonly [RegExp, SourceFormat])[] = [
  [/\.(csv|tsv|txt)(\.gz|\.zst)?$/i, "csv"],
  [/\.(jsonl|ndjson|json)(\.gz|\.zst)?$/i, "jsonl"],
  [/\.parquet$/i, "parquet"],
];

/**
 * Finds the files of a source: a file, a pattern (`*`, `**`, `?`, `[a-z]`, `{a,b}`), or a folder, which stands for all
 * files of the format below it, and for a Delta table where it holds a log.
 * @throws LakeError SOURCE_OUTSIDE_ROOTS, SOURCE_NOT_FOUND, SOURCE_IS_DIRECTORY, SOURCE_EMPTY, SOURCE_FORMAT
 */
export async function locate(source: string, format: SourceFormat | undefined, o: SourceRoots): Promise<Located> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source)?.[1];
  if (source.includes("\0") || (scheme !== undefined && scheme !== "s3")) {
    const what = scheme === undefined ? "holds a NUL character" : `is of the scheme ${scheme}`;
    throw new LakeError(
      "SOURCE_NOT_FOUND",
      `The source ${JSON.stringify(source)} ${what}; a path or s3://bucket/key was expected.`,
      { field: "source" },
    );
  }
  return scheme === "s3" ? await locateObjects(source, format, o) : await locateFiles(source, format, o.roots);
}

/** The format that a name's ending tells. */
function formatOf(name: string): SourceFormat | undefined {
  return ENDINGS.find(([ending]) => ending.test(name))?.[1];
}

function chosen(
  source: string,
  format: SourceFormat | undefined,
  names: readonly string[],
): Exclude<SourceFormat, "delta"> {
  const found = format ?? formatOf(names[0] ?? source);
  if (found === "delta") throw noTable(source);
  if (found) return found;
  throw new LakeError("SOURCE_FORMAT", `The format of the source ${source} cannot be told from its name.`, {
    field: "format",
    hint: "Name it: csv, jsonl, parquet or delta.",
  });
}

async function locateFiles(source: string, format: SourceFormat | undefined, all: readonly string[]): Promise<Located> {
  const roots = all.filter((root) => !root.startsWith("s3://"));
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => resolve(root))));
  const inside = (path: string, folders: readonly string[]) =>
    folders.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
  const outside = (path: string) =>
    new LakeError(
      "SOURCE_OUTSIDE_ROOTS",
      `The source ${source} ${WILD.test(source) ? `reaches ${path}, which ` : ""}is outside of the folders sources may come from (${all.join(", ") || "none"}).`,
      { field: "source" },
    );
  const notFound = (what = "does not exist") =>
    new LakeError("SOURCE_NOT_FOUND", `The source ${source} ${what}.`, { field: "source" });
  const real = async (path: string): Promise<string> => {
    try {
      const found = await realpath(path);
      if (inside(found, realRoots)) return found;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")))
        throw error;
      if (inside(resolve(path), [...realRoots, ...roots.map((r) => resolve(r))])) throw notFound();
    }
    throw outside(path);
  };

  if (WILD.test(source)) {
    const segments = source.split("/");
    const first = segments.findIndex((s) => WILD.test(s));
    const base = segments.slice(0, first).join("/") || (source.startsWith("/") ? "/" : ".");
    const pattern = globPattern(segments.slice(first).join("/"));
    const folder = await real(base);
    const names = (await namesBelow(folder)).filter((name) => pattern.test(name) && !isBookkeeping(name));
    if (names.length === 0) throw notFound("matches no file");
    const found = chosen(source, format, names);
    const files = await Promise.all(
      names.map(async (name) => ({ name: join(base, name), path: await real(join(folder, name)) })),
    );
    return { format: found, files };
  }
  const path = await real(source);
  const info = await stat(path);
  if (!info.isDirectory()) {
    if (info.size === 0) throw new LakeError("SOURCE_EMPTY", `The source ${source} is empty.`, { field: "source" });
    return { format: chosen(source, format, []), files: [{ name: source, path }] };
  }
  const names = await namesBelow(path);
  const isTable = names.some((name) => name.startsWith("_delta_log/"));
  if (format === "delta" && !isTable) throw noTable(source);
  if (isTable && (format === undefined || format === "delta")) {
    return { format: "delta", store: new FileStore(dirname(path)), table: basename(path) };
  }
  const data = names.filter(isData(format));
  if (data.length === 0) {
    throw new LakeError(
      "SOURCE_IS_DIRECTORY",
      `The source ${source} is a directory without ${format ?? "CSV, JSON or Parquet"} files in it; a file, a pattern or a folder of files was expected.`,
      { field: "source" },
    );
  }
  const found = chosen(source, format, data);
  const files = await Promise.all(
    data.map(async (name) => ({ name: join(source, name), path: await real(join(path, name)) })),
  );
  return { format: found, files };
}

/** Names that begin with `_` or `.` are other programs' own. */
function isBookkeeping(name: string): boolean {
  return name.split("/").some((part) => /^[_.]/.test(part));
}

/** Names of a folder's files that are data of the format. */
function isData(format: SourceFormat | undefined): (name: string) => boolean {
  return (name) =>
    !isBookkeeping(name) &&
    (format === undefined ? formatOf(name) !== undefined : (formatOf(name) ?? format) === format);
}

async function namesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((e) => !e.isDirectory())
    .map((e) => join(e.parentPath, e.name).slice(folder.endsWith(sep) ? folder.length : folder.length + 1))
    .map((name) => name.split(sep).join("/"))
    .sort();
}

async function locateObjects(source: string, format: SourceFormat | undefined, o: SourceRoots): Promise<Located> {
  const { parseS3, S3Store } = await import("./s3-store.ts");
  const root = o.roots
    .filter((r) => r.startsWith("s3://"))
    .map((r) => r.replace(/\/+$/, ""))
    .find((r) => source === r || source.startsWith(`${r}/`));
  if (root === undefined || source.split("/").some((part) => part === ".." || part === ".")) {
    throw new LakeError(
      "SOURCE_OUTSIDE_ROOTS",
      `The source ${source} is outside of the places sources may come from (${o.roots.join(", ") || "none"}).`,
      { field: "source" },
    );
  }
  parseS3(root);
  const store = new S3Store(root, o.s3);
  try {
    const rest = source.slice(root.length + 1).replace(/\/+$/, "");
    const segments = rest.split("/");
    const wild = segments.findIndex((s) => WILD.test(s));
    if (wild >= 0) {
      const base = segments.slice(0, wild).join("/");
      const pattern = globPattern(rest);
      const keys = (await store.keys(base === "" ? "" : `${base}/`)).filter(
        (key) => pattern.test(key) && !isBookkeeping(key),
      );
      return await copied(source, store, keys, chosen(source, format, keys), o.scratch);
    }
    const below = await store.keys(rest === "" ? "" : `${rest}/`);
    const inside = (key: string) => key.slice(rest === "" ? 0 : rest.length + 1);
    const isTable = below.some((key) => inside(key).startsWith("_delta_log/"));
    if (format === "delta" && !isTable) throw noTable(source);
    if (isTable && (format === undefined || format === "delta")) {
      const at = source.replace(/\/+$/, "");
      return { format: "delta", store: new S3Store(dirname(at), o.s3), table: basename(at) };
    }
    const keys = below.length > 0 ? below.filter((key) => isData(format)(inside(key))) : [rest];
    return await copied(source, store, keys, chosen(source, format, keys), o.scratch);
  } finally {
    store.close();
  }
}

async function copied(
  source: string,
  store: ObjectStore,
  keys: readonly string[],
  format: Exclude<SourceFormat, "delta">,
  scratch: string,
): Promise<Located> {
  if (keys.length === 0) throw nothingThere(source);
  const local = new FileStore(scratch);
  const files: SourceFile[] = [];
  for (const key of keys) {
    const path = local.localPath(key);
    await mkdir(dirname(path), { recursive: true });
    if (!(await store.copyTo(key, path))) throw nothingThere(source);
    files.push({ name: `${store.root}/${key}`, path });
  }
  return { format, files };
}

function noTable(source: string): LakeError {
  return new LakeError("SOURCE_FORMAT", `The source ${source} is no folder of a Delta table: it has no _delta_log.`, {
    field: "format",
  });
}

function nothingThere(source: string): LakeError {
  return new LakeError("SOURCE_NOT_FOUND", `There is nothing at ${source}.`, { field: "source" });
}

/** A pattern of a shell as one of JavaScript. */
function globPattern(glob: string): RegExp {
  let text = "";
  let braces = 0;
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i]!;
    if (c === "*" && glob[i + 1] === "*") {
      // `**/` also stands for no folder at all.
      text += glob[i + 2] === "/" ? "(?:.*/)?" : ".*";
      i += glob[i + 2] === "/" ? 2 : 1;
    } else if (c === "*") text += "[^/]*";
    else if (c === "?") text += "[^/]";
    else if (c === "[" && glob.indexOf("]", i + 2) > 0) {
      const end = glob.indexOf("]", i + 2);
      const inner = glob
        .slice(i + 1, end)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")
        .replaceAll("[", "\\[");
      text += `[${inner}]`;
      i = end;
    } else if (c === "{") {
      text += "(?:";
      braces++;
    } else if (c === "}" && braces > 0) {
      text += ")";
      braces--;
    } else if (c === "," && braces > 0) text += "|";
    else text += c.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  }
  return new RegExp(`^${text}${")".repeat(braces)}$`);
}

/** The first bytes of a file. */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
