import { readdir, stat } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { type BrokenDagFileError, MissingDagFileError } from "./errors.ts";

/** The DAG files under some paths. */
export interface FoundFiles {
  /** Absolute, each once, in the order of the paths. */
  readonly files: readonly string[];
  /** Those that were named themselves: each must export a DAG. */
  readonly named: ReadonlySet<string>;
  /** Folders in which a DAG file may appear, or the folder of a file that was named. */
  readonly folders: readonly string[];
  /** Paths under which there is nothing. */
  readonly missing: readonly BrokenDagFileError[];
}

const SOURCES = new Set([".ts", ".mts", ".js", ".mjs"]);
const isDagFile = (name: string) =>
  SOURCES.has(extname(name)) && !/\.(test|d)\.m?ts$/.test(name) && !name.startsWith(".");
/** Hidden folders are tools' own, ours (`.dagwright`) among them. */
const isDagFolder = (name: string) => !name.startsWith(".") && name !== "node_modules";

/**
 * Files and folders, the latter with all they hold, tests and hidden files aside.
 *
 * @param cacheFolder Is passed over: what is compiled from DAG files is none, wherever the state folder lies.
 */
export async function findDagFiles(paths: readonly string[], cacheFolder: string): Promise<FoundFiles> {
  const files = new Set<string>();
  const named = new Set<string>();
  const folders = new Set<string>();
  const missing: BrokenDagFileError[] = [];
  for (const path of paths.map((one) => resolve(one))) {
    const info = await stat(path).catch(() => null);
    if (info?.isDirectory()) {
      const under = await walk(path, resolve(cacheFolder));
      for (const file of under.files.sort()) files.add(file);
      for (const folder of under.folders) folders.add(folder);
      continue;
    }
    folders.add(dirname(path));
    if (info === null) missing.push(new MissingDagFileError(path));
    else {
      files.add(path);
      named.add(path);
    }
  }
  return { files: [...files], named, folders: [...folders], missing };
}

async function walk(folder: string, except: string): Promise<{ files: string[]; folders: string[] }> {
  // A folder may go while it is read.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && isDagFile(entry.name));
  const inner = entries
    .filter((entry) => entry.isDirectory() && isDagFolder(entry.name))
    .map(({ name }) => join(folder, name))
    .filter((one) => one !== except);
  const below = await Promise.all(inner.map((one) => walk(one, except)));
  return {
    files: [...files.map(({ name }) => join(folder, name)), ...below.flatMap((one) => one.files)],
    folders: [folder, ...below.flatMap((one) => one.folders)],
  };
}
